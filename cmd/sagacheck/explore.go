package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/scenarios"
)

// probeTries is how often a plan is run before a fault that did not fire counts
// as missed: what a run passes may depend on time.
const probeTries = 3

type exploreFlags struct {
	settings
	depth    int
	maxPlans int
	shard    string
	resume   string
	audit    bool
	shrink   shrinkFlags
}

func newExplore(p process) *cobra.Command {
	f := &exploreFlags{}
	c := &cobra.Command{
		Use:   "explore",
		Short: "Try every kind of fault at every failure point that a scenario reaches",
		Long: `Runs each scenario without a fault, adds every kind of fault at every failure
point that this run reached, looks which new points that opens (retries,
compensations), and goes on to --depth faults a plan. Plans that are equivalent to
another are left out (docs/exploration.md); --audit runs them too and tells whether
a finding would have been lost.

A budget (--max-plans, --max-time) cuts in a fair order, and the report says what
was not run: such an exploration is incomplete (exit 2). It goes on with --resume
FILE, with the flags that it was begun with. The first failure of
each property in each scenario is shrunk to the smallest plan that still fails.`,
		Example: `  sagacheck explore --scenario single-step
  sagacheck explore --scenario order --depth 2 --max-time 5m
  sagacheck explore --depth 2 --shard 1/4 --out shard-1      then: sagacheck report merge shard-*
  sagacheck explore --resume sagacheck-out/latest/explore.jsonl`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c, p) },
	}
	f.register(c)
	f.registerFailures(c, enoughFailures)
	fl := c.Flags()
	fl.IntVar(&f.depth, "depth", 1, "how many faults a plan may have")
	fl.IntVar(&f.maxPlans, "max-plans", 0, "run at most so many plans; 0: no limit")
	fl.StringVar(&f.shard, "shard", "", "run only part `i/n` of the plans")
	fl.StringVar(&f.resume, "resume", "", "`file` "+exploreLogFile+" of an exploration to go on with")
	fl.BoolVar(&f.audit, "audit", false, "also run the plans that the rules leave out, and tell whether a finding would have been lost")
	f.shrink.register(c, true)
	return c
}

func (f *exploreFlags) run(c *cobra.Command, p process) error {
	if f.resume != "" {
		if err := adoptFlags(c, f.resume); err != nil {
			return usage(fmt.Errorf("--resume: %w", err))
		}
	}
	i, n, err := parseShard(f.shard)
	switch {
	case err != nil:
	case f.depth < 0:
		err = fmt.Errorf("--depth: %d: expected 0 or more", f.depth)
	case f.maxPlans < 0:
		err = fmt.Errorf("--max-plans: %d: expected 0 (no limit) or more", f.maxPlans)
	default:
		err = f.shrink.check()
	}
	if err != nil {
		return usage(err)
	}
	var part *results.Shard
	if n > 1 {
		part = &results.Shard{I: i, N: n}
	}
	x, err := open(c.Context(), p, f.settings, c, part)
	if err != nil {
		return err
	}
	e, err := newExploration(c.Context(), x, f, i, n, givenFlags(c))
	if err != nil {
		return errors.Join(err, x.close())
	}
	err = e.explore(c.Context())
	if err = errors.Join(err, e.log.close()); err != nil {
		return errors.Join(trouble(err), x.close())
	}
	if e.tally.cut() || c.Context().Err() != nil {
		fmt.Fprintf(p.stderr, "sagacheck: not all was run; go on with: sagacheck explore --resume %s\n", reports.QuotePath(filepath.Join(x.dir, exploreLogFile)))
	}
	return x.finishShrunk(c.Context(), f.shrink, &e.failed, e.amend)
}

