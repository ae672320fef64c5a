package checkers

import (
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
// the operation's success: the good answer of an attempt of its own. Nil: none.
func acknowledged(o *history.OpRecord) *history.Event {
	if o == nil {
		return nil
	}
	var first *history.Event
	for _, a := range o.Attempts {
		for _, e := range append(a.Answered[:len(a.Answered):len(a.Answered)], a.Ended) {
			if e != nil && e.Copy == 0 && saga.Classify(e.Code) == saga.Done && (first == nil || e.Seq < first.Seq) {
				first = e
			}
		}
	}
	return first
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

// coreSucceeded tells whether, before an event, every step that is not deferrable
// and was attempted had surely succeeded, and no step could have failed without a trace on
// the wire. Then nothing but an operator can be a reason to go back.
func coreSucceeded(h *history.History, s *history.SagaRecord, before *history.Event) bool {
	if hidingFault(h) || len(s.Operator) > 0 {
		return false
	}
	// Without the capability all steps are critical.
	defers := slices.Contains(h.Header.Orchestrator.Capabilities, "deferrable")
	for _, step := range s.Definition.Steps {
		o := s.Op(step.Name, saga.Action)
		switch {
		case step.Kind == saga.Deferrable && defers:
		case o == nil && step.Action.Breaker != nil: // an open breaker fails it silently
			return false
		case o == nil && firstMayHide(s, step, last(s.Reports)):
			return false
		case o != nil && mayHaveLearnt(o, saga.Permanent):
			return false
		case o != nil:
			if a := o.Learnt(saga.Done); a == nil || a.Ended.Seq > before.Seq {
				return false
			}
		}
	}
	return true
}

// firstMayHide tells whether there was time, until an event, for an attempt of
// the step that timed out before its first byte came to the wire: when all that
// it waits for had succeeded, its attempt time-out before.
func firstMayHide(s *history.SagaRecord, step saga.Step, until *history.Event) bool {
	limit := step.Action.Retry.AttemptTimeout()
	if limit == 0 || until == nil {
		return false
	}
	var ready time.Duration
	for _, name := range mustPrecede(s.Definition)[step.Name] {
		done := acknowledged(s.Op(name, saga.Action))
		if done == nil {
			return false
		}
		ready = max(ready, done.At)
	}
	return until.At-ready >= limit
}
