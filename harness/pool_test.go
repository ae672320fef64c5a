package harness

import (
	"context"
	"testing"

	"github.com/sagacheck/sagacheck/orchestrators"
)

// worn is an orchestrator that serves so many cells.
type worn struct {
	orchestrators.System
	cells   int
	stopped bool
}

func (w *worn) Pace() orchestrators.Pace   { return orchestrators.Pace{Cells: w.cells} }
func (w *worn) Alive() error               { return nil }
func (w *worn) Stop(context.Context) error { w.stopped = true; return nil }

// An orchestrator that has had its share of cells is stopped, and the next cell has a fresh one.
func TestCellsOfOneStart(t *testing.T) {
	for cells, starts := range map[int]int{0: 1, 1: 7, 3: 3} {
		var made []*worn
		p := newPool(func(context.Context) (orchestrators.System, error) {
			made = append(made, &worn{cells: cells})
			return made[len(made)-1], nil
		})
		for range 7 {
			s, err := p.take(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			p.give(s, true, stopLimit)
		}
		stopped := 0
		for _, w := range made {
			if w.stopped {
				stopped++
			}
		}
		if len(made) != starts || stopped != len(made)-len(p.idle) {
			t.Errorf("%d cells each: %d starts, %d stopped; expected %d starts, and that none but the last is kept", cells, len(made), stopped, starts)
		}
		if err := p.close(stopLimit); err != nil {
			t.Error(err)
		}
	}
}
