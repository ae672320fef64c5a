package harness

import (
	"context"
	"errors"
	"testing"
	"time"
)

// The room shrinks while timers are late, grows while they are not and it is in
// use, and never falls below its least.
func TestRoomFollowsTheLag(t *testing.T) {
	p := &pacer{least: 2, room: 2, freed: make(chan struct{})}
	enter := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		defer cancel()
		_, err := p.admit(ctx)
		return err
	}
	for range 2 {
		if err := enter(); err != nil {
			t.Fatal(err)
		}
	}
	if err := enter(); !errors.Is(err, context.DeadlineExceeded) {
		t.Error("a third where two fit:", err)
	}
	waiting := make(chan error)
	go func() { _, err := p.admit(t.Context()); waiting <- err }()
	for range int(1 / growth) {
		p.adapt(false, lagTick)
	}
	if err := <-waiting; err != nil {
		t.Error("no room for a third after a while in time:", err)
	}
	for range 100 {
		p.adapt(true, lagTick)
	}
	if p.room != p.least {
		t.Error("room", p.room, "after a long lag")
	}
	p.leave()
	p.leave()
	for range 100 {
		p.adapt(false, lagTick)
	}
	if p.room > 2 {
		t.Error("room", p.room, "that nobody asked for")
	}
	if err := enter(); err != nil {
		t.Error("what was left is not free:", err)
	}
}
