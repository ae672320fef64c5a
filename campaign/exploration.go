package campaign

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/results"
)

// exploration is one run of the explorer.
type exploration struct {
	*session
	options     ExploreOptions
	part, parts int
	explorer    *planning.Explorer
	byName      map[string]*subject
	prints      map[string]string // scenario → fingerprint of its definitions
	log         *exploreLog
	before      map[logKey]logLine // done by an earlier exploration
	started     int                // plans, also of an earlier exploration
	tally       exploreTally
	failed      failures
	running     sync.Map // cell → *planning.Probe
	missed      []*planning.Probe
	broken      map[*planning.Probe][]string // histories of tries that missed a fault and broke a property
	total       int
	gone        bool // the system under test went away
}

func newExploration(ctx context.Context, x *session, o ExploreOptions) (*exploration, error) {
	e := &exploration{
		session: x, options: o, part: 1, parts: 1,
		byName: map[string]*subject{}, prints: map[string]string{},
		tally: newTally(), before: map[logKey]logLine{}, broken: map[*planning.Probe][]string{},
	}
	if x.shard != nil {
		e.part, e.parts = x.shard.I, x.shard.N
	}
	var spaces []planning.Space
	for _, s := range x.subjects() {
		e.byName[s.Name], e.prints[s.Name] = s, s.digest()
		able := x.ability()
		able.Everywhere = o.Operator
		spaces = append(spaces, planning.Space{Name: s.Name, Definitions: s.blueprint(), Ability: able, Plans: x.curated(s)})
	}
	e.explorer = planning.NewExplorer(spaces, o.Depth, o.Audit)
	head := logHead{
		Version: exploreLogVersion, Tool: x.host.Tool, Orchestrator: x.system.Info().Name, Profile: string(x.profile),
		Seed: x.s.Seed, Defects: x.s.Defects, Flags: o.Flags,
	}
	if o.Resume != "" {
		before, err := interruptible(ctx, func() (map[logKey]logLine, error) { return loadExploreLog(o.Resume, head) })
		if err != nil {
			return nil, badInput(fmt.Errorf("--resume: %w", err))
		}
		e.before = before
	}
	x.collector.Plans(fingerprint([]any{"explore", o.Depth, o.Audit, o.MaxPlans, o.Operator}))
	var err error
	e.log, err = newExploreLog(filepath.Join(x.dir, ExploreLog), head)
	return e, trouble(err)
}

// explore runs level after level.
func (e *exploration) explore(ctx context.Context) error {
	e.progress = e.host.progress("plans", 0)
	defer e.progress.Finish()
	user := ctx
	ctx = e.begin(ctx)
	defer e.stop(nil)
	for ctx.Err() == nil && !e.gone {
		probes := e.explorer.Next()
		if len(probes) == 0 {
			return nil
		}
		if err := e.runLevel(ctx, probes); err != nil {
			return err
		}
	}
	if _, byUser := cutBy(user, nil); byUser {
		e.collector.Interrupt()
	}
	return nil
}

// runLevel runs the probes of one level: those of this shard, and those of others
// that the next level begins at.
func (e *exploration) runLevel(ctx context.Context, probes []*planning.Probe) error {
	e.total += len(probes)
	e.progress.SetTotal(e.total)
	var todo []*planning.Probe
	mine := 0
	for _, p := range probes {
		if e.owns(p) {
			mine++
		}
	}
	e.collector.Planned(mine)
	for _, p := range probes {
		switch {
		case !e.owns(p) && p.Final(e.options.Depth):
			e.tally.leave(p, results.OtherShard)
			e.total--
		case e.recall(p):
		case e.options.MaxPlans > 0 && e.started >= e.options.MaxPlans:
			e.leave(p, fmt.Sprintf("more than --max-plans %d", e.options.MaxPlans))
		default:
			e.started++
			todo = append(todo, p)
		}
	}
	e.progress.SetTotal(e.total)
	for try := 1; len(todo) > 0 && try <= probeTries; try++ {
		if err := e.runProbes(ctx, todo, try); err != nil {
			return err
		}
		todo, e.missed = e.missed, nil
	}
	return nil
}

// leave counts a plan that the budget or an interruption leaves out.
func (e *exploration) leave(p *planning.Probe, why string) {
	e.tally.leave(p, why)
	e.total--
	if e.owns(p) {
		e.collector.LeftOut(why, 1)
	}
}

func (e *exploration) owns(p *planning.Probe) bool { return p.Shard(e.parts) == e.part }

// runProbes runs probes side by side; those that missed a fault are kept for
// another try.
func (e *exploration) runProbes(ctx context.Context, probes []*planning.Probe, try int) error {
	cells := func(yield func(harness.Cell) bool) {
		for _, p := range probes {
			c := e.cell(e.byName[p.Space], p.Plan, e.s.Seed)
			e.running.Store(c.ID, p)
			if !yield(c) {
				return
			}
		}
	}
	var errs []error
	taken := map[*planning.Probe]bool{}
	err := e.runner().Run(ctx, e.alike.among(cells), func(r harness.Result) {
		v, _ := e.running.LoadAndDelete(r.Asked)
		p := v.(*planning.Probe)
		taken[p] = true
		if r.Skipped != "" {
			e.leave(p, r.Skipped)
			return
		}
		if err := e.take(p, r, try); err != nil {
			errs = append(errs, err)
		}
	})
	why, _ := cutBy(ctx, err)
	var gone *harness.GoneError
	e.gone = errors.As(err, &gone)
	for _, p := range probes {
		if !taken[p] {
			e.leave(p, why)
		}
	}
	e.progress.SetTotal(e.total)
	return errors.Join(errs...)
}

