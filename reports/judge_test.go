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
	unfired := func(c *reports.Collector, probe bool) {
		h := lostAnswer(t)
		for i := range h.Events {
			h.Events[i].Fault = nil
		}
		c.Add(reports.CellInfo{Probe: probe}, h, nil)
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
		"a clause that no cell judged": {2, reports.Vacuous, `duplicate-effect is not proven: its clause "undo" was judged in no cell (2 could not be: too late)`, func(c *reports.Collector) {
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
		"a clause that held only where nothing is green": {2, reports.Vacuous, `its clause "undo" was judged in no cell`, func(c *reports.Collector) {
			green(c)
			v := clauses(checkers.Count{Clause: "undo", Held: 1})
			v.Outcome, v.Reason = checkers.Vacuous, "a fault did not fire"
			one(c, v)
		}},
		"inconclusive": {2, reports.Inconclusive, "time ran out", func(c *reports.Collector) {
			green(c)
			one(c, checkers.Verdict{Property: "duplicate-effect", Outcome: checkers.Inconclusive, Reason: "time ran out"})
		}},
		"a fault did not fire": {2, reports.Vacuous, "lose charge#1@response", func(c *reports.Collector) { green(c); unfired(c, false) }},
		"a probe did not fire": {0, reports.Passed, "", func(c *reports.Collector) { green(c); unfired(c, true) }},
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
		"plans left out": {2, reports.Vacuous, "30 of 40 plans not run: after --max-time 5s (10); the system went away (20)", func(c *reports.Collector) {
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
		"error over unproven": {4, reports.Errored, "no", func(c *reports.Collector) { unfired(c, false); c.AddError(reports.CellInfo{ID: "x"}, errors.New("no")) }},
		"inconclusive, vacuous": {2, reports.Inconclusive, "inconclusive", func(c *reports.Collector) {
			unfired(c, false)
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
	if n.FaultsPlanned != 2 || n.FaultsFired != 2 || n.Probes != 2 || n.Missed != 1 {
		t.Errorf("got %+v, want 2 of 2 faults fired, and 1 of 2 probes missed", n)
	}
}
