package workflows

import (
	"slices"

	"github.com/sagacheck/sagacheck/saga"
)

// Instances are those of the operations of one saga, and the parts in which its actions were undone:
// by what they are of, what tells them apart, in the order in which they were first seen.
type Instances map[string][]string

// number is that of an instance of something, from 1. It is told apart by a key; an empty one:
// there is only one.
func (n Instances) number(of, key string) int {
	if key == "" {
		return 1
	}
	if i := slices.Index(n[of], key) + 1; i > 0 {
		return i
	}
	n[of] = append(n[of], key)
	return len(n[of])
}

// OperationOf is the step and the direction of a call of a saga. Instances of an operation, and the
// parts in which one action is undone, are numbered in the order in which they are first seen. undoes
// is the action that a compensation names; nil: it names none of this saga.
func (w *Workflow) OperationOf(c *Call, id string, undoes *saga.Operation, seen Instances) (saga.Operation, error) {
	step, direction := w.StepOf(c.Op)
	op := saga.Operation{Saga: id, Step: step, Direction: direction}
	if undoes != nil {
		op = undoes.Inverse()
	}
	if direction == saga.Compensation {
		part, err := c.Part()
		op.Part = saga.Part(seen.number(op.Ref().String(), part))
		return op, err
	}
	each, err := c.Each()
	op.Step = saga.Instance(step, seen.number(step, each))
	return op, err
}
