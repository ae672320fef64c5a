package faults

import (
	"context"
	"errors"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// askRollback is an operator who asks the orchestrator to roll the saga back
// while an attempt is under way. The attempt goes on when the orchestrator has
// answered.
type askRollback struct{}

var _ onHook = askRollback{}

func (askRollback) Doc() KindDoc {
	return KindDoc{
		Name: "ask-rollback", Phases: []saga.Phase{saga.Receive, saga.Commit}, Operator: true,
		Text: "an operator asks the orchestrator for the saga's rollback while the attempt is held still; the attempt goes on when the orchestrator has answered",
	}
}

func (askRollback) Validate(Fault) error { return nil }

func (askRollback) hook(_ Fault, in *Injector, i int, c participants.Call) *participants.Answer {
	in.askRollback(i, c.Op.Saga)
	return nil
}

// askRollback asks, and records that it did.
func (in *Injector) askRollback(i int, id string) {
	if in.Operator == nil {
		in.fail(i, errors.New("this orchestrator can't be asked for a rollback"))
		return
	}
	ctx, cancel := context.WithTimeout(in.ctx, askLimit)
	defer cancel()
	code, err := in.Operator(ctx, id)
	e := history.Event{Kind: history.SagaOperator, Saga: id, Code: code}
	if err != nil {
		e.Detail = err.Error()
	}
	in.rec.Add(e)
}
