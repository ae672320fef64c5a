package checkers

import (
	"math"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// DuplicateSaga finds one start that a client repeated, because it had heard
// nothing, and that made two sagas.
//
// Source: go-workflows #291, dapr/docs PR 5306; the contract: the same id with the
// same body again makes no second saga. Evidence: saga-submitted, fault-fired of a
// copy of the start, process-killed, call-sent with its Saga-Id and Idempotency-Key,
// call-ended.
//
// Both sagas call the same addresses. What shows the second one: calls of one
// operation carry different Saga-Ids; or, where the ids are the same or missing,
// two operations or all that were attempted are called under a second key although
// nothing asked for another attempt: the first had surely succeeded, or an attempt
// to which nothing had come back was under way and far from its time-out, and for one
// of them no kill came in between, after which an orchestrator may know less than it had
// heard. A saga that began again under the same
// keys looks like redundant calls of the first one, so where there are some since the
// start was repeated that is not judged. The other properties of a saga's course leave
// such sagas out: one cause, one finding. Cost: linear.
type DuplicateSaga struct{}

var _ Checker = DuplicateSaga{}

// The clauses: a start that is repeated to who has taken it in, or who was killed since.
const (
	repeatedStart   = "repeated-start"
	startAfterCrash = "after-crash"
)

// Doc documents the checker.
func (DuplicateSaga) Doc() Doc {
	return Doc{
		Name:       "duplicate-saga",
		Definition: "One start that a client repeated made two sagas.",
		Source:     "go-workflows #291, dapr/docs PR 5306; docs/contract.md on POST /sagas",
		Clauses: []Clause{
			{Name: repeatedStart, Text: "a start that arrives a second time, since its answer was lost or the network copied it, makes no second saga"},
			{Name: startAfterCrash, Text: "nor does one that is repeated after a kill of the orchestrator, before which it was accepted, had called, or had its answer on the way", Does: []string{history.Kill}},
		},
		Evidence:  "saga-submitted, fault-fired of a copy of the start or of what kept its answer back, process-killed, and the Saga-Id and Idempotency-Key of call-sent.",
		Prevented: "Taking the client's own id for the saga under a unique index, and answering a repeated start with the saga that is there.",
		Blind:     "A second saga that uses the ids and the keys of the first: where an operation is called again for no reason since the start was repeated, under its key, it is not judged (see redundant-call), nor where all that was called again under other keys was called before a kill (see key-misuse); and one that begins after the history ended.",
		Cost:      "linear",
		Whole:     true,
		Needs:     []string{"idempotent-submit"},
	}
}

// Check judges a history.
func (c DuplicateSaga) Check(h *history.History, ix *history.Index) Verdict {
	t, ds, st := newTally(c), disturbances(h, ix), startsOf(h, ix)
	for _, s := range ix.Sagas {
		repeated := st.again(s)
		if repeated == nil {
			continue
		}
		first, second, sure := st.second(s)
		switch {
		case sure:
			t.violate(st.clause(s, second.Seq), action(s, ""), []*history.Event{last(s.Submitted), first, second}, "broke the start of a saga: %s was started once and the start was repeated, and two sagas run: the second one calls %s as %s under the key %s", s.ID, second.Operation(), quoteOr(second.SagaID), quoteOr(second.Key))
		case second != nil:
			t.unjudgeable(st.clause(s, second.Seq), "operations that were called before a kill were called under other keys after it: by a second saga, or by the first")
		case calledAgain(ix, s, ds, repeated):
			t.unjudgeable(st.clause(s, len(h.Events)), "operations were called again under their keys since the start was repeated, and nothing asked for it: by a second saga, or by the first")
		case len(s.Calls) > 0:
			t.held(st.clause(s, len(h.Events)), 1)
		}
	}
	return t.verdict("no start arrived twice")
}

// starts is what a history says of the starts of its sagas, by their ids.
type starts struct {
	ix      *history.Index
	kills   []killing
	copied, // the first copy of a start that the network made
	unheard map[string]*history.Event // the first fault that struck the answer to a start
}

func startsOf(h *history.History, ix *history.Index) *starts {
	st := &starts{ix, killings(h), map[string]*history.Event{}, map[string]*history.Event{}}
	first := func(m map[string]*history.Event, e *history.Event) {
		if old := m[e.Saga]; old == nil || e.Seq < old.Seq {
			m[e.Saga] = e
		}
	}
	for i, fired := range ix.Fired {
		f, ok := h.Planned(i)
		unheard := ok && f.At.Step == saga.SubmitStep && f.At.Phase == saga.Response
		for _, e := range fired {
			if unheard {
				first(st.unheard, e)
			}
			if e.Step == saga.SubmitStep && h.Copies(i) {
				first(st.copied, e)
			}
		}
	}
	return st
}

// again is when a start of the saga may first have arrived once more; nil: never.
func (st *starts) again(s *history.SagaRecord) *history.Event {
	repeated := st.copied[s.ID]
	if len(s.Submitted) > 1 && (repeated == nil || s.Submitted[1].Seq < repeated.Seq) {
		repeated = s.Submitted[1]
	}
	return repeated
}

// clause is the clause that a repeated start put at risk before an event, by its sequence number.
func (st *starts) clause(s *history.SagaRecord, before int) string {
	taken := st.taken(s)
	for _, k := range st.kills {
		if taken < k.seq && slices.ContainsFunc(s.Submitted, func(e *history.Event) bool { return k.seq < e.Seq && e.Seq < before }) {
			return startAfterCrash
		}
	}
	return repeatedStart
}

// taken is when a saga was accepted at the latest, had called, or its answer was on its way to the client: the
// number of that event.
func (st *starts) taken(s *history.SagaRecord) int {
	at := math.MaxInt
	for _, es := range [][]*history.Event{s.Accepted, s.Calls} {
		if len(es) > 0 {
			at = min(at, es[0].Seq)
		}
	}
	if e := st.unheard[s.ID]; e != nil {
		at = min(at, e.Seq)
	}
	return at
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

// second finds a call of a second saga, and one of the first, of the same
// operation. Nil: there is none. It is not sure where a kill came between all such.
func (st *starts) second(s *history.SagaRecord) (first, second *history.Event, sure bool) {
	doubled := 0
	for _, o := range opsOf(s) {
		d := secondCall(st.ix, o, st.kills)
		if d.second == nil {
			continue
		}
		if d.named {
			return d.first, d.second, true
		}
		doubled++
		if second == nil || !sure && !d.killed {
			first, second, sure = d.first, d.second, !d.killed
		}
	}
	if doubled > 1 || doubled == len(s.Ops) {
		return first, second, sure
	}
	return nil, nil, false
}

// doubling is two attempts of an operation of which the second can't be a retry of the first; nil: there are none.
type doubling struct {
	first, second *history.Event
	named         bool // they name two sagas
	killed        bool // a kill came in between
}

// secondCall finds the doubling of an operation that shows most.
func secondCall(ix *history.Index, o *history.OpRecord, kills []killing) (found doubling) {
	as := sent(o)
	keys := map[string]bool{} // of those before
	for i, b := range as {
		for _, a := range as[:i] {
			if a.Sent.SagaID != "" && b.Sent.SagaID != "" && a.Sent.SagaID != b.Sent.SagaID {
				return doubling{first: a.Sent, second: b.Sent, named: true}
			}
			if found.second != nil && !found.killed || keys[b.Sent.Key] || !unasked(ix, o, a, b) {
				continue
			}
			killed := killedBetween(kills, a.Sent, b.Sent)
			if !killed || found.second == nil && a.Learnt() == saga.Done { // who was killed while it was under way may call again
				found = doubling{first: a.Sent, second: b.Sent, killed: killed}
			}
		}
		keys[b.Sent.Key] = true
	}
	return found
}

// killing is a kill, by its sequence number, and when the process was started again.
type killing struct {
	seq     int
	started time.Duration
}

// killings are the kills of a history.
func killings(h *history.History) (ks []killing) {
	for i := range h.Events {
		switch e := &h.Events[i]; {
		case e.Kind == history.ProcessKilled:
			ks = append(ks, killing{e.Seq, math.MaxInt64})
		case e.Kind == history.ProcessStarted && len(ks) > 0:
			ks[len(ks)-1].started = e.At
		}
	}
	return ks
}

// killedBetween tells whether two calls may have been sent by two lives of the orchestrator.
func killedBetween(kills []killing, first, second *history.Event) bool {
	return slices.ContainsFunc(kills, func(k killing) bool { return k.seq < second.Seq && first.From() <= k.started })
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
	st := startsOf(h, ix)
	return slices.DeleteFunc(slices.Clone(ix.Sagas), func(s *history.SagaRecord) bool {
		if st.again(s) == nil {
			return false
		}
		_, _, sure := st.second(s)
		return sure
	})
}

func quoteOr(s string) string {
	if s == "" {
		return "nobody"
	}
	return `"` + s + `"`
}
