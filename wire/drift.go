package wire

import (
	"errors"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// errNoDrift is about participants whose ledgers are not ours to change.
var errNoDrift = errors.New("what this participant holds can't be changed")

// drift changes what a participant holds of an action, at once or later.
func (in *Injector) drift(i int, e faults.Injection, op saga.Operation) {
	change := func() {
		defer in.healed(i, op)
		if in.Drift == nil {
			in.fail(i, errNoDrift)
		} else if err := in.Drift(op, e.Drifts, i); err != nil {
			in.fail(i, err)
		}
	}
	if e.For == 0 {
		change()
		return
	}
	in.background(func() {
		if in.wait(e.For) {
			change()
		}
	})
}
