package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
)

// Where a search by chance would need more than so many times the runs of the
// exact plans, it is cut there: the ratio is then a lower bound.
const enoughRatio = 25

// directedWidth is how many curated plans run side by side in a search that is
// not counted for speed.
const directedWidth = 6

// equivalentShare: an equivalent switch gets one run for so many of the limit, in
// each search, since all of them are made.
const equivalentShare = 8

// measure finds out what kills a defect, and how soon. nil: nothing was measured.
func (h *hunt) measure(ctx context.Context, m mutant) (d *reports.Defect, err error) {
	b, err := h.bench(ctx, m)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.close(ctx)) }()
	d = &b.mutant.Defect
	switch {
	case m.Equivalent:
		b.soak(ctx)
	case h.flags.quick:
		b.one(ctx)
	default:
		b.many(ctx)
	}
	if b.errors > 0 {
		d.Note = join(d.Note, fmt.Sprintf("%d runs failed, the first: %v", b.errors, b.first))
	}
	if ctx.Err() != nil && d.Runs == nil && len(d.Kills) == 0 {
		return nil, nil
	}
	return d, nil
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// one is the quick measure: a single search, with the plans first that are made
// for it.
func (b *bench) one(ctx context.Context) {
	o := b.search(ctx, concat(b.directed(), b.drawn(faults.Draw, 0, b.flags.limit)), directedWidth)
	b.record([]outcome{o}, &b.mutant.Runs, b.flags.limit)
	b.progress.Done(reports.Passed)
}

// many is the full measure: searches with exact plans and, of the same scenarios
// in the same order, by chance.
func (b *bench) many(ctx context.Context) {
	b.record(b.searches(ctx, faults.Draw, b.flags.limit), &b.mutant.Runs, b.flags.limit)
	d := &b.mutant.Defect
	if d.Runs != nil && d.Runs.Found == 0 && ctx.Err() == nil {
		o := b.search(ctx, b.directed(), directedWidth)
		b.record([]outcome{o}, nil, 0)
		if o.kill != nil {
			d.Note = "found by curated plans only: " + d.Plan
		}
	}
	if b.flags.noBaseline || d.Runs == nil || ctx.Err() != nil {
		return
	}
	limit := b.flags.limit
	if d.Runs.Found > 0 {
		limit = min(limit, int(enoughRatio*d.Runs.Median))
	}
	var outcomes []outcome
	for _, o := range b.searches(ctx, faults.Chance, limit) {
		if !o.cut {
			outcomes = append(outcomes, o)
		}
	}
	d.Baseline = spread(outcomes, limit)
}

// soak is the measure of an equivalent switch: nothing may be found under curated
// plans, nor under drawn ones.
func (b *bench) soak(ctx context.Context) {
	drawn := max(b.flags.seeds*b.flags.limit/equivalentShare, 1)
	o := b.search(ctx, concat(b.curated(), b.drawn(faults.Draw, 0, drawn)), 2*directedWidth)
	if o.cut && o.kill == nil {
		return
	}
	b.record([]outcome{o}, nil, 0)
	if o.kill == nil {
		b.mutant.Note = fmt.Sprintf("nothing in %d runs", o.runs)
	}
	for range b.flags.seeds {
		b.progress.Done(reports.Passed)
	}
}

type drawing func(defs []saga.Definition, a faults.Ability, seed uint64) faults.Plan

// searches are made side by side, each on its own seed.
func (b *bench) searches(ctx context.Context, draw drawing, limit int) []outcome {
	outcomes := make([]outcome, b.flags.seeds)
	var work sync.WaitGroup
	for s := range b.flags.seeds {
		work.Go(func() {
			outcomes[s] = b.search(ctx, b.drawn(draw, s, limit), 1)
			b.progress.Done(reports.Passed)
		})
	}
	work.Wait()
	return outcomes
}

