package checkers

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// checkStuck looks for a report that a saga is stuck while nobody was needed: nothing that must succeed was refused for good, or may
// have come to the end of its policy, and the saga goes on by itself. One that does not go on is stuck-saga's matter.
func checkStuck(t *tally, ix *history.Index, ds []disturbance, s *history.SagaRecord) {
	i := slices.IndexFunc(s.Reports, func(r *history.Event) bool { return r.Status == saga.Stuck })
	if i < 0 || ix.History.Header.Workflow != "" || s.Definition.HasRounds() || len(s.Operator)+len(s.Operated) > 0 {
		return
	}
	said := s.Reports[i]
	next := goesOnAfter(s, said)
	if next == nil || disturbed(ds, 0, next.Seq) || mayNeedPerson(ix, s, said) {
		return
	}
	what := "was reported as " + string(next.Status)
	if next.Kind == history.CallSent {
		what = next.Operation().String() + " was called"
	}
	t.violate("words", action(s, ""), []*history.Event{said, next}, "broke the status report: saga %s was reported as stuck while nothing of it needed a person (what has to succeed was not refused for good, nor are its attempts used up), and then %s", s.ID, what)
}

// goesOnAfter is the first sign after a report that a saga has work to do: a call that it can't do without, or its end.
func goesOnAfter(s *history.SagaRecord, said *history.Event) *history.Event {
	for _, e := range s.Calls {
		step, _ := s.Definition.Step(e.Step)
		undo := e.Direction == saga.Compensation
		if e.Kind == history.CallSent && e.Seq > said.Seq && !notedLate(e, said.At) && (undo || step.Kind != saga.Deferrable) {
			return e
		}
	}
	if s.Ended != nil && s.Ended.Seq > said.Seq {
		return s.Ended
	}
	return nil
}

// mayNeedPerson tells whether something that must succeed may have been refused for good, or have come to the end of its policy, by a
// report.
func mayNeedPerson(ix *history.Index, s *history.SagaRecord, said *history.Event) bool {
	past := pastPivot(s)
	return slices.ContainsFunc(opsOf(s), func(o *history.OpRecord) bool {
		step, _ := s.Definition.Step(o.Op.Step)
		if must := past && step.Kind != saga.Deferrable || step.Kind == saga.Retriable; o.Op.Direction == saga.Action && !must {
			return false
		}
		p, n := o.Call.Retry, 0
		for _, a := range sent(o) {
			if a.Sent.Seq < said.Seq {
				n++
			}
		}
		return o.Misled() || wasRefused(ix.History, o) || mayHaveLearnt(o, saga.Permanent) || p.DeadlineMS > 0 || o.Call.Breaker != nil ||
			p.Most() > 0 && (n >= p.Most() || ix.History.MayBeRefused(o.Op) || mayBeUnseen(ix, s))
	})
}
