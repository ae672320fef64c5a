package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

// compareScenarios are the default: sequential sagas that every engine can run,
// and one with steps side by side for those that can.
var compareScenarios = []string{"order", "transfer", "single-step", "booking"}

type compareFlags struct {
	settings
	orchestrators []string
	profiles      []string
	strict        bool
	replays       int
	plans         int
}

func newCompare(p process) *cobra.Command {
	f := &compareFlags{}
	c := &cobra.Command{
		Use:   "compare",
		Short: "Compare orchestrators: engine × anomaly × participant profile",
		Long: `Installs the orchestrators that are not there yet, runs the same plans against
each one with each participant profile, and prints which anomaly each one holds
off with which protection. Every finding is replayed, with its rate. Exit 0 when the matrix is complete, whatever it shows;
with --strict a finding is red.`,
		Example: `  sagacheck compare --orchestrator reference --orchestrator nodered
  sagacheck compare --orchestrator reference --orchestrator http://127.0.0.1:8080 --participants fenced`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.compare(c, p) },
	}
	f.registerShared(c)
	f.registerFailures(c, 0) // the matrix wants every property
	flags := c.Flags()
	flags.StringSliceVar(&f.orchestrators, "orchestrator", []string{referenceName}, "`name` of a manifest, path of one, or URL (may be repeated)")
	flags.StringSliceVar(&f.profiles, "participants", []string{"naive", "keyed", "fenced"}, "participant profiles")
	flags.BoolVar(&f.strict, "strict", false, "a finding is red")
	flags.IntVar(&f.replays, "replays", 10, "how often each finding is replayed")
	flags.IntVar(&f.plans, "plans", 0, "at most this many plans a scenario (default: all curated ones)")
	return c
}

// compare runs every pair of engine and profile.
func (f *compareFlags) compare(c *cobra.Command, p process) error {
	for _, profile := range f.profiles {
		if _, err := participants.ParseProfile(profile); err != nil {
			return usage(fmt.Errorf("--participants: %w", err))
		}
	}
	for _, name := range f.orchestrators {
		if err := checkOrchestrator(name); err != nil {
			return err
		}
	}
	if len(f.scenarios) == 0 {
		f.scenarios = compareScenarios
	}
	if err := f.known(); err != nil {
		return usage(err)
	}
	started := time.Now()
	dir, err := results.NewRunDir(f.out, c.Name(), started)
	if err != nil {
		return trouble(err)
	}
	var runs []*results.Run
	speed := map[string]float64{}
	for _, engine := range f.orchestrators {
		if err := f.install(c.Context(), p, engine); err != nil {
			fmt.Fprintf(p.stderr, "sagacheck: %v\n", err) // its row will say that it is not there
		}
		for _, profile := range f.profiles {
			if c.Context().Err() != nil {
				break
			}
			run, rate, err := f.one(c, p, engine, profile, dir)
			if err != nil {
				return err
			}
			if run == nil {
				break // cut short
			}
			runs = append(runs, run)
			if rate > 0 {
				speed[run.Orchestrator.Name] = rate
			}
		}
	}
	return f.publish(c, p, runs, speed, dir, started)
}

// known tells at once what is not there, before anything runs for minutes.
func (f *compareFlags) known() error {
	if _, err := chooseScenarios(f.scenarios); err != nil {
		return fmt.Errorf("--scenario: %w", err)
	}
	if _, err := checkers.Select(f.properties); err != nil {
		return fmt.Errorf("--property: %w", err)
	}
	return nil
}

// install installs an engine that is not there yet.
func (f *compareFlags) install(ctx context.Context, p process, engine string) error {
	if engine == referenceName || isURL(engine) {
		return nil
	}
	return orchestrators.Install(ctx, engine, p.stderr)
}

