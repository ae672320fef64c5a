package checkers

import (
	"cmp"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// mustPrecede lists, for each step, the steps that must have succeeded before it
// starts. A deferrable step may be done later, so those before it take its place.
func mustPrecede(d saga.Definition) map[string][]string {
	before := map[string][]string{}
	var real func(name string, seen map[string]bool) []string
	real = func(name string, seen map[string]bool) (names []string) {
		for _, p := range d.Predecessors(d.StepIndex(name)) {
			if seen[p] {
				continue
			}
			seen[p] = true
			if step, _ := d.Step(p); step.Kind == saga.Deferrable {
				names = append(names, real(p, seen)...)
			} else {
				names = append(names, p)
			}
		}
		return names
	}
	for _, s := range d.Steps {
		before[s.Name] = real(s.Name, map[string]bool{})
	}
	return before
}

// firstSent is the first attempt that the orchestrator sent; nil: none.
func firstSent(o *history.OpRecord) *history.Event {
	if o == nil {
		return nil
	}
	for _, a := range o.Attempts {
		if a.Sent != nil {
			return a.Sent
		}
	}
	return nil
}

// acknowledged is the first event that shows that the orchestrator may have learnt
// the operation's success: the good answer of an attempt of its own, or a read-back or a callback that
// told of it. An answer of which nothing reached it is none. Nil: it can't have.
func acknowledged(o *history.OpRecord) *history.Event {
	if o == nil {
		return nil
	}
	all := slices.Clone(o.Found)
	for _, a := range o.Attempts {
		if !lostAnswer(a) {
			all = append(all, goodAnswers(a)...)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return slices.MinFunc(all, func(a, b *history.Event) int {
		return cmp.Or(cmp.Compare(passedOn(a), passedOn(b)), cmp.Compare(a.Seq, b.Seq))
	})
}

// passedOn is when what an event says began to reach the orchestrator. Read-backs and callbacks
// are noted when they are over, and several of one effect may overlap: a late one and its
// repetition.
func passedOn(e *history.Event) time.Duration {
	if notedAtEnd(e) && e.Passed > 0 {
		return e.Passed
	}
	return e.At
}

// cutShort tells that a read-back was answered, and not all of that reached the orchestrator: it may have been
// heard, or not.
func cutShort(e *history.Event) bool {
	return e.Kind == history.CallRead && (e.Partial || e.Code == 0)
}

func notedAtEnd(e *history.Event) bool {
	return e.Kind == history.CallRead || e.Kind == history.CallBack
}

// goodAnswers are what says that an attempt was successful: the answers of the service to it, and
// its end. That it was taken, and is answered later, does not; that it was done before does.
func goodAnswers(a *history.Attempt) (all []*history.Event) {
	said := a.Answered
	if a.Pending() {
		said = nil
	}
	for _, e := range append(said[:len(said):len(said)], a.Ended) {
		if e != nil && e.Copy == 0 && (saga.Classify(e.Code) == saga.Done || e.Detail == history.DoneBefore) {
			all = append(all, e)
		}
	}
	return all
}

// learntBefore tells whether what acknowledged gives may have been known when a call left: the
// orchestrator may have gone on since it was passed on.
func learntBefore(done, left *history.Event) bool {
	if done == nil {
		return false
	}
	return done.Seq < left.Seq || notedAtEnd(done) && done.Passed > 0 && done.Passed < left.At
}

// Overtook tells whether a step was attempted before another one had succeeded, as far as
// the orchestrator can have known.
func Overtook(s *history.SagaRecord, later, earlier string) bool {
	began, done := firstSent(s.Op(later, saga.Action)), acknowledged(s.Op(earlier, saga.Action))
	return began != nil && !learntBefore(done, began)
}

// lostAnswer tells that nothing of an answer to the attempt reached the orchestrator.
func lostAnswer(a *history.Attempt) bool {
	return a.Ended != nil && a.Ended.Code == 0 && a.Ended.Down == 0
}

// surelyBefore tells whether the orchestrator had surely learnt the operation's
// success before an event.
func surelyBefore(o *history.OpRecord, e *history.Event) bool {
	a := o.Learnt(saga.Done)
	return a != nil && (a.Ended.Seq < e.Seq || a.LearntAt() < e.At)
}

// rollbackEvent is the first sign that the saga is on its way back: a report, or
// a compensation on the wire. Nil: there is none.
func rollbackEvent(s *history.SagaRecord) *history.Event {
	var first *history.Event
	note := func(e *history.Event) {
		if e != nil && (first == nil || e.Seq < first.Seq) {
			first = e
		}
	}
	for _, r := range s.Reports {
		if r.Status == saga.Compensating || r.Status == saga.Compensated {
			note(r)
			break
		}
	}
	for ref, o := range s.Ops {
		if ref.Direction == saga.Compensation {
			note(firstSent(o))
		}
	}
	return first
}

// critical tells whether the saga can't do without the step: without the capability
// all steps are.
func critical(h *history.History, step saga.Step) bool {
	return step.Kind != saga.Deferrable || !slices.Contains(h.Header.Orchestrator.Capabilities, "deferrable")
}

// firstMayHide tells whether there was time, until an event, for an attempt of
// the step that timed out before its first byte came to the wire: when all that
// it waits for had succeeded, its attempt time-out before.
func firstMayHide(s *history.SagaRecord, step saga.Step, until *history.Event) bool {
	limit := step.Action.Retry.ShortestTimeout()
	if limit == 0 || until == nil {
		return false
	}
	ready, ok := readyAt(s, step)
	return ok && until.At-ready >= limit
}

// readyAt is when the orchestrator can have learnt at the earliest that all steps
// before this one had succeeded, and that nothing was left of the one in whose place it
// was taken; not ok: it can't have.
func readyAt(s *history.SagaRecord, step saga.Step) (ready time.Duration, ok bool) {
	for _, name := range mustPrecede(s.Definition)[step.Name] {
		done, ok := doneAt(s.Op(name, saga.Action))
		if !ok {
			return 0, false
		}
		ready = max(ready, done)
	}
	if free := freed(s, step.Name); free != nil {
		ready = max(ready, passedOn(free))
	}
	return ready, true
}

// doneAt is when the orchestrator can have learnt at the earliest that an operation
// had succeeded; not ok: it can't have.
func doneAt(o *history.OpRecord) (at time.Duration, ok bool) {
	if o == nil {
		return 0, false
	}
	note := func(learnt time.Duration) {
		if !ok || learnt < at {
			at, ok = learnt, true
		}
	}
	for _, e := range o.Found {
		note(passedOn(e))
	}
	for _, a := range o.Attempts {
		if len(goodAnswers(a)) > 0 && !lostAnswer(a) {
			learnt, known := a.AnsweredAt()
			if !known {
				learnt = a.Ended.At
			}
			note(learnt)
		}
	}
	return at, ok
}

// several tells whether the operation took more than one attempt up to an event.
func several(o *history.OpRecord, until *history.Event) bool {
	as := sent(o)
	return len(as) > 1 && as[1].Sent.Seq < until.Seq
}
