package defects

import (
	"encoding/json"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

// driftDefects do not notice what becomes of ledgers, or notice what is not so.
var driftDefects = []Defect{
	{
		Name: "drift-of-ended-not-looked", Anomaly: "drift-unnoticed", Needs: "drift of a saga that has ended",
		Description: "what participants hold is not looked at any more when the saga has ended",
		lay:         driftOfEndedNotLooked,
	},
	{
		Name: "drift-of-amounts", Anomaly: "drift-unnoticed", Needs: "drift that leaves something",
		Description: "it is looked whether there is something of an action, not what",
		lay:         driftOfAmounts,
	},
	{
		Name: "drift-in-spite-of-undo", Anomaly: "drift-unnoticed", Needs: "a rollback of a step that can be read back",
		Description: "an action that was done is expected to be there, also when it was undone",
		lay:         driftInSpiteOfUndo,
	},
	{
		Name: "drift-of-undone", Anomaly: "drift-unnoticed", Needs: "drift of a step that was undone",
		Description: "what was undone is not compared with what participants hold",
		lay:         driftOfUndone,
	},
	{
		Name: "drift-on-the-way-back", Anomaly: "drift-unnoticed", Needs: "drift of a step that was undone",
		Description: "what participants hold is not looked at on a schedule of a saga that has turned",
		lay:         driftOnTheWayBack,
	},
}

func driftOfUndone(r *reference.Rules) {
	expects := r.Drift.Expects
	r.Drift.Expects = func(s *reference.State, step int) reference.Expectation {
		if e := expects(s, step); e != reference.Nothing {
			return e
		}
		return reference.Anything
	}
}

func driftOnTheWayBack(r *reference.Rules) {
	r.Drift.LooksBack = func(s *reference.State) bool { return !s.Failing() }
}

func driftOfEndedNotLooked(r *reference.Rules) {
	r.Drift.LooksBack = func(s *reference.State) bool { return !s.Status().Over() }
}

func driftOfAmounts(r *reference.Rules) {
	r.Drift.Differs = func(_, _ json.RawMessage) bool { return false }
}

func driftInSpiteOfUndo(r *reference.Rules) {
	r.Drift.Expects = func(s *reference.State, step int) reference.Expectation {
		if s.Op(reference.Ref{Step: step, Dir: saga.Action}).Done() {
			return reference.Effect
		}
		return reference.Anything
	}
}
