package checkers

import (
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// WrongRepair finds drift that an orchestrator which repairs did not repair, and repairs that are none.
//
// Source: practice of reconciliation, whose corrections are postings of their own (Stripe, Ledger, 2023; Helland 2007). Evidence:
// drifted, drift-read, saga-ended, call-sent, call-committed, call-ended. A repair is an attempt of a compensation that is sent
// when its saga has ended and what it had undone is there again; of the other properties only those look at it
// that are about how calls are made, and what is said of them. Cost: linear.
type WrongRepair struct{}

var _ Checker = WrongRepair{}

// The clauses of wrong-repair.
const (
	repairAgain = "undone-again"
	repairOnce  = "once"
	repairKey   = "own-key"
	repairOther = "nothing-else"
)

// repairedIn is how long the orchestrator may take for a repair, by docs/contract.md.
const repairedIn = 4 * time.Second

// Doc documents the checker.
func (WrongRepair) Doc() Doc {
	back := []Trait{readBacks, compensations}
	return Doc{
		Name:       "wrong-repair",
		Definition: "What was undone, and is there again, was not undone once more; or more than once, under another key, or something else was.",
		Source:     "practice: reconciliation (Stripe, Ledger, 2023; Helland, Memories, Guesses, and Apologies, 2007); docs/contract.md on repairs",
		Clauses: []Clause{
			{Name: repairAgain, Text: "of a saga that has ended, the compensation whose action is there again is called once more: red if it was not within 4 s, and never after that", Wants: back},
			{Name: repairOnce, Text: "when an answer told it that a repair is done, no other one follows: those that were looked on at for 1 s after that", Wants: back},
			{Name: repairKey, Text: "a repair carries the key that the compensation had", Wants: back},
			{Name: repairOther, Text: "an action of which less is there than was done, or nothing, is neither done again nor undone when its saga has completed", Wants: []Trait{readBacks}},
		},
		Evidence:  "drifted, drift-read, saga-ended, call-sent, call-committed and call-ended.",
		Prevented: "Calling the compensation again under its own key, only of what the record proves to be undone, and leaving what was answered to the next reading, and to a person.",
		Blind:     "How often a repair that is not answered is attempted. What a repair does: a participant that remembers the key does nothing, and one that remembers none does it as often as it is called. Drift that nobody planned. What comes back within 2 s after a repair was answered as done. Drift of a round of a saga that is not the last. Repairs that follow a kill, a pause or a store outage less than 4 s before it was asked.",
		Cost:      "linear",
		Whole:     true,
		Needs:     []string{"reconcile", "repair"},
	}
}

// Check judges a history.
func (c WrongRepair) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	for _, drifted := range ix.Drifts {
		s := ix.Saga(drifted.Saga)
		if drifted.Kind != history.Drifted || s == nil || s.Ended == nil || ix.DriftRead == nil {
			continue
		}
		if drifted.Direction == saga.Action {
			checkLeftAlone(t, s, drifted, ds)
			continue
		}
		checkRepair(t, ix, s, drifted, ds)
	}
	return t.verdict("nothing drifted of a saga that ended")
}

// checkLeftAlone judges drift of what was done: nothing proves what should be there.
func checkLeftAlone(t *tally, s *history.SagaRecord, drifted *history.Event, ds []disturbance) {
	from := max(drifted.Seq, s.Ended.Seq)
	if s.Ended.Status != saga.Completed || !stands(s, drifted.Step, from) {
		return // it is undone
	}
	for _, d := range []saga.Direction{saga.Action, saga.Compensation} {
		o := s.Op(drifted.Step, d)
		if o == nil {
			continue
		}
		for _, a := range sent(o) {
			switch done := o.Learnt(saga.Done); {
			case a.Sent.Seq <= from:
			case d == saga.Action && (done == nil || done.Ended.Seq > a.Sent.Seq):
				t.unjudgeable(repairOther, "no answer had told it that the step is done: it was put off, and may be attempted again")
				return
			case d == saga.Action && disturbed(ds, done.Ended.Seq, a.Sent.Seq):
				t.unjudgeable(repairOther, wasDisturbed)
				return
			default:
				t.violate(repairOther, o.Op, []*history.Event{drifted, a.Sent}, "broke reconciliation: %s was changed by %s behind everybody's back, and %s was called for that: nothing proves that this is right",
					action(s, drifted.Step), effectOf(drifted), o.Op)
				return
			}
		}
	}
	t.held(repairOther, 1)
}

