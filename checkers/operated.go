package checkers

import (
	"net/http"
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// What operators asked of a saga. A request is noted when it was answered, so that what it
// leads to may come before it.

// refusedAct tells whether a request was refused, so that it changed nothing.
func refusedAct(e *history.Event) bool {
	return e.Code == http.StatusConflict || saga.Classify(e.Code) == saga.Permanent && e.Code != 0
}

// mayHaveActed tells whether operators asked for one of some acts and were not refused.
func mayHaveActed(s *history.SagaRecord, acts ...saga.Act) bool {
	return slices.ContainsFunc(s.Operated, func(e *history.Event) bool {
		return slices.Contains(acts, saga.Act(e.What)) && !refusedAct(e)
	})
}

// endedByHand tells whether an operator may have ended the saga.
func endedByHand(s *history.SagaRecord) bool { return mayHaveActed(s, saga.ActEnd) }

// taken are the requests for an act that were surely taken.
func taken(s *history.SagaRecord, act saga.Act) (all []*history.Event) {
	for _, e := range s.Operated {
		if e.What == string(act) && saga.Classify(e.Code) == saga.Done {
			all = append(all, e)
		}
	}
	return all
}

// hurried tells whether an operator may have ended the wait between two attempts, or made
// it begin anew by pausing the saga and letting it go on.
func hurried(s *history.SagaRecord, a, b *history.Attempt) bool {
	return slices.ContainsFunc(s.Operated, func(e *history.Event) bool {
		return e.What == string(saga.ActRetry) && !refusedAct(e) && e.Seq > a.Sent.Seq && e.At >= a.Sent.At && mayPrecede(e, b)
	})
}

// mayPrecede: a request may have been answered after what it led to.
func mayPrecede(e *history.Event, b *history.Attempt) bool {
	return e.Seq < b.Sent.Seq || e.At-b.Sent.At < answersWithin
}
