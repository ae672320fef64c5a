package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/scenarios"
)

// settings are the flags of every command that runs cells.
type settings struct {
	orchestrator string
	scenarios    []string
	properties   []string
	profile      string
	seed         uint64
	parallel     int
	processes    int
	settle       time.Duration
	quiet        time.Duration
	scale        float64
	out          string
	waitFor      string
	defects      []string
	clause       string // of a replay: the one that was broken
	clauses      bool   // all are told
	drawnSagas   int
	limits
}

func (s *settings) register(c *cobra.Command) {
	s.registerShared(c)
	f := c.Flags()
	f.StringVar(&s.waitFor, "wait-for", "", "before anything else wait until this `URL` answers, up to a minute: a server that was started just now")
	f.StringVar(&s.profile, "participants", string(participants.Fenced), "protection of the participants: naive, keyed or fenced")
	f.StringVar(&s.orchestrator, "orchestrator", referenceName, "system under test: reference, the `name` of a manifest, the path of one, or a URL that speaks the contract")
}

// registerShared adds the flags that do not name the system under test.
func (s *settings) registerShared(c *cobra.Command) {
	s.limits.register(c)
	f := c.Flags()
	f.StringSliceVar(&s.scenarios, "scenario", nil, "only scenarios that match this `glob`, or the path of a scenario file (may be repeated)")
	f.StringSliceVar(&s.properties, "property", nil, "only properties that match this `glob` (may be repeated)")
	f.Uint64Var(&s.seed, "seed", 1, "seed of everything that is drawn; 0 draws one from the clock")
	f.IntVar(&s.parallel, "parallel", 0, fmt.Sprintf("sagas at once (default: %d a core)", sagasPerCore))
	f.IntVar(&s.processes, "processes", 0, fmt.Sprintf("cells at once with an orchestrator process of their own (default: %d a core)", processesPerCore))
	f.DurationVar(&s.settle, "settle", harness.DefaultSettle, "how long after the last fault a saga may take to end")
	f.DurationVar(&s.quiet, "quiet", 0, "how long the wires must be silent at the end (default: from the policies, or the manifest)")
	f.Float64Var(&s.scale, "scale", 0, "multiply all times of the scenarios' policies (default: 1, or the manifest's)")
	clausesFlag(c, &s.clauses)
	f.StringVar(&s.out, "out", "sagacheck-out", "`folder` for reports and histories")
	f.StringSliceVar(&s.defects, "defect", nil, "switch on a planted defect of the reference executor or of the participants (sagacheck list defects)")
}

// sagasPerCore is how many sagas run at once: most of their time is waiting.
const sagasPerCore = 32

// processesPerCore is how many cells run at once with a process of their own.
const processesPerCore = 2

// session is one run of cells: the system under test, the harness, the judges
// and the reports.
type session struct {
	p                                       process
	s                                       settings
	command                                 string
	profile                                 participants.Profile
	scenarios                               []*scenarios.Scenario
	checkers                                []checkers.Checker
	orchestratorDefects, participantDefects []string

	system    orchestrators.System
	harness   *harness.Harness
	collector *results.Collector
	progress  *reports.Progress
	terminal  reports.Terminal
	dir       string
	link      string // in the folder of --out, to dir
	nonce     string
	shard     *results.Shard
	cells     int
	ability   func() planning.Ability // reads the manifest once: that takes a while
	failing   map[string]int          // failed cells of each kind
	alone     bool                    // cells are run once more, alone, for clauses that are open
	unjudged  unjudged
	stop      context.CancelCauseFunc
	watch     func(harness.Result, []checkers.Verdict) // also told of each judged cell
}

// again is how often a cell is run again whose planned fault did not fire.
const again = 2

