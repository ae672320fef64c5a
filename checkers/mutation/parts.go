package mutation

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// each yields the operations of a history, saga by saga, in the order of their
// definitions.
func each(ix *history.Index) func(func(*history.SagaRecord, *history.OpRecord) bool) {
	return func(yield func(*history.SagaRecord, *history.OpRecord) bool) {
		for _, s := range ix.Sagas {
			s = checkers.LastRound(s) // one before it is over: what is left out of it does not show at the end
			for _, step := range s.Definition.Steps {
				for _, d := range []saga.Direction{saga.Action, saga.Compensation} {
					if o := s.Op(step.Name, d); o != nil && !yield(s, o) {
						return
					}
				}
			}
		}
	}
}

// actions and undos yield the operations of one direction.
func actions(ix *history.Index) func(func(*history.SagaRecord, *history.OpRecord) bool) {
	return ofDirection(ix, saga.Action)
}

func undos(ix *history.Index) func(func(*history.SagaRecord, *history.OpRecord) bool) {
	return ofDirection(ix, saga.Compensation)
}

func ofDirection(ix *history.Index, d saga.Direction) func(func(*history.SagaRecord, *history.OpRecord) bool) {
	return func(yield func(*history.SagaRecord, *history.OpRecord) bool) {
		for s, o := range each(ix) {
			if o.Op.Direction == d && !yield(s, o) {
				return
			}
		}
	}
}

// received counts the deliveries of an operation.
func received(o *history.OpRecord) int {
	n := 0
	for _, a := range o.Attempts {
		n += len(a.Received)
	}
	return n
}

// lastSent is the last attempt that the orchestrator sent and whose end was seen;
// nil: there is none.
func lastSent(o *history.OpRecord) *history.Attempt {
	if o == nil {
		return nil
	}
	for i := len(o.Attempts) - 1; i >= 0; i-- {
		if a := o.Attempts[i]; a.Sent != nil && a.Ended != nil {
			return a
		}
	}
	return nil
}

// isOf tells the events of calls of an operation.
func isOf(op saga.Operation) func(*history.Event) bool {
	return func(e *history.Event) bool { return e.Kind.OfCall() && e.Operation() == op }
}

// isEffect tells the effects of an operation.
func isEffect(op saga.Operation) func(*history.Event) bool {
	return func(e *history.Event) bool { return e.Kind == history.CallCommitted && e.Operation() == op }
}

// likeSent is the beginning of an attempt as the orchestrator makes them, of an
// operation that another attempt shows.
func likeSent(a *history.Attempt, op saga.Operation, n int) history.Event {
	e := history.Event{Kind: history.CallSent, Saga: op.Saga, Step: op.Step, Direction: op.Direction, Attempt: n}
	if a != nil && a.Sent != nil {
		e = *a.Sent
		e.Saga, e.Step, e.Direction, e.Attempt, e.Waited = op.Saga, op.Step, op.Direction, n, 0
	}
	return e
}

// attempt is all events of one attempt that was answered with a code; effect nil:
// it had none.
func attempt(like *history.Attempt, op saga.Operation, n, code int, effect *saga.Effect) []history.Event {
	of := func(k history.Kind) history.Event {
		return history.Event{Kind: k, Saga: op.Saga, Step: op.Step, Direction: op.Direction, Attempt: n}
	}
	sent := likeSent(like, op, n)
	in := of(history.CallReceived)
	in.Key, in.SagaID, in.StepID, in.Trace = sent.Key, sent.SagaID, sent.StepID, sent.Trace
	es := []history.Event{sent, in}
	if effect != nil {
		did := of(history.CallCommitted)
		did.Effect = effect
		es = append(es, did)
	}
	answered, ended := of(history.CallAnswered), of(history.CallEnded)
	answered.Code, ended.Code, ended.Certain = code, code, true
	ended.Up, ended.Down = 500, 140
	return append(es, answered, ended)
}

// firstUndo is the first attempt of a compensation that was never attempted in the
// history: with the headers of its action and a key of its own.
func firstUndo(s *history.SagaRecord, step string, code int, effect *saga.Effect) []history.Event {
	op := saga.Operation{Saga: s.ID, Step: step, Direction: saga.Compensation}
	var like *history.Attempt
	if act := s.Op(step, saga.Action); act != nil {
		like = lastSent(act)
	}
	es := attempt(like, op, 1, code, effect)
	for i := range es {
		if es[i].Key != "" {
			es[i].Key += "/undo"
		}
	}
	return es
}

// inverse is the effect that the compensation of a step asks for; nil: it has none.
func inverse(s *history.SagaRecord, step string) *saga.Effect {
	call, ok := s.Definition.Call(saga.StepRef{Step: step, Direction: saga.Compensation})
	if !ok {
		return nil
	}
	e, err := call.Effect()
	if err != nil || e.IsZero() {
		return nil
	}
	return &e
}

// place names an attempt for people.
func place(o *history.OpRecord, n int) string {
	return fmt.Sprintf("%s#%d", o.Op.Ref(), n)
}

// ended tells how a saga ended; empty: it did not.
func ended(s *history.SagaRecord) saga.Status {
	if s.Ended == nil {
		return ""
	}
	return s.Ended.Status
}

// disturbed tells a history in which the orchestrator was killed, paused, or cut
// off from its store: what it does then is judged with care.
func disturbed(ix *history.Index) bool {
	for i := range ix.History.Events {
		switch e := &ix.History.Events[i]; {
		case e.Kind == history.ProcessKilled, e.Kind == history.ProcessPaused:
			return true
		case e.Kind == history.FaultFired && e.Fault != nil && ix.History.CutsStore(*e.Fault):
			return true
		}
	}
	return false
}

// onlyFirst takes all attempts of an operation but the first away, and their time: in a
// hole, one could have failed unseen.
func onlyFirst(ix *history.Index, o *history.OpRecord) *edit {
	m := change(ix.History).drop(func(e *history.Event) bool { return isOf(o.Op)(e) && e.Attempt > 1 })
	if last := lastSent(o); last != nil {
		m.closeUp(o.Attempts[0].Ended, last.Ended)
	}
	return m.withoutFaultsOn(o.Op, 1)
}

// kills counts the kills of the orchestrator.
func kills(ix *history.Index) int {
	n := 0
	for i := range ix.History.Events {
		if ix.History.Events[i].Kind == history.ProcessKilled {
			n++
		}
	}
	return n
}

// refusing tells a history with refused connections: attempts leave no trace.
func refusing(ix *history.Index) bool {
	for _, f := range ix.History.Header.Faults {
		if f.At.Phase == saga.Connect {
			return true
		}
	}
	return false
}

const second = time.Second

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func copyMap[V any](m map[string]V) map[string]V { return maps.Clone(m) }
