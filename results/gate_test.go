package results_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

var today = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// cellsOf is a run of duplicate-effect and lost-compensation: each plan either breaks properties, the
// most telling first, or ("") holds.
func cellsOf(t *testing.T, plans ...[2]string) *results.Run {
	t.Helper()
	return replayedCells(t, results.Replays{}, plans...)
}

// replayedCells is cellsOf whose findings were replayed.
func replayedCells(t *testing.T, played results.Replays, plans ...[2]string) *results.Run {
	t.Helper()
	meta := samples.Meta()
	meta.Properties = meta.Properties[:2]
	c := results.New(meta)
	for i, p := range plans {
		h := samples.Quiet("order", "c")
		var vs []checkers.Verdict
		for _, name := range []string{"duplicate-effect", "lost-compensation"} {
			v := samples.Pass(name, 1)
			if slices.Contains(strings.Fields(p[1]), name) {
				v.Outcome = checkers.Violation
				v.Witnesses = []checkers.Witness{{Broken: "broke " + name, Saga: "s1", Step: "pay", Events: []int{1}}}
			}
			vs = append(vs, v)
		}
		c.Add(results.CellInfo{ID: "c" + string(rune('1'+i)), Plan: p[0]}, h, vs)
	}
	c.Reproduce(played.Rates)
	return c.Finish()
}

func knows(plan, expires string, also ...string) results.Known {
	return results.Known{
		Property: "duplicate-effect", Scenario: "order", Participants: "naive", Plan: plan, Also: also,
		Reason: "keys come in May", Owner: "payments", Expires: expires,
	}
}

// replayed is how often ten replays of a plan broke duplicate-effect.
func replayed(plan string, hits int) results.Replays {
	return results.Replays{Rates: map[results.Key]results.Rate{
		{Property: "duplicate-effect", Scenario: "order", Participants: "naive", Plan: plan}: {Hits: hits, Tries: 10},
	}}
}

func hold(t *testing.T, r *results.Run, failOn []string, played results.Replays, known ...results.Known) *results.Run {
	t.Helper()
	b := results.NewBaseline("known.yaml")
	b.Of, b.Findings = "mine", known
	if err := r.Hold(b, failOn, played, today); err != nil {
		t.Fatal(err)
	}
	return r
}

func standings(r *results.Run) string {
	var out []string
	for _, j := range r.Gate.Findings {
		out = append(out, string(j.Standing)+" "+j.Plan)
	}
	return strings.Join(out, "; ")
}

func TestWhatIsKnownDoesNotFail(t *testing.T) {
	const far, past = "2027-01-31", "2026-11-27"
	for name, x := range map[string]struct {
		cells    [][2]string
		known    []results.Known
		want     string
		outcome  results.State
		exit     int
		mentions string
	}{
		"all is known": {
			[][2]string{{"lose a, lose b", "duplicate-effect"}, {"lose c", ""}},
			[]results.Known{knows("lose b, lose a", far)},
			"known lose a, lose b", results.Tolerated, 0, "known: duplicate-effect in order: lose a, lose b (keys come in May; payments, until 2027-01-31)",
		},
		"another cell shows it with more faults": {
			[][2]string{{"lose x, lose a", "duplicate-effect"}},
			[]results.Known{knows("lose a", far)},
			"known lose a, lose x", results.Tolerated, 0, "",
		},
		"fewer faults are news": {
			[][2]string{{"lose a", "duplicate-effect"}, {"lose a, lose b", "duplicate-effect"}},
			[]results.Known{knows("lose a, lose b", far)},
			"new lose a", results.Violated, 1, "",
		},
		"another plan is news": {
			[][2]string{{"lose a", "duplicate-effect"}, {"lose b", "duplicate-effect"}},
			[]results.Known{knows("lose a", far)},
			"known lose a; new lose b", results.Violated, 1, "duplicate-effect was violated in 2 cells",
		},
		"another property broken besides is news": {
			[][2]string{{"lose a", "duplicate-effect lost-compensation"}},
			[]results.Known{knows("lose a", far)},
			"new lose a", results.Violated, 1, "",
		},
		"and known when that is": {
			[][2]string{{"lose a", "duplicate-effect lost-compensation"}},
			[]results.Known{knows("lose a", far, "lost-compensation")},
			"known lose a", results.Tolerated, 0, "",
		},
		"it has expired": {
			[][2]string{{"lose a", "duplicate-effect"}},
			[]results.Known{knows("lose a", past)},
			"expired lose a", results.Violated, 1, "expired: duplicate-effect in order: lose a: it was to be mended (keys come in May; payments, until 2026-11-27)",
		},
		"the last day counts": {
			[][2]string{{"lose a", "duplicate-effect"}},
			[]results.Known{knows("lose a", "2026-11-28")},
			"known lose a", results.Tolerated, 0, "",
		},
		"its plan did not run": {
			[][2]string{{"lose b", ""}},
			[]results.Known{knows("lose a", far)},
			"not-tried lose a", results.Passed, 0, "",
		},
		"nothing is known": {
			[][2]string{{"lose a", "duplicate-effect"}}, nil, "new lose a", results.Violated, 1, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := hold(t, cellsOf(t, x.cells...), nil, results.Replays{}, x.known...)
			if got := standings(r); got != x.want {
				t.Errorf("got %q, want %q", got, x.want)
			}
			if r.Summary.Outcome != x.outcome || r.Summary.Exit != x.exit {
				t.Errorf("got %+v, want %s, exit %d", r.Summary, x.outcome, x.exit)
			}
			if all := strings.Join(r.Summary.Reasons, "\n"); !strings.Contains(all, x.mentions) {
				t.Errorf("%q is not among the reasons:\n%s", x.mentions, all)
			}
		})
	}
}

