package campaign

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
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
	AtOnce        int      // orchestrators, or workflows, side by side; 0: 1
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
	}
	if err := c.measureSpeeds(ctx); err != nil {
		return nil, err
	}
	if err := c.runRows(ctx); err != nil {
		return nil, err
	}
	return &Finished{Run: c.finish(ctx), Dir: dir, Link: results.LatestLink}, nil
}

// runRows runs all rows, as many side by side as may be.
func (c *comparison) runRows(ctx context.Context) error {
	seen := newSeen(c.host)
	defer seen.finish()
	work, ctx := errgroup.WithContext(ctx) // an error ends all
	work.SetLimit(c.options.AtOnce)
	runs := make([][]*results.Run, len(c.rows))
	for i, row := range c.rows {
		work.Go(func() error {
			for _, profile := range c.options.Profiles {
				if ctx.Err() != nil {
					return nil
				}
				who := fmt.Sprintf("%s with %s participants", row.name, profile)
				c.host.say("%s", who)
				host := c.host
				if c.options.AtOnce > 1 {
					host = seen.as(who)
				}
				run, err := c.one(ctx, host, row, profile)
				if err != nil || run == nil { // cut short
					return err
				}
				runs[i] = append(runs[i], run)
			}
			return nil
		})
	}
	err := work.Wait()
	c.runs = slices.Concat(runs...)
	return err
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
	if o.AtOnce = cmp.Or(o.AtOnce, 1); o.AtOnce < 1 {
		return nil, usage(fmt.Errorf("--at-once: %d: expected 1 or more", o.AtOnce))
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

// measureSpeeds measures how fast each orchestrator is before any runs beside another one; of those that run one
// after the other each is measured when its turn has come.
func (c *comparison) measureSpeeds(ctx context.Context) error {
	if c.options.AtOnce == 1 {
		return nil
	}
	for _, row := range c.rows {
		c.host.say("%s without faults", row.name)
		x, _, err := c.openRow(ctx, c.host, row, c.options.Profiles[0], speeds)
		if err != nil {
			return err
		}
		if x == nil { // cut short, or its own row says why it is not there
			continue
		}
		c.measure(ctx, x, row)
		if err := x.close(); err != nil {
			c.host.say("%s: %v", row.name, err)
		}
	}
	return trouble(os.RemoveAll(filepath.Join(c.dir, speeds)))
}

// speeds is the folder of what ran for them.
const speeds = "speeds"

// measure measures how fast an orchestrator is without faults.
func (c *comparison) measure(ctx context.Context, x *session, row contender) {
	name := x.system.Info().Name
	if x.flow != nil {
		name = row.name
	}
	c.speed[name] = x.throughput(ctx, c.atOnce())
}

// openRow starts the orchestrator of a row. A run in its place says why there is none; neither: cut short.
func (c *comparison) openRow(ctx context.Context, host Host, row contender, profile, folder string) (*session, *results.Run, error) {
	s := c.options.Settings
	s.Orchestrator, s.Workflow, s.Participants, s.Out = row.orchestrator, row.file, profile, filepath.Join(c.dir, folder)
	x, err := open(ctx, host, s, "compare", nil)
	var exit *Error
	switch {
	case err == nil:
		return x, nil, nil
	case ctx.Err() != nil:
		return nil, nil, nil
	case errors.As(err, &exit) && exit.Exit == results.ExitSystem:
		return nil, notStarted(host.Tool, row.name, profile, err), nil
	}
	return nil, nil, err
}

// one is one engine with one profile: a run of its own.
func (c *comparison) one(ctx context.Context, host Host, row contender, profile string) (*results.Run, error) {
	x, instead, err := c.openRow(ctx, host, row, profile, "runs")
	if x == nil {
		return instead, err
	}
	if c.options.AtOnce == 1 && profile == c.options.Profiles[len(c.options.Profiles)-1] {
		c.measure(ctx, x, row)
	}
	x.harness.Again = 1 // what one of them never does, its plans miss each time
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
	err = host.save(run, x.dir)
	if x.flow != nil {
		run.Orchestrator.Name = row.name
	}
	return run, err
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

// replayFindings runs the smallest plan of each violated property again, also of one that is told beside others, and
// the next one while none came back.
func (x *session) replayFindings(ctx context.Context, run *results.Run, times int) {
	shown, tried := map[string]bool{}, map[*results.Failure]bool{}
	for range results.PlansReplayed {
		of := map[*failure]*results.Failure{}
		todo := nextReplayed(run, shown, tried, of)
		if len(todo) == 0 || times < 1 || ctx.Err() != nil {
			return
		}
		x.replayAll(ctx, todo, times)
		for g, f := range of {
			shown[g.property] = shown[g.property] || g.rate.Hits > 0
			if g.struckRate.Tries > 0 {
				f.Reproduced = &g.struckRate
			}
			if wentAway(g.err) {
				run.Errors = append(run.Errors, fmt.Sprintf("%s was not replayed: %v", g.property, g.err))
			}
		}
	}
}

// nextReplayed is the next failure of each property that was not shown yet, noted as tried and with what it is of.
func nextReplayed(run *results.Run, shown map[string]bool, tried map[*results.Failure]bool, of map[*failure]*results.Failure) (todo []*failure) {
	taken := maps.Clone(shown)
	for _, list := range [][]results.Failure{run.Failures, run.Beside} {
		for i := range list {
			f := &list[i]
			if f.Verdict != checkers.Violation || taken[f.Property] || tried[f] || f.Replay == nil {
				continue
			}
			g := failureOf(f)
			todo, of[g], tried[f], taken[f.Property] = append(todo, g), f, true, true
		}
	}
	return todo
}
