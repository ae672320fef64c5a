package harness

import (
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// What came back once more is waited for as what did so first; and since when it is looked on follows from what happened last.
func TestRepairsOver(t *testing.T) {
	at := func(seq int, kind history.Kind, attempt, code int) history.Event {
		return history.Event{Seq: seq, At: time.Duration(seq) * time.Second, Kind: kind, Saga: "s1", Step: "b", Direction: saga.Compensation, Attempt: attempt, Code: code}
	}
	events := []history.Event{
		at(1, history.CallEnded, 1, 200), at(2, history.SagaEnded, 0, 0), at(3, history.Drifted, 0, 0), at(4, history.CallEnded, 2, 503),
		at(5, history.CallEnded, 2, 200), at(6, history.Drifted, 0, 0), at(7, history.ProcessReady, 0, 0), at(8, history.CallEnded, 3, 200),
	}
	for n, want := range map[int]int{2: 2, 3: -1, 4: -1, 5: 5, 6: -1, 7: -1, 8: 8} {
		at, all := repairsOver(events[:n])
		if all != (want >= 0) || all && at != time.Duration(want)*time.Second {
			t.Errorf("after %d events: %v, %v, want %d s", n, at, all, want)
		}
	}
	for n, want := range map[int]int{2: 0, 3: 3, 5: 3, 6: 6, 8: 7} {
		if got := lastChange(events[:n]); got != time.Duration(want)*time.Second {
			t.Errorf("after %d events it has its time from %v, want %d s", n, got, want)
		}
	}
}