// exploration is one run of the explorer.
type exploration struct {
	*session
	flags       *exploreFlags
	part, parts int
	explorer    *planning.Explorer
	byName      map[string]*scenarios.Scenario
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

func newExploration(ctx context.Context, x *session, f *exploreFlags, part, parts int, given map[string][]string) (*exploration, error) {
	e := &exploration{
		session: x, flags: f, part: part, parts: parts,
		byName: map[string]*scenarios.Scenario{}, prints: map[string]string{},
		tally: newTally(), before: map[logKey]logLine{}, broken: map[*planning.Probe][]string{},
	}
	var spaces []planning.Space
	for _, s := range x.scenarios {
		defs := blueprint(s)
		e.byName[s.Name], e.prints[s.Name] = s, fingerprint(defs)
		spaces = append(spaces, planning.Space{Name: s.Name, Definitions: defs, Ability: x.ability()})
	}
	e.explorer = planning.NewExplorer(spaces, f.depth, f.audit)
	head := logHead{
		Version: exploreLogVersion, Tool: toolVersion(), Orchestrator: x.system.Info().Name, Profile: string(x.profile),
		Seed: x.s.seed, Defects: x.s.defects, Flags: given,
	}
	if f.resume != "" {
		before, err := interruptible(ctx, func() (map[logKey]logLine, error) { return loadExploreLog(f.resume, head) })
		if err != nil {
			return nil, badInput(fmt.Errorf("--resume: %w", err))
		}
		e.before = before
	}
	x.collector.Plans(fingerprint([]any{"explore", f.depth, f.audit, f.maxPlans}))
	var err error
	e.log, err = newExploreLog(filepath.Join(x.dir, exploreLogFile), head)
	return e, trouble(err)
}

// explore runs level after level.
func (e *exploration) explore(ctx context.Context) error {
	e.progress = reports.NewProgress(reports.NewTerminal(e.p.stderr, e.p.getenv), "plans", 0)
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
		case !e.owns(p) && p.Final(e.flags.depth):
			e.tally.leave(p, results.OtherShard)
			e.total--
		case e.recall(p):
		case e.flags.maxPlans > 0 && e.started >= e.flags.maxPlans:
			e.leave(p, fmt.Sprintf("more than --max-plans %d", e.flags.maxPlans))
		default:
			e.started++
			todo = append(todo, p)
		}
	}
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
			c := e.cell(e.byName[p.Space], p.Plan, e.s.seed)
			e.running.Store(c.ID, p)
			if !yield(c) {
				return
			}
		}
	}
	var errs []error
	taken := map[*planning.Probe]bool{}
	err := e.harness.Run(ctx, cells, func(r harness.Result) {
		v, _ := e.running.LoadAndDelete(r.Cell.ID)
		p := v.(*planning.Probe)
		taken[p] = true
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
		ID: r.Cell.ID, Scenario: p.Space, PlanID: p.Plan.ID(), Plan: p.Plan.String(), Probe: p.Level > 0, Duration: r.Duration,
	}
	if r.Path != "" {
		info.History = filepath.Join(results.HistoriesDir, filepath.Base(r.Path))
	}
	if r.Err != nil || r.History == nil {
		if !e.owns(p) {
			info.ID, r.Err = "", fmt.Errorf("plan %s of another shard: %w", info.Plan, r.Err) // trouble of this one all the same
		}
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
	e.fail(verdicts)
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
		if err != nil { // gone, or cut: run it again
			fmt.Fprintf(e.p.stderr, "sagacheck: %s of %s is run again: %v\n", p.Plan.ID(), p.Space, err)
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
			Scenario: p.Space, PlanID: p.Plan.ID(), Plan: p.Plan.String(), Probe: p.Level > 0, History: path, Again: i < len(paths)-1,
		}
		verdicts = e.add(info, p, hs[i])
	}
	if err := e.done(p, line.History, line.Trace, verdicts); err != nil {
		e.collector.AddError(results.CellInfo{}, err)
	}
	return true
}

// amend adds the coverage to a finished report, and what an audit lost.
func (e *exploration) amend(run *results.Run) {
	run.Coverage = e.coverage()
	if !e.flags.audit {
		return
	}
	lost := e.tally.lost()
	fmt.Fprintf(e.p.stdout, "Audit: %d of %d plans that ran are left out without --audit. Findings (property × scenario): %d with them, %d without; lost: %d.\n",
		e.tally.pruned, e.tally.pruned+e.tally.kept, len(e.tally.found), len(e.tally.found)-len(lost), len(lost))
	for _, l := range lost {
		run.Errors = append(run.Errors, "audit: found only by plans that the rules leave out: "+l)
	}
}

// fingerprint is a short name of definitions, so that a changed scenario is not
// taken for the one that was explored.
func fingerprint(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // plain data
		panic(err)
	}
	return hashOf(b)
}
