package harness

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A cell that waits is noted under what it waits for, and only while it waits.
func TestWhatHoldsCellsBack(t *testing.T) {
	p := &pacer{least: 1, room: 1, freed: make(chan struct{})}
	l := newLimits(Options{Parallel: 1, Processes: 1}, &p.queues)
	tick := func() { p.adapt(true, lagTick) }
	tick() // no cell runs: no time of the run
	leave, err := p.admit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tick()
	ctx, stop := context.WithCancel(t.Context())
	over := make(chan error)
	go func() { _, err := p.admit(ctx); over <- err }()
	for p.queues.late.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	tick()
	stop()
	if err := <-over; err == nil {
		t.Fatal("a second cell where there is room for one")
	}
	for range 2 { // the first of them runs
		go func() { _, err := l.enter(t.Context(), Cell{}, true); over <- err }()
	}
	if err := <-over; err != nil {
		t.Fatal(err)
	}
	for p.queues.owned.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	tick()
	leave()
	tick()
	if diff := cmp.Diff(Held{Late: lagTick, Processes: lagTick, Of: 3 * lagTick}, p.held); diff != "" {
		t.Error(diff)
	}
}
