package campaign

import (
	"cmp"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/results"
)

// failures keeps the smallest failing cell of each property in each scenario.
type failures struct {
	first map[finding]*failure
	// tried are cells whose plans are known to break something (expected), by what they are known to.
	tried    map[results.Key]*failure
	expected []results.Key
}

// failure is one failing cell, and what became of it.
type failure struct {
	property, scenario, cell string
	plan                     faults.Plan
	header                   history.Header

	rate         results.Rate
	struckRate   results.Rate // of replays in which all its faults struck, though nothing was at risk
	smallest     planning.Case
	result       harness.Result // of the smallest case's last failing run
	verdict      checkers.Verdict
	smallestRate results.Rate // of the smallest case
	protected    []results.Protection
	runs         int
	err          error
}

// failureOf is one of a report, of a cell with a plan.
func failureOf(f *results.Failure) *failure {
	return &failure{
		property: f.Property, scenario: f.Scenario, cell: f.Cell, plan: f.Replay.Plan,
		header: history.Header{Definitions: f.Replay.Definitions, Registers: f.Replay.Registers, Seed: f.Replay.Seed},
	}
}

// asCase is what failed.
func (f *failure) asCase() planning.Case {
	return planning.Case{Plan: f.plan, Definitions: f.header.Definitions, Registers: f.header.Registers}
}

// watch is told of every judged cell. What one cause broke is one failure, under the
// most telling property.
func (f *failures) watch(cell string, h history.Header, plan faults.Plan, verdicts []checkers.Verdict) {
	f.note(cell, h, plan)
	for _, v := range checkers.Group(verdicts) {
		k := finding{v.Properties[0], h.Scenario}
		g := &failure{property: v.Properties[0], scenario: h.Scenario, cell: cmp.Or(cell, h.Cell), plan: plan, header: h}
		if f.first == nil {
			f.first = map[finding]*failure{}
		}
		if old := f.first[k]; old == nil || g.before(old) {
			f.first[k] = g
		}
	}
}

// before: fewer faults, then no killed process, then by the plan, so that the
// choice does not depend on which cell ended first.
func (f *failure) before(o *failure) bool {
	process := func(p faults.Plan) int {
		if p.NeedsProcess() {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(len(f.plan.Faults), len(o.plan.Faults)), cmp.Compare(process(f.plan), process(o.plan)),
		cmp.Compare(f.plan.ID(), o.plan.ID()),
	) < 0
}

// finding is a property broken in a scenario.
type finding struct{ property, scenario string }

func (f finding) String() string { return f.property + " in " + f.scenario }
