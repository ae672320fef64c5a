package campaign

import (
	"fmt"
	"iter"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
)

// planned is a plan for a scenario.
type planned struct {
	scenario *scenarios.Scenario
	plan     faults.Plan
	seed     uint64
}

func (x *session) cellsOf(ps []planned) iter.Seq[harness.Cell] {
	return func(yield func(harness.Cell) bool) {
		for _, p := range ps {
			if !yield(x.cell(p.scenario, p.plan, p.seed)) {
				return
			}
		}
	}
}

// plans lists the plans of a run: the user's own, or the curated and the drawn.
func (x *session) plans(own *faults.Plan, curated bool, runs int) []planned {
	var all []planned
	for _, s := range x.scenarios {
		switch {
		case own != nil:
			all = append(all, planned{s, *own, x.s.Seed})
		case curated:
			for _, p := range planning.Curated(blueprint(s), x.ability()) {
				all = append(all, planned{s, p, x.s.Seed})
			}
		}
	}
	if own != nil {
		return all
	}
	for k := range runs {
		s := x.scenarios[k%len(x.scenarios)]
		seed := x.s.Seed*1_000_003 + uint64(k)
		all = append(all, planned{s, planning.Draw(blueprint(s), x.ability(), seed), seed})
	}
	return all
}

// blueprint is a scenario's definitions without addresses, for planning.
func blueprint(s *scenarios.Scenario) []saga.Definition {
	var ids []string
	for n := range max(s.Sagas, 1) {
		ids = append(ids, fmt.Sprintf("s-%d", n+1))
	}
	defs, _ := s.Build(ids, func(int, saga.StepRef) string { return "http://127.0.0.1/" })
	return defs
}
