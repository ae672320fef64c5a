package checkers

import (
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// turnTolerance is how long an orchestrator may take, after it has read what turns a
// saga, until all of it knows.
const turnTolerance = 25 * time.Millisecond

// ActionAfterTurn finds actions that were started, or attempted again, after their
// saga had surely turned.
//
// Source: docs/contract.md, promise 3: the saga turns, and no new step starts.
// Evidence: call-sent, call-answered, call-ended, saga-operator. A saga has turned
// when a critical action for which no other step stands was refused for good or has
// used up its attempts, from when its connection was over, or an operator's request was
// accepted, from when that answer arrived. A step counts only if the last of those
// before it was answered later than that (after a failure by more than 25 ms, or three
// times the lag of the cell): what was ready earlier may have been decided earlier. A
// pivot that can't be undone must be attempted until its outcome is known, and where a
// pivot may have succeeded there is no turn. Cost: linear in the events, quadratic in
// the steps.
type ActionAfterTurn struct{}

var _ Checker = ActionAfterTurn{}

// The clauses of action-after-turn.
const (
	newStepAfterFailure = "new-step"
	newStepAfterRequest = "new-step-after-request"
	retryAfterTurn      = "retry"
)

// Doc documents the checker.
func (ActionAfterTurn) Doc() Doc {
	return Doc{
		Name:       "action-after-turn",
		Definition: "A new step was started, or an action attempted again without need, after the saga had surely turned.",
		Source:     "docs/contract.md, promise 3",
		Clauses: []Clause{
			{Name: newStepAfterFailure, Text: "no step starts after a critical action was refused for good or has used up its attempts: steps for which the last good answer arrived only more than 25 ms, or three times the lag of the cell, later, or was not waited for", Wants: []Trait{branches}},
			{Name: newStepAfterRequest, Text: "nor after an operator's request for the rollback was accepted: steps whose predecessors are done only later, or were not waited for", Wants: []Trait{stepsBeforePivots}, Needs: []string{"operator-compensation"}},
			{Name: retryAfterTurn, Text: "no action is attempted again after the turn: those that failed, with attempts left, and whose wait ends more than 25 ms, or three times the lag of the cell, later", Wants: []Trait{repeatedBeside}},
		},
		Evidence:  "call-sent, call-answered, call-ended and saga-operator.",
		Prevented: "Deciding the turn and what follows from it in one commit: what is not yet sent when the saga turns is not sent any more.",
		Blind:     "Steps that were ready before the turn; what follows a kill, a pause or a store outage; sagas whose pivot may have succeeded; deferrable steps that are attempted again; of an orchestrator that lacks max-attempts or permanent-errors, what is tried again after that.",
		Cost:      "linear in the events, quadratic in the steps of a saga",
	}
}

// Check judges a history.
func (c ActionAfterTurn) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	margin := max(turnTolerance, 3*ix.Lag)
	for _, s := range singleSagas(h, ix) {
		turn := turnOf(ix, s, ds)
		if turn == nil {
			continue
		}
		for _, step := range s.Definition.Steps {
			checkNewStep(t, s, step, turn, ds, margin)
			checkRetry(t, s, step, turn, ds, margin)
		}
	}
	return t.verdict("no saga turned while something was left to be started")
}

func checkNewStep(t *tally, s *history.SagaRecord, step saga.Step, turn *turn, ds []disturbance, margin time.Duration) {
	earliest, ok := readyAt(s, step)
	ready := arrivedAt(s, step, earliest)
	began := firstSent(s.Op(step.Name, saga.Action))
	if turn.clause == newStepAfterRequest && earliest > turn.at {
		margin = 0
	}
	switch {
	case !ok && began == nil && letGo(s, step, turn):
		t.held(turn.clause, 1)
	case !ok || ready <= turn.at || began != nil && began.Seq < turn.event.Seq:
	case ready <= turn.at+margin:
		t.unjudgeable(turn.clause, "it was ready too soon after the turn")
	case began == nil:
		t.held(turn.clause, 1)
	case disturbed(ds, turn.event.Seq, began.Seq):
		t.unjudgeable(turn.clause, wasDisturbed)
	default:
		t.violate(turn.clause, began.Operation(), []*history.Event{turn.event, began}, "broke the turn of a saga: %s was started %v after %s", began.Operation(), ms(began.At-turn.at), turn.why)
	}
}

