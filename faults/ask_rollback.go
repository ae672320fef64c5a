package faults

import "github.com/sagacheck/sagacheck/saga"

// askRollback is an operator who asks the orchestrator to roll the saga back
// while an attempt is under way. The attempt goes on when the orchestrator has
// answered. With delay_ms it is asked that long after the attempt arrived, which goes on at once:
// beside a failure it comes in the wait for the next one.
type askRollback struct{ plain }

var _ Kind = askRollback{}

func (askRollback) Doc() KindDoc {
	return KindDoc{
		Name: "ask-rollback", Phases: []saga.Phase{saga.Receive, saga.Commit}, Fields: []string{"delay_ms"}, Operator: true,
		Text: "an operator asks the orchestrator for the saga's rollback while the attempt is held still; the attempt goes on when the orchestrator has answered. With delay_ms the rollback is asked for that long after the attempt, which is not held then: in the wait for the next one, if it fails",
	}
}

// Validate checks how much later it is asked.
func (askRollback) Validate(f Fault) error { return within("delay_ms", f.DelayMS, 0, 60000) }

// Injection is a question.
func (askRollback) Injection(f Fault, _ int) Injection {
	return Injection{Asked: true, Later: ms(f.DelayMS)}
}
