package faults

import "github.com/sagacheck/sagacheck/saga"

// askRollback is an operator who asks the orchestrator to roll the saga back
// while an attempt is under way. The attempt goes on when the orchestrator has
// answered.
type askRollback struct{ plain }

var _ Kind = askRollback{}

func (askRollback) Doc() KindDoc {
	return KindDoc{
		Name: "ask-rollback", Phases: []saga.Phase{saga.Receive, saga.Commit}, Operator: true,
		Text: "an operator asks the orchestrator for the saga's rollback while the attempt is held still; the attempt goes on when the orchestrator has answered",
	}
}

func (askRollback) Validate(Fault) error { return nil }

// Injection is a question.
func (askRollback) Injection(Fault, int) Injection { return Injection{Asked: true} }
