package checkers

import (
	"fmt"
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// tally collects what a checker finds, clause by clause, and turns it into a
// verdict.
type tally struct {
	doc       Doc
	counts    []Count
	witnesses []Witness
	gap       string // the first piece of evidence that is missing for the whole history
}

func newTally(c Checker) *tally {
	t := &tally{doc: c.Doc()}
	for _, k := range t.doc.Clauses {
		t.counts = append(t.counts, Count{Clause: k.Name})
	}
	return t
}

func (t *tally) of(clause string) *Count {
	for i := range t.counts {
		if t.counts[i].Clause == clause {
			return &t.counts[i]
		}
	}
	panic(t.doc.Name + " has no clause " + clause)
}

// held counts opportunities at which the clause was kept.
func (t *tally) held(clause string, n int) { t.of(clause).Held += n }

// unjudgeable counts an opportunity at which it can't be told whether the clause
// was kept; the format says why.
func (t *tally) unjudgeable(clause, format string, args ...any) {
	c := t.of(clause)
	if c.Unjudgeable++; c.Why == "" {
		c.Why = fmt.Sprintf(format, args...)
	}
}

// lacks says that a clause is not applicable to this history, and why. What was
// counted of it counts all the same.
func (t *tally) lacks(clause, format string, args ...any) {
	t.of(clause).Lacks = fmt.Sprintf(format, args...)
}

// violate counts an opportunity at which the clause was broken, and adds its
// witness, of whose events the last one is the one that was wrong; the format is the
// broken guarantee in words.
func (t *tally) violate(clause string, op saga.Operation, events []*history.Event, format string, args ...any) {
	t.of(clause).Broken++
	w := Witness{Clause: clause, Broken: fmt.Sprintf(format, args...), Saga: op.Saga, Step: op.Ref().String()}
	for _, e := range events {
		if e != nil && !slices.Contains(w.Events, e.Seq) {
			w.Events = append(w.Events, e.Seq)
		}
	}
	slices.Sort(w.Events)
	if n := len(w.Events); n > 0 {
		w.At = w.Events[n-1]
	}
	t.witnesses = append(t.witnesses, w)
}

// unknown notes evidence that every history should have and this one lacks: the
// clause can't be judged, and there can be no pass any more.
func (t *tally) unknown(clause, format string, args ...any) {
	t.unjudgeable(clause, format, args...)
	if t.gap == "" {
		t.gap = fmt.Sprintf(format, args...)
	}
}

// verdict is the counts and witnesses as they are; Judge decides the outcome.
// never is the reason of a vacuous one.
func (t *tally) verdict(never string) Verdict {
	return Verdict{Property: t.doc.Name, Clauses: t.counts, Witnesses: t.witnesses, gap: t.gap, never: never}
}

// allOpsOf are those of opsOf with the attempts at repairs, which are attempts of their compensation for whoever asks how
// calls are made, and what is said of them.
func allOpsOf(s *history.SagaRecord) []*history.OpRecord {
	ops := opsOf(s)
	for i, o := range ops {
		ops[i] = s.WithRepairs(o)
	}
	return ops
}

// opsOf lists the attempted operations of a saga in the order of its
// definition, the action of a step before its compensation, or the parts of that.
func opsOf(s *history.SagaRecord) []*history.OpRecord {
	ops := make([]*history.OpRecord, 0, len(s.Ops))
	for _, step := range inRounds(s) {
		if o := s.Op(step.Name, saga.Action); o != nil {
			ops = append(ops, o)
		}
		ops = append(ops, s.Undos(step.Name)...)
	}
	return ops
}

// received counts the deliveries of an operation, copies included.
func received(o *history.OpRecord) int {
	n := 0
	for _, a := range o.Attempts {
		n += len(a.Received)
	}
	return n
}

// effects are the effects of an operation; none if it was never attempted.
func effects(o *history.OpRecord) []*history.Event {
	if o == nil {
		return nil
	}
	return o.Effects
}

// sent are the attempts that the orchestrator itself sent.
func sent(o *history.OpRecord) []*history.Attempt {
	as := make([]*history.Attempt, 0, len(o.Attempts))
	for _, a := range o.Attempts {
		if a.Sent != nil {
			as = append(as, a)
		}
	}
	return as
}

// accepted is the first event that shows that the participant accepted the
// operation: its effect, or a good answer, unless that says in its words that it
// was not done. Nil: it never did.
func accepted(o *history.OpRecord) *history.Event {
	if o == nil {
		return nil
	}
	var first *history.Event
	earlier := func(e *history.Event) {
		if first == nil || e.Seq < first.Seq {
			first = e
		}
	}
	for _, a := range o.Attempts {
		for _, e := range a.Committed {
			earlier(e)
		}
		for _, e := range a.Answered {
			if saga.Classify(e.Code) == saga.Done && e.Detail != history.NotDone {
				earlier(e)
			}
		}
	}
	return first
}

// definedEffect is what the definition says that an operation does.
func definedEffect(s *history.SagaRecord, step string, d saga.Direction) (saga.Effect, error) {
	if o := s.Op(step, d); o != nil {
		return o.Asked()
	}
	call, _ := s.Definition.Call(saga.StepRef{Step: step, Direction: d})
	return call.Effect()
}

// faultFired tells whether any fault fired in the history.
func faultFired(ix *history.Index) bool { return len(ix.Fired) > 0 }

func action(s *history.SagaRecord, step string) saga.Operation {
	return saga.Operation{Saga: s.ID, Step: step, Direction: saga.Action}
}
