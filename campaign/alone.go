package campaign

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/results"
)

// On a machine that is busy with many cells less is certain: an answer may have come
// after its time-out, a wait may have been a delay of ours. A fault of which nobody can
// tell whether its answer came in time may have shown nothing, whatever other cells
// showed of the same clauses: its cell is run once more, one at a time. A clause that no
// cell could judge is open, and the run would prove nothing about it. So the cells with
// the most opportunities for it are run once more as well.

// aloneCells is how many cells are run alone for one clause at the most.
const aloneCells = 3

// unjudged keeps, for each clause, the cells with the most opportunities that could
// not be judged, the first ones first.
type unjudged map[results.ClauseKey][]opportunity

type opportunity struct {
	times int
	cell  harness.Cell
}

// note takes what one cell showed.
func (u unjudged) note(c harness.Cell, verdicts []checkers.Verdict) {
	for _, v := range verdicts {
		for _, k := range v.Clauses {
			if !k.Open() || k.Unjudgeable == 0 {
				continue
			}
			key := results.ClauseKey{Property: v.Property, Clause: k.Clause}
			best := append(u[key], opportunity{k.Unjudgeable, c})
			slices.SortStableFunc(best, func(a, b opportunity) int { return cmp.Compare(b.times, a.times) })
			u[key] = best[:min(len(best), aloneCells)]
		}
	}
}

// next takes the best cell of each open clause out of the list.
func (u unjudged) next(open []results.ClauseKey) []harness.Cell {
	cells := map[string]harness.Cell{}
	for _, key := range open {
		if best := u[key]; len(best) > 0 {
			cells[best[0].cell.ID] = best[0].cell
			u[key] = best[1:]
		}
	}
	return slices.SortedFunc(maps.Values(cells), func(a, b harness.Cell) int { return cmp.Compare(a.ID, b.ID) })
}

// The cells that run alone have as long as all of them had together, and aloneAtLeast: on a machine that
// blurs more than can be run again in that, running on proves nothing of the system.
const aloneAtLeast = 2 * time.Minute

// tooBusy is why cells did not run alone.
func (x *session) tooBusy() error {
	return limitReached(fmt.Sprintf("the machine was too busy to judge what came of faults, and to run such cells once more, alone, "+
		"in the time that all of them had together: let fewer run at once (less than --parallel %d), or take a machine with less to do", x.s.Parallel))
}

// judgeOpen runs the blurred cells alone, and then others until no clause is open that
// they could judge, for so long; while ways are travelled most clauses are open because their cells are yet
// to come. Left are those that it could not run, for the error.
func (x *session) judgeOpen(ctx context.Context, limit time.Duration) (left int, err error) {
	until := time.Now().Add(limit)
	x.sayAlone(x.blurred, until, "whose faults nobody could judge: the machine was late")
	left, err = x.runAlone(ctx, until, x.blurred)
	x.blurred = nil // once is all
	for range aloneCells {
		if err != nil || x.travels {
			break
		}
		again := x.unjudged.next(x.collector.Open())
		x.sayOpen(again, until)
		left, err = x.runAlone(ctx, until, again)
	}
	return left, err
}

// sayOpen says it of cells that run once more for open clauses, the first time.
func (x *session) sayOpen(again []harness.Cell, until time.Time) {
	if x.saidOpen {
		return
	}
	x.sayAlone(again, until, "for clauses that could not be judged yet (more of them are not said: the last line counts all)")
	x.saidOpen = len(again) > 0
}

// sayAlone says why cells run once more, if there are any.
func (x *session) sayAlone(again []harness.Cell, until time.Time, why string) {
	if len(again) > 0 {
		x.host.say("%s once more, alone, %s; they have %v", cells(len(again)), why, max(0, time.Until(until)).Round(time.Second))
	}
}

// runAlone runs cells once more, one at a time, while it is time. Left are those that it could not run,
// for the error.
func (x *session) runAlone(ctx context.Context, until time.Time, again []harness.Cell) (left int, err error) {
	if len(again) == 0 {
		return 0, nil
	}
	x.collector.PlannedAlone(len(again))
	x.progress = x.host.progress("cells once more, alone", len(again))
	defer func() { x.progress.Finish() }()
	for i, c := range again {
		if !time.Now().Before(until) {
			err := x.tooBusy()
			x.host.say("%s did not run once more: %v", cells(len(again)-i), err)
			return len(again) - i, err
		}
		c.ID = x.nextID()
		if err := x.harness.Run(ctx, slices.Values([]harness.Cell{c}), func(r harness.Result) { x.judgeAs(r, true) }); err != nil {
			return len(again) - i, err
		}
	}
	return 0, nil
}
