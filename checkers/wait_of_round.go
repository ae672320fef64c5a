package checkers

import (
	"time"

	"github.com/sagacheck/sagacheck/history"
)

// roundOver is when the last attempt of a round of a saga was over, as far as it can be told from the wire.
type roundOver struct {
	last             *history.Attempt // by which it is known
	earliest, latest time.Duration    // when the orchestrator can have known it, and must have
	open             bool             // an attempt did not end
}

// overOf looks at all attempts of a round that were sent before the next one began. An attempt that the orchestrator may have given up
// before the wire saw it says nothing of the earliest moment.
func (t *timing) overOf(part *history.SagaRecord) (over roundOver) {
	for _, o := range opsOf(part) {
		for _, a := range sent(o) {
			if a.Sent.Seq > part.Ended.Seq {
				continue // who begins too early is found by others
			}
			if a.Ended == nil {
				over.open = true
				continue
			}
			over.latest = max(over.latest, latestFailure(a, o.Call.Retry))
			if at := t.earliestFailure(o, a); !t.seenLate(o, a) && (over.last == nil || at > over.earliest) {
				over.last, over.earliest = a, at
			}
		}
	}
	return over
}

// checkRoundWait judges the wait before the round that follows on one of a saga. A kill makes it no shorter: when the last
// attempt was over is written down.
func checkRoundWait(t *tally, tm *timing, s, part *history.SagaRecord) {
	next, least := part.Ended, s.Definition.RoundDelay()
	over := tm.overOf(part)
	if least <= 2*timerTolerance || over.last == nil {
		return
	}
	waited := next.At - over.earliest
	hidden := waited - (next.From() - over.latest) + timerTolerance
	switch {
	case hurried(s, over.last, &history.Attempt{Sent: next}):
		t.unjudgeable(againWait, "an operator may have ended the wait")
	case waited < least-timerTolerance:
		t.violate(againWait, action(s, ""), []*history.Event{over.last.Sent, over.last.Ended, next}, "broke the rounds of saga %s: it was run forward again at most %v after all of the round before was over, and the wait is %v", s.ID, ms(max(0, waited)), least)
	case over.open, hidden >= least, tm.ix.History.MayBeRefused(next.Operation()):
		t.unjudgeable(againWait, "a round at once would not have been seen")
	default:
		t.held(againWait, 1)
	}
}
