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

// A cell whose sagas have ended gives its place to another one while it waits for silence, as long as not too many do.
func TestSagasThatHaveEndedMakeRoom(t *testing.T) {
	l := newLimits(Options{Parallel: 1, Processes: 1}, new(queues))
	var places []place
	for range quietPerShared {
		p, err := l.enter(t.Context(), Cell{}, false)
		if err != nil {
			t.Fatal(err)
		}
		if p.rest(false) {
			t.Error("its sagas have not ended")
		}
		for range 2 { // who is asked again rests once
			if !p.rest(true) {
				t.Error("it may rest")
			}
		}
		places = append(places, p)
	}
	last, err := l.enter(t.Context(), Cell{}, false)
	if err != nil {
		t.Fatal(err)
	}
	if last.rest(true) {
		t.Error("too many rest")
	}
	places[0].release()
	if !last.rest(true) {
		t.Error("one of them has left")
	}
	for _, p := range append(places[1:], last) {
		p.release()
	}
	if !l.shared.TryAcquire(1) || !l.quiet.TryAcquire(quietPerShared) {
		t.Error("a place was not given back")
	}
}
