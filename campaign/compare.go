package campaign

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/results"
)

// compareScenarios are the default: sequential sagas that every engine can run,
// and one with steps side by side for those that can.
var compareScenarios = []string{"order", "transfer", "single-step", "booking"}

// CompareOptions are those of [Compare]; Orchestrator and Participants of the settings
// say nothing.
type CompareOptions struct {
	Settings
	Orchestrators []string // names of manifests, paths of them, URLs
	Profiles      []string // of participants
	Strict        bool     // a finding is red
	Replays       int      // how often each finding is replayed
	Plans         int      // at most so many a scenario; 0: all curated ones
}

// Compare runs the same plans against every pair of orchestrator and profile.
func Compare(ctx context.Context, host Host, o CompareOptions) (*Finished, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	started := time.Now()
	dir, err := results.NewRunDir(o.Out, "compare", started)
	if err != nil {
		return nil, trouble(err)
	}
	c := &comparison{host: host, options: o, dir: dir, started: started, speed: map[string]float64{}}
	for _, engine := range o.Orchestrators {
		if err := c.install(ctx, engine); err != nil {
			host.say("%v", err) // its row will say that it is not there
		}
		for _, profile := range o.Profiles {
			if ctx.Err() != nil {
				break
			}
			run, rate, err := c.one(ctx, engine, profile)
			if err != nil {
				return nil, err
			}
			if run == nil {
				break // cut short
			}
			c.runs = append(c.runs, run)
			if rate > 0 {
				c.speed[run.Orchestrator.Name] = rate
			}
		}
	}
	return &Finished{Run: c.finish(ctx), Dir: dir, Link: results.LatestLink}, nil
}

// comparison is one comparison under way.
type comparison struct {
	host    Host
	options CompareOptions
	dir     string
	started time.Time
	runs    []*results.Run
	speed   map[string]float64 // engine → sagas a second
}

// check tells at once what is not there, before anything runs for minutes.
func (o *CompareOptions) check() error {
	for _, profile := range o.Profiles {
		if _, err := participants.ParseProfile(profile); err != nil {
			return usage(fmt.Errorf("--participants: %w", err))
		}
	}
	for _, name := range o.Orchestrators {
		if err := checkOrchestrator(name); err != nil {
			return err
		}
	}
	if len(o.Scenarios) == 0 {
		o.Scenarios = compareScenarios
	}
	if _, err := chooseScenarios(o.Scenarios); err != nil {
		return usage(fmt.Errorf("--scenario: %w", err))
	}
	if _, err := checkers.Select(o.Properties); err != nil {
		return usage(fmt.Errorf("--property: %w", err))
	}
	return nil
}

// install installs an engine that is not there yet.
func (c *comparison) install(ctx context.Context, engine string) error {
	if engine == Reference || isURL(engine) {
		return nil
	}
	return orchestrators.Install(ctx, engine, c.host.output())
}

// one is one engine with one profile: a run of its own, and how fast it is
// without faults.
func (c *comparison) one(ctx context.Context, engine, profile string) (*results.Run, float64, error) {
	s := c.options.Settings
	s.Orchestrator, s.Participants, s.Out = engine, profile, filepath.Join(c.dir, "runs")
	c.host.say("%s with %s participants", engine, profile)
	x, err := open(ctx, c.host, s, "compare", nil)
	var exit *Error
	if err != nil && ctx.Err() != nil {
		return nil, 0, nil
	}
	if errors.As(err, &exit) && exit.Exit == results.ExitSystem {
		return notStarted(c.host.Tool, engine, profile, err), 0, nil // its row says why
	}
	if err != nil {
		return nil, 0, err
	}
	rate := 0.0
	if profile == c.options.Profiles[len(c.options.Profiles)-1] {
		rate = x.throughput(ctx, c.atOnce())
	}
	x.harness.Again = again
	planned := x.limited(c.options.Plans)
	x.collector.Plans(plansDigest(planned))
	x.runCells(ctx, len(planned), x.cellsOf(planned))
	run := x.collector.Finish()
	x.replayFindings(ctx, run, c.options.Replays)
	if err := x.close(); err != nil {
		run.Errors = append(run.Errors, err.Error())
	}
	run.Judge()
	return run, rate, c.host.save(run, x.dir)
}

// notStarted is the run of an engine that is not there.
func notStarted(tool, engine, profile string, err error) *results.Run {
	var docs []checkers.Doc
	for _, k := range checkers.All() {
		docs = append(docs, k.Doc())
	}
	collector := results.New(results.Meta{
		Tool: tool, Orchestrator: history.Orchestrator{Name: engine}, Profile: profile, Properties: docs,
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
			all = append(all, planned{s, p, x.s.Seed})
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
func (c *comparison) atOnce() int {
	n := cmp.Or(c.options.Parallel, SagasPerCore*runtime.GOMAXPROCS(0))
	for _, engine := range c.options.Orchestrators {
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
		r := x.harness.RunCell(ctx, x.frozen(s.Name, s, atOnce, faults.Plan{}, x.s.Seed))
		if r.Err != nil || r.History == nil {
			x.host.say("the speed of %s was not measured: %v", x.s.Orchestrator, r.Err)
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

// replayFindings runs the smallest plan of each violated property again.
func (x *session) replayFindings(ctx context.Context, run *results.Run, times int) {
	seen := map[string]bool{}
	for i := range run.Failures {
		fail := &run.Failures[i]
		if fail.Verdict != checkers.Violation || seen[fail.Property] || fail.Replay == nil || times < 1 {
			continue
		}
		seen[fail.Property] = true
		checker, ok := checkers.ByName(fail.Property)
		if !ok {
			continue
		}
		rate := results.Rate{Tries: times}
		source := harness.Frozen{Definitions: fail.Replay.Definitions, Registers: fail.Replay.Registers}
		_ = x.harness.Run(ctx, func(yield func(harness.Cell) bool) { // interrupted: the rate says how far it got
			for range times {
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

// finish makes the matrix.
func (c *comparison) finish(ctx context.Context) *results.Run {
	matrix := results.Compare(c.runs)
	matrix.Strict, matrix.AtOnce = c.options.Strict, c.atOnce()
	matrix.Machine = fmt.Sprintf("%s/%s, %d cores, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), c.started.UTC().Format(time.DateOnly))
	for i := range matrix.Engines {
		e := &matrix.Engines[i]
		e.SagasPerSecond = c.speed[e.Name]
		if base := c.speed[Reference]; base > 0 {
			e.Ratio = e.SagasPerSecond / base
		}
		describe(e, matrix)
	}
	collector := results.New(results.Meta{Tool: c.host.Tool, Command: c.host.Command, Started: c.started, Seed: c.options.Seed})
	why, byUser := cutBy(ctx, nil)
	if byUser {
		collector.Interrupt()
	}
	collector.LeftOut(why+": orchestrators with a profile not begun", len(c.options.Orchestrators)*len(c.options.Profiles)-len(c.runs))
	for _, r := range c.runs {
		for _, n := range r.LeftOut {
			collector.LeftOut(fmt.Sprintf("%s with %s participants: %s", r.Orchestrator.Name, r.Profile, n.Reason), n.Plans)
		}
	}
	run := collector.Finish()
	run.Comparison = matrix
	run.Judge()
	return run
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
