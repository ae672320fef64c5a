// Package samples has the histories, verdicts and runs that the tests of results and
// reports share. Every call makes them anew, so that a test may change what it gets.
package samples

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/results"
)

// Started is when every run began.
var Started = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Docs are the selected properties of every run; the last is advice.
func Docs() []checkers.Doc {
	return []checkers.Doc{
		{Name: "duplicate-effect", Definition: "one operation has more than one effect"},
		{Name: "lost-compensation", Definition: "an effect was not undone"},
		{Name: "breaker-violation", Definition: "calls past an open circuit"},
		{Name: "redundant-call", Definition: "sent again after success", Advice: true},
	}
}

// Meta is what is known of a run before its first cell.
func Meta() results.Meta {
	return results.Meta{
		Tool: "v0.1.0", Command: "run --participants naive --seed 7", Started: Started, Seed: 7, Profile: "naive",
		Orchestrator: history.Orchestrator{Name: "mine", Version: "1.2", Capabilities: []string{"pivot", "idempotency-key"}},
		Properties:   Docs(),
	}
}

//go:embed lost-answer.history.txt
var lostAnswer string

// LostAnswer is a history in which a lost answer made a second effect.
func LostAnswer() *history.History { return parse(lostAnswer) }

// Quiet is a history without a fault.
func Quiet(scenario, cell string) *history.History {
	return parse("scenario " + scenario + "\ncell " + cell + "\nprofile naive\nsaga s1\nstep pay\n\n0ms saga-accepted s1\n1ms call-sent s1 pay#1\n4ms settled\n4ms ledger-read bank\n")
}

func parse(text string) *history.History {
	h, err := history.ParseText(strings.NewReader(text))
	if err != nil {
		panic(err) // the text is ours
	}
	return h
}

// Pass is a verdict: held, at risk n times.
func Pass(property string, n int) checkers.Verdict {
	return checkers.Verdict{Property: property, Outcome: checkers.Pass, AtRisk: n}
}

// Clauses is a pass of duplicate-effect with these counts.
func Clauses(counts ...checkers.Count) checkers.Verdict {
	v := Pass("duplicate-effect", 1)
	v.Clauses = counts
	return v
}

// Vacuous is a verdict: never at risk.
func Vacuous(property string) checkers.Verdict {
	return checkers.Verdict{Property: property, Outcome: checkers.Vacuous, Reason: "no retry happened"}
}

// NotApplicable is a verdict, with its reason.
func NotApplicable(property, why string) checkers.Verdict {
	return checkers.Verdict{Property: property, Outcome: checkers.NotApplicable, Reason: why}
}

// Duplicate is the violation in LostAnswer.
func Duplicate(h *history.History) checkers.Verdict {
	return checkers.Verdict{
		Property: "duplicate-effect", Outcome: checkers.Violation, AtRisk: 1,
		Witnesses: []checkers.Witness{{
			Broken: "broke at most one effect: c2-1/charge took effect twice, in attempts 1 and 2",
			Saga:   "c2-1", Step: "charge",
			Events: []int{seqOf(h, history.CallCommitted, "charge", 1), seqOf(h, history.CallCommitted, "charge", 2)},
		}},
	}
}

// seqOf finds an event of LostAnswer.
func seqOf(h *history.History, kind history.Kind, step string, attempt int) int {
	i := slices.IndexFunc(h.Events, func(e history.Event) bool { return e.Kind == kind && e.Step == step && e.Attempt == attempt })
	if i < 0 {
		panic(fmt.Sprintf("no %s of %s#%d", kind, step, attempt))
	}
	return h.Events[i].Seq
}

// Unfired takes what fired out of a history: its planned faults missed.
func Unfired(h *history.History) *history.History {
	for i := range h.Events {
		h.Events[i].Fault = nil
	}
	return h
}

// Red is a run with a violation, something vacuous, not applicable, an error, advice,
// and a clause that nothing judged.
func Red() *results.Run {
	c := results.New(Meta())
	na := NotApplicable("breaker-violation", "the orchestrator has no circuit breaker")
	h := LostAnswer()
	advice := checkers.Verdict{Property: "redundant-call", Outcome: checkers.Violation, AtRisk: 1, Witnesses: []checkers.Witness{{
		Broken: "ship was called again", Saga: "c2-1", Step: "ship", Events: []int{seqOf(h, history.CallSent, "ship", 1)},
	}}}
	c.Add(results.CellInfo{ID: "c10", History: "histories/c10.history.jsonl"}, h, []checkers.Verdict{Duplicate(h), Vacuous("lost-compensation"), na, Pass("redundant-call", 1)})
	c.Add(results.CellInfo{History: "histories/c2.history.jsonl"}, h, []checkers.Verdict{Duplicate(h), Vacuous("lost-compensation"), na, advice})
	undone := Pass("lost-compensation", 2)
	undone.Clauses = []checkers.Count{
		{Clause: "known", Held: 2, Unjudgeable: 1, Why: "the saga has not ended"},
		{Clause: "unknown", Unjudgeable: 3, Why: "its answer may have been read"},
		{Clause: "after-a-crash", Lacks: "the orchestrator can't be killed"},
	}
	c.Add(results.CellInfo{}, Quiet("transfer", "c1"), []checkers.Verdict{Pass("duplicate-effect", 3), undone, na, Pass("redundant-call", 4)})
	for _, id := range []string{"c21", "c22", "c23"} {
		h.Header.Scenario = "single-step"
		c.Add(results.CellInfo{ID: id}, h, []checkers.Verdict{Duplicate(h)})
	}
	c.Add(results.CellInfo{ID: "c24"}, h, []checkers.Verdict{Duplicate(h)})
	c.AddError(results.CellInfo{ID: "c3", Scenario: "transfer", Plan: "no fault"}, errors.New("POST http://127.0.0.1:1/sagas: connection refused"))
	return Fixed(c.Finish())
}

// OneCause is a run in which one cause broke two properties in one cell, and one of
// them in another.
func OneCause() *results.Run {
	c := results.New(Meta())
	h := LostAnswer()
	both := Duplicate(h)
	second := both
	second.Property = "lost-compensation"
	c.Add(results.CellInfo{ID: "c1"}, h, []checkers.Verdict{second, both})
	c.Add(results.CellInfo{ID: "c2"}, h, []checkers.Verdict{both})
	return Fixed(c.Finish())
}

// Fixed takes the clock out of a run.
func Fixed(r *results.Run) *results.Run {
	r.DurationMS = 1234
	return r
}
