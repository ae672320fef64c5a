package checkers

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// DirtyRead finds sagas that completed on the strength of what another saga
// later undid: an action found in a register the value that its definition
// expected, an action of another saga under way had put it there, and that saga
// compensated it afterwards, or tried to: a participant with a semantic lock
// refuses to undo what somebody has built on.
//
// Source: Richardson, "Microservices Patterns", ch. 4.3 (dirty reads). Evidence:
// call-committed with the value that each write really found, in the order of
// effects; call-received of compensations; the ends of sagas. It cannot see reads that lead to no write of the
// same register. An action that did not expect the value is no reader
// (lost-update sees it). Cost: linear, and sorting.
type DirtyRead struct{}

var _ Checker = DirtyRead{}

// Doc documents the checker.
func (DirtyRead) Doc() Doc {
	return Doc{
		Name:       "dirty-read",
		Definition: "A saga completed although it had acted on a register's value that another saga, under way at the same time, had written and later compensated, or tried to.",
		Source:     "Richardson, Microservices Patterns, ch. 4.3: dirty reads",
		Clauses: []Clause{
			{Name: undoneWrite, Text: "no saga completes on the strength of what a saga had written to a register that it compensates, or is to compensate, while another one with calls to that register is under way", Inside: true},
		},
		Evidence:  "call-committed with the values that writes found, call-received of compensations, and saga-ended",
		Prevented: "A semantic lock: a value that a saga under way wrote is marked as pending, and others wait for it or are refused.",
		Blind:     "Reads that lead to no write of the same register. A write that did not expect the value is no read: lost-update sees it.",
		Cost:      "linear, and sorting",
		Wants:     []Trait{sharedWrites},
	}
}

const undoneWrite = "undone-write"

// Check judges a history.
func (c DirtyRead) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	for _, r := range registersOf(h, ix) {
		undone := r.undone()
		judged := map[*history.SagaRecord]bool{} // writers on which a reader decided
		for i, w := range r.writes {
			if _, by := r.before(i); by != nil && reads(w, by) && judgeRead(t, r, &w, by) {
				judged[by.saga] = true
			}
		}
		for _, s := range r.crowded() {
			if undone[s] && !judged[s] {
				t.held(undoneWrite, 1)
			}
		}
	}
	return t.verdict("no saga undid a register that another one was at")
}

// undone are the sagas that wrote the register by an action and had the
// compensation of that step received.
func (r *register) undone() map[*history.SagaRecord]bool {
	all := map[*history.SagaRecord]bool{}
	for _, w := range r.writes {
		if w.op.Direction == saga.Action && slices.ContainsFunc(w.saga.Undos(w.op.Step), undoArrived) {
			all[w.saga] = true
		}
	}
	return all
}

func undoArrived(undo *history.OpRecord) bool { return received(undo)+len(undo.Effects) > 0 }

// reads tells whether an action found, and expected, what an action of another
// saga under way had left.
func reads(w registerWrite, by *registerWrite) bool {
	return w.op.Direction == saga.Action && by.op.Direction == saga.Action && by.saga != w.saga &&
		w.found == by.left && w.told && w.found == w.expected && together(w.saga, by.saga)
}

// judgeRead judges one read; false: it shows nothing wrong.
func judgeRead(t *tally, r *register, w, by *registerWrite) bool {
	undo, how := undoAfter(by, w.event.Seq)
	reader := end(w.saga)
	switch {
	case reader == saga.Compensated: // what was read is undone, and so is the reader
		return false
	case undo == nil && by.saga.Ended == nil:
		t.unjudgeable(undoneWrite, "a saga that wrote has not ended: it may still undo what another one acted on")
	case undo == nil:
		return false
	case reader == "":
		t.unjudgeable(undoneWrite, "a saga that acted on what another one undid has not ended")
	default:
		t.violate(undoneWrite, w.op, []*history.Event{by.event, w.event, undo, w.saga.Ended},
			"broke isolation between sagas: %s acted on register %q being %q, which %s had set and %s, and saga %s completed",
			w.op, r.name, w.found, by.op, how, w.saga.ID)
	}
	return true
}

// undoAfter is the event with which an action was undone after another event, or,
// since a participant may refuse to undo what somebody has built on, was to be
// undone: the saga is on its way back. nil: neither.
func undoAfter(by *registerWrite, seq int) (e *history.Event, how string) {
	undos := by.saga.Undos(by.op.Step)
	if e := firstAfter(undoEffects(by.saga, by.op.Step), seq); e != nil || len(undos) == 0 || end(by.saga) == saga.Completed {
		return e, "later undid"
	}
	for _, o := range undos {
		for _, a := range o.Attempts {
			if e := firstAfter(a.Received, seq); e != nil {
				return e, "later was to undo"
			}
		}
	}
	return nil, ""
}

// end is the good end of a saga, empty if it has none.
func end(s *history.SagaRecord) saga.Status {
	if s.Ended == nil {
		return ""
	}
	return s.Ended.Status
}

func firstAfter(es []*history.Event, seq int) *history.Event {
	for _, e := range es {
		if e.Seq > seq {
			return e
		}
	}
	return nil
}
