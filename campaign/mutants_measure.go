package campaign

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/scenarios"
)

const (
	// Searches by chance that have needed so many times the runs of the exact plans
	// are given up: the ratio is then a lower bound.
	enoughRatio = 12
	// directedWidth is how many plans run side by side in a search that is not
	// counted for speed.
	directedWidth = 6
	// How often the plans made for a defect are tried beside all else, and how often
	// alone; and how many curated ones after them.
	madeTimes    = 3
	aloneTimes   = 8
	directedRest = 60
	// An equivalent switch gets one run for so many of the limit, in each search,
	// since none of them ends early; and so many in the quick measure.
	equivalentShare = 8
	equivalentQuick = 40
)

// quickScenarios are those whose curated plans an equivalent switch must bear in
// the quick measure: a chain, steps side by side, and a rollback of them.
var quickScenarios = []string{"order", "fan-out", "booking"}

// measure finds out what kills a defect, and how soon. nil: nothing was measured.
func (x *measurement) measure(ctx context.Context, m mutant) (d *results.Defect, err error) {
	b, err := x.prepare(ctx, m)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.close(ctx)) }()
	d = &b.mutant.Defect
	switch {
	case x.options.Explore:
		err = b.explored(ctx)
	case m.Equivalent:
		err = b.soak(ctx)
	case x.options.Quick:
		err = b.one(ctx)
	default:
		err = b.many(ctx)
	}
	if b.errors > 0 {
		b.note("%d runs failed, the first: %v", b.errors, b.first)
	}
	if b.number.Load() == 0 {
		return nil, err
	}
	return d, err
}

func (b *testbed) note(format string, args ...any) {
	if b.mutant.Note != "" {
		b.mutant.Note += "; "
	}
	b.mutant.Note += fmt.Sprintf(format, args...)
}

// one is the quick measure: a single search, with the plans first that are made
// for the defect.
func (b *testbed) one(ctx context.Context) error {
	o, err := b.directed(ctx)
	b.progress.Done(results.Passed)
	if err != nil {
		return err
	}
	b.mutant.Runs, err = b.record([]outcome{o}, b.options.Limit)
	return err
}

// many is the full measure: searches with exact plans and, of the same scenarios
// in the same order, by chance.
func (b *testbed) many(ctx context.Context) (err error) {
	d, limit := &b.mutant.Defect, b.options.Limit
	if d.Runs, err = b.record(b.searches(ctx, planning.Draw, limit), limit); err != nil {
		return err
	}
	if d.Runs.Found == 0 && ctx.Err() == nil {
		if err := b.last(ctx); err != nil {
			return err
		}
	}
	if b.options.NoBaseline || ctx.Err() != nil {
		return nil
	}
	if 2*d.Runs.Found > d.Runs.Tries {
		limit = min(limit, int(enoughRatio*d.Runs.Median))
	}
	d.Baseline = b.byChance(ctx, limit)
	return nil
}

// byChance makes the searches by chance in step, one run of each at a time: when
// more than half have found, their median is known and the others would only cost
// time. nil: interrupted.
func (b *testbed) byChance(ctx context.Context, limit int) *results.Spread {
	defer func() {
		for range b.options.Seeds {
			b.progress.Done(results.Passed)
		}
	}()
	open := make([]func() (trial, bool), b.options.Seeds)
	for s := range open {
		next, stop := iter.Pull(b.drawn(planning.Chance, s, limit))
		defer stop()
		open[s] = next
	}
	var runs []int
	for n := 1; n <= limit && 2*len(runs) <= b.options.Seeds; n++ {
		seen := b.side(ctx, open)
		if ctx.Err() != nil {
			return nil
		}
		for s := len(open) - 1; s >= 0; s-- {
			if slices.Contains(seen[s].seen, b.mutant.Anomaly) {
				runs = append(runs, n)
				open = slices.Delete(open, s, s+1)
			}
		}
		if 2*len(runs) > b.options.Seeds {
			limit = n
		}
	}
	return results.NewSpread(runs, len(open), limit)
}

