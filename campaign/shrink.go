package campaign

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/results"
)

const (
	// replaysOfFailure is how often a failure is run again to tell its rate.
	replaysOfFailure = 10
	// steady is the rate, in replays, from which one run decides about a case;
	// below it each case gets unsteadyTries.
	steady        = 8
	unsteadyTries = 3
	// shrinkBatch is how many cases of one failure are tried side by side, and
	// casesAtOnce how many failures.
	shrinkBatch = 8
	casesAtOnce = 8
)

// Shrink says whether failures are shrunk, and how hard it is tried.
type Shrink struct {
	On      bool // the first failure of each property in each scenario is shrunk
	MaxRuns int  // cells to run for one failure at most, replays included
}

// ShrinkRuns is how many cells are run for one failure by default.
const ShrinkRuns = 100

func (f Shrink) check() error {
	if f.On && f.MaxRuns < 2*replaysOfFailure {
		return fmt.Errorf("--max-shrink-runs: %d: expected %d or more: ten replays before shrinking and ten after it", f.MaxRuns, 2*replaysOfFailure)
	}
	return nil
}

// shrinker runs cases of failures; cells are made one at a time.
type shrinker struct {
	*session
	mu sync.Mutex
}

// shrinkAll replays and shrinks failures, several side by side.
func (x *session) shrinkAll(ctx context.Context, f Shrink, found *failures) []*failure {
	if !f.On || len(found.first) == 0 {
		return nil
	}
	all := slices.SortedFunc(maps.Values(found.first), func(a, b *failure) int {
		return cmp.Or(cmp.Compare(a.property, b.property), cmp.Compare(a.scenario, b.scenario))
	})
	s := &shrinker{session: x}
	progress := x.host.progress("failures shrunk", len(all))
	defer progress.Finish()
	withEach(all, func(g *failure) {
		s.shrink(ctx, f, g)
		progress.Done(results.Passed)
	})
	return all
}

// withEach does something with failures, several side by side; what goes wrong stands in them.
func withEach(all []*failure, do func(g *failure)) {
	var work errgroup.Group
	work.SetLimit(casesAtOnce)
	for _, g := range all {
		work.Go(func() error {
			do(g)
			return nil
		})
	}
	_ = work.Wait() // do has no error
}

// shrink tells the rate of a failure, looks for a smaller case, and tells the rate
// of that one.
func (s *shrinker) shrink(ctx context.Context, f Shrink, g *failure) {
	g.smallest = planning.Case{Plan: g.plan, Definitions: g.header.Definitions, Registers: g.header.Registers, Fixed: g.header.Workflow != ""}
	replays := slices.Repeat([]planning.Case{g.smallest}, replaysOfFailure)
	rate := s.rate(ctx, g, replays)
	if ctx.Err() != nil {
		return
	}
	g.rate, g.runs = rate, replaysOfFailure
	if g.rate.Hits == 0 {
		return
	}
	times := unsteadyTries
	if g.rate.Hits >= steady {
		times = 1
	}
	search, stop := context.WithCancel(ctx)
	defer stop()
	shrinker := planning.Shrinker{
		MaxTries: max(0, f.MaxRuns-2*replaysOfFailure-protectTries*len(s.stronger())) / times, Batch: shrinkBatch,
		Try: func(ctx context.Context, cases []planning.Case) []bool {
			var repeated []planning.Case
			for _, c := range cases {
				repeated = append(repeated, slices.Repeat([]planning.Case{c}, times)...)
			}
			failed := make([]bool, len(cases))
			for i, hit := range s.try(ctx, g, repeated).failed {
				failed[i/times] = failed[i/times] || hit
			}
			if wentAway(g.err) {
				stop()
			}
			return failed
		},
	}
	smallest, tries := shrinker.Shrink(search, g.smallest)
	g.runs += tries * times
	if search.Err() != nil {
		return
	}
	if !sameCase(smallest, g.smallest) {
		s.prefer(ctx, g, smallest)
	}
	s.protect(ctx, f, g)
}

// prefer takes a smaller case in the place of a failure's, if it fails again.
func (s *shrinker) prefer(ctx context.Context, g *failure, smallest planning.Case) {
	original, result, verdict := g.smallest, g.result, g.verdict
	g.smallest = smallest
	g.smallestRate = s.rate(ctx, g, slices.Repeat([]planning.Case{smallest}, replaysOfFailure))
	g.runs += replaysOfFailure
	if g.smallestRate.Hits == 0 { // it failed once by chance: the original is the better witness
		g.smallest, g.result, g.verdict = original, result, verdict
	}
}

func sameCase(a, b planning.Case) bool {
	return a.Plan.ID() == b.Plan.ID() && fingerprint(a.Definitions) == fingerprint(b.Definitions)
}

// rate runs cases side by side and tells in how many the property was broken again, of those that show
// anything.
func (s *shrinker) rate(ctx context.Context, g *failure, cases []planning.Case) results.Rate {
	return s.try(ctx, g, cases).rate()
}

// shownBy is what each of several tries showed of a property: that it was broken, or that every fault fired and it was at
// risk and held. A try that shows neither is none. In one that struck every fault fired, and nothing was broken.
type shownBy struct{ failed, held, struck []bool }

func newShown(tries int) shownBy {
	return shownBy{make([]bool, tries), make([]bool, tries), make([]bool, tries)}
}

