package checkers

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// The clauses of [FalseStatus] that are about what the orchestrator can have known.
const (
	heard     = "heard"
	heardUndo = "undo-heard"
)

var (
	toldLater = Trait{"a step of which its service tells later", anyDefinition(func(d saga.Definition) bool {
		return slices.ContainsFunc(d.Steps, func(s saga.Step) bool {
			return s.Kind != saga.Deferrable && answeredLater(d, s.Name, saga.Action)
		})
	})}
	undoToldLater = Trait{"an undo of which its service tells later", anyDefinition(func(d saga.Definition) bool {
		return slices.ContainsFunc(d.Steps, func(s saga.Step) bool { return answeredLater(d, s.Name, saga.Compensation) })
	})}
)

// answeredLater tells whether a service takes a call, and tells by one of its own, or when it is
// asked, what became of it.
func answeredLater(d saga.Definition, step string, direction saga.Direction) bool {
	name, _ := saga.CutInstance(step)
	return slices.Contains(slices.Concat(d.Callbacks, d.Polled), saga.StepRef{Step: name, Direction: direction}.String())
}

// checkHeard asks of a saga that was reported as completed (compensated) whether the
// orchestrator may have known that its steps (undos) are done, where the service had only
// said that it took the call: it must have told, by a call of its own or when it was asked. Where nothing was done
// there is nothing that it could have told of.
func checkHeard(t *tally, s *history.SagaRecord) {
	for _, step := range s.Definition.Steps {
		if s.Ended.Status == saga.Completed {
			if step.Kind != saga.Deferrable {
				checkHeardOf(t, s, s.Op(step.Name, saga.Action), heard)
			}
			continue
		}
		for _, undo := range s.Undos(step.Name) {
			checkHeardOf(t, s, undo, heardUndo)
		}
	}
}

func checkHeardOf(t *tally, s *history.SagaRecord, o *history.OpRecord, clause string) {
	took := tookOnly(o)
	if took == nil || len(effects(o)) == 0 {
		return
	}
	done := acknowledged(o)
	switch {
	case learntBefore(done, s.Ended):
		t.held(clause, 1)
	case o.Misled():
		t.unjudgeable(clause, misled)
	case clause == heardUndo && seenGone(s, o):
		t.unjudgeable(clause, "the service was asked after it had taken the call: what was undone may be known for what is not there any more")
	default:
		t.violate(clause, o.Op, []*history.Event{took, s.Ended, done}, "broke the truth of the status: saga %s was reported as %s, and of %s nobody had told more than that it was taken", s.ID, s.Ended.Status, o.Op)
	}
}

// tookOnly is the answer by which a service said that it had taken the operation, and tells
// later; nil: it said more at once.
func tookOnly(o *history.OpRecord) *history.Event {
	if o == nil {
		return nil
	}
	for _, a := range o.Attempts {
		if !a.Pending() {
			continue
		}
		if i := slices.IndexFunc(a.Answered, func(e *history.Event) bool { return e.Pending }); i >= 0 {
			return a.Answered[i]
		}
	}
	return nil
}

// seenGone tells whether the orchestrator may have seen, before it reported the saga's end, that what a compensation
// undoes is not there any more: a read-back of that was answered after the call which undid it had left. One that is
// unavailable shows nothing, and one of the compensation itself says that it is done, or that it is not yet.
func seenGone(s *history.SagaRecord, undo *history.OpRecord) bool {
	left := undo.Effects[0]
	if i := slices.IndexFunc(undo.Attempts, func(a *history.Attempt) bool { return a.N == left.Attempt && a.Sent != nil }); i >= 0 {
		left = undo.Attempts[i].Sent // the wire may note what the participant did later than what it answered
	}
	return slices.ContainsFunc(s.Reads, func(e *history.Event) bool {
		answered := saga.Classify(e.Code) != saga.Transient || e.Code == 0 && e.Passed > 0
		return answered && e.Seq > left.Seq && learntBefore(e, s.Ended) && shows(s.Definition, e.Step, undo.Op.Inverse())
	})
}

// shows tells whether a read-back may tell of an operation.
func shows(d saga.Definition, read string, op saga.Operation) bool {
	steps, known := d.Shows[read]
	name, _ := saga.CutInstance(op.Step)
	return !known || slices.Contains(steps, saga.StepRef{Step: name, Direction: op.Direction}.String())
}

// toldDone tells whether a service that had only taken an operation said that it is done in answer to a read-back, all
// of which reached the orchestrator: it was not given up.
func toldDone(o *history.OpRecord) bool {
	return tookOnly(o) != nil && slices.ContainsFunc(o.Found, func(e *history.Event) bool {
		return e.Kind == history.CallRead && !cutShort(e) && saga.Classify(e.Code) == saga.Done
	})
}
