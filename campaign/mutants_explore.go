package campaign

import (
	"context"
	"slices"

	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/scenarios"
)

// Of the exploration of a defect: how many faults a plan may have, and how many
// plans run side by side.
const (
	exploreDepth = 2
	exploreWidth = 24
)

// explored searches as sagacheck explore does, all scenarios level by level, until
// the defect's own checker reports a violation. Within a level the plans take
// turns, so the plan that is found is one of the smallest.
func (b *testbed) explored(ctx context.Context) error {
	defer b.progress.Done(results.Passed)
	byName := map[string]*scenarios.Scenario{}
	var spaces []planning.Space
	for _, s := range b.scenarios {
		byName[s.Name] = s
		defs, able := blueprint(s), b.ability()
		spaces = append(spaces, planning.Space{Name: s.Name, Definitions: defs, Ability: able, Plans: planning.Curated(defs, able)})
	}
	x := planning.NewExplorer(spaces, exploreDepth, false)
	o := outcome{kills: map[string]bool{}}
	result := &results.Explored{}
	for o.kill == nil && o.runs < b.options.Limit && ctx.Err() == nil {
		probes := slices.DeleteFunc(x.Next(), func(p *planning.Probe) bool { return !usable(p.Plan) })
		if len(probes) == 0 {
			break
		}
		for batch := range slices.Chunk(probes, exploreWidth) {
			o.add(b.exploreBatch(ctx, x, byName, batch))
			if o.kill != nil || o.runs >= b.options.Limit || ctx.Err() != nil {
				break
			}
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	result.Plans, result.Found = o.runs, o.kill != nil
	if o.kill != nil {
		result.Depth = len(o.kill.trial.plan.Faults)
	}
	b.mutant.Explored = result
	_, err := b.record([]outcome{o}, 0)
	return err
}

// exploreBatch runs plans side by side, and tells the explorer what they showed.
// What ran beside the one that was found does not count.
func (b *testbed) exploreBatch(ctx context.Context, x *planning.Explorer, byName map[string]*scenarios.Scenario, batch []*planning.Probe) outcome {
	var trials []trial
	for _, p := range batch {
		trials = append(trials, trial{scenario: byName[p.Space], plan: p.Plan, profile: b.mutant.profile, seed: b.options.Seed})
	}
	o := outcome{kills: map[string]bool{}}
	for i, s := range b.tries(ctx, trials) {
		if s.result.History != nil && s.result.Err == nil {
			x.Learn(batch[i], planning.NewTrace(s.result.History))
		}
		if b.count(&o, s) {
			return o
		}
	}
	return o
}
