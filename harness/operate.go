package harness

import (
	"context"

	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/wire"
)

// console is where operators ask the orchestrator of a cell for something.
type console struct{ orchestrators.Operator }

var _ wire.Operator = console{}

// console is nil for an orchestrator of which nobody can ask anything.
func (r *cellRun) console() wire.Operator {
	if o := orchestrators.OperatorOf(r.sys); o != nil {
		return console{o}
	}
	return nil
}

func (c console) Operate(ctx context.Context, id string, act saga.Act, step, key, author, reason string) (int, error) {
	return c.Operator.Operate(ctx, id, orchestrators.Asking{Act: act, Step: step, Key: key, Author: author, Reason: reason})
}
