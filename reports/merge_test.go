package reports_test

import (
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/reports"
)

// shard is part i of n of a run: the first is red, the second has the pass of a
// property that is vacuous in the first.
func shard(t *testing.T, i, n int, change func(m *reports.Meta)) *reports.Run {
	t.Helper()
	m := meta()
	m.Command = "explore --seed 7 --shard " + string(rune('0'+i)) + "/2 --out x"
	m.Shard = &reports.Shard{I: i, N: n}
	m.Content = reports.Content{Scenarios: map[string]string{"order": "d1"}, Plans: "p1", Settings: map[string]string{"scale": "1"}}
	if change != nil {
		change(&m)
	}
	c := reports.New(m)
	h := lostAnswer(t)
	if i == 1 {
		c.Add(reports.CellInfo{History: "histories/c2.history.jsonl"}, h, []checkers.Verdict{duplicate(t, h), vacuous("lost-compensation"), pass("breaker-violation", 1)})
	} else {
		c.Add(reports.CellInfo{ID: "c3"}, h, []checkers.Verdict{pass("duplicate-effect", 2), pass("lost-compensation", 5)})
	}
	r := c.Finish()
	r.Coverage = &reports.Coverage{
		Depth:  1,
		Points: []reports.PointCount{reports.NewPointCount("order", "response", "lose", []string{"charge#1", "ship#1"}[i-1:i], []string{"charge#1", "ship#1", "pay#1"}[i:])},
		Plans:  []reports.PlanCount{{Scenario: "order", Raw: 10, Pruned: 4, Run: 3, NotRun: 3}},
		Rules:  []reports.RuleCount{{Rule: "same bytes", Plans: 4}},
		NotRun: []reports.NotRun{{Reason: reports.OtherShard, Plans: 3}},
	}
	return r
}

func TestMerge(t *testing.T) {
	first, second := shard(t, 1, 2, nil), shard(t, 2, 2, nil)
	if err := first.Save(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	loaded, err := reports.LoadRun(first.Dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := reports.Merge([]*reports.Run{second, loaded})
	if err != nil {
		t.Fatal(err)
	}
	if m.Summary.Exit != 1 || len(m.Summary.Reasons) != 1 || m.Totals.Cells != 2 || m.Command != "explore --seed 7" {
		t.Errorf("got %+v %+v %q", m.Summary, m.Totals, m.Command)
	}
	if p := m.Properties[1]; p.Verdict != checkers.Pass || p.AtRisk != 5 || p.Cells != 2 {
		t.Errorf("lost-compensation: %+v", p)
	}
	if f := m.Failures[0]; f.Replay == nil || !strings.HasPrefix(f.History, first.Dir) {
		t.Errorf("failure: %+v", f)
	}
	point := m.Coverage.Points[0]
	if point.Hit != 2 || point.Reachable != 3 || point.Missed[0] != "pay#1" {
		t.Errorf("points: %+v", point)
	}
	if p := m.Coverage.Plans[0]; p.Run != 6 || p.NotRun != 0 || len(m.Coverage.NotRun) != 0 || m.Coverage.Complete() {
		t.Errorf("plans: %+v", m.Coverage)
	}
	if err := m.Save(t.TempDir()); err != nil {
		t.Fatal(err)
	}
}

// What matters is what was run, not how the command was typed.
func TestMergeTakesOtherWords(t *testing.T) {
	second := shard(t, 2, 2, func(m *reports.Meta) { m.Command = "explore --shard=2/2 --seed=7" })
	if _, err := reports.Merge([]*reports.Run{shard(t, 1, 2, nil), second}); err != nil {
		t.Error(err)
	}
}

func TestMergeRefuses(t *testing.T) {
	whole := redRun(t)
	for name, tc := range map[string]struct {
		runs []*reports.Run
		want string
	}{
		"nothing":        {nil, "no report to join"},
		"a whole run":    {[]*reports.Run{whole}, "is not a shard"},
		"a missing part": {[]*reports.Run{shard(t, 1, 2, nil)}, "missing: shard 2/2"},
		"a part twice":   {[]*reports.Run{shard(t, 1, 2, nil), shard(t, 1, 2, nil)}, "shard 1/2 is there twice"},
		"another seed":   {[]*reports.Run{shard(t, 1, 2, nil), shard(t, 2, 2, func(m *reports.Meta) { m.Seed = 8 })}, `the seed is "8", not "7"`},
		"another version": {
			[]*reports.Run{shard(t, 1, 2, nil), shard(t, 2, 2, func(m *reports.Meta) { m.Tool = "v2" })},
			`the version of sagacheck is "v2", not "v0.1.0"`,
		},
		"another content of a scenario": {
			[]*reports.Run{shard(t, 1, 2, nil), shard(t, 2, 2, func(m *reports.Meta) { m.Content.Scenarios = map[string]string{"order": "d2"} })},
			`the scenario "order" has another content (digest d2, not d1)`,
		},
		"another scenario": {
			[]*reports.Run{shard(t, 1, 2, nil), shard(t, 2, 2, func(m *reports.Meta) { m.Content.Scenarios = map[string]string{"seat": "d2"} })},
			`it lacks the scenario "order"`,
		},
		"other plans": {
			[]*reports.Run{shard(t, 1, 2, nil), shard(t, 2, 2, func(m *reports.Meta) { m.Content.Plans = "p2" })},
			"the list of plans is another one (digest p2, not p1)",
		},
		"another setting": {
			[]*reports.Run{shard(t, 1, 2, nil), shard(t, 2, 2, func(m *reports.Meta) { m.Content.Settings = map[string]string{"scale": "2"} })},
			`scale is "2", not "1"`,
		},
		"another manifest": {
			[]*reports.Run{shard(t, 1, 2, nil), shard(t, 2, 2, func(m *reports.Meta) { m.System.Digest = "m2" })},
			"the manifest of the orchestrator",
		},
		"another division": {[]*reports.Run{shard(t, 1, 2, nil), shard(t, 2, 3, nil)}, "number of shards"},
		"another engine": {
			[]*reports.Run{shard(t, 1, 2, nil), shard(t, 2, 2, func(m *reports.Meta) { m.Orchestrator.Name = "other" })},
			"the orchestrator is",
		},
		"another profile":     {[]*reports.Run{shard(t, 1, 2, nil), shard(t, 2, 2, func(m *reports.Meta) { m.Profile = "keyed" })}, "profile"},
		"other properties":    {[]*reports.Run{shard(t, 1, 2, nil), shard(t, 2, 2, func(m *reports.Meta) { m.Properties = docs[:3] })}, "the list of properties"},
		"a comparison inside": {[]*reports.Run{compared(t)}, "can't be joined"},
	} {
		if _, err := reports.Merge(tc.runs); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
	}
}

func compared(t *testing.T) *reports.Run {
	r := shard(t, 1, 2, nil)
	r.Comparison = &reports.Comparison{}
	return r
}
