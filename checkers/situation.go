package checkers

import (
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// crashed tells whether the orchestrator was killed while the saga was under way.
func crashed(ds []disturbance, s *history.SagaRecord) bool {
	start, end := lifetime(s)
	return kills(ds, start, end) > 0
}

// The clauses of repeated deliveries. Each is a promise of its own: who forgets what
// was done may forget it between two attempts, in front of a copy that nobody sent,
// or in a crash.
const (
	repOnce         = "once"
	repRetried      = "retried"
	repCopied       = "copied"
	repAfterCrash   = "after-crash"
	repAcknowledged = "acknowledged"
)

// repetitions are the clauses of repeated deliveries of one sort of operation, called
// "an action" or "a compensation".
func repetitions(what string, wants ...Trait) []Clause {
	return []Clause{
		{Name: repOnce, Text: what + " that is delivered once has at most one effect", Wants: wants},
		{Name: repRetried, Text: what + " that is attempted again has one effect", Wants: wants},
		{Name: repCopied, Text: what + " of which the network delivers a second copy has one effect", Wants: wants},
		{Name: repAfterCrash, Text: what + " that is attempted before a kill of the orchestrator and again after it has one effect", Wants: wants, Does: []string{history.Kill}},
		{Name: repAcknowledged, Text: what + " whose success the orchestrator surely learnt has no further effect afterwards", Wants: wants},
	}
}

// repetitionsOf lists the clauses of repeated deliveries that an operation was an
// opportunity for.
func repetitionsOf(ds []disturbance, o *history.OpRecord) []string {
	var all []string
	as := sent(o)
	if n := received(o); n == 1 {
		all = append(all, repOnce)
	}
	if deliveredCopy(o) {
		all = append(all, repCopied)
	}
	again, crash := false, false
	for i := 1; i < len(as); i++ {
		if kills(ds, as[i-1].Sent.Seq, as[i].Sent.Seq) > 0 {
			crash = true
		} else {
			again = true
		}
	}
	if again && received(o) > 1 {
		all = append(all, repRetried)
	}
	if crash && received(o) > 1 {
		all = append(all, repAfterCrash)
	}
	if o.Learnt(saga.Done) != nil {
		all = append(all, repAcknowledged)
	}
	return all
}

func deliveredCopy(o *history.OpRecord) bool {
	for _, a := range o.Attempts {
		for _, e := range a.Received {
			if e.Copy > 0 {
				return true
			}
		}
	}
	return false
}

// repetition is the clause that a second effect breaks: what made it be delivered
// again.
func repetition(ds []disturbance, o *history.OpRecord, first, second *history.Event) string {
	done := o.Learnt(saga.Done)
	cause := deliveryOf(o, second)
	switch {
	case first.Copy != second.Copy:
		return repCopied
	case first.Attempt == second.Attempt:
		return repOnce
	case done != nil && cause > done.Ended.Seq && kills(ds, done.Ended.Seq, cause) == 0:
		return repAcknowledged
	case kills(ds, first.Seq, cause) > 0:
		return repAfterCrash
	}
	return repRetried
}

// deliveryOf is when the attempt of an effect was sent.
func deliveryOf(o *history.OpRecord, e *history.Event) int {
	for _, a := range o.Attempts {
		if a.N == e.Attempt && a.Sent != nil {
			return a.Sent.Seq
		}
	}
	return e.Seq
}

// judgeRepetitions counts one operation and returns the effects that prove that it
// had more than one, and the clause that they break.
func judgeRepetitions(t *tally, h *history.History, ds []disturbance, o *history.OpRecord) (broken string, proof []*history.Event) {
	if proof = twice(o); proof != nil {
		broken = repetition(ds, o, proof[0], proof[1])
	}
	why := unsure(h, o)
	for _, clause := range repetitionsOf(ds, o) {
		switch {
		case clause == broken:
		case why != "":
			t.unjudgeable(clause, "%s", why)
		default:
			t.held(clause, 1)
		}
	}
	return broken, proof
}
