package results_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

func TestExitCodes(t *testing.T) {
	unfired := func(c *results.Collector, info results.CellInfo) {
		c.Add(info, samples.Unfired(samples.LostAnswer()), nil)
	}
	allPass := []checkers.Verdict{samples.Pass("duplicate-effect", 1), samples.Pass("lost-compensation", 1), samples.Pass("breaker-violation", 1)}
	green := func(c *results.Collector) { c.Add(results.CellInfo{}, samples.Quiet("transfer", "c1"), allPass) }
	one := func(c *results.Collector, v checkers.Verdict) {
		c.Add(results.CellInfo{}, samples.Quiet("order", "c9"), []checkers.Verdict{v})
	}
	for name, tc := range map[string]struct {
		exit    int
		outcome results.State
		reason  string
		fill    func(c *results.Collector)
	}{
		"green":               {0, results.Passed, "", green},
		"nothing ran":         {2, results.Vacuous, "no cell was judged", func(*results.Collector) {}},
		"never at risk":       {2, results.Vacuous, "breaker-violation was never at risk", func(c *results.Collector) { c.Add(results.CellInfo{}, samples.Quiet("transfer", "c1"), allPass[:2]) }},
		"pass without a risk": {2, results.Vacuous, "duplicate-effect was never at risk", func(c *results.Collector) { one(c, samples.Pass("duplicate-effect", 0)) }},
		"not applicable": {0, results.Passed, "", func(c *results.Collector) {
			c.Add(results.CellInfo{}, samples.Quiet("transfer", "c1"), []checkers.Verdict{allPass[0], allPass[1], {Property: "breaker-violation", Outcome: checkers.NotApplicable, Reason: "no breaker"}})
		}},
		"not applicable without reason": {2, results.Vacuous, "no reason was given", func(c *results.Collector) {
			c.Add(results.CellInfo{}, samples.Quiet("transfer", "c1"), []checkers.Verdict{allPass[0], allPass[1], {Property: "breaker-violation", Outcome: checkers.NotApplicable}})
		}},
		"vacuous elsewhere": {0, results.Passed, "", func(c *results.Collector) { green(c); one(c, samples.Vacuous("duplicate-effect")) }},
		"a clause that no cell judged": {2, results.Vacuous, "duplicate-effect is not proven: 1 of its 2 clauses judged in no cell: undo (could not be 2 times: too late)", func(c *results.Collector) {
			green(c)
			one(c, samples.Clauses(checkers.Count{Clause: "act", Held: 1}, checkers.Count{Clause: "undo", Unjudgeable: 2, Why: "too late"}))
		}},
		"a clause judged elsewhere": {0, results.Passed, "", func(c *results.Collector) {
			green(c)
			one(c, samples.Clauses(checkers.Count{Clause: "act", Held: 1}, checkers.Count{Clause: "undo", Unjudgeable: 2, Why: "too late"}))
			one(c, samples.Clauses(checkers.Count{Clause: "act", Held: 1}, checkers.Count{Clause: "undo", Held: 1}))
		}},
		"a clause that is not applicable": {0, results.Passed, "", func(c *results.Collector) {
			green(c)
			one(c, samples.Clauses(checkers.Count{Clause: "act", Held: 1}, checkers.Count{Clause: "undo", Lacks: "nothing can be undone"}))
		}},
		"a clause that held only where nothing is green": {2, results.Vacuous, "1 of its 1 clause judged in no cell: undo", func(c *results.Collector) {
			green(c)
			v := samples.Clauses(checkers.Count{Clause: "undo", Held: 1})
			v.Outcome, v.Reason = checkers.Vacuous, "a fault did not fire"
			one(c, v)
		}},
		"inconclusive": {2, results.Inconclusive, "time ran out", func(c *results.Collector) {
			green(c)
			one(c, checkers.Verdict{Property: "duplicate-effect", Outcome: checkers.Inconclusive, Reason: "time ran out"})
		}},
		"a fault did not fire": {2, results.Vacuous, "lose charge#1@response", func(c *results.Collector) { green(c); unfired(c, results.CellInfo{}) }},
		"a probe did not fire": {0, results.Passed, "", func(c *results.Collector) { green(c); unfired(c, results.CellInfo{Probe: true}) }},
		"a try that was repeated": {0, results.Passed, "", func(c *results.Collector) {
			c.Planned(2)
			green(c)
			unfired(c, results.CellInfo{Again: true})
			c.Add(results.CellInfo{}, samples.LostAnswer(), allPass)
		}},
		"a try that was repeated and broke something": {1, results.Violated, "duplicate-effect was violated in 1 cell", func(c *results.Collector) {
			c.Planned(1)
			c.Add(results.CellInfo{Again: true}, samples.LostAnswer(), []checkers.Verdict{samples.Duplicate(samples.LostAnswer())})
			green(c)
		}},
		"a try that was to be repeated": {2, results.Incomplete, "incomplete: 1 of 2 planned cells are there", func(c *results.Collector) {
			c.Planned(2)
			green(c)
			unfired(c, results.CellInfo{Again: true})
		}},
		"not all ran": {2, results.Incomplete, "2 of 3 plans not run: after --max-time 5s", func(c *results.Collector) {
			c.Planned(3)
			green(c)
			c.LeftOut("after --max-time 5s", 1)
			c.LeftOut("after --max-time 5s", 1)
		}},
		"nothing applicable": {2, results.Vacuous, "no selected property is applicable", func(c *results.Collector) {
			var none []checkers.Verdict
			for _, v := range allPass {
				none = append(none, checkers.Verdict{Property: v.Property, Outcome: checkers.NotApplicable, Reason: "x"})
			}
			c.Add(results.CellInfo{}, samples.Quiet("transfer", "c1"), none)
		}},
		"error": {4, results.Errored, "connection refused", func(c *results.Collector) {
			green(c)
			c.AddError(results.CellInfo{ID: "c2"}, errors.New("connection refused"))
		}},
		"error of the run": {4, results.Errored, "no such engine", func(c *results.Collector) { c.AddError(results.CellInfo{}, errors.New("no such engine")) }},
		"advice is never red": {0, results.Passed, "", func(c *results.Collector) {
			green(c)
			one(c, checkers.Verdict{Property: "redundant-call", Outcome: checkers.Violation, AtRisk: 1})
		}},
		"violation over error": {1, results.Violated, "duplicate-effect was violated in 1 cell", func(c *results.Collector) {
			c.Add(results.CellInfo{}, samples.LostAnswer(), []checkers.Verdict{samples.Duplicate(samples.LostAnswer())})
			c.AddError(results.CellInfo{ID: "x"}, errors.New("no"))
		}},
		"plans left out": {2, results.Incomplete, "30 of 40 plans not run: after --max-time 5s (10); the system went away (20)", func(c *results.Collector) {
			green(c)
			c.Planned(40)
			c.LeftOut("after --max-time 5s", 10)
			c.LeftOut("the system went away", 19)
			c.LeftOut("the system went away", 1)
			c.LeftOut("nothing", 0)
		}},
		"nobody was called": {2, results.Vacuous, "no call reached a participant: does it call the addresses that it is sent? for example http://participant/s1/pay", func(c *results.Collector) {
			h := samples.Quiet("transfer", "c1")
			h.Events = slices.DeleteFunc(h.Events, func(e history.Event) bool { return e.Kind == history.CallSent })
			c.Add(results.CellInfo{}, h, allPass)
		}},
		"interrupted over all": {130, results.Interrupted, "interrupted", func(c *results.Collector) {
			c.Add(results.CellInfo{}, samples.LostAnswer(), []checkers.Verdict{samples.Duplicate(samples.LostAnswer())})
			c.Interrupt()
		}},
		"error over unproven": {4, results.Errored, "no", func(c *results.Collector) {
			unfired(c, results.CellInfo{})
			c.AddError(results.CellInfo{ID: "x"}, errors.New("no"))
		}},
		"inconclusive, vacuous": {2, results.Inconclusive, "inconclusive", func(c *results.Collector) {
			unfired(c, results.CellInfo{})
			one(c, checkers.Verdict{Property: "duplicate-effect", Outcome: checkers.Inconclusive, Reason: "x"})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := results.New(samples.Meta())
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
	m := samples.Meta()
	m.Properties = samples.Docs()[3:]
	c := results.New(m)
	c.Add(results.CellInfo{}, samples.Quiet("transfer", "c1"), []checkers.Verdict{samples.Pass("redundant-call", 3)})
	if r := c.Finish(); r.Summary.Exit != 2 || !strings.Contains(strings.Join(r.Summary.Reasons, ""), "only advice was selected") {
		t.Errorf("%+v", r.Summary)
	}
}
