package results_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

// shard is part i of n of a run: the first is red, the second has the pass of a
// property that is vacuous in the first.
func shard(t *testing.T, i, n int, change func(m *results.Meta)) *results.Run {
	t.Helper()
	m := samples.Meta()
	m.Command = "explore --seed 7 --shard " + string(rune('0'+i)) + "/2 --out x"
	m.Shard = &results.Shard{I: i, N: n}
	m.Content = results.Content{Scenarios: map[string]string{"order": "d1"}, Plans: "p1", Settings: map[string]string{"scale": "1"}}
	if change != nil {
		change(&m)
	}
	c := results.New(m)
	h := samples.LostAnswer()
	if i == 1 {
		c.Add(results.CellInfo{History: "histories/c2.history.jsonl"}, h, []checkers.Verdict{samples.Duplicate(h), samples.Vacuous("lost-compensation"), samples.Pass("breaker-violation", 1)})
	} else {
		c.Add(results.CellInfo{ID: "c3"}, h, []checkers.Verdict{samples.Pass("duplicate-effect", 2), samples.Pass("lost-compensation", 5)})
	}
	r := c.Finish()
	r.Coverage = &results.Coverage{
		Depth:  1,
		Points: []results.PointCount{results.NewPointCount("order", "response", "lose", []string{"charge#1", "ship#1"}[i-1:i], []string{"charge#1", "ship#1", "pay#1"}[i:])},
		Plans:  []results.PlanCount{{Scenario: "order", Raw: 10, Pruned: 4, Run: 3, NotRun: 3}},
		Rules:  []results.RuleCount{{Rule: "same bytes", Plans: 4}},
		NotRun: []results.NotRun{{Reason: results.OtherShard, Plans: 3}},
	}
	return r
}

func TestMerge(t *testing.T) {
	first, second := shard(t, 1, 2, nil), shard(t, 2, 2, nil)
	dir := t.TempDir()
	store(t, first, dir)
	loaded, err := results.LoadRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := results.Merge([]*results.Run{second, loaded})
	if err != nil {
		t.Fatal(err)
	}
	if m.Summary.Exit != 1 || len(m.Summary.Reasons) != 1 || m.Totals.Cells != 2 || m.Command != "explore --seed 7" {
		t.Errorf("got %+v %+v %q", m.Summary, m.Totals, m.Command)
	}
	if p := m.Properties[1]; p.Verdict != checkers.Pass || p.AtRisk != 5 || p.Cells != 2 {
		t.Errorf("lost-compensation: %+v", p)
	}
	if f := m.Failures[0]; f.Replay == nil || !strings.HasPrefix(f.History, dir) {
		t.Errorf("failure: %+v", f)
	}
	point := m.Coverage.Points[0]
	if point.Hit != 2 || point.Reachable != 3 || point.Missed[0] != "pay#1" {
		t.Errorf("points: %+v", point)
	}
	if p := m.Coverage.Plans[0]; p.Run != 6 || p.NotRun != 0 || len(m.Coverage.NotRun) != 0 || m.Coverage.Complete() {
		t.Errorf("plans: %+v", m.Coverage)
	}
}

// What went wrong outside of the cells of a part went wrong with the whole.
func TestMergeKeepsErrors(t *testing.T) {
	first, second := shard(t, 1, 2, nil), shard(t, 2, 2, nil)
	second.Errors = []string{"2 calls came too late"}
	m, err := results.Merge([]*results.Run{first, second})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(m.Errors, second.Errors) || !slices.Contains(m.Summary.Reasons, second.Errors[0]) {
		t.Errorf("errors %q, reasons %q", m.Errors, m.Summary.Reasons)
	}
}

// What matters is what was run, not how the command was typed.
func TestMergeTakesOtherWords(t *testing.T) {
	second := shard(t, 2, 2, func(m *results.Meta) { m.Command = "explore --shard=2/2 --seed=7" })
	if _, err := results.Merge([]*results.Run{shard(t, 1, 2, nil), second}); err != nil {
		t.Error(err)
	}
}

func TestMergeRefuses(t *testing.T) {
	whole := samples.Red()
	for name, tc := range map[string]struct {
		runs []*results.Run
		want string
	}{
		"nothing":        {nil, "no report to join"},
		"a whole run":    {[]*results.Run{whole}, "is not a shard"},
		"a missing part": {[]*results.Run{shard(t, 1, 2, nil)}, "missing: shard 2/2"},
		"a part twice":   {[]*results.Run{shard(t, 1, 2, nil), shard(t, 1, 2, nil)}, "shard 1/2 is there twice"},
		"another seed":   {[]*results.Run{shard(t, 1, 2, nil), shard(t, 2, 2, func(m *results.Meta) { m.Seed = 8 })}, `the seed is "8", not "7"`},
		"another version": {
			[]*results.Run{shard(t, 1, 2, nil), shard(t, 2, 2, func(m *results.Meta) { m.Tool = "v2" })},
			`the version of sagacheck is "v2", not "v0.1.0"`,
		},
		"another content of a scenario": {
			[]*results.Run{shard(t, 1, 2, nil), shard(t, 2, 2, func(m *results.Meta) { m.Content.Scenarios = map[string]string{"order": "d2"} })},
			`the scenario "order" has another content (digest d2, not d1)`,
		},
		"another scenario": {
			[]*results.Run{shard(t, 1, 2, nil), shard(t, 2, 2, func(m *results.Meta) { m.Content.Scenarios = map[string]string{"seat": "d2"} })},
			`it lacks the scenario "order"`,
		},
		"other plans": {
			[]*results.Run{shard(t, 1, 2, nil), shard(t, 2, 2, func(m *results.Meta) { m.Content.Plans = "p2" })},
			"the list of plans is another one (digest p2, not p1)",
		},
		"another setting": {
			[]*results.Run{shard(t, 1, 2, nil), shard(t, 2, 2, func(m *results.Meta) { m.Content.Settings = map[string]string{"scale": "2"} })},
			`scale is "2", not "1"`,
		},
		"another manifest": {
			[]*results.Run{shard(t, 1, 2, nil), shard(t, 2, 2, func(m *results.Meta) { m.System.Digest = "m2" })},
			"the manifest of the orchestrator",
		},
		"another division": {[]*results.Run{shard(t, 1, 2, nil), shard(t, 2, 3, nil)}, "number of shards"},
		"another engine": {
			[]*results.Run{shard(t, 1, 2, nil), shard(t, 2, 2, func(m *results.Meta) { m.Orchestrator.Name = "other" })},
			"the orchestrator is",
		},
		"another profile":     {[]*results.Run{shard(t, 1, 2, nil), shard(t, 2, 2, func(m *results.Meta) { m.Profile = "keyed" })}, "profile"},
		"other properties":    {[]*results.Run{shard(t, 1, 2, nil), shard(t, 2, 2, func(m *results.Meta) { m.Properties = samples.Docs()[:3] })}, "the list of properties"},
		"a comparison inside": {[]*results.Run{compared(t)}, "can't be joined"},
	} {
		if _, err := results.Merge(tc.runs); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
	}
}

func compared(t *testing.T) *results.Run {
	r := shard(t, 1, 2, nil)
	r.Comparison = &results.Comparison{}
	return r
}
