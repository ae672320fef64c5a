package checkers

import (
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/saga"
)

// checkMost compares how many attempts of its actions a report counts with how many were sent. Those that are counted before
// they leave, and never do, can be told where nothing keeps any from the wire.
func checkMost(t *tally, ix *history.Index, ds []disturbance, s *history.SagaRecord, r *history.Event, told map[saga.StepStatus]bool) {
	if len(ds) > 0 || mayBeUnseen(ix, s) {
		return
	}
	for _, st := range r.Steps {
		step, ok := s.Definition.Step(st.Name)
		if !ok || told[st] || ix.History.MayBeRefused(action(s, st.Name)) {
			continue
		}
		var as []*history.Attempt
		if o := s.Op(st.Name, saga.Action); o != nil {
			as = sent(o)
		}
		if st.Attempts <= len(as)+aboutToLeave(ix.History, s, r, step) || mayBeGivenUpUnsent(ix.History, s, step, as, r) {
			continue
		}
		told[st] = true
		events := []*history.Event{r}
		for _, a := range as {
			events = append(events, a.Sent)
		}
		t.violate("words", action(s, st.Name), events, "broke the status report: %s was sent %s, and the report on saga %s says %s", action(s, st.Name), words.Plural(len(as), "time"), s.ID, words.Plural(st.Attempts, "attempt"))
	}
}

// mayBeUnseen tells whether attempts of a saga may have been made that the wire knows nothing of: they were over before it saw them,
// or came while a service, or the whole cell, was struck.
func mayBeUnseen(ix *history.Index, s *history.SagaRecord) bool {
	return len(ix.Strays) > 0 || starved(ix, s) ||
		slices.ContainsFunc(ix.History.Header.Faults, func(f history.PlannedFault) bool { return !f.AtCalls() })
}

// aboutToLeave is how many attempts of a step a report may count that will never be sent: none of one that is
// over by itself, else the one that was next, or on its way out, when something held it back: a person, a deadline, or
// another step that turned the saga.
func aboutToLeave(h *history.History, s *history.SagaRecord, r *history.Event, step saga.Step) int {
	over := s.Ended != nil && r.Seq >= s.Ended.Seq && step.Kind != saga.Deferrable
	if over && len(s.Operator)+len(s.Operated) == 0 && step.Action.Retry.DeadlineMS == 0 && !cutByAnother(h, s, step.Name) {
		return 0
	}
	return 1
}

// cutByAnother tells whether a step that was not over by itself may have been given up because another one turned the saga.
func cutByAnother(h *history.History, s *history.SagaRecord, name string) bool {
	o := s.Op(name, saga.Action)
	return s.Ended.Status != saga.Completed && o.Learnt(saga.Done) == nil && o.Learnt(saga.Permanent) == nil &&
		slices.ContainsFunc(opsOf(s), func(other *history.OpRecord) bool { return other.Op.Step != name && reasonToStop(h, s, other) })
}

// mayBeGivenUpUnsent tells whether an attempt of a step may have timed out before it had sent anything, for want of a connection
// or of a processor: it would have lasted as long as a time-out at a time at which it could be made, and none of it was seen.
func mayBeGivenUpUnsent(h *history.History, s *history.SagaRecord, step saga.Step, as []*history.Attempt, r *history.Event) bool {
	retry := step.Action.Retry
	limit := retry.ShortestTimeout()
	if limit == 0 {
		return false
	}
	free, wait := mayBegin(s, step.Name), time.Duration(0)
	for n, a := range as {
		if a.Sent.At-free >= limit+wait {
			return true
		}
		if a.Ended == nil || a.Learnt() == saga.Done {
			return false
		}
		_, most := retry.Band(n + 2)
		free, wait = max(free, a.LearntAt()), max(most, retryAfter(a))+longestHold(h, step.Action)
	}
	return turnedOrOver(s, r)-free >= limit+wait
}

// turnedOrOver is when no action of a saga was attempted any more at the latest, or when the report came, if that was earlier.
func turnedOrOver(s *history.SagaRecord, r *history.Event) time.Duration {
	at := r.At
	if s.Ended != nil {
		at = min(at, s.Ended.At)
	}
	for _, o := range opsOf(s) {
		if undo := firstSent(o); undo != nil && o.Op.Direction == saga.Compensation {
			at = min(at, undo.At)
		}
	}
	return at
}

// mayBegin is the earliest time at which a step may have begun: when all those before it may have been heard of as done, or, where
// one of them was not, when its saga was submitted.
func mayBegin(s *history.SagaRecord, name string) time.Duration {
	var submitted time.Duration
	if len(s.Submitted) > 0 {
		submitted = s.Submitted[0].At
	}
	at := submitted
	for _, before := range s.Definition.Predecessors(slices.IndexFunc(s.Definition.Steps, func(step saga.Step) bool { return step.Name == name })) {
		done := acknowledged(s.Op(before, saga.Action))
		if done == nil {
			return submitted
		}
		at = max(at, done.At)
	}
	return at
}
