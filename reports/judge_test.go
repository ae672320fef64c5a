package reports_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/reports"
)

func TestExitCodes(t *testing.T) {
	unfired := func(c *reports.Collector, info reports.CellInfo) {
		h := lostAnswer(t)
		for i := range h.Events {
			h.Events[i].Fault = nil
		}
		c.Add(info, h, nil)
	}
	allPass := []checkers.Verdict{pass("duplicate-effect", 1), pass("lost-compensation", 1), pass("breaker-violation", 1)}
	green := func(c *reports.Collector) { c.Add(reports.CellInfo{}, quiet(t, "transfer", "c1"), allPass) }
	one := func(c *reports.Collector, v checkers.Verdict) {
		c.Add(reports.CellInfo{}, quiet(t, "order", "c9"), []checkers.Verdict{v})
	}
	for name, tc := range map[string]struct {
		exit    int
		outcome reports.State
		reason  string
		fill    func(c *reports.Collector)
	}{
		"green":               {0, reports.Passed, "", green},
		"nothing ran":         {2, reports.Vacuous, "no cell was judged", func(*reports.Collector) {}},
		"never at risk":       {2, reports.Vacuous, "breaker-violation was never at risk", func(c *reports.Collector) { c.Add(reports.CellInfo{}, quiet(t, "transfer", "c1"), allPass[:2]) }},
		"pass without a risk": {2, reports.Vacuous, "duplicate-effect was never at risk", func(c *reports.Collector) { one(c, pass("duplicate-effect", 0)) }},
		"not applicable": {0, reports.Passed, "", func(c *reports.Collector) {
			c.Add(reports.CellInfo{}, quiet(t, "transfer", "c1"), []checkers.Verdict{allPass[0], allPass[1], {Property: "breaker-violation", Outcome: checkers.NotApplicable, Reason: "no breaker"}})
		}},
		"not applicable without reason": {2, reports.Vacuous, "no reason was given", func(c *reports.Collector) {
			c.Add(reports.CellInfo{}, quiet(t, "transfer", "c1"), []checkers.Verdict{allPass[0], allPass[1], {Property: "breaker-violation", Outcome: checkers.NotApplicable}})
		}},
		"vacuous elsewhere": {0, reports.Passed, "", func(c *reports.Collector) { green(c); one(c, vacuous("duplicate-effect")) }},
		"a clause that no cell judged": {2, reports.Vacuous, "duplicate-effect is not proven: 1 of its 2 clauses judged in no cell: undo (could not be 2 times: too late)", func(c *reports.Collector) {
			green(c)
			one(c, clauses(checkers.Count{Clause: "act", Held: 1}, checkers.Count{Clause: "undo", Unjudgeable: 2, Why: "too late"}))
		}},
		"a clause judged elsewhere": {0, reports.Passed, "", func(c *reports.Collector) {
			green(c)
			one(c, clauses(checkers.Count{Clause: "act", Held: 1}, checkers.Count{Clause: "undo", Unjudgeable: 2, Why: "too late"}))
			one(c, clauses(checkers.Count{Clause: "act", Held: 1}, checkers.Count{Clause: "undo", Held: 1}))
		}},
		"a clause that is not applicable": {0, reports.Passed, "", func(c *reports.Collector) {
			green(c)
			one(c, clauses(checkers.Count{Clause: "act", Held: 1}, checkers.Count{Clause: "undo", Lacks: "nothing can be undone"}))
		}},
		"a clause that held only where nothing is green": {2, reports.Vacuous, "1 of its 1 clause judged in no cell: undo", func(c *reports.Collector) {
			green(c)
			v := clauses(checkers.Count{Clause: "undo", Held: 1})
			v.Outcome, v.Reason = checkers.Vacuous, "a fault did not fire"
			one(c, v)
		}},
		"inconclusive": {2, reports.Inconclusive, "time ran out", func(c *reports.Collector) {
			green(c)
			one(c, checkers.Verdict{Property: "duplicate-effect", Outcome: checkers.Inconclusive, Reason: "time ran out"})
		}},
		"a fault did not fire": {2, reports.Vacuous, "lose charge#1@response", func(c *reports.Collector) { green(c); unfired(c, reports.CellInfo{}) }},
		"a probe did not fire": {0, reports.Passed, "", func(c *reports.Collector) { green(c); unfired(c, reports.CellInfo{Probe: true}) }},
		"a try that was repeated": {0, reports.Passed, "", func(c *reports.Collector) {
			c.Planned(2)
			green(c)
			unfired(c, reports.CellInfo{Again: true})
			c.Add(reports.CellInfo{}, lostAnswer(t), allPass)
		}},
		"a try that was repeated and broke something": {1, reports.Violated, "duplicate-effect was violated in 1 cell", func(c *reports.Collector) {
			c.Planned(1)
			c.Add(reports.CellInfo{Again: true}, lostAnswer(t), []checkers.Verdict{duplicate(t, lostAnswer(t))})
			green(c)
		}},
		"a try that was to be repeated": {2, reports.Incomplete, "incomplete: 1 of 2 planned cells are there", func(c *reports.Collector) {
			c.Planned(2)
			green(c)
			unfired(c, reports.CellInfo{Again: true})
		}},
		"not all ran": {2, reports.Incomplete, "2 of 3 plans not run: after --max-time 5s", func(c *reports.Collector) {
			c.Planned(3)
			green(c)
			c.LeftOut("after --max-time 5s", 1)
			c.LeftOut("after --max-time 5s", 1)
		}},
		"nothing applicable": {2, reports.Vacuous, "no selected property is applicable", func(c *reports.Collector) {
			var none []checkers.Verdict
			for _, v := range allPass {
				none = append(none, checkers.Verdict{Property: v.Property, Outcome: checkers.NotApplicable, Reason: "x"})
			}
			c.Add(reports.CellInfo{}, quiet(t, "transfer", "c1"), none)
		}},
		"error": {4, reports.Errored, "connection refused", func(c *reports.Collector) {
			green(c)
			c.AddError(reports.CellInfo{ID: "c2"}, errors.New("connection refused"))
		}},
		"error of the run": {4, reports.Errored, "no such engine", func(c *reports.Collector) { c.AddError(reports.CellInfo{}, errors.New("no such engine")) }},
		"advice is never red": {0, reports.Passed, "", func(c *reports.Collector) {
			green(c)
			one(c, checkers.Verdict{Property: "redundant-call", Outcome: checkers.Violation, AtRisk: 1})
		}},
		"violation over error": {1, reports.Violated, "duplicate-effect was violated in 1 cell", func(c *reports.Collector) {
			c.Add(reports.CellInfo{}, lostAnswer(t), []checkers.Verdict{duplicate(t, lostAnswer(t))})
			c.AddError(reports.CellInfo{ID: "x"}, errors.New("no"))
		}},
		"plans left out": {2, reports.Incomplete, "30 of 40 plans not run: after --max-time 5s (10); the system went away (20)", func(c *reports.Collector) {
			green(c)
			c.Planned(40)
			c.LeftOut("after --max-time 5s", 10)
			c.LeftOut("the system went away", 19)
			c.LeftOut("the system went away", 1)
			c.LeftOut("nothing", 0)
		}},
		"nobody was called": {2, reports.Vacuous, "no call reached a participant: does it call the addresses that it is sent? for example http://participant/s1/pay", func(c *reports.Collector) {
			h := quiet(t, "transfer", "c1")
			h.Events = slices.DeleteFunc(h.Events, func(e history.Event) bool { return e.Kind == history.CallSent })
			c.Add(reports.CellInfo{}, h, allPass)
		}},
		"interrupted over all": {130, reports.Interrupted, "interrupted", func(c *reports.Collector) {
			c.Add(reports.CellInfo{}, lostAnswer(t), []checkers.Verdict{duplicate(t, lostAnswer(t))})
			c.Interrupt()
		}},
		"error over unproven": {4, reports.Errored, "no", func(c *reports.Collector) {
			unfired(c, reports.CellInfo{})
			c.AddError(reports.CellInfo{ID: "x"}, errors.New("no"))
		}},
		"inconclusive, vacuous": {2, reports.Inconclusive, "inconclusive", func(c *reports.Collector) {
			unfired(c, reports.CellInfo{})
			one(c, checkers.Verdict{Property: "duplicate-effect", Outcome: checkers.Inconclusive, Reason: "x"})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := reports.New(meta())
			tc.fill(c)
			r := c.Finish()
			if r.Summary.Exit != tc.exit || r.Summary.Outcome != tc.outcome {
				t.Errorf("got %d %s %q, want %d %s", r.Summary.Exit, r.Summary.Outcome, r.Summary.Reasons, tc.exit, tc.outcome)
			}
			if !strings.Contains(strings.Join(r.Summary.Reasons, "\n"), tc.reason) {
				t.Errorf("reasons %q don't say %q", r.Summary.Reasons, tc.reason)
			}
			if (tc.exit == 0) != (len(r.Summary.Reasons) == 0) {
				t.Errorf("exit %d with reasons %q", tc.exit, r.Summary.Reasons)
			}
		})
	}
}