// letGo tells whether a step did not become ready since nobody waited for an action before it: at the turn an attempt at
// that was under way, and it ended without an answer when the way back had begun.
func letGo(s *history.SagaRecord, step saga.Step, turn *turn) bool {
	back := firstUndo(s)
	return back != nil && slices.ContainsFunc(mustPrecede(s.Definition)[step.Name], func(name string) bool {
		o := s.Op(name, saga.Action)
		return o != nil && slices.ContainsFunc(sent(o), func(a *history.Attempt) bool {
			return a.Sent.Seq < turn.event.Seq && lostAnswer(a) && back.Seq < a.Ended.Seq
		})
	})
}

// arrivedAt is when the answers that make a step ready had arrived, as far as it is
// known: participants may have answered long before.
func arrivedAt(s *history.SagaRecord, step saga.Step, earliest time.Duration) time.Duration {
	ready := earliest
	for _, name := range mustPrecede(s.Definition)[step.Name] {
		if a := s.Op(name, saga.Action).Learnt(saga.Done); a != nil {
			ready = max(ready, a.LearntAt())
		}
	}
	return ready
}

// checkRetry looks at an action that failed, with attempts left, and was due again
// after the turn.
func checkRetry(t *tally, s *history.SagaRecord, step saga.Step, turn *turn, ds []disturbance, margin time.Duration) {
	o := s.Op(step.Name, saga.Action)
	if o == nil || step.Unbounded() || o.Op == turn.event.Operation() {
		return
	}
	as := tries(s, o)
	most := o.Call.Retry.Most()
	for i, a := range as {
		if a.Learnt() != saga.Transient || most > 0 && i+1 >= most {
			continue
		}
		lo, _ := o.Call.Retry.Band(a.N + 1)
		if due := earliestFailure(a) + max(lo, retryAfter(a)); due <= turn.at+margin {
			if due > turn.at && i+1 == len(as) {
				t.unjudgeable(retryAfterTurn, "it was due too soon after the turn")
			}
			continue
		}
		switch {
		case i+1 == len(as) && len(sent(o)) > len(as): // it came after the end: false-status tells of that
		case i+1 == len(as):
			t.held(retryAfterTurn, 1)
		case as[i+1].Sent.Seq < turn.event.Seq, notedLate(as[i+1].Sent, turn.at):
			continue
		case disturbed(ds, turn.event.Seq, as[i+1].Sent.Seq):
			t.unjudgeable(retryAfterTurn, wasDisturbed)
		default:
			t.violate(retryAfterTurn, o.Op, []*history.Event{turn.event, as[i+1].Sent}, "broke the turn of a saga: %s was attempted again %v after %s", o.Op, ms(as[i+1].Sent.At-turn.at), turn.why)
		}
		return
	}
}

// The traits that the checker wants: who can complete, or fail, when another has
// turned the saga, and nothing of it behind a pivot.
var (
	branches          = Trait{"a step behind one that runs beside another", anyDefinition(hasBranches)}
	repeatedBeside    = Trait{"an action that may be attempted again beside another", anyDefinition(hasRepeatedBeside)}
	stepsBeforePivots = Trait{"two steps in order of which the first is before the pivot", anyDefinition(func(d saga.Definition) bool {
		return slices.ContainsFunc(d.Steps, func(s saga.Step) bool {
			return slices.ContainsFunc(mustPrecede(d)[s.Name], func(name string) bool { return beforePivot(d, name) })
		})
	})}
)

func hasBranches(d saga.Definition) bool {
	before := mustPrecede(d)
	for _, x := range d.Steps {
		for _, p := range before[x.Name] {
			if slices.ContainsFunc(d.Steps, func(q saga.Step) bool {
				return q.Kind != saga.Deferrable && !slices.Contains(d.Ancestors(x.Name), q.Name) && q.Name != x.Name && beside(d, p, q.Name)
			}) {
				return true
			}
		}
	}
	return false
}

func hasRepeatedBeside(d saga.Definition) bool {
	return slices.ContainsFunc(d.Steps, func(p saga.Step) bool {
		return repeated(p.Action) && !p.Unbounded() && slices.ContainsFunc(d.Steps, func(q saga.Step) bool {
			return q.Kind != saga.Deferrable && beside(d, p.Name, q.Name)
		})
	})
}

// beside tells whether two steps may run side by side, before any pivot.
func beside(d saga.Definition, a, b string) bool {
	return a != b && beforePivot(d, a) && beforePivot(d, b) &&
		!slices.Contains(d.Ancestors(a), b) && !slices.Contains(d.Ancestors(b), a)
}

// beforePivot tells whether neither the step nor any before it is a pivot.
func beforePivot(d saga.Definition, name string) bool {
	return !slices.ContainsFunc(append(d.Ancestors(name), name), func(n string) bool {
		step, _ := d.Step(n)
		return step.Kind == saga.Pivot
	})
}