// record counts the kills of searches, and keeps the smallest plan.
func (b *bench) record(outcomes []outcome, runs **reports.Spread, limit int) {
	outcomes = slices.DeleteFunc(outcomes, func(o outcome) bool { return o.cut })
	if len(outcomes) == 0 {
		return
	}
	var best *sighting
	for _, o := range outcomes {
		for name := range o.kills {
			b.mutant.Kills[name]++
		}
		if o.kill != nil && (best == nil || len(o.kill.trial.plan.Faults) < len(best.trial.plan.Faults)) {
			best = o.kill
		}
	}
	if runs != nil {
		*runs = spread(outcomes, limit)
	}
	if best == nil {
		return
	}
	b.mutant.Plan = best.trial.scenario.Name + ": " + best.trial.plan.String()
	if best.trial.profile != participants.Fenced {
		b.mutant.Plan += fmt.Sprintf(" (%s)", best.trial.profile)
	}
	if err := b.keep(best); err != nil {
		b.collector.AddError(reports.CellInfo{}, err)
	}
}

func spread(outcomes []outcome, limit int) *reports.Spread {
	var runs []int
	gaveUp := 0
	for _, o := range outcomes {
		if o.kill != nil {
			runs = append(runs, o.runs)
		} else {
			gaveUp++
		}
	}
	return reports.NewSpread(runs, gaveUp, limit)
}

// ability: faults at the process only where the defect needs them, since they
// cost more time than all others together.
func (b *bench) ability() faults.Ability { return faults.Ability{Process: b.mutant.process} }

// drawn are the trials of a search: for each run a scenario and a plan are drawn
// anew. The scenarios of a search are the same whatever draws its plans.
func (b *bench) drawn(draw drawing, search, limit int) iter.Seq[trial] {
	return func(yield func(trial) bool) {
		rng := rand.New(rand.NewPCG(b.flags.seed, uint64(search)))
		for range limit {
			s := b.scenarios[rng.IntN(len(b.scenarios))]
			seed := rng.Uint64() >> 1
			plan := draw(blueprint(s), b.ability(), seed)
			for plan.Refuses() { // see usable
				seed++
				plan = draw(blueprint(s), b.ability(), seed)
			}
			if !yield(trial{s, plan, b.mutant.profile, seed}) {
				return
			}
		}
	}
}

// directed are the plans that are made for something: those of the threads that
// the defect is modelled on, then the curated ones.
func (b *bench) directed() iter.Seq[trial] {
	var own []trial
	for _, s := range scenarios.Threads() {
		if s.Thread.Defect != b.mutant.Name {
			continue
		}
		var plan faults.Plan
		if err := json.Unmarshal(s.Thread.PlanJSON(), &plan); err == nil && plan.Validate() == nil {
			own = append(own, trial{s, plan, participants.Profile(s.Thread.Profile()), b.flags.seed})
		}
	}
	return concat(slices.Values(own), b.curated())
}

// curated are the curated plans of all scenarios, dealt out in turn and in a
// random order, so that no scenario keeps the others waiting.
func (b *bench) curated() iter.Seq[trial] {
	rng := rand.New(rand.NewPCG(b.flags.seed, 0))
	var hands [][]trial
	longest := 0
	for _, s := range b.scenarios {
		var hand []trial
		for _, p := range faults.Curated(blueprint(s)[0], b.ability()) {
			if usable(p) {
				hand = append(hand, trial{s, p, b.mutant.profile, b.flags.seed})
			}
		}
		rng.Shuffle(len(hand), func(i, j int) { hand[i], hand[j] = hand[j], hand[i] })
		hands = append(hands, hand)
		longest = max(longest, len(hand))
	}
	return func(yield func(trial) bool) {
		for i := range longest {
			for _, hand := range hands {
				if i < len(hand) && !yield(hand[i]) {
					return
				}
			}
		}
	}
}

// usable: the evidence of a refused connection is a counter of the kernel's that
// defects measured side by side would share.
func usable(p faults.Plan) bool { return !p.Refuses() }

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
