package mutation

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// effectOperators change what happened at the participants.
func effectOperators() []Operator {
	return []Operator{
		{"effect-doubled", "duplicate-effect", "an operation that was delivered twice has its effect once more", effectDoubled(each)},
		{"undo-doubled", "duplicate-compensation", "a compensation that was delivered twice has its effect once more", effectDoubled(undos)},
		{"undo-dropped", "lost-compensation", "a saga ends compensated, and a compensation had no effect", undoDropped},
		{"undo-left-out", "partial-success", "a saga ends compensated, and a compensation had no effect", undoDropped},
		{"effect-dropped", "partial-success", "a saga ends completed, and a step had no effect", effectDropped},
		{"undo-of-nothing", "empty-compensation", "a compensation has its effect though the action had none", undoOfNothing},
		{"effect-after-undo", "hanging-action", "an attempt that arrives after the compensation has its effect", effectAfterUndo},
		{"undo-of-another-amount", "inexact-compensation", "a compensation gives back one unit less", undoChanged(func(e *saga.Effect) bool {
			return changePosting(e, func(p *saga.Posting) { p.Amount-- })
		})},
		{"undo-to-another-account", "inexact-compensation", "a compensation books to another account", undoChanged(func(e *saga.Effect) bool {
			return changePosting(e, func(p *saga.Posting) { p.Account += "-old" })
		})},
		{"undo-in-another-unit", "inexact-compensation", "a compensation books in another unit", undoChanged(func(e *saga.Effect) bool {
			return changePosting(e, func(p *saga.Posting) { p.Unit += "X" })
		})},
		{"undo-to-another-value", "inexact-compensation", "a compensation writes another value", undoChanged(func(e *saga.Effect) bool {
			if len(e.Writes) == 0 {
				return false
			}
			e.Writes[0].To += "-odd"
			return true
		})},
		{"credit-raised", "double-credit", "an effect credits one unit more than was asked", actionChanged(func(e *saga.Effect) bool {
			return changePosting(e, func(p *saga.Posting) { p.Amount++ })
		})},
		{"debit-raised", "double-credit", "an effect debits one unit more than was asked", actionChanged(func(e *saga.Effect) bool {
			for i := range e.Postings {
				if e.Postings[i].Amount < 0 {
					e.Postings[i].Amount--
					return true
				}
			}
			return false
		})},
		{"register-garbled", "double-credit", "an effect writes another value than was asked", actionChanged(func(e *saga.Effect) bool {
			if len(e.Writes) == 0 {
				return false
			}
			e.Writes[len(e.Writes)-1].To += "-odd"
			return true
		})},
		{"writes-dropped", "double-credit", "an effect leaves out what was to be written", actionChanged(func(e *saga.Effect) bool {
			had := len(e.Writes) > 0
			e.Writes = nil
			return had
		})},
		{"ledger-raised", "double-credit", "a ledger holds one unit more at the end", ledgerChanged(+1)},
		{"ledger-lowered", "double-credit", "a ledger holds one unit less at the end", ledgerChanged(-1)},
		{"ledger-register-changed", "double-credit", "a register holds another value at the end", registerChanged},
	}
}

// effectDoubled repeats the last effect of operations that were delivered twice.
func effectDoubled(ops func(*history.Index) func(func(*history.SagaRecord, *history.OpRecord) bool)) func(*history.Index, func(string, *edit) bool) {
	return func(ix *history.Index, yield func(string, *edit) bool) {
		for _, o := range ops(ix) {
			if received(o) < 2 || len(o.Effects) == 0 {
				continue
			}
			// At its last delivery, if that had none.
			did := o.Effects[len(o.Effects)-1]
			last := o.Attempts[len(o.Attempts)-1]
			behind := did.Seq
			again := *did
			if n := len(last.Received); n > 0 && last.Received[n-1].Seq > behind {
				behind, again.Attempt, again.Copy = last.Received[n-1].Seq, last.N, last.Received[n-1].Copy
			}
			if !yield(place(o, again.Attempt), change(ix.History).after(behind, again)) {
				return
			}
		}
	}
}

// undoDropped takes away the effect of a compensation whose action had one.
func undoDropped(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range undos(ix) {
		act := s.Op(o.Op.Step, saga.Action)
		if ended(s) != saga.Compensated || len(o.Effects) == 0 || act == nil || len(act.Effects) == 0 {
			continue
		}
		if !yield(place(o, o.Effects[0].Attempt), change(ix.History).drop(isEffect(o.Op))) {
			return
		}
	}
}

func effectDropped(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range actions(ix) {
		step, _ := s.Definition.Step(o.Op.Step)
		if ended(s) != saga.Completed || step.Kind == saga.Deferrable || len(o.Effects) == 0 {
			continue
		}
		if !yield(place(o, o.Effects[0].Attempt), change(ix.History).drop(isEffect(o.Op))) {
			return
		}
	}
}