// What is known says nothing of what nobody looked at: of a property that was broken in a known way,
// a clause that no cell judged is open, and a cell that could not be judged is inconclusive.
func TestABaselineProvesNothing(t *testing.T) {
	meta := samples.Meta()
	meta.Properties = meta.Properties[:1]
	for name, x := range map[string]struct {
		second  checkers.Verdict
		outcome results.State
	}{
		"an open clause":         {samples.Clauses(checkers.Count{Clause: "second"}), results.Vacuous},
		"what was not decidable": {checkers.Verdict{Property: "duplicate-effect", Outcome: checkers.Inconclusive, Reason: "the machine lagged"}, results.Inconclusive},
	} {
		c := results.New(meta)
		h := samples.LostAnswer()
		c.Add(results.CellInfo{ID: "c1", Scenario: "order", Plan: "lose a"}, h, []checkers.Verdict{samples.Duplicate(h)})
		c.Add(results.CellInfo{ID: "c2", Scenario: "order", Plan: "lose b"}, samples.Quiet("order", "c2"), []checkers.Verdict{x.second})
		run := c.Finish()
		r := hold(t, run, nil, results.Replays{}, knows("lose a", "2027-01-31"))
		if standings(r) != "known lose a" || r.Summary.Outcome != x.outcome || r.Summary.Exit != 2 {
			t.Errorf("%s: got %s, %+v", name, standings(r), r.Summary)
		}
		// Nor does what is let through.
		r = hold(t, run, []string{"violation", "not-flaky", string(x.outcome)}, replayed("lose a", 3))
		if standings(r) != "new lose a" || r.Summary.Outcome != results.Violated || r.Summary.Exit != 2 {
			t.Errorf("%s: got %s, %+v", name, standings(r), r.Summary)
		}
	}
}

// A finding is gone only where its plan was replayed and the property held each time: that a cell didn't show
// it proves nothing, nor does a replay of which nothing came.
func TestGoneIsWhatWasReplayedAndHeld(t *testing.T) {
	for _, x := range []struct {
		played      results.Replays
		want        string
		notReplayed string
	}{
		{replayed("lose a, lose b", 0), "gone lose a, lose b", ""},
		{replayed("lose a, lose b", 1), "known lose a, lose b", ""},
		{replayed("lose c", 0), "not-tried lose a, lose b", ""},
		{results.Replays{Else: "--replays 0"}, "not-tried lose a, lose b", "--replays 0"},
	} {
		r := hold(t, cellsOf(t, [2]string{"lose b, lose a", ""}), []string{"gone"}, x.played, knows("lose a, lose b", "2027-01-31"))
		if got := standings(r); got != x.want || r.Gate.Findings[0].NotReplayed != x.notReplayed {
			t.Errorf("%+v: got %s, not replayed: %q", x.played, got, r.Gate.Findings[0].NotReplayed)
		}
		const open = "it did not show, which proves nothing: duplicate-effect in order: lose a, lose b (keys come in May; payments, until 2027-01-31), not replayed: --replays 0"
		if x.notReplayed != "" && !slices.Contains(r.Summary.Reasons, open) {
			t.Errorf("the reasons are %q", r.Summary.Reasons)
		}
	}
}