// Advice alone can't make a run green.
func TestOnlyAdvice(t *testing.T) {
	m := meta()
	m.Properties = docs[3:]
	c := reports.New(m)
	c.Add(reports.CellInfo{}, quiet(t, "transfer", "c1"), []checkers.Verdict{pass("redundant-call", 3)})
	if r := c.Finish(); r.Summary.Exit != 2 || !strings.Contains(strings.Join(r.Summary.Reasons, ""), "only advice was selected") {
		t.Errorf("%+v", r.Summary)
	}
}

// The headline counts planned cells and their faults once, and tells probes and
// repeated tries apart.
func TestHeadlineCounts(t *testing.T) {
	c := reports.New(meta())
	c.Planned(4)
	h := lostAnswer(t)
	missed := lostAnswer(t)
	for i := range missed.Events {
		missed.Events[i].Fault = nil
	}
	c.Add(reports.CellInfo{ID: "c1", Again: true}, missed, nil)
	c.Add(reports.CellInfo{ID: "c2"}, h, nil)
	c.Add(reports.CellInfo{ID: "c3", Probe: true}, h, nil)
	c.Add(reports.CellInfo{ID: "c4", Probe: true}, missed, nil)
	var b strings.Builder
	if err := c.Finish().Print(reports.Terminal{W: &b}); err != nil {
		t.Fatal(err)
	}
	const want = "INCOMPLETE · 3 of 4 planned cells · 1 of 1 planned fault fired · 1 of 2 probes hit · run again: 1 cell · "
	if !strings.Contains(b.String(), want) {
		t.Errorf("got %s\nwant %s", b.String(), want)
	}
}