// side runs the next trial of each search, side by side.
func (b *testbed) side(ctx context.Context, open []func() (trial, bool)) []observation {
	seen := make([]observation, len(open))
	var work sync.WaitGroup
	for s, next := range open {
		if t, ok := next(); ok {
			work.Go(func() { seen[s] = b.try(ctx, t) })
		}
	}
	work.Wait()
	return seen
}

// last tries the plans that are made for a defect which no drawn plan has shown.
func (b *testbed) last(ctx context.Context) error {
	o, err := b.directed(ctx)
	if err != nil {
		return err
	}
	if _, err := b.record([]outcome{o}, 0); err != nil {
		return err
	}
	if o.kill != nil {
		b.note("found only by a plan made for it")
	}
	return nil
}

// directed searches with the plans that are made for the defect, several times,
// since a race may decide, or statistics. What shows by its timing may be lost in
// the noise of other cells: if so, they get the machine to themselves. Then come
// curated plans.
func (b *testbed) directed(ctx context.Context) (outcome, error) {
	own, err := made(b.mutant, b.options.Seed)
	if err != nil {
		return outcome{}, err
	}
	calm := slices.Clone(own)
	for i := range calm {
		calm[i].alone = true
	}
	all := outcome{kills: map[string]bool{}}
	for _, part := range []struct {
		trials iter.Seq[trial]
		width  int
	}{
		{slices.Values(slices.Repeat(own, madeTimes)), directedWidth},
		{slices.Values(slices.Repeat(calm, aloneTimes)), 1},
		{first(directedRest, b.curated(ctx, b.scenarios)), directedWidth},
	} {
		all.add(b.search(ctx, part.trials, part.width))
		if all.kill != nil || all.cut {
			break
		}
	}
	return all, nil
}

// soak is the measure of an equivalent switch: nothing may be found under curated
// plans, nor under drawn ones.
func (b *testbed) soak(ctx context.Context) error {
	list, drawn := b.scenarios, max(b.options.Seeds*b.options.Limit/equivalentShare, 1)
	if b.options.Quick {
		drawn = equivalentQuick
		list = slices.DeleteFunc(slices.Clone(list), func(s *scenarios.Scenario) bool { return !slices.Contains(quickScenarios, s.Name) })
	}
	o := b.search(ctx, concat(b.curated(ctx, list), b.drawn(planning.Draw, 0, drawn)), 2*directedWidth)
	for range b.options.Seeds {
		b.progress.Done(results.Passed)
	}
	if o.kill == nil {
		b.note("nothing in %d runs", o.runs)
	}
	_, err := b.record([]outcome{o}, 0)
	return err
}

// searches are made side by side, each on its own seed.
func (b *testbed) searches(ctx context.Context, draw drawing, limit int) []outcome {
	outcomes := make([]outcome, b.options.Seeds)
	var work sync.WaitGroup
	for s := range b.options.Seeds {
		work.Go(func() {
			outcomes[s] = b.search(ctx, b.drawn(draw, s, limit), 1)
			b.progress.Done(results.Passed)
		})
	}
	work.Wait()
	return outcomes
}

// record counts the kills of searches, and keeps the smallest plan. What an
// interrupted search has seen counts; how long it took does not.
func (b *testbed) record(outcomes []outcome, limit int) (*results.Spread, error) {
	var best *observation
	for _, o := range outcomes {
		for name := range o.kills {
			b.mutant.Kills[name]++
		}
		if o.kill != nil && (best == nil || len(o.kill.trial.plan.Faults) < len(best.trial.plan.Faults)) {
			best = o.kill
		}
	}
	runs := spread(slices.DeleteFunc(slices.Clone(outcomes), outcome.unfinished), limit)
	if best == nil {
		return runs, nil
	}
	b.mutant.Plan = best.trial.scenario.Name + ": " + best.trial.plan.String()
	if best.trial.profile != participants.Fenced {
		b.mutant.Plan += fmt.Sprintf(" (%s)", best.trial.profile)
	}
	return runs, b.keep(best)
}

func spread(outcomes []outcome, limit int) *results.Spread {
	var runs []int
	gaveUp := 0
	for _, o := range outcomes {
		if o.kill != nil {
			runs = append(runs, o.runs)
		} else {
			gaveUp++
		}
	}
	return results.NewSpread(runs, gaveUp, limit)
}
