package checkers

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// DuplicateSaga finds one start that a client repeated, because it had heard
// nothing, and that made two sagas.
//
// Source: go-workflows #291, dapr/docs PR 5306; the contract: the same id with the
// same body again makes no second saga. Evidence: saga-submitted, fault-fired of a
// copy of the start, call-sent with its Saga-Id and Idempotency-Key, call-ended.
//
// Both sagas call the same addresses. What shows the second one: calls of one
// operation carry different Saga-Ids; or, where the ids are the same or missing,
// two operations or all that were attempted are called under a second key although
// nothing asked for another attempt: the first had surely succeeded, or an attempt
// to which nothing had come back was under way and far from its time-out. A saga that began again under the same
// keys looks like redundant calls of the first one, so where there are some since the
// start was repeated that is not judged. The other properties of a saga's course leave
// such sagas out: one cause, one finding. Cost: linear.
type DuplicateSaga struct{}

var _ Checker = DuplicateSaga{}

// repeatedStart is the clause of duplicate-saga.
const repeatedStart = "repeated-start"

// Doc documents the checker.
func (DuplicateSaga) Doc() Doc {
	return Doc{
		Name:       "duplicate-saga",
		Definition: "One start that a client repeated made two sagas.",
		Source:     "go-workflows #291, dapr/docs PR 5306; docs/contract.md on POST /sagas",
		Clauses: []Clause{
			{Name: repeatedStart, Text: "a start that arrives a second time, since its answer was lost or the network copied it, makes no second saga"},
		},
		Evidence:  "saga-submitted, fault-fired of a copy of the start, and the Saga-Id and Idempotency-Key of call-sent.",
		Prevented: "Taking the client's own id for the saga under a unique index, and answering a repeated start with the saga that is there.",
		Blind:     "A second saga that uses the ids and the keys of the first: where an operation is called again for no reason since the start was repeated, under its key, it is not judged (see redundant-call); and one that begins after the history ended.",
		Cost:      "linear",
		Whole:     true,
		Needs:     []string{"idempotent-submit"},
	}
}

// Check judges a history.
func (c DuplicateSaga) Check(h *history.History, ix *history.Index) Verdict {
	t, ds := newTally(c), disturbances(h, ix)
	for _, s := range ix.Sagas {
		repeated := startedAgain(h, ix, s)
		if repeated == nil {
			continue
		}
		first, second := secondSaga(ix, s)
		switch {
		case second != nil:
			t.violate(repeatedStart, action(s, ""), []*history.Event{last(s.Submitted), first, second}, "broke the start of a saga: %s was started once and the start was repeated, and two sagas run: the second one calls %s as %s under the key %s", s.ID, second.Operation(), quoteOr(second.SagaID), quoteOr(second.Key))
		case calledAgain(ix, s, ds, repeated):
			t.unjudgeable(repeatedStart, "operations were called again under their keys since the start was repeated, and nothing asked for it: by a second saga, or by the first")
		case len(s.Calls) > 0:
			t.held(repeatedStart, 1)
		}
	}
	return t.verdict("no start arrived twice")
}

// startedAgain is when a start of the saga may first have arrived once more; nil: never.
func startedAgain(h *history.History, ix *history.Index, s *history.SagaRecord) (repeated *history.Event) {
	if len(s.Submitted) > 1 {
		repeated = s.Submitted[1]
	}
	for i, es := range ix.Fired {
		for _, e := range es {
			copied := h.Copies(i) && e.Saga == s.ID && e.Step == saga.SubmitStep
			if copied && (repeated == nil || e.Seq < repeated.Seq) {
				repeated = e
			}
		}
	}
	return repeated
}

// calledAgain tells whether an operation was called again under its key since the start was repeated, although nothing
// asked for it, nor was the orchestrator disturbed.
func calledAgain(ix *history.Index, s *history.SagaRecord, ds []disturbance, repeated *history.Event) bool {
	return slices.ContainsFunc(opsOf(s), func(o *history.OpRecord) bool {
		as := sent(o)
		for i, b := range as {
			if b.Sent.Seq > repeated.Seq && slices.ContainsFunc(as[:i], func(a *history.Attempt) bool {
				return unasked(ix, o, a, b) && !disturbed(ds, a.Sent.Seq, b.Sent.Seq)
			}) {
				return true
			}
		}
		return false
	})
}

// secondSaga finds a call of a second saga, and one of the first, of the same
// operation. Nil: there is none.
func secondSaga(ix *history.Index, s *history.SagaRecord) (first, second *history.Event) {
	doubled := 0
	for _, o := range opsOf(s) {
		a, b, surely := secondCall(ix, o)
		if b == nil {
			continue
		}
		if surely {
			return a, b
		}
		if doubled++; second == nil {
			first, second = a, b
		}
	}
	if doubled > 1 || doubled == len(s.Ops) {
		return first, second
	}
	return nil, nil
}

// secondCall finds two attempts of an operation of which the second can't be a retry
// of the first; surely: they name two sagas.
func secondCall(ix *history.Index, o *history.OpRecord) (first, second *history.Event, surely bool) {
	as := sent(o)
	keys := map[string]bool{} // of those before
	for i, b := range as {
		for _, a := range as[:i] {
			switch {
			case a.Sent.SagaID != "" && b.Sent.SagaID != "" && a.Sent.SagaID != b.Sent.SagaID:
				return a.Sent, b.Sent, true
			case second == nil && !keys[b.Sent.Key] && unasked(ix, o, a, b):
				first, second = a.Sent, b.Sent
			}
		}
		keys[b.Sent.Key] = true
	}
	return first, second, false
}

// unasked tells that, when attempt b was sent, attempt a had surely succeeded, or was
// surely under way and far from its time-out.
func unasked(ix *history.Index, o *history.OpRecord, a, b *history.Attempt) bool {
	if a.Learnt() == saga.Done && a.Ended.Seq < b.Sent.Seq {
		return true
	}
	limit := o.Call.Retry.ShortestTimeout()
	return surelyUnderWay(ix, o, a, b.Sent) && (limit == 0 || b.Sent.At-a.Sent.From() < limit/2)
}

// surelyUnderWay tells that nothing can have come back to the orchestrator from an attempt when
// another one was sent. That its end was noted later does not show it: the wire notes that when
// the connection is over, which may be long after the answer was read, and a fault may have
// broken it by then.
func surelyUnderWay(ix *history.Index, o *history.OpRecord, a *history.Attempt, sent *history.Event) bool {
	if a.Ended != nil && a.Ended.Seq < sent.Seq {
		return false
	}
	if at, answered := a.AnsweredAt(); answered {
		return at > sent.At
	}
	for _, fired := range ix.Fired {
		if slices.ContainsFunc(fired, func(e *history.Event) bool { return e.Operation() == o.Op && e.Attempt == a.N }) {
			return false
		}
	}
	return true
}

// singleSagas are the sagas of a history but for those of which two run: what those
// do together is duplicate-saga's matter alone.
func singleSagas(h *history.History, ix *history.Index) []*history.SagaRecord {
	if !slices.Contains(h.Header.Orchestrator.Capabilities, "idempotent-submit") {
		return ix.Sagas
	}
	return slices.DeleteFunc(slices.Clone(ix.Sagas), func(s *history.SagaRecord) bool {
		if startedAgain(h, ix, s) == nil {
			return false
		}
		_, second := secondSaga(ix, s)
		return second != nil
	})
}

func quoteOr(s string) string {
	if s == "" {
		return "nobody"
	}
	return `"` + s + `"`
}
