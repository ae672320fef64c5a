package checkers

import (
	"cmp"
	"maps"
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// OverCredit finds sagas that gave back more than they had taken, at any moment: of an
// account, compensations booked back more than the actions had booked on it by then, in
// either direction, over all attempts and whoever asked for them.
//
// Source: practice of refunds (Stripe: a charge can't be refunded beyond its amount);
// Garcia-Molina & Salem 1987 for the inverse. Evidence: call-committed. Where double-credit
// looks at what is there in the end of all sagas that have ended, this looks at each saga
// after each of its bookings: also at one that never ends, is stuck or ended by hand, at what is taken
// away again later, and at what another saga's mistake would hide. Cost: linear.
type OverCredit struct{}

var _ Checker = OverCredit{}

// The clauses of over-credit.
const (
	creditCalm     = "rollback"
	creditCrash    = "after-crash"
	creditOperated = "by-hand"
)

// Doc documents the checker.
func (OverCredit) Doc() Doc {
	wants := []Trait{undoablePostings}
	return Doc{
		Name:       "over-credit",
		Definition: "At some moment a saga has given back more on an account than it had taken by then.",
		Source:     "practice: a charge is never refunded beyond its amount (Stripe, refunds); Garcia-Molina & Salem, Sagas, SIGMOD 1987, for the inverse",
		Clauses: []Clause{
			{Name: creditCalm, Text: "after each booking of a compensation, the saga's compensations have not booked back more on an account than its actions had booked on it", Wants: wants, Inside: true},
			{Name: creditCrash, Text: "the same, of a saga during which the orchestrator was killed", Wants: wants, Does: []string{history.Kill}, Inside: true},
			{Name: creditOperated, Text: "the same, of a saga of which operators asked something that was not refused", Wants: wants, Needs: []string{"operator-compensation"}, Inside: true},
		},
		Evidence:  "call-committed.",
		Prevented: "A participant that knows how much of an action is left to be given back, and refuses more.",
		Blind:     "Registers: they hold a value and no sum. Accounts of which a definition itself gives back more than its actions take. What is given back twice by services that do not record it. Against participants that protect themselves an orchestrator that asks twice is found by its calls (duplicate-compensation).",
		Cost:      "linear",
	}
}

// Check judges a history.
func (c OverCredit) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	for _, s := range ix.Sagas {
		checkCredit(t, h, s, ds)
	}
	return t.verdict("nothing was given back")
}

// taking is what the actions of a saga have booked on an account, and its compensations
// booked back: up and down apart, since what one step takes another may give.
type taking struct {
	up, down         int64
	backUp, backDown int64
	events           []*history.Event
}

func (k *taking) over() bool { return k.backDown > k.up || k.backUp > k.down }

func checkCredit(t *tally, h *history.History, s *history.SagaRecord, ds []disturbance) {
	var booked []*history.Event
	for _, o := range opsOf(s) {
		if !h.Real(o.Op.Step) {
			booked = append(booked, o.Effects...)
		}
	}
	slices.SortFunc(booked, func(a, b *history.Event) int { return cmp.Compare(a.Seq, b.Seq) })
	generous, accounts, told := generousOn(s), map[string]*taking{}, map[string]bool{}
	for _, e := range booked {
		if e.Effect == nil {
			continue
		}
		clause := creditClause(s, ds, e)
		amounts := accountsOf(e)
		for _, account := range slices.Sorted(maps.Keys(amounts)) {
			k := accounts[account]
			if k == nil {
				k = &taking{}
				accounts[account] = k
			}
			k.book(e, amounts[account])
			switch {
			case e.Direction != saga.Compensation || told[account]:
			case generous[account]:
				t.unjudgeable(clause, "the definition itself gives back more than it takes")
			case k.over():
				told[account] = true // once is enough
				t.violate(clause, e.Operation(), k.events, "broke exact compensation: saga %s has given back %d on %q, and had taken %d", s.ID, max(k.backDown, k.backUp), account, k.tookAgainst())
			default:
				t.held(clause, 1)
			}
		}
	}
}

// tookAgainst is what had been taken in the direction in which too much was given back.
func (k *taking) tookAgainst() int64 {
	if k.backDown > k.up {
		return k.up
	}
	return k.down
}

func (k *taking) book(e *history.Event, amount int64) {
	k.events = append(k.events, e)
	up, down := max(amount, 0), max(-amount, 0)
	if e.Direction == saga.Action {
		k.up, k.down = k.up+up, k.down+down
		return
	}
	k.backUp, k.backDown = k.backUp+up, k.backDown+down
}

// creditClause is the clause that a booking back falls under.
func creditClause(s *history.SagaRecord, ds []disturbance, e *history.Event) string {
	switch {
	case len(s.Accepted) > 0 && kills(ds, s.Accepted[0].Seq, e.Seq) > 0:
		return creditCrash
	case mayHaveActed(s, saga.Acts()...), mayHaveBeenAsked(s):
		return creditOperated
	}
	return creditCalm
}

// generousOn are the accounts of which the compensations of a definition give back more
// than its actions take, once each.
func generousOn(s *history.SagaRecord) map[string]bool {
	accounts := map[string]*taking{}
	book := func(name string, calls []saga.Call, d saga.Direction) {
		for _, c := range calls {
			e, err := c.Effect()
			if err != nil {
				continue
			}
			all := map[string]int64{}
			post(all, e)
			for account, amount := range all {
				if accounts[account] == nil {
					accounts[account] = &taking{}
				}
				accounts[account].book(&history.Event{Step: name, Direction: d}, amount)
			}
		}
	}
	for _, step := range s.Definition.Steps {
		book(step.Name, []saga.Call{step.Action}, saga.Action)
		if step.Compensation != nil {
			book(step.Name, append([]saga.Call{*step.Compensation}, step.Parts...), saga.Compensation)
		}
	}
	generous := map[string]bool{}
	for account, k := range accounts {
		generous[account] = k.over()
	}
	return generous
}