// stands tells whether a step is one of the round, or the way, in which a saga completed, and was not undone before an event.
func stands(s *history.SagaRecord, step string, before int) bool {
	last := LastRound(s)
	if hasFallback(last.Definition) {
		last = partsApart(last)[0]
	}
	_, of := last.Definition.Step(step)
	return of && !slices.ContainsFunc(last.Undos(step), func(o *history.OpRecord) bool { return firstSent(o) != nil && firstSent(o).Seq <= before })
}

// checkRepair judges what was done about a step that was undone, and whose effect was there again.
func checkRepair(t *tally, ix *history.Index, s *history.SagaRecord, drifted *history.Event, ds []disturbance) {
	op := drifted.Operation()
	undo, until := s.Op(op.Step, saga.Compensation), backAgain(ix, drifted)
	repair := repairOf(s, drifted, until)
	due, sure := repairDue(ix, s, drifted, until, ds)
	switch {
	case !isOfLastRound(s, op.Step):
		t.unjudgeable(repairAgain, onlyLastRound)
		return
	case undo == nil || undo.Learnt(saga.Done) == nil:
		t.unjudgeable(repairAgain, "no answer told it that the step is undone")
		return
	case s.Ended.Status != saga.Compensated:
		t.unjudgeable(repairAgain, "the saga did not end by itself")
		return
	}
	var done *history.Attempt
	if repair != nil {
		checkRepairKeys(t, undo, repair)
		if done = repair.Learnt(saga.Done); done != nil {
			checkRepairOnce(t, repair, done, until, ds)
		}
	}
	why := needsNoRepair(ix, s, drifted)
	switch {
	case why != "":
		t.unjudgeable(repairAgain, "%s", why)
	case done != nil:
		t.held(repairAgain, 1)
	case repair != nil: // whoever was killed as the answer came may have got it, and is not waited for
		t.unjudgeable(repairAgain, "no repair was answered as done")
	case until.At < due && until.Kind == history.DriftRead:
		t.unknown(repairAgain, "it was asked before its time was over")
	case until.At < due:
		t.unjudgeable(repairAgain, "it came back once more before its time was over")
	case !sure:
		t.unjudgeable(repairAgain, wasDisturbed)
	default:
		t.violate(repairAgain, op, []*history.Event{drifted, until}, "broke repair: what %s had undone is there again (%s), and %v later it was not undone once more", op, effectOf(drifted), ms(until.At-drifted.At))
	}
}

// repairDue is when what drifted has to be repaired at the latest, by who was not disturbed; not sure: it was, and its time had not
// passed since when something happened.
func repairDue(ix *history.Index, s *history.SagaRecord, drifted, until *history.Event, ds []disturbance) (due time.Duration, sure bool) {
	from := max(drifted.At, s.Ended.At)
	due, sure = from+repairedIn, true
	for _, d := range ds {
		if d.from > until.Seq || d.to < drifted.Seq {
			continue
		}
		if d.to > until.Seq {
			return due, false
		}
		if later := max(from, ix.History.Events[d.to-1].At) + repairedIn; later > until.At {
			sure = false
		}
	}
	return due, sure
}

