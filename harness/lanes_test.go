package harness

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// While cells wait that share an orchestrator few lanes are open, and all of them when none does.
func TestLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shared, running atomic.Int32
		l := &lanes{few: 2, most: 5, shared: &shared}
		shared.Store(1)
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		for range 7 {
			go func() {
				if err := l.acquire(t.Context()); err != nil {
					t.Error(err)
				}
				running.Add(1)
			}()
		}
		open := func(want int32) {
			t.Helper()
			synctest.Wait()
			if n := running.Load(); n != want {
				t.Errorf("%d lanes are taken, expected %d", n, want)
			}
		}
		open(2)
		go func() { gone <- l.acquire(ctx) }()
		synctest.Wait()
		cancel()
		if <-gone == nil {
			t.Error("it gave up, and has a lane")
		}
		shared.Store(0)
		l.open()
		open(5)
		l.release()
		l.release()
		open(7)
		for range 5 {
			l.release()
		}
		if len(l.waiting) > 0 || l.running != 0 {
			t.Errorf("%d wait, %d run", len(l.waiting), l.running)
		}
	})
}
