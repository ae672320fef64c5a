package campaign

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/results"
)

// mostReplayed is how many findings are replayed: those that are new first, then those of the baseline
// that did not show, then the others; of each those with the fewest faults.
const mostReplayed = 20

// slowReplays are enough of a finding that comes back in each, after the whole settle: ten of each took several
// times as long as the run that found them.
const slowReplays = 3

// again replays findings, so that each has its rate: those of the run, and those of the baseline
// whose plan ran and broke nothing. What was shrunk was replayed then. A finding that doesn't come back each time
// explains no other plan: those that it would have explained are replayed next.
func (x *session) again(ctx context.Context, found *failures, shrunk []*failure) results.Replays {
	played := results.Replays{Rates: map[results.Key]results.Rate{}, Why: map[results.Key]string{}}
	for _, g := range shrunk {
		x.noteRate(played, g, g.plan, g.rate)
		if x.keyOf(g, g.smallest.Plan) != x.keyOf(g, g.plan) { // else it says how often a smaller case came back that was not taken
			x.noteRate(played, g, g.smallest.Plan, g.smallestRate)
		}
	}
	switch {
	case x.gate.Replays == 0:
		played.Else = "--replays 0"
		return played
	case ctx.Err() != nil:
		played.Else = "the run was cut short"
		return played
	}
	played.Else = fmt.Sprintf("there are more than %d findings", mostReplayed)
	for left := mostReplayed; ; {
		x.collector.Reproduce(played.Rates)
		todo := x.replayable(found, played)
		if len(todo) == 0 {
			played.Else = "no cell with its plan was judged"
		}
		todo = todo[:min(len(todo), left)]
		if len(todo) == 0 || ctx.Err() != nil {
			return played
		}
		left -= len(todo)
		x.replayEach(ctx, todo, played)
	}
}

// replayEach replays findings and notes for each its rate, or why it has none.
func (x *session) replayEach(ctx context.Context, todo []*failure, played results.Replays) {
	x.replayAll(ctx, todo, x.gate.Replays)
	var away error
	for _, g := range todo {
		key := x.keyOf(g, g.plan)
		switch {
		case ctx.Err() != nil:
			played.Why[key] = "the run was cut short"
		case g.err != nil:
			played.Why[key] = g.err.Error()
			if wentAway(g.err) {
				away = g.err
			}
		case g.rate.Tries == 0:
			played.Why[key] = "in no replay all faults fired and the property was judged"
		default:
			x.noteRate(played, g, g.plan, g.rate)
		}
	}
	if away != nil {
		x.collector.AddError(results.CellInfo{}, fmt.Errorf("findings were not replayed: %w", away))
	}
}

// replayAll replays findings so many times, and those of one case together.
func (x *session) replayAll(ctx context.Context, todo []*failure, times int) {
	s := &shrinker{session: x}
	together := map[*failure][]*failure{}
	var firsts []*failure
	for _, g := range todo {
		i := slices.IndexFunc(firsts, func(f *failure) bool {
			return f.scenario == g.scenario && f.header.Seed == g.header.Seed && sameCase(f.asCase(), g.asCase())
		})
		if i < 0 {
			i, firsts = len(firsts), append(firsts, g)
		}
		together[firsts[i]] = append(together[firsts[i]], g)
	}
	progress := x.host.progress("findings replayed", len(todo))
	defer progress.Finish()
	withEach(firsts, func(first *failure) {
		s.replay(ctx, together[first], times)
		for range together[first] {
			progress.Done(results.Passed)
		}
	})
}

// replay replays findings of one case so many times; fewer are enough where each comes back each time after the
// whole settle.
func (s *shrinker) replay(ctx context.Context, all []*failure, times int) {
	few := min(times, slowReplays)
	slow := s.replayOnce(ctx, all, few)
	steadily := !slices.ContainsFunc(all, func(g *failure) bool { return g.rate.Hits < few })
	if all[0].err != nil || times == few || steadily && slow {
		return
	}
	s.replayOnce(ctx, all, times-few)
}