// open checks the settings and starts what they name.
func open(ctx context.Context, p process, s settings, c *cobra.Command, shard *results.Shard) (*session, error) {
	x := &session{p: p, s: s, shard: shard, unjudged: unjudged{}, command: strings.Join(p.args, " "), terminal: p.terminal(s.clauses)}
	x.ability = sync.OnceValue(x.findAbility)
	if _, err := interruptible(ctx, func() (any, error) { return nil, x.choose() }); err != nil {
		return nil, badInput(err)
	}
	if err := x.start(ctx); err != nil {
		return nil, err
	}
	if err := x.dropUnfit(); err != nil {
		return nil, errors.Join(err, x.close())
	}
	x.pace()
	started := time.Now()
	x.nonce = strconv.FormatInt(started.UnixMilli()%(36*36*36*36*36*36), 36)
	dir, err := results.NewRunDir(s.out, c.Name(), started)
	if err != nil {
		return nil, errors.Join(trouble(err), x.close())
	}
	x.dir, x.link = dir, results.LatestLink
	x.harness, err = harness.New(harness.Options{
		System: x.system, Start: x.starter(), Parallel: x.s.parallel, Processes: x.s.processes,
		Settle: x.s.settle, Quiet: x.s.quiet, Scale: x.s.scale, Dir: filepath.Join(dir, results.HistoriesDir), Defects: x.orchestratorDefects,
	})
	if err != nil {
		return nil, errors.Join(trouble(err), x.close())
	}
	var docs []checkers.Doc
	for _, k := range x.checkers {
		docs = append(docs, k.Doc())
	}
	system, err := reached(x.s.orchestrator)
	if err != nil {
		return nil, errors.Join(usage(err), x.close())
	}
	x.collector = results.New(results.Meta{
		Tool: toolVersion(), Command: x.command, Started: started, Seed: x.s.seed, Orchestrator: x.system.Info(), System: system,
		Profile: string(x.profile), Properties: docs, Shard: x.shard, Content: x.content(), Clause: x.s.clause,
	})
	if err := x.collector.Keep(dir); err != nil {
		return nil, errors.Join(trouble(err), x.close())
	}
	return x, nil
}

// choose resolves the names in the settings.
func (x *session) choose() (err error) {
	if x.profile, err = participants.ParseProfile(x.s.profile); err != nil {
		return fmt.Errorf("--participants: %w", err)
	}
	if x.scenarios, err = chooseScenarios(x.s.scenarios); err != nil {
		return fmt.Errorf("--scenario: %w", err)
	}
	if x.checkers, err = checkers.Select(x.s.properties); err != nil {
		return fmt.Errorf("--property: %w", err)
	}
	if x.s.seed == 0 {
		x.s.seed = uint64(time.Now().UnixNano()) % 1_000_000_000
	}
	x.addDrawn()
	switch {
	case x.s.drawnSagas < 0:
		return fmt.Errorf("--drawn-sagas: %d: expected 0 or more", x.s.drawnSagas)
	case x.s.parallel < 0:
		return fmt.Errorf("--parallel: %d: expected 0 (the default) or more", x.s.parallel)
	case x.s.processes < 0:
		return fmt.Errorf("--processes: %d: expected 0 (the default) or more", x.s.processes)
	case x.s.scale < 0:
		return fmt.Errorf("--scale: %v: expected 0 (the default) or more", x.s.scale)
	case x.s.settle <= 0:
		return fmt.Errorf("--settle: %v: expected more than 0", x.s.settle)
	case x.s.waitFor != "" && !strings.HasPrefix(x.s.waitFor, "http://") && !strings.HasPrefix(x.s.waitFor, "https://"):
		return fmt.Errorf("--wait-for: %q: expected http://host:port/path", x.s.waitFor)
	case x.s.quiet < 0:
		return fmt.Errorf("--quiet: %v: expected 0 (the default) or more", x.s.quiet)
	}
	if x.s.processes == 0 {
		x.s.processes = processesPerCore * runtime.GOMAXPROCS(0)
	}
	return x.chooseDefects()
}

// addDrawn puts random scenarios beside what was chosen.
func (x *session) addDrawn() {
	for i := range x.s.drawnSagas {
		x.scenarios = append(x.scenarios, scenarios.Draw(x.s.seed+uint64(i)))
	}
}

