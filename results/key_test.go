package results_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

// foundBy is what a run finds whose cells all break duplicate-effect, under these plans.
func foundBy(plans ...string) *results.Run {
	c := results.New(samples.Meta())
	for i, plan := range plans {
		h := samples.LostAnswer()
		c.Add(results.CellInfo{ID: fmt.Sprintf("c%d", i), Plan: plan}, h, []checkers.Verdict{samples.Duplicate(h)})
	}
	return c.Finish()
}

// plansOf is the plan of each finding, with how many cells it explains.
func plansOf(found []results.Finding) map[string]int {
	out := map[string]int{}
	for _, f := range found {
		out[f.Plan] = f.Cells
	}
	return out
}

// Whichever cell shows it first, and however its plan is written: a finding has the key of its smallest
// plan, and what holds that is explained by it.
func TestAFindingKeepsItsKey(t *testing.T) {
	lose, crash := "lose charge#1@response", "crash-participant ship#1@commit"
	all := []string{lose + ", " + crash, crash + ", " + lose, "slow ship#1@request, " + lose, lose, lose + ", " + lose, crash + ", error 500 ship#2@receive"}
	want := map[string]int{lose: 5, "crash-participant ship#1@commit, error 500 ship#2@receive": 1}
	r := foundBy(all...)
	if diff := cmp.Diff(want, plansOf(r.Shown())); diff != "" {
		t.Error(diff)
	}
	slices.Reverse(all)
	if diff := cmp.Diff(r.Shown(), foundBy(all...).Shown()); diff != "" {
		t.Errorf("in another order of cells: %s", diff)
	}
	if k := r.Shown()[0]; k.Participants != "naive" || k.Scenario != "order" || k.Property != "duplicate-effect" {
		t.Errorf("the key is of %s", k)
	}
}

// A fault that a plan has twice is no part of one that has it once. No fault is part of every plan, and explains it if that comes
// back each time; what is flaky explains nothing but itself.
func TestWhatExplainsWhat(t *testing.T) {
	at := func(property, plan string, also ...string) results.Finding {
		return results.Finding{Key: results.Key{Property: property, Scenario: "order", Participants: "naive", Plan: plan}, Also: also}
	}
	other := at("a", "x")
	other.Scenario = "transfer"
	keyed := at("a", "x")
	keyed.Participants = "keyed"
	back := func(hits int, f results.Finding) results.Finding {
		f.Reproduced = &results.Rate{Hits: hits, Tries: 10}
		return f
	}
	for _, c := range []struct {
		known, now results.Finding
		want       bool
	}{
		{at("a", "x"), at("a", "x"), true},
		{at("a", "x"), at("a", "w, x, y"), true},
		{at("a", "x, x"), at("a", "x, y"), false},
		{at("a", "w, y"), at("a", "w, x, y"), true},
		{at("a", "x, y"), at("a", "x"), false},
		{at("a", "no fault"), at("a", "x"), false},
		{at("a", "no fault"), at("a", "no fault"), true},
		{back(10, at("a", "no fault")), at("a", "x"), true},
		{back(9, at("a", "no fault")), at("a", "x"), false},
		{back(9, at("a", "x")), at("a", "x, y"), false},
		{back(10, at("a", "x")), at("a", "x, y"), true},
		{at("a", "x"), at("a", "no fault"), false},
		{at("a", "x"), at("b", "x"), false},
		{at("a", "x", "b"), at("b", "x, y"), true},
		{at("a", "x"), other, false},
		{at("a", "x"), keyed, false},
	} {
		if got := c.known.Explains(c.now); got != c.want {
			t.Errorf("%s explains %s: %t", c.known, c.now, got)
		}
	}
}

// The list of failures is cut; that of keys is not. A report without keys has those of its failures.
func TestKeysAreNotCut(t *testing.T) {
	var plans []string
	for i := range 50 {
		plans = append(plans, fmt.Sprintf("lose step-%d#1@response", i))
	}
	r := foundBy(plans...)
	if n := len(r.Shown()); n != 50 || len(r.Failures) != 20 {
		t.Errorf("%d keys of %d failures, want 50 of 20", n, len(r.Failures))
	}
	r.Found = nil
	if n := len(r.Shown()); n != 20 {
		t.Errorf("%d keys of a report without any, want those of its 20 failures", n)
	}
}

// What shards found is what one run would have found.
func TestKeysOfShards(t *testing.T) {
	var parts []*results.Run
	for i, plan := range []string{"lose charge#1@response, reset ship#1@request", "lose charge#1@response"} {
		m := samples.Meta()
		m.Shard = &results.Shard{I: i + 1, N: 2}
		c := results.New(m)
		h := samples.LostAnswer()
		c.Add(results.CellInfo{Plan: plan}, h, []checkers.Verdict{samples.Duplicate(h)})
		parts = append(parts, c.Finish())
	}
	r, err := results.Merge(parts)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"lose charge#1@response": 2}, plansOf(r.Shown())); diff != "" {
		t.Error(diff)
	}
}

// The short name is in files of other programs: it is the same always, and another one for each part.
func TestIDOfAKey(t *testing.T) {
	k := results.Key{Property: "a", Scenario: "b", Participants: "c", Plan: "d"}
	if got := k.ID(); got != "cf92326f85f50aa865be765403a20d1b" {
		t.Errorf("the key is called %s now", got)
	}
	if (results.Key{Property: "ab", Participants: "c", Plan: "d"}).ID() == (results.Key{Property: "a", Scenario: "b", Participants: "c", Plan: "d"}).ID() {
		t.Error("two keys have one name")
	}
}

// Advice is no finding, nor is what could not be decided.
func TestWhatIsNoFinding(t *testing.T) {
	c := results.New(samples.Meta())
	h := samples.LostAnswer()
	advice := samples.Duplicate(h)
	advice.Property = "redundant-call"
	open := checkers.Verdict{Property: "lost-compensation", Outcome: checkers.Inconclusive, Reason: "time ran out"}
	c.Add(results.CellInfo{}, h, []checkers.Verdict{advice, open})
	if found := c.Finish().Shown(); len(found) > 0 {
		t.Errorf("found %v", found)
	}
}

// A longer window is another finding: a short outage is survived where a long one uses up the retries.
func TestWindowsOfOtherLengthsAreOtherFindings(t *testing.T) {
	short, long := "outage of [charge] from 0ms for 30ms", "outage of [charge] from 0ms for 300ms"
	want := map[string]int{short: 1, long: 1}
	if diff := cmp.Diff(want, plansOf(foundBy(short, long).Shown())); diff != "" {
		t.Error(diff)
	}
}