// take judges one finished cell and tells the explorer what it showed.
func (e *exploration) take(p *planning.Probe, r harness.Result, try int) error {
	info := results.CellInfo{
		ID: r.Cell.ID, Scenario: p.Space, PlanID: p.Plan.ID(), Plan: p.Plan.String(), Probe: len(p.Plan.Faults) > 0, Duration: r.Duration,
	}
	if r.Path != "" {
		info.History = filepath.Join(results.HistoriesDir, filepath.Base(r.Path))
	}
	if r.Err != nil || r.History == nil {
		if !e.owns(p) {
			info.ID, r.Err = "", fmt.Errorf("plan %s of another shard: %w", info.Plan, r.Err) // trouble of this one all the same
		}
		info.Faults = harness.PlannedFaults(r.Cell.Plan)
		e.collector.AddError(info, r.Err)
		e.progress.Done(results.Errored)
		e.failOne(failedToRun)
		return nil
	}
	trace := planning.NewTrace(r.History)
	e.explorer.Learn(p, trace)
	again := len(trace.Missed()) > 0 && try < probeTries
	if again {
		e.missed = append(e.missed, p)
	}
	if !e.owns(p) {
		if !again {
			e.progress.Done(results.Passed)
		}
		return nil
	}
	info.Again = again
	verdicts := e.add(info, p, r.History)
	e.fail(r, verdicts)
	if !again {
		return e.done(p, r.Path, trace, verdicts)
	}
	if slices.ContainsFunc(verdicts, func(v checkers.Verdict) bool { return v.Outcome == checkers.Violation }) {
		abs, err := filepath.Abs(r.Path)
		e.broken[p] = append(e.broken[p], abs)
		return err
	}
	return nil
}

// add judges a history, and reports and remembers what was found.
func (e *exploration) add(info results.CellInfo, p *planning.Probe, h *history.History) []checkers.Verdict {
	verdicts := checkers.Judge(h, e.checkers)
	state := e.collector.Add(info, h, verdicts)
	e.failed.watch(info.ID, h.Header, p.Plan, verdicts)
	e.tally.find(p, verdicts)
	if !info.Again {
		e.progress.Done(state)
	}
	return verdicts
}

// done notes that a plan needs no other run.
func (e *exploration) done(p *planning.Probe, path string, t planning.Trace, verdicts []checkers.Verdict) error {
	e.tally.ran(p)
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	line := newLogLine(p, e.prints[p.Space], abs, t, verdicts)
	line.Broken = e.broken[p]
	return e.log.add(line)
}

// recall takes a probe from the exploration that this one goes on with; false:
// it has to be run.
func (e *exploration) recall(p *planning.Probe) bool {
	line, ok := e.before[logKey{p.Space, e.prints[p.Space], p.Plan.ID()}]
	if !ok {
		return false
	}
	paths := append(slices.Clone(line.Broken), line.History)
	var hs []*history.History
	for _, path := range paths {
		h, err := history.Load(path)
		if err == nil {
			err = results.CellInfo{ID: h.Header.Cell, Scenario: p.Space, PlanID: p.Plan.ID()}.Match(path, h.Header, e.options.Resume)
		}
		if err != nil { // gone, cut, or another plan's: run it again
			e.host.say("%s of %s is run again: %v", p.Plan.ID(), p.Space, err)
			return false
		}
		hs = append(hs, h)
	}
	e.started++
	e.explorer.Learn(p, line.Trace)
	if !e.owns(p) {
		e.progress.Done(results.Passed)
		return true
	}
	var verdicts []checkers.Verdict
	e.broken[p] = line.Broken
	for i, path := range paths {
		info := results.CellInfo{
			Scenario: p.Space, PlanID: p.Plan.ID(), Plan: p.Plan.String(), Probe: len(p.Plan.Faults) > 0, History: path, Again: i < len(paths)-1,
		}
		verdicts = e.add(info, p, hs[i])
	}
	if err := e.done(p, line.History, line.Trace, verdicts); err != nil {
		e.collector.AddError(results.CellInfo{}, err)
	}
	return true
}

// amend adds the coverage to a finished exploration, and what its audit tells.
func (e *exploration) amend(done *Finished) {
	done.Run.Coverage = e.coverage()
	if !e.options.Audit {
		return
	}
	lost := e.tally.lost()
	done.Audit = &Audit{Pruned: e.tally.pruned, Ran: e.tally.pruned + e.tally.kept, Found: len(e.tally.found), Lost: len(lost)}
	for _, l := range lost {
		done.Run.Errors = append(done.Run.Errors, "audit: found only by plans that the rules leave out: "+l)
	}
}
