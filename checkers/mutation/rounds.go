package mutation

import (
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// roundOperators change what is asked between the rounds of a step, and what is made of it.
func roundOperators() []Operator {
	return []Operator{
		{"round-unasked", "retry-budget", "another round begins, and nobody has asked what the participant holds", roundUnasked},
		{"round-although-found", "retry-budget", "an action is attempted again, although the participant was found to hold it", roundAlthoughFound},
	}
}

// roundUnasked takes all questions about an action away that was attempted in more rounds than one.
func roundUnasked(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range actions(ix) {
		most := o.Call.Retry.MaxAttempts + kills(ix)
		if o.Call.Retry.Rounds < 2 || len(o.Attempts) <= most || mayBeOver(o) && len(o.Attempts) <= most+1 || endless(s, o) {
			continue
		}
		m := change(ix.History).drop(func(e *history.Event) bool { return e.Kind == history.CallRead && e.Operation() == o.Op })
		if !yield(o.Op.String(), m) {
			return
		}
	}
}

// roundAlthoughFound adds an attempt to an action of which nothing was known until it was found.
func roundAlthoughFound(ix *history.Index, yield func(string, *edit) bool) {
	for _, o := range actions(ix) {
		last := lastSent(o)
		if o.Call.Retry.Rounds < 2 || last == nil || last.Learnt() != saga.Transient || mayBeOver(o) || len(o.Found) == 0 || disturbed(ix) {
			continue
		}
		more := attempt(last, o.Op, last.N+1, 503, nil)
		if !yield(place(o, last.N+1), change(ix.History).after(o.Found[0].Seq, more...)) {
			return
		}
	}
}