// needsNoRepair says why what drifted need not be repaired, or may have been before the saga had ended; empty: it is due.
func needsNoRepair(ix *history.Index, s *history.SagaRecord, drifted *history.Event) string {
	undo := s.Op(drifted.Step, saga.Compensation)
	after := func(e *history.Event) bool { return e.Seq > drifted.Seq }
	late := func(a *history.Attempt) bool { return !after(a.Sent) && slices.ContainsFunc(a.Committed, after) }
	switch {
	case slices.ContainsFunc(sent(undo), func(a *history.Attempt) bool { return after(a.Sent) }), slices.ContainsFunc(sent(s.WithRepairs(undo)), late):
		return "the step was undone again, or may have been"
	case isSeenAsOne(ix, s, drifted):
		return "it came back so soon after a repair that nobody can tell it from what the repair had left there"
	}
	return ""
}

// isSeenAsOne tells whether drift came before the orchestrator need have seen that a repair had helped: that may have been answered as
// done only later, or the next reading was not yet due.
func isSeenAsOne(ix *history.Index, s *history.SagaRecord, drifted *history.Event) bool {
	all := s.Repairs[drifted.Operation().Ref()]
	if all == nil {
		return false
	}
	seen := driftNoticed
	if ix.DriftRead != nil {
		seen = max(seen, time.Duration(ix.DriftRead.EveryMS)*time.Millisecond)
	}
	return slices.ContainsFunc(sent(all), func(a *history.Attempt) bool {
		return a.Sent.Seq < drifted.Seq && (a.Ended == nil || saga.Classify(a.Ended.Code) == saga.Done && drifted.At < a.LearntAt()+seen)
	})
}

// backAgain is when what drifted did so once more, so that another repair is due; else when the orchestrator was asked.
func backAgain(ix *history.Index, drifted *history.Event) *history.Event {
	for _, d := range ix.Drifts {
		if d.Kind == history.Drifted && d.Operation() == drifted.Operation() && d.Seq > drifted.Seq {
			return d
		}
	}
	return ix.DriftRead
}

// repairOf are the attempts at a repair of what drifted, until it did so once more; nil: there are none.
func repairOf(s *history.SagaRecord, from, until *history.Event) *history.OpRecord {
	all := s.Repairs[from.Operation().Ref()]
	if all == nil {
		return nil
	}
	as := slices.DeleteFunc(sent(all), func(a *history.Attempt) bool {
		return a.Sent.Seq < from.Seq || until.Kind == history.Drifted && a.Sent.Seq > until.Seq
	})
	if len(as) == 0 {
		return nil
	}
	return &history.OpRecord{Op: all.Op, Call: all.Call, Attempts: as}
}

// checkRepairKeys judges the keys of repairs.
func checkRepairKeys(t *tally, undo, repair *history.OpRecord) {
	was := firstSent(undo)
	for _, a := range sent(repair) {
		if a.Sent.Key == was.Key {
			t.held(repairKey, 1)
			continue
		}
		t.violate(repairKey, repair.Op, []*history.Event{was, a.Sent}, "broke repair: attempt %d of %s has the key %q, and those before had %q: who remembers that does it twice", a.N, repair.Op, a.Sent.Key, was.Key)
		return
	}
}

// onceWatched is how long nothing may follow on a repair that is done, for one to be sure.
const onceWatched = time.Second

// checkRepairOnce judges what followed on the first repair that is known to be done.
func checkRepairOnce(t *tally, repair *history.OpRecord, done *history.Attempt, until *history.Event, ds []disturbance) {
	as := sent(repair)
	next := slices.IndexFunc(as, func(a *history.Attempt) bool { return a.Sent.Seq > done.Ended.Seq && a.Sent.At > done.LearntAt() })
	switch {
	case next >= 0 && disturbed(ds, done.Ended.Seq, as[next].Sent.Seq): // what it had learnt may not have been written down
		t.unjudgeable(repairOnce, wasDisturbed)
	case next >= 0:
		t.violate(repairOnce, repair.Op, []*history.Event{done.Ended, as[next].Sent}, "broke repair: %s was answered as done, and attempt %d of it follows %v later", repair.Op, as[next].N, ms(as[next].Sent.At-done.LearntAt()))
	case until.At < done.LearntAt()+onceWatched:
		t.unjudgeable(repairOnce, "nobody looked on for long enough after it")
	default:
		t.held(repairOnce, 1)
	}
}
