package results_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/saga"
)

const untried = `scenario two
cell c1
profile fenced
orchestrator mine 1
settle-ms 500
saga c1-1
step reserve do=stock-1piece,held+1piece
step ship pivot

0ms saga-submitted c1-1
1ms saga-accepted c1-1
1ms call-sent c1-1 reserve#1
1.6ms call-committed c1-1 reserve#1
2ms call-ended c1-1 reserve#1 200
3ms call-sent c1-1 ship#1
`

// TestTrial counts ends, times, calls and what was undone, before and after.
func TestTrial(t *testing.T) {
	parse := func(text string) *history.History {
		h, err := history.ParseText(strings.NewReader(untried + text))
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	old := parse(`4ms call-ended c1-1 ship#1 422
5ms call-sent c1-1 reserve.undo#1
6ms call-committed c1-1 reserve.undo#1
7ms call-ended c1-1 reserve.undo#1 200
8ms saga-status c1-1 compensated
8ms saga-ended c1-1 compensated
`)
	now := parse(`4ms call-ended c1-1 ship#1 503
5ms call-sent c1-1 ship#2
6ms call-ended c1-1 ship#2 200
10ms saga-status c1-1 completed
10ms saga-ended c1-1 completed
`)
	var trial results.Trial
	trial.Compare("two", "a plan", old, now)
	trial.Compare("two", "another", now, now)
	r := trial.Rows[0]
	if len(trial.Rows) != 1 || r.Cells != 2 || len(trial.Differ) != 1 || trial.Differ[0].Plan != "a plan" {
		t.Fatalf("%+v", trial)
	}
	for _, c := range []struct {
		sums                                  *results.Sums
		compensated, completed, calls, undone int
		median, worst                         time.Duration
	}{
		{&r.Old, 1, 1, 6, 1, 8 * time.Millisecond, 10 * time.Millisecond},
		{&r.New, 0, 2, 6, 0, 10 * time.Millisecond, 10 * time.Millisecond},
	} {
		s := c.sums
		if s.Ends[saga.Compensated] != c.compensated || s.Ends[saga.Completed] != c.completed || s.Calls != c.calls || s.Compensations != c.undone || s.Median() != c.median || s.Worst() != c.worst {
			t.Errorf("%+v: expected %+v", s, c)
		}
	}
}
