package checkers

import (
	"slices"

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
		if st.Attempts <= len(as)+aboutToLeave(s, r, step) {
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
// over, else the one that was next when something held it back.
func aboutToLeave(s *history.SagaRecord, r *history.Event, step saga.Step) int {
	over := s.Ended != nil && r.Seq >= s.Ended.Seq && step.Kind != saga.Deferrable
	if over && len(s.Operator)+len(s.Operated) == 0 && step.Action.Retry.DeadlineMS == 0 {
		return 0
	}
	return 1
}
