package campaign

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
)

// alike counts cells that failed slowly: they broke something, and were waited for as long as a saga
// may take. Once there are enough that kill the orchestrator, or that have the same kinds of faults, one
// in each scenario is enough: one that forgets its sagas would cost the whole wait in every such cell.
type alike struct {
	most   int           // cells of the same kinds; 0: no limit
	settle time.Duration // the whole wait

	mu     sync.Mutex
	failed map[string]int
	in     map[[2]string]bool // what it is slow for, and scenario
}

func newAlike(most int, settle time.Duration) *alike {
	return &alike{most: most, settle: settle, failed: map[string]int{}, in: map[[2]string]bool{}}
}

// slowFor is what a plan is slow for: that it kills the orchestrator, or else the kinds of its faults.
func slowFor(p faults.Plan) string {
	var kinds []string
	for _, f := range p.Faults {
		if f.Injection(0).Victim == faults.ProcessKilled {
			return "a kill of the orchestrator"
		}
		kinds = append(kinds, f.Kind)
	}
	slices.Sort(kinds)
	return cmp.Or(strings.Join(slices.Compact(kinds), " and "), "no fault")
}

// slow tells whether a cell took the whole wait; where there is no limit, none does.
func (a *alike) slow(r harness.Result) bool { return a.most > 0 && r.Duration >= a.settle }

// fail counts a cell that broke something, if it was slow.
func (a *alike) fail(r harness.Result) {
	if !a.slow(r) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	why := slowFor(r.Cell.Plan)
	a.failed[why]++
	a.in[[2]string{why, r.Cell.Scenario}] = true
}

// among are the cells, each of which is asked whether it need run when its turn has come.
func (a *alike) among(cells iter.Seq[harness.Cell]) iter.Seq[harness.Cell] {
	return func(yield func(harness.Cell) bool) {
		for c := range cells {
			c.Skip = a.skip
			if !yield(c) {
				return
			}
		}
	}
}

// skip says why a cell need not run; empty: it must.
func (a *alike) skip(c harness.Cell) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	why := slowFor(c.Plan)
	if a.failed[why] < a.most || !a.in[[2]string{why, c.Scenario}] {
		return ""
	}
	return fmt.Sprintf("%d cells with %s failed after the whole --settle of %v, and one of the same scenario (--max-alike)", a.most, why, a.settle)
}
