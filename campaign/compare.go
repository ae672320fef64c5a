package campaign

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
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
	x.harness.Again = reruns
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
	for _, s := range x.subjects() {
		plans := shapesFirst(planning.Curated(s.blueprint(), x.ability()))
		if most > 0 {
			plans = plans[:min(len(plans), most)]
		}
		all = append(all, x.planned(s, plans)...)
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