// replayOnce adds what so many replays showed of each, and tells whether each of them took the whole settle. One that is run
// once more, since a fault of it missed, counts once.
func (s *shrinker) replayOnce(ctx context.Context, all []*failure, times int) (slow bool) {
	slow = true
	shown := make([]shownBy, len(all))
	for i := range all {
		shown[i] = newShown(times)
	}
	whole, err := s.runCases(ctx, all[0], s.profile, slices.Repeat([]planning.Case{all[0].asCase()}, times), func(n int, r harness.Result) {
		slow = slow && r.Duration >= s.s.Settle
		for i, g := range all {
			shown[i].add(n, r, judgeBy(g.property, r))
		}
	})
	for i, g := range all {
		g.err = err
		if whole {
			g.rate.Add(shown[i].rate())
			g.struckRate.Add(shown[i].of(shown[i].struck))
		}
	}
	return slow
}

// wentAway tells whether the system under test went away.
func wentAway(err error) bool {
	var gone *harness.GoneError
	return errors.As(err, &gone)
}

func (x *session) keyOf(g *failure, p faults.Plan) results.Key {
	return x.keyIn(g.property, g.scenario, p)
}

func (x *session) keyIn(property, scenario string, p faults.Plan) results.Key {
	return results.Key{Property: property, Scenario: scenario, Participants: string(x.profile), Plan: results.SortPlan(p.String())}
}

func (x *session) noteRate(played results.Replays, g *failure, p faults.Plan, rate results.Rate) {
	if rate.Tries > 0 {
		played.Rates[x.keyOf(g, p)] = rate
	}
}

// replayable are the findings to be replayed that were not yet, as those that were leave them: what one that is flaky
// would have explained is a finding too.
func (x *session) replayable(found *failures, played results.Replays) (todo []*failure) {
	open := func(k results.Key) bool {
		_, done := played.Rates[k]
		return !done && played.Why[k] == ""
	}
	list, bare := x.collector.Smallest()
	shown := map[results.Key]bool{}
	for _, f := range list {
		g := failureOf(&f)
		key := x.keyOf(g, g.plan)
		shown[key] = true
		if open(key) {
			todo = append(todo, g)
		}
	}
	for _, key := range bare {
		shown[key] = true
		played.Why[key] = "there are smaller ones of the same property"
	}
	var missed []*failure
	for _, key := range slices.SortedFunc(maps.Keys(found.tried), results.Key.Compare) {
		if !shown[key] && open(key) {
			missed = append(missed, found.tried[key])
		}
	}
	known := x.gate.known.Keys()
	todo = append(missed, todo...)
	slices.SortStableFunc(todo, func(a, b *failure) int {
		news := func(g *failure) bool { return !slices.Contains(known, x.keyOf(g, g.plan)) }
		switch {
		case news(a) == news(b):
			return 0
		case news(a):
			return -1
		}
		return 1
	})
	return bareFirst(todo)
}

// bareFirst leaves findings for later, of whose property and scenario one without a fault is to be replayed: if that
// comes back each time, it explains them.
func bareFirst(todo []*failure) []*failure {
	type of struct{ property, scenario string }
	bare := map[of]bool{}
	for _, g := range todo {
		if len(g.plan.Faults) == 0 {
			bare[of{g.property, g.scenario}] = true
		}
	}
	return slices.DeleteFunc(todo, func(g *failure) bool { return len(g.plan.Faults) > 0 && bare[of{g.property, g.scenario}] })
}

// expect has the cells noted whose plans are known to break a selected property.
func (f *failures) expect(b *results.Baseline, selected []checkers.Checker) {
	f.expected = slices.DeleteFunc(b.Keys(), func(k results.Key) bool {
		return !slices.ContainsFunc(selected, func(c checkers.Checker) bool { return c.Doc().Name == k.Property })
	})
}

// note keeps a cell whose plan is known to break something, for replays of that.
func (f *failures) note(cell string, h history.Header, plan faults.Plan) {
	if len(f.expected) == 0 {
		return
	}
	text := results.SortPlan(plan.String())
	for _, k := range f.expected {
		if k.Scenario != h.Scenario || k.Participants != h.Profile || k.Plan != text || f.tried[k] != nil {
			continue
		}
		if f.tried == nil {
			f.tried = map[results.Key]*failure{}
		}
		f.tried[k] = &failure{property: k.Property, scenario: k.Scenario, cell: cmp.Or(cell, h.Cell), plan: plan, header: h}
	}
}
