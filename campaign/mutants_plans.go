package campaign

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"sync"

	"github.com/goccy/go-yaml"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
)

// trial is one run of a search.
type trial struct {
	scenario *scenarios.Scenario
	plan     faults.Plan
	profile  participants.Profile
	seed     uint64
	alone    bool // no other cell runs meanwhile
}

// drawing makes a plan from a seed: exact, or by chance.
type drawing func(defs []saga.Definition, a planning.Ability, seed uint64) faults.Plan

// drawn are the trials of a search: for each run a scenario and a plan are drawn
// anew. The scenarios of a search are the same whatever draws its plans.
func (b *testbed) drawn(draw drawing, search, limit int) iter.Seq[trial] {
	return func(yield func(trial) bool) {
		rng := rand.New(rand.NewPCG(b.options.Seed, uint64(search)))
		for range limit {
			s := b.scenarios[rng.IntN(len(b.scenarios))]
			seed := rng.Uint64() >> 1
			plan := draw(blueprint(s), b.ability(), seed)
			for !usable(plan) {
				seed++
				plan = draw(blueprint(s), b.ability(), seed)
			}
			if !yield(trial{scenario: s, plan: plan, profile: b.mutant.profile, seed: seed}) {
				return
			}
		}
	}
}

// ability: faults at the process only where the defect needs them, since they
// cost more time than all others together.
func (b *testbed) ability() planning.Ability {
	return planning.Ability{Process: b.mutant.process || b.mutant.store, Store: b.mutant.store, Operator: true, Acts: saga.Acts(), Governs: b.mutant.process, Reconciles: true, Repairs: true, Versions: true}
}

// usable: the measured tables are without refused connections, which once could not
// be told apart for defects that are measured side by side.
func usable(p faults.Plan) bool { return !p.Refuses() }

// known is a plan that is known to show a defect.
type known struct {
	Defect   string         `yaml:"defect"`
	Scenario string         `yaml:"scenario"`
	Faults   []faults.Fault `yaml:"faults"`
}

//go:embed mutants.yaml
var knownText []byte

// knownPlans are read once: that takes most of a second, and each defect asks for its own.
var knownPlans = sync.OnceValues(func() ([]known, error) {
	var all []known
	if err := yaml.UnmarshalWithOptions(knownText, &all, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("mutants.yaml: %w", err)
	}
	return all, nil
})

// made are the plans that are made for a defect: those of the threads that it is
// modelled on, and the known one.
func made(m mutant, seed uint64) ([]trial, error) {
	var own []trial
	for _, s := range scenarios.Threads() {
		if s.Thread.Defect != m.Name {
			continue
		}
		var plan faults.Plan
		if err := json.Unmarshal(s.Thread.PlanJSON(), &plan); err != nil {
			return nil, fmt.Errorf("plan of %s: %w", s.Name, err)
		}
		own = append(own, trial{scenario: s, plan: plan, profile: participants.Profile(s.Thread.Profile()), seed: seed})
	}
	all, err := knownPlans()
	if err != nil {
		return nil, err
	}
	for _, k := range all {
		if k.Defect != m.Name {
			continue
		}
		found, err := scenarios.Match(k.Scenario)
		if err != nil {
			return nil, fmt.Errorf("mutants.yaml: %s: %w", k.Defect, err)
		}
		own = append(own, trial{scenario: found[0], plan: faults.Plan{Faults: k.Faults}, profile: m.profile, seed: seed})
	}
	return own, nil
}

// curated are the curated plans of scenarios, dealt out in turn and in a random
// order, so that no scenario keeps the others waiting. They are made when the first is asked for, as that takes time and
// most searches end before. None come after the end of ctx.
func (b *testbed) curated(ctx context.Context, list []*scenarios.Scenario) iter.Seq[trial] {
	return func(yield func(trial) bool) {
		rng := rand.New(rand.NewPCG(b.options.Seed, 0))
		var hands [][]trial
		most := 0
		for _, s := range list {
			if ctx.Err() != nil {
				return
			}
			var hand []trial
			for _, p := range planning.Curated(blueprint(s), b.ability()) {
				if usable(p) {
					hand = append(hand, trial{scenario: s, plan: p, profile: b.mutant.profile, seed: b.options.Seed})
				}
			}
			rng.Shuffle(len(hand), func(i, j int) { hand[i], hand[j] = hand[j], hand[i] })
			hands = append(hands, hand)
			most = max(most, len(hand))
		}
		for i := range most {
			for _, hand := range hands {
				if i < len(hand) && !yield(hand[i]) {
					return
				}
			}
		}
	}
}

// first are the first n.
func first(n int, trials iter.Seq[trial]) iter.Seq[trial] {
	return func(yield func(trial) bool) {
		left := n
		for t := range trials {
			if left--; left < 0 || !yield(t) {
				return
			}
		}
	}
}

func concat(parts ...iter.Seq[trial]) iter.Seq[trial] {
	return func(yield func(trial) bool) {
		for _, part := range parts {
			for t := range part {
				if !yield(t) {
					return
				}
			}
		}
	}
}