// What one cause broke is one failure, under the most telling property, with the
// others beside it; every property keeps its own count.
func TestOneCauseOneFinding(t *testing.T) {
	c := reports.New(meta())
	h := lostAnswer(t)
	both := duplicate(t, h)
	second := both
	second.Property = "lost-compensation"
	c.Add(reports.CellInfo{ID: "c1"}, h, []checkers.Verdict{second, both})
	c.Add(reports.CellInfo{ID: "c2"}, h, []checkers.Verdict{both})
	r := c.Finish()
	if len(r.Failures) != 2 || r.Failures[0].Property != "duplicate-effect" || !slices.Equal(r.Failures[0].Also, []string{"lost-compensation"}) || len(r.Failures[1].Also) > 0 {
		t.Errorf("got %d failures, the first of %s, also %v", len(r.Failures), r.Failures[0].Property, r.Failures[0].Also)
	}
	want := []string{"duplicate-effect was violated in 2 cells", "the same causes also broke lost-compensation in 1 cell"}
	if !slices.Equal(r.Summary.Reasons[:2], want) {
		t.Errorf("reasons %q, want %q", r.Summary.Reasons, want)
	}
	golden(t, "one-cause.txt", show(t, fixed(r)))
	var b strings.Builder
	if err := r.WriteJUnit(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "by the same cause as duplicate-effect: cell c1, plan: lose charge#1@response") {
		t.Errorf("junit:\n%s", b.String())
	}
}

func TestStoriesAreCappedCountsAreNot(t *testing.T) {
	c := reports.New(meta())
	h := lostAnswer(t)
	v := duplicate(t, h)
	const n = 50
	for i := range n {
		c.Add(reports.CellInfo{ID: "c" + strings.Repeat("1", i+1)}, h, []checkers.Verdict{v})
	}
	r := c.Finish()
	if got := r.Results[0].Cells.Violation; got != n {
		t.Errorf("counted %d violations, want %d", got, n)
	}
	if len(r.Failures) != 20 || r.Failures[0].Cell != "c1" {
		t.Errorf("kept %d stories, the first of %s; want 20, of c1", len(r.Failures), r.Failures[0].Cell)
	}
}

func TestSmallestPlanFirst(t *testing.T) {
	c := reports.New(meta())
	big, small := lostAnswer(t), lostAnswer(t)
	extra := big.Header.Faults[0]
	for range 3 {
		big.Header.Faults = append(big.Header.Faults, extra)
	}
	c.Add(reports.CellInfo{ID: "c1"}, big, []checkers.Verdict{duplicate(t, big)})
	c.Add(reports.CellInfo{ID: "c2"}, small, []checkers.Verdict{duplicate(t, small)})
	if r := c.Finish(); r.Failures[0].Cell != "c2" || r.Failures[0].Faults != 1 {
		t.Errorf("the first failure is of %s with %d faults", r.Failures[0].Cell, r.Failures[0].Faults)
	}
}

// TestMissesOfProbesAreNoPlannedFaults: the counts of a green run never contradict
// the rule that every planned fault fired.
func TestMissesOfProbesAreNoPlannedFaults(t *testing.T) {
	c := reports.New(meta())
	h := lostAnswer(t)
	for i := range h.Events {
		h.Events[i].Fault = nil
	}
	c.Add(reports.CellInfo{ID: "c1"}, lostAnswer(t), nil)
	c.Add(reports.CellInfo{ID: "c2", Probe: true}, h, nil)
	c.Add(reports.CellInfo{ID: "c3", Probe: true}, lostAnswer(t), nil)
	n := c.Totals()
	if n.FaultsPlanned != 1 || n.FaultsFired != 1 || n.Probes != 2 || n.Missed != 1 {
		t.Errorf("got %+v, want 1 of 1 fault fired, and 1 of 2 probes missed", n)
	}
}
