package campaign

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/results"
)

// compareScenarios are the default: sequential sagas that every engine can run,
// and one with steps side by side for those that can.
var compareScenarios = []string{"order", "transfer", "single-step", "booking"}

// CompareOptions are those of [Compare]; Orchestrator, Workflow and Participants of the
// settings say nothing.
type CompareOptions struct {
	Settings
	Orchestrators []string // names of manifests, paths of them, URLs
	Workflows     []string // files of workflows of the user's own, in their place
	Profiles      []string // of participants
	Strict        bool     // a finding is red
	Replays       int      // how often each finding is replayed
	Plans         int      // at most so many a scenario, or at the points of a workflow; 0: all
}

// Compare runs the same plans against every pair of orchestrator and profile. Workflows
// have failure points of their own: each one's are struck, with the same seed.
func Compare(ctx context.Context, host Host, o CompareOptions) (*Finished, error) {
	rows, err := interruptible(ctx, o.check)
	if err != nil {
		return nil, badInput(err)
	}
	started := time.Now()
	dir, err := results.NewRunDir(o.Out, "compare", started)
	if err != nil {
		return nil, trouble(err)
	}
	c := &comparison{host: host, options: o, rows: rows, dir: dir, started: started, speed: map[string]float64{}}
	for _, row := range rows {
		if err := c.install(ctx, row.engine); err != nil {
			host.say("%v", err) // its row will say that it is not there
		}
		for _, profile := range o.Profiles {
			if ctx.Err() != nil {
				break
			}
			run, rate, err := c.one(ctx, row, profile)
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
	rows    []contender
	dir     string
	started time.Time
	runs    []*results.Run
	speed   map[string]float64 // engine → sagas a second
}

// check tells at once what is not there, before anything runs for minutes.
func (o *CompareOptions) check() ([]contender, error) {
	for _, profile := range o.Profiles {
		if _, err := participants.ParseProfile(profile); err != nil {
			return nil, usage(fmt.Errorf("--participants: %w", err))
		}
	}
	rows, err := o.contenders()
	if err != nil {
		return nil, err
	}
	if len(o.Scenarios) == 0 && len(o.Workflows) == 0 {
		o.Scenarios = compareScenarios
	}
	if _, err := chooseScenarios(o.Scenarios); err != nil {
		return nil, usage(fmt.Errorf("--scenario: %w", err))
	}
	if _, err := checkers.Select(o.Properties); err != nil {
		return nil, usage(fmt.Errorf("--property: %w", err))
	}
	return rows, nil
}

// install installs an engine that is not there yet.
func (c *comparison) install(ctx context.Context, engine string) error {
	if engine == "" || engine == Reference || isURL(engine) {
		return nil
	}
	return orchestrators.Install(ctx, engine, c.host.output())
}

// one is one engine with one profile: a run of its own, and how fast it is
// without faults.
func (c *comparison) one(ctx context.Context, row contender, profile string) (*results.Run, float64, error) {
	s := c.options.Settings
	s.Orchestrator, s.Workflow, s.Participants, s.Out = row.orchestrator, row.file, profile, filepath.Join(c.dir, "runs")
	c.host.say("%s with %s participants", row.name, profile)
	x, err := open(ctx, c.host, s, "compare", nil)
	var exit *Error
	if err != nil && ctx.Err() != nil {
		return nil, 0, nil
	}
	if errors.As(err, &exit) && exit.Exit == results.ExitSystem {
		return notStarted(c.host.Tool, row.name, profile, err), 0, nil // its row says why
	}
	if err != nil {
		return nil, 0, err
	}
	rate := 0.0
	if profile == c.options.Profiles[len(c.options.Profiles)-1] {
		rate = x.throughput(ctx, c.atOnce())
	}
	x.harness.Again = reruns
	x.most = c.options.Plans
	if x.flow != nil {
		x.runWorkflow(ctx)
	} else {
		plans := planList{listed: x.limited()}
		x.collector.Plans(plans.digest())
		x.runCells(ctx, plans.len(), x.cellsOf(slices.Values(plans.listed)))
	}
	x.tellLate()
	run := x.collector.Finish()
	x.replayFindings(ctx, run, c.options.Replays)
	if err := x.close(); err != nil {
		run.Errors = append(run.Errors, err.Error())
	}
	run.Judge()
	err = c.host.save(run, x.dir)
	if x.flow != nil {
		run.Orchestrator.Name = row.name
	}
	return run, rate, err
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

// limited is the curated plans, at most so many a scenario as the session runs.
func (x *session) limited() []planned {
	var all []planned
	for _, s := range x.subjects() {
		all = append(all, x.planned(s, x.atMost(x.curated(s)))...)
	}
	return all
}

// atMost is as many of the plans as the session runs: those first that are the first of
// their shape, so that each kind of fault keeps its phases and each combination its place.
func (x *session) atMost(plans []faults.Plan) []faults.Plan {
	if x.most <= 0 {
		return plans
	}
	plans = shapesFirst(plans)
	return plans[:min(len(plans), x.most)]
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
		source := harness.Repeated{Definitions: fail.Replay.Definitions, Registers: fail.Replay.Registers}
		_ = x.harness.Run(ctx, func(yield func(harness.Cell) bool) { // interrupted: the rate says how far it got
			for range times {
				if !yield(x.cellOf(fail.Scenario, source, len(fail.Replay.Definitions), fail.Replay.Plan, fail.Replay.Seed)) {
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
