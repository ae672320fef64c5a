package harness

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sagacheck/sagacheck/history"
)

// slowFile takes a while to write: the first time at once.
type slowFile struct {
	takes  time.Duration
	writes int
	closed bool
}

func (f *slowFile) WriteAt(b []byte, _ int64) (int, error) { return len(b), nil }
func (f *slowFile) Close() error                           { f.closed = true; return nil }

func (f *slowFile) Sync() error {
	if f.writes++; f.writes > 1 {
		time.Sleep(f.takes)
	}
	return nil
}

// A disk that stalls is told in the histories of the cells that ran then, before it is over too.
func TestDiskThatStallsIsTold(t *testing.T) {
	for _, tc := range []struct {
		takes    time.Duration
		from, to int // ms of lag
	}{{time.Second, 890, 900}, {2 * time.Second, 890, 900}, {diskLimit / 2, 0, 0}} {
		synctest.Test(t, func(t *testing.T) {
			f := &slowFile{takes: tc.takes}
			p := newPacer(&disk{file: f, began: time.Now().Add(-time.Second)})
			r := history.NewRecorder(history.Header{})
			end := p.record(r)
			time.Sleep(diskTick + 900*time.Millisecond)
			r.Add(history.Event{Kind: history.Settled})
			end()
			p.close()
			h := r.Close()
			if lag := h.Events[len(h.Events)-1].LagMS; lag < tc.from || lag > tc.to {
				t.Errorf("a disk that takes %v: lag %d ms", tc.takes, lag)
			}
			if !f.closed {
				t.Error("the file is left open")
			}
		})
	}
}
