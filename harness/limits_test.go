package harness

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/faults"
)

// A cell weighs as many sagas as it has, and no more than there is room for.
func TestCellsWeighTheirSagas(t *testing.T) {
	l := newLimits(Options{Parallel: 4, Processes: 1}, new(queues))
	ctx := t.Context()
	first, err := l.enter(ctx, Cell{Sagas: 3}, false)
	if err != nil {
		t.Fatal(err)
	}
	hasty, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	if _, err := l.enter(hasty, Cell{Sagas: 2}, false); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("two more sagas than there is room for: %v", err)
	}
	last, err := l.enter(ctx, Cell{}, false)
	if err != nil {
		t.Errorf("there is room for one: %v", err)
	}
	own, err := l.enter(ctx, Cell{Sagas: 9, Plan: faults.Plan{Faults: []faults.Fault{{Kind: "crash-orchestrator"}}}}, true)
	if err != nil {
		t.Errorf("a cell with an orchestrator of its own: %v", err)
	}
	first.release()
	last.release()
	own.release()
	if _, err := l.enter(ctx, Cell{Sagas: 100}, false); err != nil {
		t.Errorf("a cell larger than the room, alone: %v", err)
	}
}
