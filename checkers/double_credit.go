package checkers

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// DoubleCredit finds accounts and registers that hold something else than the sagas
// that ended explain, more or less: a completed saga explains the effects of its
// steps, once each (those of deferrable steps only if they had one), a compensated
// saga nothing but the effects of steps without a compensation. In double entry that
// is the same as a clearing account that is not flat, and as a trial balance that
// does not add up. Each single effect must be the one that its operation asked for,
// and the final ledgers what all recorded effects left.
//
// Source: Garcia-Molina & Salem, "Sagas" (SIGMOD 1987), in the form of a ledger.
// Evidence: call-committed, saga-ended, ledger-read. Where several sagas wrote a
// register side by side, any order of them explains it. Cost: linear, and for each
// register the square of the sagas that wrote it.
type DoubleCredit struct{}

var _ Checker = DoubleCredit{}

// The clauses: what is compared with what.
const (
	asAsked          = "as-asked"
	ofCompleted      = "accounts-completed"
	ofCompensated    = "accounts-compensated"
	registersEnded   = "registers"
	ledgersAreTheSum = "ledgers"
)

// Doc documents the checker.
func (DoubleCredit) Doc() Doc {
	return Doc{
		Name:       "double-credit",
		Definition: "An account or a register holds something else than the sagas that ended explain, more or less; equivalently a clearing account is not flat, or the trial balance of all ledgers is not what the ended sagas explain. Or an effect is not the one that its operation asked for.",
		Source:     "Garcia-Molina & Salem, Sagas, SIGMOD 1987, in ledger form",
		Clauses: []Clause{
			{Name: asAsked, Text: "each effect is the one that its operation asked for: the same accounts, units and amounts, and the same values of the same registers", Inside: true},
			{Name: ofCompleted, Text: "an account that only completed sagas touched holds what their steps explain, once each", Wants: []Trait{transfers}, Inside: true},
			{Name: ofCompensated, Text: "so does one that a compensated saga touched: of that saga only what can't be undone is there", Wants: []Trait{transfers, compensations}, Inside: true},
			{Name: registersEnded, Text: "a register holds what the ended sagas explain: the last value of a completed one, or the initial one", Wants: []Trait{registerWrites}, Inside: true},
			{Name: ledgersAreTheSum, Text: "the final ledgers hold what all recorded effects left, in every account and register", Inside: true},
		},
		Evidence:  "call-committed and saga-ended; ledger-read.",
		Prevented: "Idempotency keys that the participant remembers longer than anybody retries, and undos of what was surely done only.",
		Blind:     "What sagas that have not ended leave; the order in which sagas that ran side by side wrote one register (lost-update and dirty-read judge that).",
		Cost:      "linear, and for each register the square of the sagas that wrote it",
	}
}

// Check judges a history.
func (c DoubleCredit) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	for _, s := range ix.Sagas {
		for _, o := range opsOf(s) {
			if !h.Real(o.Op.Step) {
				judgeAsked(t, o)
			}
		}
	}
	judgeAccounts(t, h, ix)
	for _, r := range registersOf(h, ix) {
		judgeRegister(t, ix, r)
	}
	judgeLedgers(t, h, ix)
	return t.verdict("no saga had an effect")
}

// judgeAsked compares the effects of an operation with what it asked for.
func judgeAsked(t *tally, o *history.OpRecord) {
	asked, err := o.Asked()
	for _, e := range o.Effects {
		switch {
		case err != nil:
			t.unknown(asAsked, "the definition's body is no effect: %v", err)
		case e.Effect == nil:
			t.unknown(asAsked, "an effect was not recorded")
		case !samePostings(*e.Effect, asked), !sameWrites(*e.Effect, asked):
			t.violate(asAsked, o.Op, []*history.Event{e}, "broke the books: %s did %s, and was to do %s", o.Op, effectOf(e), asked)
		default:
			t.held(asAsked, 1)
		}
	}
}

// judgeAccounts compares what the ended sagas booked with what they explain.
func judgeAccounts(t *tally, h *history.History, ix *history.Index) {
	b := newBooks()
	for _, s := range ix.Sagas {
		b.add(t, h, s)
	}
	var blamed map[string][]*history.Event
	for _, account := range b.accounts() {
		clause := ofCompleted
		if b.compensated[account] {
			clause = ofCompensated
		}
		if b.booked[account] == b.explained[account] {
			t.held(clause, 1)
			continue
		}
		if blamed == nil {
			blamed = blame(ix)
		}
		t.violate(clause, saga.Operation{}, blamed[account], "broke the books: %q holds %d, and the sagas that ended explain %d", account, b.booked[account], b.explained[account])
	}
}

// judgeRegister compares the last value of a register with those that the ended
// sagas explain.
func judgeRegister(t *tally, ix *history.Index, r *register) {
	writers := writersOf(t, r, ix)
	if len(writers) == 0 {
		return
	}
	explained, by := explain(r, writers)
	value, write := r.initial, (*history.Event)(nil)
	if n := len(r.writes); n > 0 {
		value, write = r.writes[n-1].left, r.writes[n-1].event
	}
	if slices.Contains(explained, value) {
		t.held(registersEnded, 1)
		return
	}
	op := saga.Operation{}
	if len(by) == 1 {
		op.Saga = by[0].ID
	}
	events := []*history.Event{write}
	for _, s := range by {
		events = append(events, s.Ended)
	}
	t.violate(registersEnded, op, events, "broke the books: register %q is %q, and the sagas that ended explain %s", r.name, value, quotedOr(explained))
}

// writersOf are the ended sagas that may have set a register; none if that of another one is open, which t notes.
func writersOf(t *tally, r *register, ix *history.Index) []*history.SagaRecord {
	var writers []*history.SagaRecord
	for _, s := range ix.Sagas {
		switch {
		case !r.sagas[s] && !stayingIn(s, r.name):
		case s.Ended == nil && len(s.Calls) > 0:
			t.unjudgeable(registersEnded, "a saga that wrote it has not ended")
			return nil
		case s.Ended != nil && s.Ended.Status == saga.Compensated && slices.ContainsFunc(opsOf(s), (*history.OpRecord).Misled):
			t.unjudgeable(registersEnded, misled)
			return nil
		case s.Ended != nil:
			writers = append(writers, s)
		}
	}
	return writers
}

// judgeLedgers compares the final ledgers with the recorded effects.
func judgeLedgers(t *tally, h *history.History, ix *history.Index) {
	if len(ix.Ledgers) == 0 {
		return
	}
	f := finalState(h, ix)
	for _, name := range f.names() {
		held, there := f.held(name)
		switch want := f.want(name); {
		case f.open[name]:
			t.unjudgeable(ledgersAreTheSum, "a call may have had an effect that was not recorded")
		case !there && f.touched[name]:
			t.unknown(ledgersAreTheSum, "no ledger shows %q, which was changed", name)
		case held != want:
			t.violate(ledgersAreTheSum, saga.Operation{}, append(f.effects[name], ix.Ledgers...), "broke the books: the ledger says that %q holds %s, and the recorded effects left %s", name, held, want)
		default:
			t.held(ledgersAreTheSum, 1)
		}
	}
}
