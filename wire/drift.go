package wire

import (
	"errors"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/participants"
)

// errNoDrift is about participants whose ledgers are not ours to change.
var errNoDrift = errors.New("what this participant holds can't be changed")

// drift changes what a participant holds of an action, at once or later. It fires when it does: what
// was undone by then can't be changed any more.
func (in *Injector) drift(i int, e faults.Injection, c participants.Call) {
	change := func() {
		if in.Drift == nil {
			in.fail(i, errNoDrift)
			return
		}
		switch err := in.Drift(c.Op, e.Drifts, i); {
		case errors.Is(err, participants.ErrNothingHeld):
			return
		case err != nil:
			in.fail(i, err)
		}
		in.strikes.Fire(i, c, "the participant's ledger was changed")
		in.strikes.Heal(i, c.Op)
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
