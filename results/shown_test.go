package results_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sagacheck/sagacheck/results"
)

// shrunk is a run in which "a, c" breaks duplicate-effect, and was shrunk to another plan, or ("") was not;
// also are what the smaller plan broke besides.
func shrunk(to string, also ...string) *results.Run {
	r := ran(nil, []string{"a, c"}, []string{"b"})
	if to != "" {
		small := r.Failures[0]
		small.Plan, small.ShrunkFrom, small.Faults, small.Also = to, "a, c; 2 steps, 3 sagas", 1, also
		r.Failures = append(r.Failures, small)
		r.Judge()
	}
	return r
}

// How far a failure was shrunk depends on chance: it is the same finding, whose smaller plan is said. What
// the smaller plan broke besides is news.
func TestShrinkingMakesNoOtherFinding(t *testing.T) {
	for _, x := range []struct {
		then, now  *results.Run
		found      string
		same, plan string
	}{
		{shrunk("a"), shrunk(""), "", "a, c", ""},
		{shrunk(""), shrunk("a"), "", "a, c", "a"},
		{shrunk("a"), shrunk("c"), "", "a, c", "c"},
		{shrunk("a"), shrunk("crash z"), "", "a, c", "crash z"},
		{shrunk("a"), shrunk("a", "lost-compensation"), "a (lost-compensation was not judged in order then)", "a, c", "a"},
	} {
		d, err := results.NewDiff(x.then, x.now)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{x.found, x.same}, []string{plans(d.New), plans(d.Same)}); diff != "" || len(d.Gone)+len(d.NotTried) > 0 {
			t.Errorf("new, the same: %s, gone %v, not tried %v", diff, d.Gone, d.NotTried)
		}
		if len(d.Same) != 1 || d.Same[0].Shrunk != x.plan {
			t.Errorf("shrunk to %+v, want %q", d.Same, x.plan)
		}
	}
	r := shrunk("a")
	if f := r.FailureOf(r.Shown()[0]); f == nil || f.Plan != "a" {
		t.Errorf("it is told by %+v", f)
	}
	r.Found = nil
	if diff := cmp.Diff(map[string]int{"a, c": 0}, plansOf(r.Shown())); diff != "" {
		t.Errorf("of a report without keys: %s", diff)
	}
}

// A finding is followed through runs however far each of them shrunk it.
func TestTrendOfShrunkFindings(t *testing.T) {
	dir := t.TempDir()
	for i, to := range []string{"a", "", "c"} {
		r := shrunk(to)
		r.Started = r.Started.AddDate(0, 0, i)
		store(t, r, fmt.Sprint(dir, "/", i))
	}
	trend, err := results.LoadTrend(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(trend.Findings) != 1 || trend.Findings[0].Plan != "a, c" || trend.Findings[0].Runs != 3 || trend.Runs[0].Findings != 1 {
		t.Errorf("%+v", trend.Findings)
	}
}

// What is known by its own key is known, also where something new broke it with fewer faults.
func TestStandingByItsOwnKey(t *testing.T) {
	at := func(plan string, standing results.Standing) results.Judged {
		k := results.Key{Property: "duplicate-effect", Scenario: "order", Participants: "naive", Plan: plan}
		return results.Judged{Finding: results.Finding{Key: k}, Standing: standing}
	}
	known, fresh := at("a, c", results.Accepted), at("a", results.Fresh)
	r := &results.Run{Gate: &results.Gate{Findings: []results.Judged{fresh, known}}}
	for _, want := range []results.Judged{known, fresh} {
		if got, ok := r.StandingOfShown(want.Finding); !ok || got.Standing != want.Standing {
			t.Errorf("%s is %s, want %s", want.Key, got.Standing, want.Standing)
		}
	}
}