// undoOfNothing gives a null compensation an effect.
func undoOfNothing(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range undos(ix) {
		act, did := s.Op(o.Op.Step, saga.Action), inverse(s, o.Op.Step)
		if did == nil || act != nil && len(act.Effects) > 0 || len(o.Effects) > 0 {
			continue
		}
		for _, a := range o.Attempts {
			if len(a.Received) == 0 {
				continue
			}
			e := history.Event{Kind: history.CallCommitted, Saga: o.Op.Saga, Step: o.Op.Step, Direction: o.Op.Direction, Attempt: a.N, Effect: did}
			if !yield(place(o, a.N), change(ix.History).after(a.Received[0].Seq, e)) {
				return
			}
		}
	}
}

// effectAfterUndo gives an attempt of an action its effect that came after the
// compensation had been accepted.
func effectAfterUndo(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range actions(ix) {
		undo := s.Op(o.Op.Step, saga.Compensation)
		if undo == nil {
			continue
		}
		from := accepted(undo)
		asked, err := o.Asked()
		if from == 0 || err != nil || asked.IsZero() {
			continue
		}
		for _, a := range o.Attempts {
			for _, r := range a.Received {
				if r.Seq < from {
					continue
				}
				e := history.Event{Kind: history.CallCommitted, Saga: o.Op.Saga, Step: o.Op.Step, Direction: o.Op.Direction, Attempt: a.N, Copy: r.Copy, Effect: &asked}
				if !yield(place(o, a.N), change(ix.History).after(r.Seq, e)) {
					return
				}
			}
		}
	}
}

// accepted is the first event that shows an operation as done; 0: none.
func accepted(o *history.OpRecord) int {
	var seqs []int
	for _, a := range o.Attempts {
		for _, e := range a.Committed {
			seqs = append(seqs, e.Seq)
		}
		for _, e := range a.Answered {
			if saga.Classify(e.Code) == saga.Done {
				seqs = append(seqs, e.Seq)
			}
		}
	}
	if len(seqs) == 0 {
		return 0
	}
	return slices.Min(seqs)
}

// copyEffect is an effect that may be changed.
func copyEffect(e *saga.Effect) saga.Effect {
	return saga.Effect{Postings: slices.Clone(e.Postings), Writes: slices.Clone(e.Writes)}
}

// changePosting changes the first credit.
func changePosting(e *saga.Effect, f func(*saga.Posting)) bool {
	for i := range e.Postings {
		if e.Postings[i].Amount > 0 {
			f(&e.Postings[i])
			return true
		}
	}
	return false
}

// undoChanged changes the effect of a compensation whose action had one.
func undoChanged(f func(*saga.Effect) bool) func(*history.Index, func(string, *edit) bool) {
	return func(ix *history.Index, yield func(string, *edit) bool) {
		for s, o := range undos(ix) {
			act := s.Op(o.Op.Step, saga.Action)
			if act == nil || len(act.Effects) == 0 {
				continue
			}
			if !changed(ix, o, f, yield) {
				return
			}
		}
	}
}

// actionChanged changes the effect of an action in a saga that ended with it.
func actionChanged(f func(*saga.Effect) bool) func(*history.Index, func(string, *edit) bool) {
	return func(ix *history.Index, yield func(string, *edit) bool) {
		for s, o := range actions(ix) {
			if ended(s) != saga.Completed {
				continue
			}
			if !changed(ix, o, f, yield) {
				return
			}
		}
	}
}

func changed(ix *history.Index, o *history.OpRecord, f func(*saga.Effect) bool, yield func(string, *edit) bool) bool {
	for _, e := range o.Effects {
		if e.Effect == nil {
			continue
		}
		other := copyEffect(e.Effect)
		if f(&other) && !yield(place(o, e.Attempt), change(ix.History).set(e.Seq, func(x *history.Event) { x.Effect = &other })) {
			return false
		}
	}
	return true
}

// ledgerChanged changes one account of the ledgers at the end, if all sagas have
// ended.
func ledgerChanged(by int64) func(*history.Index, func(string, *edit) bool) {
	return func(ix *history.Index, yield func(string, *edit) bool) {
		if !allEnded(ix) {
			return
		}
		for _, l := range ix.Ledgers {
			for _, account := range sortedKeys(l.Balances) {
				m := change(ix.History).set(l.Seq, func(e *history.Event) {
					e.Balances = copyMap(e.Balances)
					e.Balances[account] += by
				})
				if !yield("ledger of "+account, m) {
					return
				}
			}
		}
	}
}

func registerChanged(ix *history.Index, yield func(string, *edit) bool) {
	if !allEnded(ix) {
		return
	}
	for _, l := range ix.Ledgers {
		for _, name := range sortedKeys(l.Registers) {
			m := change(ix.History).set(l.Seq, func(e *history.Event) {
				e.Registers = copyMap(e.Registers)
				e.Registers[name] += "-odd"
			})
			if !yield("ledger of "+name, m) {
				return
			}
		}
	}
}

func allEnded(ix *history.Index) bool {
	return !slices.ContainsFunc(ix.Sagas, func(s *history.SagaRecord) bool { return s.Ended == nil })
}
