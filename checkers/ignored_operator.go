package checkers

import (
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// IgnoredOperator finds what operators asked for, and was accepted, and was not done: a
// paused saga whose attempts go on, a step that was skipped and is attempted again, a saga that was
// ended by hand and goes on, a wait that was to end and did not.
//
// Source: practice of operating workflows (Temporal's and Camunda's operators pause, retry and
// terminate by hand; Camunda #9797, a job that goes on although its process was suspended);
// docs/contract.md on operators. Evidence: saga-operated, call-sent, call-answered, call-ended, saga-status.
// An attempt surely began after a request if what it waited for came after the
// answer: what was on its way then is no violation. A pause lasts until the operator is about to
// let the saga go on. Cost: linear in the attempts, times the requests.
type IgnoredOperator struct{}

var _ Checker = IgnoredOperator{}

// The clauses of ignored-operator.
const (
	actPaused      = "paused"
	actPausedCrash = "paused-after-crash"
	actSkipped     = "skipped"
	actEnded       = "ended"
	actSaysEnded   = "says-ended"
	actRetried     = "retried"
)

// answersWithin is how much later than what it leads to a request may be answered.
const answersWithin = 100 * time.Millisecond

// Doc documents the checker.
func (IgnoredOperator) Doc() Doc {
	pause, end, wants := []string{"operator-pause"}, []string{"operator-end"}, []Trait{governedPairs}
	return Doc{
		Name:       "ignored-operator",
		Definition: "What an operator asked for was accepted and not done.",
		Source:     "practice: operating workflows by hand (pause, retry, terminate); docs/contract.md on operators",
		Clauses: []Clause{
			{Name: actPaused, Text: "while a saga is paused no attempt of it begins; what is due then begins when it is resumed", Needs: pause, Wants: wants},
			{Name: actPausedCrash, Text: "the same, of a saga that was paused before the orchestrator was killed", Needs: pause, Wants: wants, Does: []string{history.Kill}},
			{Name: actSkipped, Text: "after a step was skipped no attempt of it begins", Needs: []string{"operator-skip"}, Wants: []Trait{deferrables, governedPairs}},
			{Name: actEnded, Text: "after a saga was ended by hand no attempt of it begins", Needs: end, Wants: wants},
			{Name: actSaysEnded, Text: "a saga that was ended by hand, and had not ended before, says so to the end", Needs: end, Wants: wants},
			{Name: actRetried, Text: "what waits when an operator asks to retry now is attempted before its wait is over, if that lasts more than 300 ms longer", Needs: []string{"operator-retry"}, Wants: []Trait{governedPairs, roomToWait}},
		},
		Evidence:  "saga-operated, call-sent, call-answered, call-ended and saga-status.",
		Prevented: "Storing what an operator asks for before it is answered, and acting on the store.",
		Blind:     "Attempts of which it can't be told whether they were on their way when the request was answered: in branches side by side, in sagas that an operator rolled back. Shorter waits. The rollback: ignored-rollback judges that.",
		Cost:      "linear in the attempts, times the requests",
		Whole:     true,
	}
}

// Check judges a history.
func (c IgnoredOperator) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	for _, s := range singleSagas(h, ix) {
		if e := first(taken(s, saga.ActPause)); e != nil {
			checkPaused(t, s, e, ds)
		}
		for _, e := range taken(s, saga.ActSkip) {
			checkSkipped(t, s, e)
		}
		if e := first(taken(s, saga.ActEnd)); e != nil {
			checkEnded(t, s, e)
		}
		for _, e := range taken(s, saga.ActRetry) {
			if e.Changed {
				checkRetried(t, s, e)
			}
		}
	}
	return t.verdict("no operator asked for anything")
}

// goesOn is the first event after which a saga that was paused may go on: an operator is about to
// resume it. Nil: nobody did.
func goesOn(s *history.SagaRecord, pause *history.Event) *history.Event {
	for _, e := range s.Operated {
		if e.Seq > pause.Seq && e.What == string(saga.ActResume) {
			return e
		}
	}
	return nil
}

// checkPaused judges the attempts of a saga that was paused. One that ended by hand never goes on.
func checkPaused(t *tally, s *history.SagaRecord, pause *history.Event, ds []disturbance) {
	resume := goesOn(s, pause)
	for _, o := range opsOf(s) {
		for _, a := range sent(o) {
			if a.Sent.Seq > pause.Seq {
				judgePaused(t, s, o, a, ds, pause, resume)
			}
		}
	}
}