// chooseDefects tells defects of the reference executor from those of the
// participants.
func (x *session) chooseDefects() error {
	for _, name := range x.s.defects {
		switch {
		case slices.ContainsFunc(participants.AllDefects(), func(d participants.Defect) bool { return d.Name == name }):
			x.participantDefects = append(x.participantDefects, name)
		case slices.ContainsFunc(reference.Defects(), func(d reference.Defect) bool { return d.Name == name }):
			if x.s.orchestrator != referenceName {
				return fmt.Errorf("--defect: %q is a defect of the reference executor: it can't be switched on in %q", name, x.s.orchestrator)
			}
			x.orchestratorDefects = append(x.orchestratorDefects, name)
		default:
			return fmt.Errorf("--defect: no defect is called %q: see sagacheck list defects", name)
		}
	}
	return nil
}

// chooseScenarios takes globs of the catalogue and paths of files.
func chooseScenarios(patterns []string) ([]*scenarios.Scenario, error) {
	var globs []string
	var chosen []*scenarios.Scenario
	for _, p := range patterns {
		if !strings.ContainsAny(p, "/\\") && !strings.HasSuffix(p, ".yaml") && !strings.HasSuffix(p, ".yml") {
			globs = append(globs, p)
			continue
		}
		s, err := scenarios.Load(p)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, s)
	}
	if len(patterns) == 0 {
		return scenarios.All(), nil
	}
	if len(globs) > 0 {
		matched, err := scenarios.Match(globs...)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, matched...)
	}
	return chosen, nil
}

// start starts the system under test.
func (x *session) start(ctx context.Context) (err error) {
	name := x.s.orchestrator
	if err := checkOrchestrator(name); err != nil {
		return err
	}
	if x.s.waitFor != "" {
		if err := orchestrators.AwaitURL(ctx, x.s.waitFor, waitLimit); err != nil {
			return notStartedYet(ctx, fmt.Errorf("--wait-for: %w", err))
		}
	}
	switch {
	case name == referenceName:
		x.system, err = startEmbedded(ctx, x.orchestratorDefects)
	case isURL(name):
		x.system, err = orchestrators.Attach(ctx, name)
	default:
		x.system, err = orchestrators.Start(ctx, name, orchestrators.Options{Log: x.p.stderr})
	}
	return notStartedYet(ctx, err)
}

// waitLimit is how long --wait-for waits.
const waitLimit = time.Minute

// notStartedYet tells trouble of the system under test from a command that was cut
// short.
func notStartedYet(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return unstarted(ctx, err)
	}
	return trouble(err)
}

// pace slows the scenarios down to what the system under test can do.
func (x *session) pace() {
	pace := orchestrators.PaceOf(x.system)
	if x.s.scale == 0 {
		x.s.scale = pace.Scale
	}
	if x.s.parallel == 0 {
		x.s.parallel = cmp.Or(pace.Parallel, sagasPerCore*runtime.GOMAXPROCS(0))
	}
	if p, ok := x.system.(orchestrators.Paced); ok && x.s.quiet == 0 && x.s.orchestrator != referenceName {
		x.s.quiet = p.Pace().Quiet
	}
	if x.s.scale == 1 {
		return
	}
	for i, s := range x.scenarios {
		x.scenarios[i] = s.Scale(x.s.scale)
	}
	x.s.settle = time.Duration(float64(x.s.settle) * x.s.scale)
}

// dropUnfit leaves out the scenarios that the system under test cannot run at
// all, and says so.
func (x *session) dropUnfit() error {
	able := x.system.Info().Capabilities
	var kept []*scenarios.Scenario
	for _, s := range x.scenarios {
		if fits(s, able) {
			kept = append(kept, s)
			continue
		}
		fmt.Fprintf(x.p.stderr, "sagacheck: scenario %s is left out: %s has no capability dag (steps side by side)\n", s.Name, x.system.Info().Name)
	}
	x.scenarios = kept
	if len(kept) == 0 {
		return usage(fmt.Errorf("--scenario: %s can run none of the chosen scenarios: it has no capability dag (steps side by side)", x.system.Info().Name))
	}
	return nil
}

