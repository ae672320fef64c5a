package campaign

import (
	"context"
	"fmt"
	"slices"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/packs"
	"github.com/sagacheck/sagacheck/scenarios"
)

// openPacks takes the scenarios of packs in the place of the catalogue, those of them that
// the patterns ask for.
func (x *session) openPacks(ctx context.Context) error {
	for _, what := range x.s.Packs {
		p, err := packs.Open(ctx, what)
		if err != nil {
			return fmt.Errorf("--pack: %w", err)
		}
		x.packs = append(x.packs, p)
		for _, s := range p.Sagas() {
			if slices.ContainsFunc(x.scenarios, func(o *scenarios.Scenario) bool { return o.Name == s.Name }) {
				return fmt.Errorf("--pack: %s: its scenario %q is in another pack too", p, s.Name)
			}
			x.scenarios = append(x.scenarios, s)
		}
		x.host.say("pack %s", p)
	}
	if len(x.s.Scenarios) == 0 {
		return nil
	}
	var asked []*scenarios.Scenario
	for _, pattern := range x.s.Scenarios {
		named, err := scenarios.Named(x.scenarios, pattern)
		if err == nil && len(named) == 0 {
			err = fmt.Errorf("%s: no scenario of the packs is called so", pattern)
		}
		if err != nil {
			return fmt.Errorf("--scenario: %w", err)
		}
		asked = append(asked, named...)
	}
	x.scenarios = slices.DeleteFunc(x.scenarios, func(s *scenarios.Scenario) bool { return !slices.Contains(asked, s) })
	return nil
}

// packPlans are the plans that packs have for a scenario.
func (x *session) packPlans(scenario string) (all []faults.Plan) {
	for _, p := range x.packs {
		for _, plan := range p.Plans {
			if plan.Scenario == scenario {
				all = append(all, plan.Faults())
			}
		}
	}
	return all
}
