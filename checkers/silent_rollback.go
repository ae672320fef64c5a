package checkers

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// SilentRollback finds compensations that nothing of what the orchestrator says about
// itself shows: no span, no line of its log, no count.
//
// Source: practice; a rollback that nobody sees is found by the customer. Evidence:
// call-sent of compensations; telemetry events. A signal is enough, however poor: whether it
// is right is the matter of the other properties. Cost: linear.
type SilentRollback struct{}

var _ Checker = SilentRollback{}

const rollbackShown = "shown"

// Doc documents the checker.
func (SilentRollback) Doc() Doc {
	return Doc{
		Name:       "silent-rollback",
		Definition: "A compensation was attempted, and no span, no line of the log and no metric shows it.",
		Source:     "practice: a rollback that nobody sees is found by the customer",
		Clauses: []Clause{
			{Name: rollbackShown, Text: "a compensation is shown by a span, by a line of the log, or by the count of compensations", Wants: []Trait{compensations}},
		},
		Evidence:  "call-sent of compensations, and telemetry.",
		Prevented: "Telling of each undo where it is stored: a span with a link, a line of the log, a count.",
		Blind:     "Whether the signal is right (see untruthful-metric, broken-trace and missing-log). A compensation whose attempts were all cut short by a kill.",
		Cost:      "linear",
		Whole:     true,
		Wants:     []Trait{compensations},
	}
}

// Check judges a history.
func (c SilentRollback) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	s := newSignals(h, ix)
	if len(s.heard) == 0 {
		t.lacks(rollbackShown, "%s", unheard(h, "signals"))
		return t.verdict(unheard(h, "signals"))
	}
	var undone []*history.OpRecord
	for _, r := range ix.Sagas {
		for _, o := range allOpsOf(r) {
			if o.Op.Direction == saga.Compensation && len(sent(o)) > 0 {
				undone = append(undone, o)
			}
		}
	}
	counted, ok := s.grew(history.MetricCompensations)
	counts := ok && counted >= float64(len(undone))
	for _, o := range undone {
		as := sent(o)
		switch {
		case counts, s.line(o.Op) != nil, s.span(o) != nil:
			t.held(rollbackShown, 1)
		case !slices.ContainsFunc(as, func(a *history.Attempt) bool { return !s.cut(a) }):
			t.unjudgeable(rollbackShown, "the orchestrator was killed while it undid that")
		default:
			t.violate(rollbackShown, o.Op, []*history.Event{as[0].Sent}, "broke visibility: %s was attempted, and neither a span nor a line of the log nor a metric shows it", o.Op)
		}
	}
	return t.verdict("nothing was undone")
}

// span finds a span of an operation: that of an attempt, or one that says so.
func (s *signals) span(o *history.OpRecord) *history.Event {
	for _, a := range sent(o) {
		if span := s.spans[named(a)]; span != nil {
			return span
		}
	}
	for _, span := range s.spans {
		if span.Operation() == o.Op {
			return span
		}
	}
	return nil
}