// add takes a result of the n-th, which has several where its cell was run once more.
func (s shownBy) add(n int, r harness.Result, v checkers.Verdict) {
	s.failed[n] = s.failed[n] || v.Outcome == checkers.Violation
	whole := v.Outcome == checkers.Pass && r.AllFired()
	s.held[n] = s.held[n] || whole && v.AtRisk > 0
	s.struck[n] = s.struck[n] || whole || v.Outcome == checkers.Vacuous && r.AllFired()
}

func (s shownBy) rate() results.Rate { return s.of(s.held) }

// of is how often it was broken, of that and the tries that count besides.
func (s shownBy) of(count []bool) results.Rate {
	var r results.Rate
	for n, failed := range s.failed {
		if failed {
			r.Hits++
		}
		if failed || count[n] {
			r.Tries++
		}
	}
	return r
}

// try runs cases side by side and tells what each showed of the property. The last failing run of the case that is smallest by then is kept, as
// evidence. Without an end of all of them none shows anything; unless the context ended, the error of the
// failure says why.
func (s *shrinker) try(ctx context.Context, g *failure, cases []planning.Case) shownBy {
	return s.tryWith(ctx, g, s.profile, cases)
}

// tryWith is try with participants of some protection; only what is like the run itself is evidence.
func (s *shrinker) tryWith(ctx context.Context, g *failure, p participants.Profile, cases []planning.Case) shownBy {
	shown := newShown(len(cases))
	whole, err := s.runCases(ctx, g, p, cases, func(n int, r harness.Result) {
		v := judgeBy(g.property, r)
		shown.add(n, r, v)
		if v.Outcome == checkers.Violation && p == s.profile && sameCase(cases[n], g.smallest) {
			g.result, g.verdict = r, v
		}
	})
	g.err = errors.Join(g.err, err)
	if !whole {
		return newShown(len(cases))
	}
	return shown
}

// runCases runs cases of a failure side by side, and calls each with what became of the i-th. The run was not whole
// where it ended early; the error is of that, or of single cells, and says nothing where the context ended.
func (s *shrinker) runCases(ctx context.Context, g *failure, p participants.Profile, cases []planning.Case, each func(i int, r harness.Result)) (whole bool, err error) {
	index := map[string]int{}
	cells := make([]harness.Cell, len(cases))
	s.mu.Lock()
	for i, c := range cases {
		source := harness.Repeated{Definitions: c.Definitions, Registers: c.Registers}
		cells[i] = s.cellOf(g.scenario, source, len(c.Definitions), c.Plan, g.header.Seed)
		cells[i].Profile = p
		index[cells[i].ID] = i
	}
	s.mu.Unlock()
	var failures error
	err = s.harness.Run(ctx, slices.Values(cells), func(r harness.Result) {
		if r.Err != nil || r.History == nil {
			failures = errors.Join(failures, fmt.Errorf("cell %s: %w", r.Cell.ID, r.Err))
			return
		}
		each(index[r.Asked], r)
	})
	switch {
	case err == nil:
		return true, failures
	case ctx.Err() == nil: // which says more than each cell
		return false, err
	}
	return false, nil
}

// judgeBy is what a property says of a cell.
func judgeBy(property string, r harness.Result) checkers.Verdict {
	checker, _ := checkers.ByName(property)
	return checkers.Judge(r.History, []checkers.Checker{checker})[0]
}

// enter puts what became of a failure into the report: its rate, and the smaller
// one beside it. A failure that did not come back is reported as such.
func (x *session) enter(run *results.Run, g *failure) {
	original := planning.Case{Plan: g.plan, Definitions: g.header.Definitions}
	for i := range run.Failures {
		if l := &run.Failures[i]; g.rate.Tries > 0 && l.Property == g.property && l.Scenario == g.scenario && l.Cell == g.cell {
			l.Reproduced = &g.rate
			if sameCase(original, g.smallest) {
				l.Protected = g.protected
			}
		}
	}
	if g.err != nil {
		run.Errors = append(run.Errors, fmt.Sprintf("shrinking %s in %s: %v", g.property, g.scenario, g.err))
	}
	if g.result.History == nil || sameCase(original, g.smallest) {
		return
	}
	small, alone := x.reportOf(g)
	run.Chart(alone)
	small.ShrunkFrom, small.Reproduced, small.Protected = inWords(original), &g.smallestRate, g.protected
	small.Replay.System = run.System
	run.Failures = append(run.Failures, small)
}

// reportOf tells the smallest case as a run of its own would, which it gives too.
func (x *session) reportOf(g *failure) (results.Failure, *results.Run) {
	c := results.New(results.Meta{Tool: x.host.Tool, Command: x.host.Command, Started: time.Now(), Orchestrator: x.system.Info(), Profile: string(x.profile)})
	info := results.CellInfo{
		ID: g.result.Cell.ID, Scenario: g.scenario, PlanID: g.smallest.Plan.ID(), Plan: g.smallest.Plan.String(),
		History: filepath.Join(results.HistoriesDir, filepath.Base(g.result.Path)), Duration: g.result.Duration,
	}
	c.Add(info, g.result.History, checkers.Judge(g.result.History, x.checkers))
	alone := c.Finish()
	found := alone.Failures
	// It may be told under another property now, if the smaller plan breaks that too.
	i := slices.IndexFunc(found, func(f results.Failure) bool { return f.Property == g.property || slices.Contains(f.Also, g.property) })
	return found[max(i, 0)], alone
}

// inWords is a case for people: its plan, its steps and its sagas.
func inWords(c planning.Case) string {
	s := fmt.Sprintf("%s; %d steps", c.Plan, len(c.Definitions[0].Steps))
	if n := len(c.Definitions); n > 1 {
		s += fmt.Sprintf(", %d sagas", n)
	}
	return s
}
