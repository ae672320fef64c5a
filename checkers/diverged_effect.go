package checkers

import (
	"github.com/sagacheck/sagacheck/history"
)

// DivergedEffect finds attempts of one operation that asked for different effects:
// an amount or a target that is drawn anew, or read anew, while the saga runs. After a refusal
// for good another one may be asked for: nothing was done of the first.
//
// Source: durable execution's rule that what a workflow does again must be what it did
// (replayed code must be deterministic). Evidence: call-received with the effect that it asks for, call-ended. It
// cannot see what differs in a request and changes no ledger. Cost: linear.
type DivergedEffect struct{}

var _ Checker = DivergedEffect{}

// Doc documents the checker.
func (DivergedEffect) Doc() Doc {
	return Doc{
		Name:       "diverged-effect",
		Definition: "Two attempts of one operation asked for different effects, and the first had not been refused for good.",
		Source:     "Temporal, deterministic constraints of workflow code",
		Clauses: []Clause{
			{Name: "retried", Text: "an operation that is attempted again, and was not refused for good, asks for the same effect"},
			{Name: "after-crash", Text: "nor does it ask for another one after a kill of the orchestrator", Does: []string{history.Kill}},
		},
		Evidence:  "call-sent, call-received and call-ended",
		Prevented: "Drawing amounts, targets and ids once, and storing them before the first attempt.",
		Blind:     "What differs between two requests and changes no ledger.",
		Cost:      "linear",
		Own:       true,
	}
}

// Check judges a history.
func (c DivergedEffect) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	for _, s := range ix.Sagas {
		for _, o := range opsOf(s) {
			divergences(t, h, ds, o)
		}
	}
	return t.verdict("no operation of which the outcome was open was attempted a second time")
}

// divergences compares each attempt of an operation with the one before it. After a refusal
// there is none before it: what is asked for then, of another card, is another effect.
func divergences(t *tally, h *history.History, ds []disturbance, o *history.OpRecord) {
	var before *history.Event
	unread := false // the one before was refused, and that may not have been read
	for _, a := range o.Attempts {
		if len(a.Received) > 0 && a.Received[0].Effect != nil {
			now := a.Received[0]
			if before != nil && before.Of == now.Of {
				diverges(t, ds, o, before, now, unread)
			}
			before = now
		}
		refused, sure := h.Refused(o.Op, a)
		if unread = refused; sure {
			before = nil
		}
	}
}

func diverges(t *tally, ds []disturbance, o *history.OpRecord, before, now *history.Event, unread bool) {
	clause := "retried"
	if kills(ds, before.Seq, now.Seq) > 0 {
		clause = "after-crash"
	}
	switch {
	case before.Effect.Equal(*now.Effect):
		t.held(clause, 1)
	case unread:
		t.unjudgeable(clause, "the refusal of the attempt before may have been read: then another effect may be asked for")
	default:
		t.violate(clause, o.Op, []*history.Event{before, now}, "broke determinism: attempt %d of %s asked for %s, attempt %d for %s", before.Attempt, o.Op, before.Effect, now.Attempt, now.Effect)
	}
}
