package campaign

import (
	"iter"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/planning"
)

// planned is a plan for a scenario.
type planned struct {
	subject *subject
	plan    faults.Plan
	seed    uint64
}

func (x *session) cellsOf(ps []planned) iter.Seq[harness.Cell] {
	return func(yield func(harness.Cell) bool) {
		for _, p := range ps {
			if !yield(x.cell(p.subject, p.plan, p.seed)) {
				return
			}
		}
	}
}

// plans lists the plans of a run: the user's own, or the curated and the drawn.
func (x *session) plans(own *faults.Plan, curated bool, runs int) []planned {
	var all []planned
	subjects := x.subjects()
	for _, s := range subjects {
		switch {
		case own != nil:
			all = append(all, planned{s, *own, x.s.Seed})
		case curated:
			for _, p := range planning.Curated(s.blueprint(), x.ability()) {
				all = append(all, planned{s, p, x.s.Seed})
			}
		}
	}
	if own != nil {
		return all
	}
	for k := range runs {
		s := subjects[k%len(subjects)]
		seed := x.s.Seed*1_000_003 + uint64(k)
		all = append(all, planned{s, planning.Draw(s.blueprint(), x.ability(), seed), seed})
	}
	return all
}