// How often a finding comes back is said of it, and changes nothing of what it is; a known one that
// did not show and comes back in a replay is not gone.
func TestFlakyIsSaid(t *testing.T) {
	known := knows("lose a", "2027-01-31")
	r := hold(t, cellsOf(t, [2]string{"lose a", "duplicate-effect"}), nil, replayed("lose a", 3))
	if r.Summary.Exit != 1 || r.Summary.Outcome != results.Violated || !slices.Contains(r.Summary.Reasons, "flaky: duplicate-effect in order: lose a: 3 of 10 replays broke it again") {
		t.Errorf("new: %+v", r.Summary)
	}
	r = hold(t, cellsOf(t, [2]string{"lose a", "duplicate-effect"}), []string{"violation"}, replayed("lose a", 0))
	if r.Summary.Exit != 1 || r.Summary.Outcome != results.Violated {
		t.Errorf("new, and proven by its witness: %+v", r.Summary)
	}
	r = hold(t, cellsOf(t, [2]string{"lose a", "duplicate-effect"}), []string{"violation", "not-flaky"}, replayed("lose a", 0))
	if r.Summary.Exit != 0 || r.Summary.Outcome != results.Violated {
		t.Errorf("new, let through: %+v", r.Summary)
	}
	r = hold(t, cellsOf(t, [2]string{"lose a", "duplicate-effect"}), []string{"violation", "not-flaky"}, replayed("lose a", 1), knows("lose a", "2026-11-27"))
	if r.Summary.Exit != 1 || standings(r) != "expired lose a" {
		t.Errorf("expired: %s, %+v", standings(r), r.Summary)
	}
	r = hold(t, cellsOf(t, [2]string{"lose a", ""}), nil, replayed("lose a", 3), known)
	if standings(r) != "known lose a" || r.Summary.Exit != 0 || r.Summary.Outcome != results.Tolerated || !strings.Contains(r.Summary.Reasons[0], "flaky: 3 of 10 replays") {
		t.Errorf("known: %s, %+v", standings(r), r.Summary)
	}
	r = hold(t, cellsOf(t, [2]string{"lose a", ""}), nil, replayed("lose a", 0), known)
	if standings(r) != "gone lose a" || r.Summary.Exit != 0 || r.Summary.Outcome != results.Passed {
		t.Errorf("gone: %s, %+v", standings(r), r.Summary)
	}
	r = hold(t, cellsOf(t, [2]string{"lose a", "duplicate-effect"}), nil, results.Replays{Else: "these are stored histories"}, known)
	if !strings.Contains(r.Summary.Reasons[0], "not replayed: these are stored histories") {
		t.Errorf("stored: %+v", r.Summary)
	}
}

// What a user lets through changes the exit code, and not what the run is called.
func TestFailOnChangesNoVerdict(t *testing.T) {
	empty := func() *results.Run { return cellsOf(t) }
	for _, x := range []struct {
		list    []string
		run     func() *results.Run
		outcome results.State
		exit    int
	}{
		{nil, empty, results.Vacuous, 2},
		{[]string{"default"}, empty, results.Vacuous, 2},
		{[]string{"vacuous", "violation"}, empty, results.Vacuous, 2},
		{[]string{"violation"}, empty, results.Vacuous, 0},
		{[]string{"violation"}, func() *results.Run { return cellsOf(t, [2]string{"lose b", "duplicate-effect"}) }, results.Violated, 1},
		{[]string{"gone"}, func() *results.Run { return cellsOf(t, [2]string{"lose b", "duplicate-effect"}) }, results.Violated, 1},
		{[]string{"not-flaky"}, func() *results.Run { return cellsOf(t, [2]string{"lose b", "duplicate-effect"}) }, results.Violated, 1},
		{[]string{"default", "gone"}, func() *results.Run { return cellsOf(t, [2]string{"lose a", ""}) }, results.Stale, 1},
	} {
		failOn, err := results.ParseFailOn(x.list)
		if err != nil {
			t.Fatal(err)
		}
		r := hold(t, x.run(), failOn, replayed("lose a", 0), knows("lose a", "2027-01-31"))
		if r.Summary.Outcome != x.outcome || r.Summary.Exit != x.exit {
			t.Errorf("%v: got %+v, want %s, exit %d", x.list, r.Summary, x.outcome, x.exit)
		}
		if let := slices.Contains(r.Summary.Reasons, "this does not fail the run: --fail-on violation"); let != (x.exit == 0) {
			t.Errorf("%v: said that it is let through: %v", x.list, let)
		}
	}
	if _, err := results.ParseFailOn([]string{"gone", "never"}); err == nil || err.Error() != `"never": expected default, violation, inconclusive, vacuous, incomplete, gone, not-flaky` {
		t.Errorf("got %v", err)
	}
}

