package checkers

import (
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// DriftUnnoticed finds changes of ledgers behind the orchestrator's back of which it does not say
// anything in time, and things that it says of ledgers that nobody changed.
//
// Source: practice of reconciliation (Helland 2007, apologies; Stripe, Ledger, 2023). Evidence:
// drifted, drift-told, drift-read, call-committed, call-sent, call-ended. Not judged: an action that is
// undone, since drift before its compensation is nobody's business after it. Cost: linear.
type DriftUnnoticed struct{}

var _ Checker = DriftUnnoticed{}

// The clauses of drift-unnoticed.
const (
	driftMissing = "missing"
	driftChanged = "changed"
	driftEnded   = "after-end"
	driftBack    = "back"
	driftInVain  = "drift-reported-in-vain"
)

// driftNoticed is how long the orchestrator may take to notice drift, by docs/contract.md.
const driftNoticed = 2 * time.Second

// Doc documents the checker.
func (DriftUnnoticed) Doc() Doc {
	wants := []Trait{readBacks}
	return Doc{
		Name:       "drift-unnoticed",
		Definition: "What a participant holds was changed behind the orchestrator's back, and within 2 s it did not say so; or it said so of what nobody changed.",
		Source:     "practice: reconciliation (Helland, Memories, Guesses, and Apologies, 2007; Stripe, Ledger, 2023); docs/contract.md on GET /drift",
		Clauses: []Clause{
			{Name: driftMissing, Text: "it says of an action whose effect was taken away while its saga was open that it is", Wants: wants},
			{Name: driftChanged, Text: "it says of an action whose amounts were changed while its saga was open that they are", Wants: wants},
			{Name: driftEnded, Text: "it says so of what was changed after the end of the saga, too", Wants: wants},
			{Name: driftBack, Text: "it says of a step that was undone, and whose effect is there again, that it is", Wants: []Trait{readBacks, compensations}},
			{Name: driftInVain, Text: "of a step whose action and compensation had each its effect once, in order, and whose ledger nobody changed, it says nothing", Wants: wants},
		},
		Evidence:  "drifted, drift-told, drift-read, call-sent, call-committed, call-ended and saga-ended.",
		Prevented: "Reading back what participants hold after each critical step and on a schedule, also of sagas that have ended a while ago; comparing all of it with the record as it is when the answer comes.",
		Blind:     "Actions that are undone after they drifted. Drift of a round of a saga that is not the last. Steps whose calls were never answered to it that they are done: it need not know. Whether what differs is told rightly. What is repaired, and how. Changes that nobody planned.",
		Cost:      "linear",
		Whole:     true,
		Needs:     []string{"reconcile"},
	}
}

// Check judges a history.
func (c DriftUnnoticed) Check(_ *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	for _, whole := range ix.Sagas {
		for _, s := range roundsApart(whole) {
			for _, step := range s.Definition.Steps {
				if step.ReadBack != "" {
					checkDrift(t, ix, s, step.Name)
				}
			}
		}
	}
	return t.verdict("nothing was read back")
}

// checkDrift judges one step.
func checkDrift(t *tally, ix *history.Index, s *history.SagaRecord, step string) {
	var drifted *history.Event
	var tells []*history.Event
	for _, e := range ix.Drifts {
		switch {
		case e.Saga != s.ID || e.Step != step:
		case e.Kind == history.Drifted && drifted == nil:
			drifted = e
		case e.Kind == history.DriftTold:
			tells = append(tells, e)
		}
	}
	op := action(s, step)
	switch {
	case drifted == nil && ix.DriftRead == nil:
	case drifted == nil && !regular(s, step):
		t.unjudgeable(driftInVain, "its effects are not one action's and one compensation's")
	case drifted == nil && len(tells) > 0:
		t.violate(driftInVain, op, tells[:1], "broke reconciliation: it says that %s drifted (%s), and nobody changed what its participant holds", op, tells[0].What)
	case drifted == nil:
		t.held(driftInVain, len(effects(s.Op(step, saga.Action))))
	default:
		checkNoticed(t, ix, s, drifted, tells)
	}
}

// toldBefore tells whether the orchestrator said, or found, something before a drift: that is not noticing it.
func toldBefore(told, drifted *history.Event) bool {
	return told.Seq < drifted.Seq || history.FoundBefore(told.Found, drifted.At)
}

// checkNoticed judges whether drift was told.
func checkNoticed(t *tally, ix *history.Index, s *history.SagaRecord, drifted *history.Event, tells []*history.Event) {
	clause, op := driftClause(s, drifted), action(s, drifted.Step)
	undo := s.Op(drifted.Step, saga.Compensation)
	noticed := slices.ContainsFunc(tells, func(e *history.Event) bool { return !toldBefore(e, drifted) })
	due, learnt := noticeable(s, drifted, clause)
	switch {
	case !isOfLastRound(ix.Saga(s.ID), drifted.Step):
		t.unjudgeable(clause, onlyLastRound)
	case clause == driftBack && !noticed && slices.ContainsFunc(effects(undo), func(e *history.Event) bool { return e.Seq > drifted.Seq }):
		t.unjudgeable(clause, "the step was undone again")
	case clause != driftBack && undo != nil && len(sent(undo)) > 0:
		t.unjudgeable(clause, "the step was undone")
	case noticed:
		t.held(clause, 1)
	case len(tells) > 0:
		t.unjudgeable(clause, "it says something of the step that it found before it was changed")
	case !learnt:
		t.unjudgeable(clause, "no answer told it what came of the call that it would go by")
	case slices.ContainsFunc(effects(s.Op(drifted.Step, saga.Action)), func(e *history.Event) bool { return e.Seq > drifted.Seq }):
		t.unjudgeable(clause, "the action had its effect again")
	case ix.DriftRead != nil && time.Duration(ix.DriftRead.EveryMS)*time.Millisecond > driftNoticed:
		t.unjudgeable(clause, "it says that it asks participants every %v: every %v or more often is needed", time.Duration(ix.DriftRead.EveryMS)*time.Millisecond, driftNoticed)
	case ix.DriftRead == nil:
		t.unknown(clause, "nobody asked what the orchestrator says of drift")
	case ix.DriftRead.At < due:
		t.unknown(clause, "it was asked before its time was over")
	default:
		t.violate(clause, op, []*history.Event{drifted, ix.DriftRead}, "broke reconciliation: what the participant holds of %s was changed by %s, and %v later nothing is said of it", op, effectOf(drifted), ms(ix.DriftRead.At-drifted.At))
	}
}

// noticeable is when a drift is to be noticed at the latest: from when it is there, and the orchestrator has learnt
// that the call was done from which it follows what is to be there. Not learnt: it never has.
func noticeable(s *history.SagaRecord, drifted *history.Event, clause string) (due time.Duration, learnt bool) {
	o := s.Op(drifted.Step, saga.Action)
	if clause == driftBack {
		o = s.Op(drifted.Step, saga.Compensation)
	}
	if o == nil {
		return 0, false
	}
	a := o.Learnt(saga.Done)
	if a == nil {
		return 0, false
	}
	return max(drifted.At, a.LearntAt()) + driftNoticed, true
}

// driftClause is the promise that a drift puts at risk.
func driftClause(s *history.SagaRecord, drifted *history.Event) string {
	done := effects(s.Op(drifted.Step, saga.Action))
	switch {
	case drifted.Direction == saga.Compensation:
		return driftBack
	case s.Ended != nil && s.Ended.Seq < drifted.Seq:
		return driftEnded
	case len(done) > 0 && drifted.Effect != nil && drifted.Effect.Equal(done[0].Effect.Inverse()):
		return driftMissing
	}
	return driftChanged
}

// regular tells whether the action of a step had its effect once at the most, and its compensation, if
// it was called, exactly what the action had, and after it: an action that arrives behind its
// compensation is there, though it was undone.
func regular(s *history.SagaRecord, step string) bool {
	done, undo := effects(s.Op(step, saga.Action)), s.Op(step, saga.Compensation)
	if len(done) > 1 || undo == nil || len(sent(undo)) == 0 {
		return len(done) <= 1
	}
	undone := effects(undo)
	return len(undone) == len(done) && !slices.ContainsFunc(undone, func(e *history.Event) bool { return e.Seq < done[0].Seq })
}
