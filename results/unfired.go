package results

import (
	"fmt"
	"strings"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/saga"
)

// Missing names the planned faults of a cell that did not fire, and says why, if that is known.
func (c Cell) Missing() string {
	missing := strings.Join(c.Unfired, ", ")
	if c.UnfiredWhy != "" {
		missing += " (" + c.UnfiredWhy + ")"
	}
	return missing
}

// whyUnfired says why a planned fault that did not fire was not reached, as far as a history tells: how often its
// operation was called, and what its saga had come to; empty: it does not tell.
func whyUnfired(h *history.History, f history.PlannedFault) string {
	if f.At.Attempt == 0 || f.At.Phase == saga.Connect { // of a refused connection nothing is seen
		return ""
	}
	for _, s := range history.NewIndex(h).Sagas {
		if _, has := s.Definition.Step(f.At.Step); !has || f.Saga != "" && f.Saga != s.ID {
			continue
		}
		n := 0
		for _, e := range s.Calls {
			if e.Kind == history.CallSent && e.Operation().Ref() == f.At.Ref() {
				n++
			}
		}
		switch {
		case n == 0:
			return fmt.Sprintf("%s was never called%s", f.At.Ref(), cameTo(s))
		case n < f.At.Attempt:
			return fmt.Sprintf("%s was called %s%s", f.At.Ref(), words.Times(n), cameTo(s))
		}
	}
	return ""
}

// cameTo says after which attempt a saga went back, or else how it ended.
func cameTo(s *history.SagaRecord) string {
	var last *history.Event
	for _, e := range s.Calls {
		switch {
		case e.Kind != history.CallSent:
		case e.Direction == saga.Action:
			last = e
		case last == nil:
			return ", and the saga went back"
		default:
			return fmt.Sprintf(", and the saga went back after %s#%d, %s", last.Operation().Ref(), last.Attempt, heardOf(s, last))
		}
	}
	if s.Ended != nil {
		return ", and the saga ended " + string(s.Ended.Status)
	}
	return ""
}

// heardOf says what came back to the orchestrator of an attempt.
func heardOf(s *history.SagaRecord, sent *history.Event) string {
	for _, e := range s.Calls {
		if e.Kind != history.CallEnded || e.Operation() != sent.Operation() || e.Attempt != sent.Attempt {
			continue
		}
		switch {
		case e.Code > 0:
			return fmt.Sprintf("which was answered %d", e.Code)
		case e.Down > 0:
			return "whose answer was cut off after " + words.Plural(int(e.Down), "byte")
		}
	}
	return "of which no answer came"
}
