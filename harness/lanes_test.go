package harness

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// While cells wait that share an orchestrator few lanes are open, and all of them when none does; who rests
// gives its lane away, as long as not too many do.
func TestLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shared, running atomic.Int32
		l := &lanes{few: 2, most: 5, mostRest: 1, shared: &shared}
		shared.Store(1)
		var mu sync.Mutex
		var taken []*lane
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		for range 7 {
			go func() {
				lane, err := l.acquire(t.Context())
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				taken = append(taken, lane)
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
		go func() { _, err := l.acquire(ctx); gone <- err }()
		synctest.Wait()
		cancel()
		if <-gone == nil {
			t.Error("it gave up, and has a lane")
		}
		shared.Store(0)
		l.open()
		open(5)
		first := taken[0]
		for range 2 { // who is asked again rests once
			if !first.rest(false) {
				t.Error("it may rest")
			}
		}
		open(6)
		if taken[1].rest(false) {
			t.Error("two rest where one may")
		}
		taken[1].release()
		open(7)
		for i, lane := range taken {
			if i != 1 {
				lane.release()
			}
		}
		if len(l.waiting) > 0 || l.running != 0 || l.resting != 0 {
			t.Errorf("%d wait, %d run, %d rest", len(l.waiting), l.running, l.resting)
		}
	})
}
