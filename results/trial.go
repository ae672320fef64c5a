package results

import (
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// Trial is what became of the same sagas under the same plans, once by policies as they were
// and once by new ones.
type Trial struct {
	Rows    []*TrialRow // by scenario, in the order of their first cells
	Differ  []EndsDiffer
	Without int // cells that were left out: one of the two could not be run
}

// TrialRow is a scenario, before and after.
type TrialRow struct {
	Scenario string
	Cells    int
	Old, New Sums
}

// EndsDiffer is a cell whose sagas end differently.
type EndsDiffer struct {
	Scenario, Plan string
	Old, New       []saga.Status
}

// Sums is what the sagas of some cells came to.
type Sums struct {
	Ends          map[saga.Status]int
	Times         []time.Duration // from the first submission to the end, of those that ended
	Calls         int             // attempts of actions and compensations
	Compensations int             // that were done
}

// Compare adds a cell that ran twice.
func (t *Trial) Compare(scenario, plan string, old, now *history.History) {
	i := slices.IndexFunc(t.Rows, func(r *TrialRow) bool { return r.Scenario == scenario })
	if i < 0 {
		i = len(t.Rows)
		t.Rows = append(t.Rows, &TrialRow{Scenario: scenario})
	}
	row := t.Rows[i]
	row.Cells++
	before, after := row.Old.add(history.NewIndex(old)), row.New.add(history.NewIndex(now))
	if !slices.Equal(before, after) {
		t.Differ = append(t.Differ, EndsDiffer{scenario, plan, before, after})
	}
}

// add counts a cell, and tells how its sagas ended.
func (s *Sums) add(ix *history.Index) (ends []saga.Status) {
	if s.Ends == nil {
		s.Ends = map[saga.Status]int{}
	}
	for _, g := range ix.Sagas {
		end := saga.Running
		if len(g.Reports) > 0 {
			end = g.Reports[len(g.Reports)-1].Status
		}
		s.Ends[end]++
		ends = append(ends, end)
		if g.Ended != nil && len(g.Submitted) > 0 {
			s.Times = append(s.Times, g.Ended.At-g.Submitted[0].At)
		}
		for ref, op := range g.Ops {
			s.Calls += len(op.Attempts)
			if ref.Direction == saga.Compensation && len(op.Effects) > 0 {
				s.Compensations++
			}
		}
	}
	return ends
}

// Median and Worst are the time that half of the sagas took at the most, and all of them.
func (s *Sums) Median() time.Duration { return s.quantile(2) }
func (s *Sums) Worst() time.Duration  { return s.quantile(1) }

func (s *Sums) quantile(part int) time.Duration {
	if len(s.Times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s.Times))
	return sorted[(len(sorted)-1)/part]
}
