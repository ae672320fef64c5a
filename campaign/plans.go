package campaign

import (
	"iter"
	"slices"

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

// planned are plans for a subject, with the seed of the session.
func (x *session) planned(s *subject, plans []faults.Plan) []planned {
	var all []planned
	for _, p := range plans {
		all = append(all, planned{s, p, x.s.Seed})
	}
	return all
}

// plans lists the plans of a run: the user's own, or the curated and the drawn.
func (x *session) plans(own *faults.Plan, curated bool, runs int) []planned {
	var all []planned
	subjects := x.subjects()
	for _, s := range subjects {
		switch {
		case own != nil:
			all = append(all, x.planned(s, []faults.Plan{*own})...)
		case curated:
			all = append(all, x.planned(s, slices.Concat(x.packPlans(s.Name), planning.Curated(s.blueprint(), x.ability())))...)
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
