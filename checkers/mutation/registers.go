package mutation

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

func foundOdd(ix *history.Index, yield func(string, *edit) bool) {
	for _, o := range each(ix) {
		for _, e := range o.Effects {
			if e.Effect == nil || len(e.Effect.Writes) == 0 {
				continue
			}
			other := copyEffect(e.Effect)
			other.Writes[0].From += "-odd"
			if !yield(place(o, e.Attempt), change(ix.History).set(e.Seq, func(x *history.Event) { x.Effect = &other })) {
				return
			}
		}
	}
}

// overwrote lets a write that was refused with 409, since the register was another
// saga's, have its effect.
func overwrote(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range each(ix) {
		asked, err := o.Asked()
		if err != nil || len(asked.Writes) != 1 || len(asked.Postings) > 0 {
			continue
		}
		for _, a := range o.Attempts {
			if len(a.Received) == 0 || len(a.Answered) == 0 || a.Answered[0].Code != 409 {
				continue
			}
			value, by := leftBefore(ix, asked.Writes[0].Register, a.Received[0].Seq)
			if by == "" || by == s.ID || value == asked.Writes[0].From {
				continue
			}
			did := saga.Effect{Writes: []saga.Write{{Register: asked.Writes[0].Register, From: value, To: asked.Writes[0].To}}}
			e := history.Event{Kind: history.CallCommitted, Saga: o.Op.Saga, Step: o.Op.Step, Direction: o.Op.Direction, Attempt: a.N, Effect: &did}
			if !yield(place(o, a.N), change(ix.History).after(a.Received[0].Seq, e)) {
				return
			}
			break
		}
	}
}

// undoOverwrote lets a compensation come once more, when another saga has set the
// register that it had given back.
func undoOverwrote(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range undos(ix) {
		asked, err := o.Asked()
		last := lastSent(o)
		if err != nil || len(o.Effects) == 0 || last == nil || len(asked.Writes) == 0 || disturbed(ix) {
			continue
		}
		w := asked.Writes[0]
		for _, e := range writesBy(ix, s.ID, w.Register) {
			if e.Seq < last.Ended.Seq {
				continue
			}
			found := e.Effect.Writes[slices.IndexFunc(e.Effect.Writes, ofRegister(w.Register))].To
			if found == w.From {
				continue
			}
			again := attempt(last, o.Op, last.N+1, 200, &saga.Effect{Writes: []saga.Write{{Register: w.Register, From: found, To: w.To}}})
			if !yield(place(o, last.N+1), change(ix.History).after(e.Seq, again...)) {
				return
			}
			break
		}
	}
}

// builtOnUndone lets a saga go on, and complete, on the strength of what another one has
// set in a register that it gives back later.
func builtOnUndone(ix *history.Index, yield func(string, *edit) bool) {
	for writer, o := range actions(ix) {
		undo := writer.Op(o.Op.Step, saga.Compensation)
		asked, err := o.Asked()
		if err != nil || len(o.Effects) == 0 || undo == nil || received(undo) == 0 || len(asked.Writes) == 0 || disturbed(ix) {
			continue
		}
		for _, reader := range ix.Sagas {
			step, w := readerOf(reader, asked.Writes[0])
			if reader == writer || step == "" || reader.Ended == nil || len(reader.Accepted) == 0 || reader.Accepted[0].Seq > firstReceived(undo) {
				continue
			}
			behind := max(o.Effects[0].Seq, reader.Accepted[0].Seq)
			if value, by := leftBefore(ix, w.Register, behind+1); value != w.From || by != writer.ID {
				continue
			}
			op := saga.Operation{Saga: reader.ID, Step: step, Direction: saga.Action}
			call := attempt(o.Attempts[0], op, 1, 200, &saga.Effect{Writes: []saga.Write{w}})
			for i := range call {
				if e := &call[i]; e.Key != "" {
					e.Key, e.SagaID, e.StepID = reader.ID+"/"+step, reader.ID, step
				}
			}
			m := change(ix.History).drop(isOf(op)).after(behind, call...)
			if !yield(reader.ID+" "+step+"#1", m.endsAs(reader, saga.Completed)) {
				return
			}
		}
	}
}

// readerOf is the action of a saga that expects what a write leaves, and what it writes
// in turn; empty: it has none.
func readerOf(s *history.SagaRecord, left saga.Write) (name string, w saga.Write) {
	for _, step := range s.Definition.Steps {
		e, err := step.Action.Effect()
		if err != nil {
			continue
		}
		if i := slices.IndexFunc(e.Writes, ofRegister(left.Register)); i >= 0 && e.Writes[i].From == left.To {
			return step.Name, e.Writes[i]
		}
	}
	return "", w
}

func firstReceived(o *history.OpRecord) int {
	for _, a := range o.Attempts {
		if len(a.Received) > 0 {
			return a.Received[0].Seq
		}
	}
	return 0
}

// writesBy are the effects on a register of other sagas than one.
func writesBy(ix *history.Index, but, register string) (es []*history.Event) {
	for i := range ix.History.Events {
		e := &ix.History.Events[i]
		if e.Kind == history.CallCommitted && e.Saga != but && e.Effect != nil && slices.ContainsFunc(e.Effect.Writes, ofRegister(register)) {
			es = append(es, e)
		}
	}
	return es
}

func ofRegister(name string) func(saga.Write) bool {
	return func(w saga.Write) bool { return w.Register == name }
}

// leftBefore is what a register held before an event, and which saga had put it
// there.
func leftBefore(ix *history.Index, register string, seq int) (value, by string) {
	for i := range ix.History.Events[:seq-1] {
		e := &ix.History.Events[i]
		if e.Kind != history.CallCommitted || e.Effect == nil {
			continue
		}
		for _, w := range e.Effect.Writes {
			if w.Register == register {
				value, by = w.To, e.Saga
			}
		}
	}
	return value, by
}
