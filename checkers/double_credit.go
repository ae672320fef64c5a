package checkers

import (
	"maps"
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// DoubleCredit finds accounts that hold more than the sagas that ended explain:
// a completed saga explains the effects of its steps, once each (those of
// deferrable steps only if they had one), a compensated saga nothing but the
// effects of steps without a compensation.
// In double entry that is the same as a clearing account that is not flat, and
// as a trial balance that does not add up.
//
// Source: Garcia-Molina & Salem, "Sagas" (SIGMOD 1987), in the form of a ledger.
// Evidence: call-committed and saga-ended; if every saga has ended, also the
// final ledgers, which must say the same. Registers are not accounts. Cost: linear.
type DoubleCredit struct{}

var _ Checker = DoubleCredit{}

// Doc documents the checker.
func (DoubleCredit) Doc() Doc {
	return Doc{
		Name:       "double-credit",
		Definition: "An account holds more than the sagas that ended explain; equivalently a clearing account is not flat, or the trial balance of all ledgers is not what the ended sagas explain.",
		Source:     "Garcia-Molina & Salem, Sagas, SIGMOD 1987, in ledger form",
		Clauses:    []Clause{{Name: whole, Text: "TODO"}},
		Evidence:   "call-committed and saga-ended, and ledger-read if all sagas have ended. At risk: accounts that ended sagas touched, in a history in which a fault fired or an operation was delivered twice.",
		Blind:      "Registers, which are no accounts; the ledgers while some saga has not ended; sagas stuck for a good reason.",
		Cost:       "linear",
		Wants:      []Trait{transfers},
	}
}

// Check judges a history.
func (c DoubleCredit) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	b := books{booked: map[string]int64{}, explained: map[string]int64{}, allEnded: true}
	for _, s := range ix.Sagas {
		b.add(t, h, s)
	}
	if faultFired(ix) || b.redelivered {
		t.held(whole, len(b.booked))
	}
	over := b.over(b.booked)
	var blamed map[string][]*history.Event
	if len(over) > 0 {
		blamed = blame(ix)
	}
	for _, account := range over {
		t.violate(whole, saga.Operation{}, blamed[account], "broke the books: %q holds %d, and the sagas that ended explain %d", account, b.booked[account], b.explained[account])
	}
	if len(t.witnesses) == 0 && b.allEnded && len(ix.Ledgers) > 0 {
		b.checkLedgers(t, ix)
	}
	return t.verdict("no saga with an effect ended in a history in which a fault fired or an operation was delivered twice")
}

// books are the accounts ("account unit") as the ended sagas left them, and as
// they should be.
type books struct {
	booked, explained map[string]int64
	allEnded          bool
	redelivered       bool
}

func (b *books) add(t *tally, h *history.History, s *history.SagaRecord) {
	ops := opsOf(s)
	if s.Ended == nil {
		touched := slices.ContainsFunc(ops, func(o *history.OpRecord) bool { return len(o.Effects) > 0 })
		if touched || len(s.Accepted) > 0 {
			b.allEnded = false
		}
		if touched && stuckForAReason(h, s) == "" {
			t.unknown(whole, "saga %s has not ended: what its accounts should hold is open", s.ID)
		}
		return
	}
	for _, o := range ops {
		b.redelivered = b.redelivered || received(o) > 1
		for _, e := range o.Effects {
			if e.Effect == nil {
				t.unknown(whole, "%s: an effect was not recorded", o.Op)
				continue
			}
			post(b.booked, *e.Effect)
		}
	}
	for _, step := range s.Definition.Steps {
		if !stays(s, step) {
			continue
		}
		e, err := definedEffect(s, step.Name, saga.Action)
		if err != nil {
			t.unknown(whole, "%s: the definition's body is no effect: %v", action(s, step.Name), err)
		}
		post(b.explained, e)
	}
}

// stays tells whether the effect of a step is there, once, after the saga's end:
// in a completed saga, that of a deferrable step only if it had one; in a
// compensated saga that of a step with nothing to undo, if it had one.
func stays(s *history.SagaRecord, step saga.Step) bool {
	did := len(effects(s.Op(step.Name, saga.Action))) > 0
	if s.Ended.Status == saga.Completed {
		return did || step.Kind != saga.Deferrable
	}
	return did && !mustBeUndone(step)
}

func post(balances map[string]int64, e saga.Effect) {
	for _, p := range e.Postings {
		balances[p.Account+" "+p.Unit] += p.Amount
	}
}

// over lists the accounts that hold more than is explained.
func (b *books) over(held map[string]int64) []string {
	var accounts []string
	for account, n := range held {
		if n > b.explained[account] {
			accounts = append(accounts, account)
		}
	}
	for account, n := range b.explained {
		if _, there := held[account]; !there && n < 0 {
			accounts = append(accounts, account)
		}
	}
	slices.Sort(accounts)
	return accounts
}

// blame finds, for each account, the bookings and ends of the sagas whose own
// bookings on it are not explained.
func blame(ix *history.Index) map[string][]*history.Event {
	events := map[string][]*history.Event{}
	for _, s := range ix.Sagas {
		one := books{booked: map[string]int64{}, explained: map[string]int64{}}
		one.add(newTally(DoubleCredit{}), ix.History, s)
		suspect := map[string]bool{}
		for _, accounts := range []map[string]int64{one.booked, one.explained} {
			for account := range accounts {
				suspect[account] = one.booked[account] != one.explained[account]
			}
		}
		for _, o := range opsOf(s) {
			for _, e := range o.Effects {
				for account := range touched(e) {
					if suspect[account] {
						events[account] = append(events[account], e)
					}
				}
			}
		}
		for account, yes := range suspect {
			if yes {
				events[account] = append(events[account], s.Ended)
			}
		}
	}
	return events
}

func touched(e *history.Event) map[string]int64 {
	accounts := map[string]int64{}
	if e.Effect != nil {
		post(accounts, *e.Effect)
	}
	return accounts
}

// checkLedgers compares the ledgers with what the ended sagas explain. The events
// have been found in order, so a difference is the participants' own doing.
func (b *books) checkLedgers(t *tally, ix *history.Index) {
	held := map[string]int64{}
	for _, l := range ix.Ledgers {
		for account, n := range l.Balances {
			held[account] += n
		}
	}
	for account := range maps.Keys(b.booked) {
		if _, there := held[account]; !there {
			t.unknown(whole, "no ledger shows the account %q, which was booked on", account)
			return
		}
	}
	for _, account := range b.over(held) {
		t.violate(whole, saga.Operation{}, ix.Ledgers, "broke the books: the ledger says that %q holds %d, and the sagas that ended explain %d", account, held[account], b.explained[account])
	}
}