func judgePaused(t *tally, s *history.SagaRecord, o *history.OpRecord, a *history.Attempt, ds []disturbance, pause, resume *history.Event) {
	clause, on := actPaused, resume == nil || a.Sent.Seq < resume.Seq
	if kills(ds, pause.Seq, a.Sent.Seq) > 0 {
		clause = actPausedCrash
	}
	switch after := causedAfter(s, o, a, pause); {
	case on && (!after || notedLate(a.Sent, pause.At)):
		t.unjudgeable(clause, "it may have been on its way when the saga was paused")
	case on:
		t.violate(clause, o.Op, []*history.Event{pause, a.Sent}, "broke the pause of saga %s: attempt %d of %s began %v after it was paused", s.ID, a.N, o.Op, ms(a.Sent.From()-pause.At))
	case after && due(s, o, a) < resume.At:
		t.held(clause, 1)
	}
}

func checkSkipped(t *tally, s *history.SagaRecord, e *history.Event) {
	o := s.Op(e.Step, saga.Action)
	if o == nil {
		t.held(actSkipped, 1)
		return
	}
	for _, a := range sent(o) {
		switch {
		case a.Sent.Seq < e.Seq:
		case !causedAfter(s, o, a, e), notedLate(a.Sent, e.At):
			t.unjudgeable(actSkipped, "it may have been on its way when the step was skipped")
			return
		default:
			t.violate(actSkipped, o.Op, []*history.Event{e, a.Sent}, "broke what an operator asked for: attempt %d of %s began although the step had been skipped", a.N, o.Op)
			return
		}
	}
	t.held(actSkipped, 1)
}

// checkEnded judges a saga that was ended by hand.
func checkEnded(t *tally, s *history.SagaRecord, e *history.Event) {
	judgeRest(t, s, e)
	last := last(s.Reports)
	switch {
	case last == nil || last.Seq < e.Seq:
		t.unjudgeable(actSaysEnded, "nobody asked for its status after that")
	case last.Status == saga.EndedByHand, s.Ended != nil && s.Ended.Seq < e.Seq:
		t.held(actSaysEnded, 1)
	default:
		t.violate(actSaysEnded, action(s, ""), []*history.Event{e, last}, "broke the end by hand of saga %s: an operator had ended it, and it is reported as %q", s.ID, last.Status)
	}
}

// judgeRest judges what it attempts after that. What can't be told to have begun later was on its way.
func judgeRest(t *tally, s *history.SagaRecord, e *history.Event) {
	on := false
	for _, o := range opsOf(s) {
		for _, a := range sent(o) {
			switch {
			case a.Sent.Seq < e.Seq:
			case causedAfter(s, o, a, e) && !notedLate(a.Sent, e.At):
				t.violate(actEnded, o.Op, []*history.Event{e, a.Sent}, "broke the end by hand of saga %s: attempt %d of %s began %v after it", s.ID, a.N, o.Op, ms(a.Sent.From()-e.At))
				return
			default:
				on = true
			}
		}
	}
	if on {
		t.unjudgeable(actEnded, "an attempt may have been on its way when the saga was ended")
	} else {
		t.held(actEnded, 1)
	}
}

// hurryWithin is how much longer a wait has to last after a retry was asked for so that it
// shows whether it ended early.
const hurryWithin = 300 * time.Millisecond

// checkRetried looks for operations that were waiting when an operator asked to retry now.
func checkRetried(t *tally, s *history.SagaRecord, e *history.Event) {
	for _, o := range opsOf(s) {
		as := sent(o)
		for i, b := range as[min(1, len(as)):] {
			a := as[i]
			lo, _ := o.Call.Retry.Band(b.N)
			over := earliestFailure(a) + max(lo, retryAfter(a))
			switch {
			case a.Learnt() != saga.Transient || a.Ended.Seq > e.Seq || b.Sent.At < e.At-answersWithin, over-e.At < hurryWithin:
			case b.Sent.At < over:
				t.held(actRetried, 1)
			default:
				t.violate(actRetried, o.Op, []*history.Event{a.Ended, e, b.Sent}, "broke what an operator asked for: %s was to be attempted again at once, and attempt %d began %v later", o.Op, b.N, ms(b.Sent.At-e.At))
			}
		}
	}
}