// one is one engine with one profile: a run of its own, and how fast it is
// without faults.
func (f *compareFlags) one(c *cobra.Command, p process, engine, profile, dir string) (*results.Run, float64, error) {
	s := f.settings
	s.orchestrator, s.profile, s.out = engine, profile, filepath.Join(dir, "runs")
	fmt.Fprintf(p.stderr, "sagacheck: %s with %s participants\n", engine, profile)
	x, err := open(c.Context(), p, s, c, nil)
	var exit *exitError
	if err != nil && c.Context().Err() != nil {
		return nil, 0, nil
	}
	if errors.As(err, &exit) && exit.code == results.ExitSystem {
		return notStarted(engine, profile, err), 0, nil // its row says why
	}
	if err != nil {
		return nil, 0, err
	}
	rate := 0.0
	if profile == f.profiles[len(f.profiles)-1] {
		rate = x.throughput(c.Context(), f.atOnce())
	}
	x.harness.Again = again
	planned := x.limited(f.plans)
	x.collector.Plans(plansDigest(planned))
	x.runCells(c.Context(), len(planned), x.cellsOf(planned))
	run := x.collector.Finish()
	f.replay(c.Context(), x, run)
	if err := x.close(); err != nil {
		run.Errors = append(run.Errors, err.Error())
	}
	run.Judge()
	return run, rate, reports.Save(run, x.dir)
}

// notStarted is the run of an engine that is not there.
func notStarted(engine, profile string, err error) *results.Run {
	var docs []checkers.Doc
	for _, k := range checkers.All() {
		docs = append(docs, k.Doc())
	}
	collector := results.New(results.Meta{
		Tool: toolVersion(), Orchestrator: history.Orchestrator{Name: engine}, Profile: profile, Properties: docs,
	})
	collector.AddError(results.CellInfo{}, err)
	return collector.Finish()
}

// limited is the curated plans, at most so many a scenario: those first that are the
// first of their shape, so that each kind of fault keeps its phases and each
// combination its place.
func (x *session) limited(most int) []planned {
	var all []planned
	for _, s := range x.scenarios {
		plans := shapesFirst(planning.Curated(blueprint(s), x.ability()))
		if most > 0 {
			plans = plans[:min(len(plans), most)]
		}
		for _, p := range plans {
			all = append(all, planned{s, p, x.s.seed})
		}
	}
	return all
}

// shapesFirst puts the first plan of each shape before all others. Two plans have
// one shape if they differ only in their steps and times.
func shapesFirst(plans []faults.Plan) []faults.Plan {
	var first, rest []faults.Plan
	seen := map[string]bool{}
	for _, p := range plans {
		shape := ""
		for _, f := range p.Faults {
			shape += fmt.Sprintf("%s %s#%d@%s;", f.Kind, f.At.Direction, f.At.Attempt, f.At.Phase)
		}
		if seen[shape] {
			rest = append(rest, p)
		} else {
			first = append(first, p)
		}
		seen[shape] = true
	}
	return append(first, rest...)
}

// rounds of sagas, one after the other, that the speed is measured with.
const rounds = 8

// atOnce is how many sagas at once all orchestrators of the comparison can take, and
// no more than --parallel: their speeds are compared at that.
func (f *compareFlags) atOnce() int {
	n := cmp.Or(f.parallel, sagasPerCore*runtime.GOMAXPROCS(0))
	for _, engine := range f.orchestrators {
		if m, err := orchestrators.FindManifest(engine); err == nil && m.Parallel > 0 {
			n = min(n, m.Parallel)
		}
	}
	return n
}

// throughput is sagas a second without faults, so many at once, from the first
// submission of a round to its last end; 0 if that could not be measured.
func (x *session) throughput(ctx context.Context, atOnce int) float64 {
	if len(x.scenarios) == 0 {
		return 0
	}
	s, sagas, took := x.scenarios[0], 0, time.Duration(0)
	for range rounds {
		r := x.harness.RunCell(ctx, x.frozen(s.Name, s, atOnce, faults.Plan{}, x.s.seed))
		if r.Err != nil || r.History == nil {
			fmt.Fprintf(x.p.stderr, "sagacheck: the speed of %s was not measured: %v\n", x.s.orchestrator, r.Err)
			return 0
		}
		first, last := time.Duration(math.MaxInt64), time.Duration(0)
		for _, e := range r.History.Events {
			switch e.Kind {
			case history.SagaSubmitted:
				first = min(first, e.At)
			case history.SagaEnded:
				last = max(last, e.At)
				sagas++
			}
		}
		took += max(last-first, 0)
	}
	if took <= 0 {
		return 0
	}
	return float64(sagas) / took.Seconds()
}

