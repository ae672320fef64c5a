package mutation

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// roundOperators change what is asked between the rounds of a step, and what is made of it.
func roundOperators() []Operator {
	return []Operator{
		{"round-unasked", "retry-budget", "another round begins, and nobody has asked what the participant holds", roundUnasked},
		{"round-asked-early", "retry-budget", "it is asked what the participant holds as soon as a round has failed, and not when the wait is over", roundAskedEarly},
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

// roundAskedEarly puts the only question between the first two rounds of an action at the beginning of the wait.
func roundAskedEarly(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range actions(ix) {
		one := o.Call.Retry.MaxAttempts
		if o.Call.Retry.Rounds < 2 || len(o.Attempts) <= one || disturbed(ix) || len(s.Operated) > 0 || ix.History.MayBeRefused(o.Op) {
			continue
		}
		last, next := o.Attempts[one-1], o.Attempts[one]
		if last.Ended == nil || !last.Ended.Certain || !last.InTime() || next.Sent == nil {
			continue
		}
		asked := slices.DeleteFunc(slices.Clone(s.Reads), func(e *history.Event) bool { return e.Operation() != o.Op || e.Seq > next.Sent.Seq })
		if len(asked) != 1 || asked[0].Seq < last.Ended.Seq {
			continue
		}
		if !yield(o.Op.String(), change(ix.History).move(asked[0].Seq, last.Ended.Seq)) {
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
