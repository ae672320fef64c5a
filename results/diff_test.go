package results_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

// ran is a run of cells of one scenario: those of broken break duplicate-effect, the others don't.
func ran(change func(*results.Meta), broken, held []string) *results.Run {
	m := samples.Meta()
	m.Properties = m.Properties[:1]
	if change != nil {
		change(&m)
	}
	c := results.New(m)
	for _, plan := range broken {
		h := samples.LostAnswer()
		c.Add(results.CellInfo{Plan: plan}, h, []checkers.Verdict{samples.Duplicate(h)})
	}
	for _, plan := range held {
		c.Add(results.CellInfo{Plan: plan}, samples.LostAnswer(), []checkers.Verdict{samples.Clauses(checkers.Count{Clause: "retry", Held: 1})})
	}
	return c.Finish()
}

func plans(list []results.Changed) string {
	var all []string
	for _, c := range list {
		text := c.Plan
		if c.Note != "" {
			text += " (" + c.Note + ")"
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

func TestDiff(t *testing.T) {
	for name, c := range map[string]struct {
		then, now                  *results.Run
		found, gone, untried, same string
		exit                       int
	}{
		"the same, in a larger plan": {
			ran(nil, []string{"a"}, []string{"b"}), ran(nil, []string{"b, a"}, []string{"b"}),
			"", "", "", "a, b", 0,
		},
		"new": {
			ran(nil, []string{"a"}, []string{"b"}), ran(nil, []string{"a", "b", "c"}, []string{"d"}),
			"b; c (its plan was not run then)", "", "", "a", 1,
		},
		"fewer faults": {
			ran(nil, []string{"a, b"}, []string{"c"}), ran(nil, []string{"a"}, []string{"c"}),
			"a (fewer faults than then are enough)", "", "", "", 1,
		},
		"gone": {
			ran(nil, []string{"a"}, []string{"b"}), ran(nil, nil, []string{"a", "b"}),
			"", "a", "", "", 0,
		},
		"not tried alone": {
			ran(nil, []string{"a"}, []string{"b"}), ran(nil, nil, []string{"b, a"}),
			"", "", "a (its plan was not run without other faults)", "", 2,
		},
		"not tried": {
			ran(nil, []string{"a"}, []string{"b"}), ran(nil, nil, []string{"b"}),
			"", "", "a (its plan was not run)", "", 2,
		},
		"not judged": {
			ran(nil, []string{"a"}, nil), func() *results.Run {
				c := results.New(samples.Meta())
				c.Add(results.CellInfo{Plan: "a"}, samples.LostAnswer(), []checkers.Verdict{samples.Vacuous("duplicate-effect")})
				return c.Finish()
			}(),
			"", "", "a (duplicate-effect was not judged in order)", "", 2,
		},
		"interrupted": {
			ran(nil, nil, []string{"a"}), func() *results.Run {
				r := ran(nil, nil, []string{"a"})
				r.Interrupted = true
				r.Judge()
				return r
			}(),
			"", "", "", "", 2,
		},
		"nothing then, nothing now": {ran(nil, nil, []string{"a"}), ran(nil, nil, []string{"a"}), "", "", "", "", 0},
	} {
		d, err := results.NewDiff(c.then, c.now)
		if err != nil {
			t.Fatal(err)
		}
		got := []string{plans(d.New), plans(d.Gone), plans(d.NotTried), plans(d.Same)}
		if diff := cmp.Diff([]string{c.found, c.gone, c.untried, c.same}, got); diff != "" || d.Exit != c.exit {
			t.Errorf("%s: exit %d, want %d; new, gone, not tried, same: %s", name, d.Exit, c.exit, diff)
		}
	}
}

// judgedAs is a run of cells in which properties have outcomes: "order a: duplicate-effect=violation" is the scenario, the
// plan and the first of them.
func judgedAs(cells ...string) *results.Run {
	m := samples.Meta()
	m.Properties = slices.DeleteFunc(m.Properties, func(d checkers.Doc) bool { return !strings.Contains(strings.Join(cells, " "), d.Name) })
	c := results.New(m)
	for i, text := range cells {
		head, outcomes, _ := strings.Cut(text, ": ")
		scenario, plan, _ := strings.Cut(head, " ")
		h := samples.Quiet(scenario, "c")
		var vs []checkers.Verdict
		for _, o := range strings.Fields(outcomes) {
			name, outcome, _ := strings.Cut(o, "=")
			v := samples.Pass(name, 1)
			v.Outcome = checkers.Outcome(outcome)
			v.Clauses = []checkers.Count{{Clause: "one", Held: 1}}
			if v.Outcome == checkers.Violation {
				v.Witnesses = []checkers.Witness{{Broken: "broke " + name, Saga: "s1", Step: "pay", Events: []int{1}}}
			}
			vs = append(vs, v)
		}
		c.Add(results.CellInfo{ID: fmt.Sprint("c", i+1), Plan: plan}, h, vs)
	}
	return c.Finish()
}

// What was judged then and is not now is no better, in whichever scenario and however.
func TestDiffOfVerdicts(t *testing.T) {
	const dup, lost = "duplicate-effect", "lost-compensation"
	for name, x := range map[string]struct {
		then, now *results.Run
		reason    string
	}{
		"a scenario is missing": {
			judgedAs("order a: "+dup+"=pass", "transfer a: "+dup+"=pass"), judgedAs("order a: " + dup + "=pass"),
			"1 scenario of then not run now",
		},
		"never at risk in one of two": {
			judgedAs("order a: "+dup+"=pass", "transfer a: "+dup+"=pass"), judgedAs("order a: "+dup+"=pass", "transfer a: "+dup+"=vacuous"),
			"1 verdict of then open now",
		},
		"a property that is not there": {
			judgedAs("order a: " + dup + "=pass " + lost + "=pass"), judgedAs("order a: " + dup + "=pass"),
			"1 verdict of then open now",
		},
		"inconclusive, though each clause held once": {
			judgedAs("order a: "+dup+"=pass", "order b: "+dup+"=pass"), judgedAs("order a: "+dup+"=pass", "order b: "+dup+"=inconclusive"),
			"1 verdict of then open now",
		},
		"inconclusive beside what is broken": {
			judgedAs("order a: "+dup+"=violation", "order b: "+dup+"=pass"), judgedAs("order a: "+dup+"=violation", "order b: "+dup+"=inconclusive"),
			"1 broken property left open besides",
		},
		"vacuous as a whole, as then": {
			judgedAs("order a: " + dup + "=vacuous"), judgedAs("order a: " + dup + "=vacuous"),
			"the run of now is vacuous",
		},
		"inconclusive as a whole, as then": {
			judgedAs("order a: " + dup + "=inconclusive"), judgedAs("order a: " + dup + "=inconclusive"),
			"the run of now is inconclusive",
		},
	} {
		d, err := results.NewDiff(x.then, x.now)
		if err != nil {
			t.Fatal(err)
		}
		if d.Exit != results.ExitUnproven || !slices.Contains(d.Reasons, x.reason) {
			t.Errorf("%s: exit %d, %q", name, d.Exit, d.Reasons)
		}
	}
}

// A run that was not whole proves nothing better, also where what it broke is known and weighs more.
func TestDiffOfARunWithTrouble(t *testing.T) {
	then := ran(nil, []string{"a"}, []string{"b"})
	for trouble, change := range map[string]func(*results.Run){
		"2 calls came too late":    func(r *results.Run) { r.Errors = []string{"2 calls came too late"} },
		"3 plans not run: no time": func(r *results.Run) { r.LeftOut = []results.NotRun{{Reason: "no time", Plans: 3}} },
	} {
		now := ran(nil, []string{"a"}, []string{"b"})
		change(now)
		now.Judge()
		d, err := results.NewDiff(then, now)
		if err != nil {
			t.Fatal(err)
		}
		if now.Summary.Outcome != results.Violated || d.Exit != results.ExitUnproven || !slices.Contains(d.Reasons, "the run of now is not whole") ||
			!slices.Equal(d.Now.Troubles, []string{trouble}) {
			t.Errorf("%s: %s, exit %d, %q, troubles %q", trouble, now.Summary.Outcome, d.Exit, d.Reasons, d.Now.Troubles)
		}
	}
}

// A further property that is broken by a known plan is news; one of several that is broken no longer is told.
func TestDiffOfWhatElseIsBroken(t *testing.T) {
	const dup, lost = "duplicate-effect", "lost-compensation"
	one, both := judgedAs("order a: "+dup+"=violation "+lost+"=pass"), judgedAs("order a: "+dup+"=violation "+lost+"=violation")
	if len(both.Found) != 1 || len(both.Found[0].Also) != 1 {
		t.Fatalf("not one cause of both: %+v", both.Found)
	}
	second := both.Found[0].Also[0]
	if second != lost {
		one = judgedAs("order a: " + dup + "=pass " + lost + "=violation")
	}
	for _, x := range []struct {
		then, now               *results.Run
		found, gone, same, exit string
	}{
		{one, both, "a (then it did not break " + second + ")", "", "", "1"},
		{both, one, "", "a (" + second + " only: the rest is still broken)", "a", "0"},
		{both, both, "", "", "a", "0"},
	} {
		d, err := results.NewDiff(x.then, x.now)
		if err != nil {
			t.Fatal(err)
		}
		got := []string{plans(d.New), plans(d.Gone), plans(d.Same), fmt.Sprint(d.Exit)}
		if diff := cmp.Diff([]string{x.found, x.gone, x.same, x.exit}, got); diff != "" {
			t.Errorf("new, gone, the same, exit: %s, %q", diff, d.Reasons)
		}
	}
}

// What is broken by one plan says nothing of another one whose cell could not be judged.
func TestDiffOfACellThatWasLeftOpen(t *testing.T) {
	const dup, lost = "duplicate-effect", "lost-compensation"
	then := judgedAs("order a: "+dup+"=violation "+lost+"=pass", "order b: "+dup+"=violation "+lost+"=pass")
	for _, x := range []struct {
		want string
		now  []string
	}{
		{"gone", []string{dup + "=pass " + lost + "=pass"}},
		{"gone", []string{dup + "=pass " + lost + "=violation"}},
		{"not tried", []string{dup + "=inconclusive " + lost + "=pass"}},
		{"not tried", []string{dup + "=inconclusive " + lost + "=violation"}},
		{"not tried", []string{dup + "=pass " + lost + "=pass", dup + "=inconclusive " + lost + "=pass"}},
	} {
		cells := []string{"order b: " + dup + "=violation " + lost + "=pass"}
		for _, c := range x.now {
			cells = append(cells, "order a: "+c)
		}
		d, err := results.NewDiff(then, judgedAs(cells...))
		if err != nil {
			t.Fatal(err)
		}
		got := "gone"
		if plans(d.Gone) != "a" {
			got = "not tried"
		}
		if len(d.Gone)+len(d.NotTried) != 1 || got != x.want {
			t.Errorf("%q: gone %q, not tried %q, want it %s", x.now, plans(d.Gone), plans(d.NotTried), x.want)
		}
	}
}

// A clause that was judged then and not now is no better, though nothing was found.
func TestDiffOfClauses(t *testing.T) {
	c := results.New(samples.Meta())
	c.Add(results.CellInfo{Plan: "a"}, samples.LostAnswer(), []checkers.Verdict{samples.Clauses(checkers.Count{Clause: "retry", Unjudgeable: 1, Why: "the machine lagged"})})
	d, err := results.NewDiff(ran(nil, nil, []string{"a"}), c.Finish())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"duplicate-effect in order: retry"}, d.Unjudged); diff != "" || d.Exit != results.ExitUnproven {
		t.Errorf("exit %d, %s", d.Exit, diff)
	}
	if len(d.Verdicts) != 1 || d.Verdicts[0].Now != checkers.Vacuous {
		t.Errorf("verdicts %v", d.Verdicts)
	}
}

// Apples are not compared with pears; apples of another sort are, and it is said.
func TestDiffSaysWhatDiffers(t *testing.T) {
	then := ran(nil, nil, []string{"a"})
	d, err := results.NewDiff(then, ran(func(m *results.Meta) { m.Seed, m.Orchestrator.Version = 8, "1.3" }, nil, []string{"a"}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"orchestrator: mine 1.2 → mine 1.3", "seed: 7 → 8"}, d.Differs); diff != "" {
		t.Error(diff)
	}
	other := ran(nil, nil, nil)
	other.Properties, other.Results = other.Properties[:0], nil
	for want, now := range map[string]*results.Run{
		"has keyed: the findings of one say nothing of those of the other": ran(func(m *results.Meta) { m.Profile = "keyed" }, nil, []string{"a"}),
		"no scenario in common: order; and none":                           other,
		"a kill matrix or a comparison of engines":                         samples.Compared(),
	} {
		if _, err := results.NewDiff(then, now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// A finding is open if the last run that asked for it showed it; a run that did not ask says nothing.
func TestTrend(t *testing.T) {
	dir := t.TempDir()
	day := func(n int) func(*results.Meta) {
		return func(m *results.Meta) { m.Started = samples.Started.AddDate(0, 0, n) }
	}
	keyed := func(m *results.Meta) { day(3)(m); m.Profile = "keyed" }
	replayed := func(m *results.Meta) { day(4)(m); m.Command = "replay x.yaml" }
	for name, r := range map[string]*results.Run{
		"c": ran(day(0), []string{"a, b", "x"}, nil), "b/deeper": ran(day(1), []string{"a", "y"}, nil), "a": ran(day(2), []string{"a"}, []string{"x"}),
		"d": ran(keyed, nil, []string{"a"}), "e": ran(replayed, []string{"a"}, nil),
	} {
		store(t, r, dir+"/"+name)
	}
	trend, err := results.LoadTrend(dir)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, r := range trend.Runs {
		order = append(order, strings.TrimPrefix(r.Dir, dir+"/"))
	}
	if diff := cmp.Diff([]string{"c", "b/deeper", "a", "d"}, order); diff != "" {
		t.Error(diff)
	}
	if len(trend.LeftOut) != 1 || !strings.HasSuffix(trend.LeftOut[0], "e (cells of another run)") {
		t.Errorf("left out %q", trend.LeftOut)
	}
	var got []string
	for _, f := range trend.Findings {
		got = append(got, strings.Join([]string{f.Plan, f.First.Format("2"), f.Last.Format("2"), strings.Repeat("+", f.Runs), strings.Repeat("?", f.Asked), map[bool]string{true: "open", false: "gone"}[f.Open]}, " "))
	}
	want := []string{"a 1 3 +++ ??? open", "y 2 2 + ? open", "x 1 1 + ?? gone"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What one orchestrator shows says nothing of another one, though their findings have the same keys.
func TestTrendOfTwoOrchestrators(t *testing.T) {
	dir := t.TempDir()
	of := func(name string, day int) func(*results.Meta) {
		return func(m *results.Meta) {
			m.Orchestrator.Name, m.Started = name, samples.Started.AddDate(0, 0, day)
		}
	}
	store(t, ran(of("one", 0), []string{"a"}, nil), dir+"/1")
	store(t, ran(of("two", 1), nil, []string{"a"}), dir+"/2")
	store(t, ran(of("two", 2), []string{"a"}, nil), dir+"/3")
	trend, err := results.LoadTrend(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range trend.Findings {
		got = append(got, fmt.Sprint(f.Orchestrator, " ", f.Plan, " ", f.Runs, " of ", f.Asked, " ", f.Open))
	}
	if diff := cmp.Diff([]string{"two a 1 of 1 true", "one a 1 of 1 true"}, got); diff != "" {
		t.Error(diff)
	}
}

// What can't be read is listed with its trouble; a folder without a run is an error.
func TestTrendWithTrouble(t *testing.T) {
	dir := t.TempDir()
	if _, err := results.LoadTrend(dir); err == nil || !strings.Contains(err.Error(), "no run in it: expected folders with report.json") {
		t.Errorf("got %v", err)
	}
	store(t, ran(nil, nil, []string{"a"}), dir+"/whole")
	store(t, ran(nil, nil, []string{"a"}), dir+"/damaged")
	if err := results.WriteFile(dir+"/damaged/"+results.JSONFile, []byte(`{"sagacheck_report": 99}`)); err != nil {
		t.Fatal(err)
	}
	store(t, ran(nil, nil, []string{"a"}), dir+"/killed")
	c := results.New(samples.Meta())
	if err := c.Keep(dir + "/killed"); err != nil {
		t.Fatal(err)
	}
	c.Finish()
	if err := os.Remove(filepath.Join(dir, "killed", results.JSONFile)); err != nil {
		t.Fatal(err)
	}
	trend, err := results.LoadTrend(dir)
	if err != nil {
		t.Fatal(err)
	}
	trouble := map[string]string{}
	for _, r := range trend.Runs {
		trouble[strings.TrimPrefix(r.Dir, dir+"/")] = r.Trouble
	}
	if trouble["whole"] != "" || !strings.Contains(trouble["damaged"], "version 99") || trouble["killed"] != "never ended: killed, or it still runs" {
		t.Errorf("%q", trouble)
	}
}
