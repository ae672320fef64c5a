package checkers

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// OrphanedEffect finds effects whose name never reached the orchestrator, because the
// answer was lost, and that it then neither looked up, nor undid, nor was told of again:
// nobody will ever know of them.
//
// Source: saleor/apps #2446 (a payment whose id was in the lost answer). Evidence:
// call-committed, call-answered, call-ended, call-read. Names that the
// orchestrator chose itself are known without an answer: what is undone by one is not judged. Cost: linear.
type OrphanedEffect struct{}

var _ Checker = OrphanedEffect{}

// Doc documents the checker.
func (OrphanedEffect) Doc() Doc {
	return Doc{
		Name:       "orphaned-effect",
		Definition: "An effect whose id never reached the orchestrator, because the answer was lost, was neither found by a read-back nor undone nor confirmed.",
		Source:     "saleor/apps #2446",
		Clauses: []Clause{
			{Name: "answer-lost", Text: "the name of an effect whose answer was lost is asked for, or told again to a further attempt, or the effect is undone, before the saga ends"},
		},
		Evidence:  "call-committed, call-answered, call-ended, call-read, call-back, saga-ended and saga-status",
		Prevented: "An id of the caller's own choosing in the request, or a read-back by key before anything is repeated or given up.",
		Blind:     "Effects whose name is not in the answer, and those that the file says to be undone by what the workflow itself has sent. A read-back counts whatever the orchestrator makes of it. Deferrable steps that were left when their saga completed, and not done before the cell was over.",
		Cost:      "linear",
		Own:       true,
	}
}

// Check judges a history.
func (c OrphanedEffect) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	for _, s := range ix.Sagas {
		end := endOf(s)
		for _, o := range opsOf(s) {
			if o.Op.Direction != saga.Action || nameless(o) || h.OwnName(o.Op) {
				continue
			}
			for _, e := range o.Effects {
				if !nameLost(o, e) {
					continue
				}
				switch {
				case !slices.Contains(standing(s, o.Op.Step), e), toldAgain(o, e), readBack(o, e, false):
					t.held("answer-lost", 1)
				case readBack(o, e, true):
					t.unjudgeable("answer-lost", "the answer to a read-back broke off: its status may have been enough, or not")
				case end == nil:
					t.unjudgeable("answer-lost", "the saga has not ended")
				case maybeLater(s, o):
					t.unjudgeable("answer-lost", "a deferrable step may be attempted again at any time after the end of its saga")
				default:
					t.violate("answer-lost", o.Op, []*history.Event{e, endedOf(o, e), end}, "broke all-or-nothing: %s booked %s, and its name %s never reached the workflow, which ended %s without asking for it", o.Op, effectOf(e), e.Ref, endState(s))
				}
			}
		}
	}
	return t.verdict("no answer with the name of an effect was lost")
}

// maybeLater tells whether a deferrable step was left when its saga completed: it is done then,
// or asked for, by whatever does that, and nobody knows when. The saga must have ended.
func maybeLater(s *history.SagaRecord, o *history.OpRecord) bool {
	step, _ := s.Definition.Step(o.Op.Step)
	return step.Kind == saga.Deferrable && endOf(s).Status == saga.Completed && o.Learnt(saga.Done) == nil && o.Learnt(saga.Permanent) == nil
}

// endOf is the last report of a saga that says that nothing more happens; nil: there is none.
func endOf(s *history.SagaRecord) *history.Event {
	if s.Ended != nil {
		return s.Ended
	}
	if s.Status().Left() {
		return last(s.Reports)
	}
	return nil
}

// nameLost tells whether the answer that named an effect did not reach the orchestrator.
func nameLost(o *history.OpRecord, e *history.Event) bool {
	for _, a := range o.Attempts {
		if a.N != e.Attempt {
			continue
		}
		for _, answer := range a.Answered {
			if says(answer, e.Ref) && e.Copy == answer.Copy {
				return e.Copy > 0 || a.Ended != nil && !a.Arrived()
			}
		}
		return a.Ended != nil && !a.Arrived()
	}
	return false
}

// toldAgain tells whether a further attempt was told the name.
func toldAgain(o *history.OpRecord, e *history.Event) bool {
	for _, a := range o.Attempts {
		for _, answer := range a.Answered {
			if says(answer, e.Ref) && answer.Copy == 0 && a.Arrived() {
				return true
			}
		}
	}
	return false
}

// nameless tells that the service gives the effects of an operation no names that anybody
// would have to know: no answer says one. The client has made the name, or there is none.
func nameless(o *history.OpRecord) bool {
	for _, a := range o.Attempts {
		if slices.ContainsFunc(a.Answered, func(e *history.Event) bool { return says(e, e.Ref) }) {
			return false
		}
	}
	return slices.ContainsFunc(o.Attempts, func(a *history.Attempt) bool { return len(a.Answered) > 0 })
}

// readBack tells whether the orchestrator asked what there is, and was told of the effect, or was
// told without asking; cut: of the answer something reached it, and not all.
func readBack(o *history.OpRecord, e *history.Event, cut bool) bool {
	return slices.ContainsFunc(o.Found, func(r *history.Event) bool { return slices.Contains(r.Told, e.Ref) && cutShort(r) == cut })
}

func endedOf(o *history.OpRecord, e *history.Event) *history.Event {
	for _, a := range o.Attempts {
		if a.N == e.Attempt {
			return a.Ended
		}
	}
	return nil
}