// fits tells whether an orchestrator can run a scenario at all: steps side by
// side need the capability for it.
func fits(s *scenarios.Scenario, capabilities []string) bool {
	if slices.Contains(capabilities, "dag") {
		return true
	}
	d := blueprint(s)[0]
	for i := range d.Steps {
		before := d.Predecessors(i)
		if i == 0 && len(before) > 0 || i > 0 && !slices.Equal(before, []string{d.Steps[i-1].Name}) {
			return false
		}
	}
	return true
}

// starter starts orchestrators that cells may kill; nil where there is no way.
func (x *session) starter() func(context.Context) (orchestrators.System, error) {
	if isURL(x.s.orchestrator) {
		return nil
	}
	var args []string
	for _, d := range x.orchestratorDefects {
		args = append(args, "--defect", d)
	}
	return func(ctx context.Context) (orchestrators.System, error) {
		return orchestrators.Start(ctx, x.s.orchestrator, orchestrators.Options{Args: args})
	}
}

// cell makes a cell of a scenario; its number is unique in the session.
func (x *session) cell(s *scenarios.Scenario, plan faults.Plan, seed uint64) harness.Cell {
	return x.frozen(s.Name, s, max(s.Sagas, 1), plan, seed)
}

func (x *session) frozen(name string, source harness.Source, sagas int, plan faults.Plan, seed uint64) harness.Cell {
	return harness.Cell{
		ID: x.nextID(), Scenario: name, Source: source, Sagas: sagas,
		Plan: plan, Profile: x.profile, Seed: seed, Defects: x.participantDefects,
	}
}

// nextID is an id that no cell has had.
func (x *session) nextID() string {
	x.cells++
	return fmt.Sprintf("%s-%04d", x.nonce, x.cells)
}

// runCells runs and judges so many cells.
func (x *session) runCells(ctx context.Context, total int, cells iter.Seq[harness.Cell]) {
	x.collector.Planned(total)
	x.progress = reports.NewProgress(reports.NewTerminal(x.p.stderr, x.p.getenv), "cells", total)
	ctx = x.begin(ctx)
	defer x.stop(nil)
	left := total
	err := x.harness.Run(ctx, cells, func(r harness.Result) {
		if !r.Spoilt {
			left--
		}
		x.judge(r)
	})
	x.progress.Finish()
	if err == nil && x.alone {
		left, err = x.judgeOpen(ctx)
	}
	why, byUser := cutBy(ctx, err)
	if byUser {
		x.collector.Interrupt()
	}
	x.collector.LeftOut(why, left)
}

// judge takes one finished cell.
func (x *session) judge(r harness.Result) {
	info := results.CellInfo{ID: r.Cell.ID, Scenario: r.Cell.Scenario, PlanID: r.Cell.Plan.ID(), Plan: r.Cell.Plan.String(), Duration: r.Duration, Again: r.Spoilt}
	if r.Path != "" {
		info.History = filepath.Join(results.HistoriesDir, filepath.Base(r.Path))
	}
	if r.Err != nil || r.History == nil {
		x.collector.AddError(info, r.Err)
		x.progress.Done(results.Errored)
		x.failOne(failedToRun)
		return
	}
	verdicts := checkers.Judge(r.History, x.checkers)
	x.fail(verdicts)
	x.collector.Add(info, r.History, verdicts)
	if x.alone {
		x.unjudged.note(r.Cell, verdicts)
	}
	if x.watch != nil {
		x.watch(r, verdicts)
	}
	state := results.Passed
	if slices.ContainsFunc(verdicts, func(v checkers.Verdict) bool { return v.Outcome == checkers.Violation }) {
		state = results.Violated
	}
	if !r.Spoilt { // it comes once more
		x.progress.Done(state)
	}
}

// close ends everything that the session started.
func (x *session) close() error {
	var errs []error
	if x.harness != nil {
		errs = append(errs, x.harness.Close())
	}
	if x.system != nil {
		limit := 30 * time.Second
		if x.harness != nil && x.harness.Cut() {
			limit = time.Second // nobody waits for its orderly end
		}
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		errs = append(errs, x.system.Stop(ctx))
	}
	return errors.Join(errs...)
}