// A failure that was shrunk is no other finding than the one that it was made of: how far it was shrunk
// depends on chance.
func TestAShrunkPlanIsNoNews(t *testing.T) {
	for _, x := range []struct{ known, shrunk, want string }{
		{"lose a, lose b", "lose a", "known lose a"},
		{"lose a", "lose a", "known lose a"},
		{"lose a, lose b", "crash a", "known lose a, lose b"},
		{"lose c", "lose a", "new lose a; not-tried lose c"},
	} {
		r := cellsOf(t, [2]string{"lose a, lose b", "duplicate-effect"})
		small := r.Failures[0]
		small.Plan, small.ShrunkFrom, small.Faults = x.shrunk, "lose a, lose b; 1 steps", 1
		r.Failures = append(r.Failures, small)
		if got := standings(hold(t, r, nil, results.Replays{}, knows(x.known, "2027-01-31"))); got != x.want {
			t.Errorf("%+v: got %q", x, got)
		}
	}
}

// Nor does it make anything known: each cell that broke something is held against the file, also one of
// which a shrunk plan and another finding say all; and so is what the shrunk plan broke that no cell did.
func TestAShrunkPlanExcusesNothing(t *testing.T) {
	const far = "2027-01-31"
	second := knows("lose a, lose c", far)
	second.Property = "lost-compensation"
	shrunkTo := func(r *results.Run, i int, plan string, also ...string) *results.Run {
		small := r.Failures[i]
		small.Plan, small.ShrunkFrom, small.Faults, small.Also = plan, "larger", 1, also
		r.Failures = append(r.Failures, small)
		return r
	}
	r := cellsOf(t,
		[2]string{"lose a, lose c", "lost-compensation"}, [2]string{"lose b", "duplicate-effect"},
		[2]string{"lose a, lose b", "duplicate-effect lost-compensation"})
	at := slices.IndexFunc(r.Failures, func(f results.Failure) bool { return f.Property == "lost-compensation" })
	r = hold(t, shrunkTo(r, at, "lose a"), nil, results.Replays{}, second, knows("lose b", far))
	if got := standings(r); got != "known lose b; new lose a" || r.Summary.Exit != 1 {
		t.Errorf("got %s, %+v", got, r.Summary)
	}
	r = shrunkTo(cellsOf(t, [2]string{"lose a, lose c", "lost-compensation"}), 0, "lose a", "over-credit")
	r = hold(t, r, nil, results.Replays{}, second)
	if got := standings(r); got != "new lose a" || r.Summary.Exit != 1 {
		t.Errorf("of another property: got %s, %+v", got, r.Summary)
	}
}

// What nobody has said anything of yet is not known: an entry without a reason or an owner excuses nothing.
func TestAnUnfinishedEntryExcusesNothing(t *testing.T) {
	bare := knows("lose a", "2027-01-31")
	bare.Reason = " "
	r := hold(t, cellsOf(t, [2]string{"lose a, lose b", "duplicate-effect"}), nil, results.Replays{}, bare)
	if standings(r) != "new lose a, lose b" || r.Summary.Exit != 1 {
		t.Errorf("got %s, %+v", standings(r), r.Summary)
	}
	b := results.NewBaseline("known.yaml")
	b.Findings = []results.Known{bare}
	if next, added, _ := b.Updated(r, today); added != 0 || len(next.Findings) != 1 {
		t.Errorf("%d added: %+v", added, next.Findings)
	}
}

// A further property of a known plan does not go under a reason that was given for another one.
func TestAFurtherPropertyIsAnEntryOfItsOwn(t *testing.T) {
	b := results.NewBaseline("known.yaml")
	b.Of, b.Findings = "mine", []results.Known{knows("lose a", "2027-01-31")}
	r := cellsOf(t, [2]string{"lose a", "duplicate-effect lost-compensation"})
	if err := r.Hold(b, nil, results.Replays{}, today); err != nil {
		t.Fatal(err)
	}
	next, added, _ := b.Updated(r, today)
	own := results.Known{Property: "lost-compensation", Scenario: "order", Participants: "naive", Plan: "lose a", Also: []string{}, Expires: "2027-02-26"}
	if diff := cmp.Diff([]results.Known{knows("lose a", "2027-01-31"), own}, next.Findings); diff != "" || added != 1 {
		t.Fatalf("%d added:\n%s", added, diff)
	}
	next.Findings[1].Reason, next.Findings[1].Owner = "undone by hand", "payments"
	if r = hold(t, r, nil, results.Replays{}, next.Findings...); standings(r) != "known lose a" {
		t.Errorf("got %s", standings(r))
	}
}
