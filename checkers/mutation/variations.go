package mutation

import (
	"fmt"
	"hash/fnv"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// Variation changes in a history what the contract leaves open. No verdict may
// turn to a violation by it; less may be known for sure.
type Variation struct {
	Name string
	Text string
	vary func(ix *history.Index, m *edit)
}

// Variations is the catalogue.
func Variations() []Variation {
	return []Variation{
		{"slow-between-steps", "every step begins 300 ms later", slowly(saga.Action, 300*time.Millisecond)},
		{"slow-to-undo", "every compensation begins 300 ms later", slowly(saga.Compensation, 300*time.Millisecond)},
		{"keys-hashed", "keys are digests", keysBy(func(key string) string { return digest(key) })},
		{"keys-of-their-own", "keys say nothing of saga and step", keysBy(func(key string) string { return "k-" + digest("own"+key) })},
		{"undo-named", "Saga-Step of a compensation ends with .undo", undoNamed},
		{"one-trace-a-call", "each call has a trace of its own", traceACall},
		{"no-reports-on-the-way", "only ends are reported", onlyEnds},
		{"reports-repeated", "each report comes twice", reportsTwice},
		{"reports-late", "each report comes with the next one", reportsLate},
		{"slow-machine", "all times are half as long again", stretched},
		{"later", "everything happens an hour later", func(_ *history.Index, m *edit) { m.later(0, time.Hour) }},
		{"unread-answers", "no answer was surely read", func(_ *history.Index, m *edit) {
			for i := range m.events {
				m.events[i].Certain = false
			}
		}},
		{"lagging-harness", "the harness was 200 ms late", func(ix *history.Index, m *edit) {
			if ix.Settled != nil {
				m.set(ix.Settled.Seq, func(e *history.Event) { e.LagMS = max(e.LagMS, 200) })
			}
		}},
	}
}

// Of is the varied history. The history itself is not changed.
func (v Variation) Of(h *history.History) *history.History {
	m := change(h)
	v.vary(history.NewIndex(h), m)
	return m.history()
}

// vary notes what a varied history violates that it did not before, in words: nothing,
// if the checkers are right.
func (m *Matrix) vary(h *history.History, base map[string]checkers.Verdict, v Variation) {
	for _, is := range checkers.Judge(v.Of(h), checkers.All()) {
		if is.Outcome == checkers.Violation && base[is.Property].Outcome != checkers.Violation {
			m.Turned = append(m.Turned, fmt.Sprintf("%s: %s turned %s: %s", h.Header.Cell, v.Name, is.Property, is.Witnesses[0].Broken))
		}
	}
}

// slowly lets the first attempt of every operation of a direction come later, and
// all that comes after it.
func slowly(d saga.Direction, by time.Duration) func(*history.Index, *edit) {
	return func(ix *history.Index, m *edit) {
		for _, o := range ofDirection(ix, d) {
			if first := o.Attempts[0].Sent; first != nil && quietAt(ix, first) {
				m.delay(first.Seq, by)
			}
		}
	}
}

// quietAt tells whether nothing is under way when an attempt is sent, and no fault
// is on: then all behind it can come later without anything lasting longer.
func quietAt(ix *history.Index, sent *history.Event) bool {
	under := map[saga.Operation]map[int]bool{}
	on := 0
	for i := range ix.History.Events {
		e := &ix.History.Events[i]
		if e.Seq == sent.Seq {
			break
		}
		switch e.Kind {
		case history.CallSent:
			if under[e.Operation()] == nil {
				under[e.Operation()] = map[int]bool{}
			}
			under[e.Operation()][e.Attempt] = true
		case history.CallEnded:
			delete(under[e.Operation()], e.Attempt)
			if e.Code == 0 || saga.Classify(e.Code) != saga.Done {
				on++ // something is waited for: a back-off, perhaps
			}
		case history.FaultFired, history.ProcessKilled, history.ProcessPaused, history.SagaOperator:
			on++
		}
	}
	for _, attempts := range under {
		on += len(attempts)
	}
	return on == 0
}

func keysBy(f func(string) string) func(*history.Index, *edit) {
	return func(_ *history.Index, m *edit) {
		for i := range m.events {
			if e := &m.events[i]; e.Key != "" {
				e.Key = f(e.Key)
			}
		}
	}
}

func digest(s string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s)) // never fails
	return fmt.Sprintf("%016x", h.Sum64())
}

func undoNamed(_ *history.Index, m *edit) {
	for i := range m.events {
		if e := &m.events[i]; e.StepID == e.Step && e.Direction == saga.Compensation && e.StepID != "" {
			e.StepID = e.Operation().Ref().String()
		}
	}
}

func traceACall(ix *history.Index, m *edit) {
	if len(ix.Signals) > 0 {
		return // spans say which trace is whose
	}
	for i := range m.events {
		if e := &m.events[i]; e.Trace != "" {
			id := digest(fmt.Sprint(e.Operation(), e.Attempt))
			e.Trace = fmt.Sprintf("00-%s%s-%s-01", id, id, id)
		}
	}
}

func onlyEnds(ix *history.Index, m *edit) {
	if disturbed(ix) {
		return // what was asked after a restart is evidence
	}
	m.drop(func(e *history.Event) bool { return e.Kind == history.SagaStatus && e.Status == saga.Running })
}

func reportsTwice(_ *history.Index, m *edit) {
	var events []history.Event
	for _, e := range m.events {
		events = append(events, e)
		if e.Kind == history.SagaStatus {
			e.Seq = 0
			events = append(events, e)
		}
	}
	m.events = events
}

// reportsLate moves each report on the way behind the event that follows it, unless
// that is of the saga's reports itself.
func reportsLate(_ *history.Index, m *edit) {
	for i := 0; i+1 < len(m.events); i++ {
		e, next := m.events[i], m.events[i+1]
		if e.Kind != history.SagaStatus || e.Status != saga.Running || !next.Kind.OfCall() {
			continue
		}
		e.At = next.At
		m.events[i], m.events[i+1] = next, e
		i++
	}
}

// stretched lets calls of which nothing depends on a time-out take longer.
func stretched(ix *history.Index, m *edit) {
	if len(ix.Fired) > 0 {
		return
	}
	for i := range m.events {
		e := &m.events[i]
		for _, at := range append(told(e), &e.At) {
			*at += *at / 2
		}
	}
}