// replay runs the smallest plan of each violated property again.
func (f *compareFlags) replay(ctx context.Context, x *session, run *results.Run) {
	seen := map[string]bool{}
	for i := range run.Failures {
		fail := &run.Failures[i]
		if fail.Verdict != checkers.Violation || seen[fail.Property] || fail.Replay == nil || f.replays < 1 {
			continue
		}
		seen[fail.Property] = true
		checker, ok := checkers.ByName(fail.Property)
		if !ok {
			continue
		}
		rate := results.Rate{Tries: f.replays}
		source := harness.Frozen{Definitions: fail.Replay.Definitions, Registers: fail.Replay.Registers}
		_ = x.harness.Run(ctx, func(yield func(harness.Cell) bool) { // interrupted: the rate says how far it got
			for range f.replays {
				if !yield(x.frozen(fail.Scenario, source, len(fail.Replay.Definitions), fail.Replay.Plan, fail.Replay.Seed)) {
					return
				}
			}
		}, func(r harness.Result) {
			if r.History == nil {
				return
			}
			if v := checkers.Judge(r.History, []checkers.Checker{checker}); len(v) > 0 && v[0].Outcome == checkers.Violation {
				rate.Hits++
			}
		})
		fail.Reproduced = &rate
	}
}

// publish makes the matrix and writes the report.
func (f *compareFlags) publish(c *cobra.Command, p process, runs []*results.Run, speed map[string]float64, dir string, started time.Time) error {
	matrix := results.Compare(runs)
	matrix.Strict, matrix.AtOnce = f.strict, f.atOnce()
	matrix.Machine = fmt.Sprintf("%s/%s, %d cores, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), started.UTC().Format(time.DateOnly))
	for i := range matrix.Engines {
		e := &matrix.Engines[i]
		e.SagasPerSecond = speed[e.Name]
		if base := speed[referenceName]; base > 0 {
			e.Ratio = e.SagasPerSecond / base
		}
		describe(e, matrix)
	}
	collector := results.New(results.Meta{Tool: toolVersion(), Command: strings.Join(p.args, " "), Started: started, Seed: f.seed})
	why, byUser := cutBy(c.Context(), nil)
	if byUser {
		collector.Interrupt()
	}
	collector.LeftOut(why+": orchestrators with a profile not begun", len(f.orchestrators)*len(f.profiles)-len(runs))
	for _, r := range runs {
		for _, n := range r.LeftOut {
			collector.LeftOut(fmt.Sprintf("%s with %s participants: %s", r.Orchestrator.Name, r.Profile, n.Reason), n.Plans)
		}
	}
	run := collector.Finish()
	run.Comparison = matrix
	run.Judge()
	return publish(reports.NewTerminal(p.stdout, p.getenv), run, f.out, dir)
}

// describe adds what the engine's manifest says: settings, and which findings
// are documented behaviour.
func describe(e *results.Engine, cmp *results.Comparison) {
	m, err := orchestrators.FindManifest(e.Name)
	if err != nil { // by URL: there is nothing to tell
		return
	}
	for _, s := range m.Settings {
		e.Settings = append(e.Settings, fmt.Sprintf("%s = %s: %s", s.Name, s.Value, s.Why))
	}
	for i := range cmp.Marks {
		k := &cmp.Marks[i]
		if k.Engine != e.Name || k.Mark != results.IsViolated {
			continue
		}
		for _, n := range m.Notes {
			if n.Property == k.Anomaly {
				k.Behaviour, k.Source = n.Says, n.Text
			}
		}
	}
}
