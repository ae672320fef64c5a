package campaign

import (
	"context"
	"errors"
	"fmt"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/results"
)

// DefaultRuns is how many drawn plans a run adds to the curated ones by default.
const DefaultRuns = 200

// RunOptions are those of [Run].
type RunOptions struct {
	Settings
	Runs    int    // drawn plans, over all scenarios
	Curated bool   // also the curated plans
	Plan    string // file of a plan, which is then the only one, against each scenario
	Shard   results.Shard
	Shrink  Shrink
	Workers Workers
	Gate    Gate
}

// Run runs scenarios under curated and drawn plans, or under one of the user's own.
func Run(ctx context.Context, host Host, o RunOptions) (*Finished, error) {
	if o.Runs < 0 {
		return nil, usage(errors.New("--runs: expected 0 or more"))
	}
	if err := o.Shrink.check(); err != nil {
		return nil, usage(err)
	}
	if err := o.Workers.check(o.Settings); err != nil {
		return nil, usage(err)
	}
	g, err := o.Gate.open(partOf(o.Shard))
	if err != nil {
		return nil, err
	}
	own, err := interruptible(ctx, o.ownPlan)
	if err != nil {
		return nil, badInput(fmt.Errorf("--plan: %w", err))
	}
	x, err := openFor(ctx, host, o.Settings, "run", partOf(o.Shard), func(x *session) error {
		if own == nil {
			return nil
		}
		if err := x.possible(own.Plan); err != nil {
			return fmt.Errorf("--plan: %s: %w", o.Plan, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if own != nil {
		if err := x.fits(own); err != nil {
			return nil, errors.Join(usage(err), x.close())
		}
	} else if o.Curated && x.flow == nil {
		x.sayUnplanned()
	}
	x.harness.Again, x.alone = reruns, own == nil && o.Curated
	x.gate = g
	if err := g.fits(x.system.Info().Name); err != nil {
		return nil, errors.Join(err, x.close())
	}
	var failed failures
	failed.expect(g.known, x.checkers)
	x.watch = func(r harness.Result, vs []checkers.Verdict) {
		failed.watch(r.Cell.ID, r.History.Header, r.Cell.Plan, vs)
	}
	if err := x.hire(ctx, o.Workers); err != nil {
		return nil, errors.Join(err, x.close())
	}
	if x.flow != nil && own == nil {
		x.runWorkflow(ctx)
		return x.finishShrunk(ctx, o.Shrink, &failed, unamended)
	}
	plans := x.plans(planOf(own), o.Curated, o.Runs)
	x.collector.Plans(plans.digest())
	n, mine := x.mine(plans)
	host.say("seed %d, %s, %s, %s participants", x.s.Seed, cells(n), x.system.Info().Name, x.profile)
	x.runCells(ctx, n, x.cellsOf(mine))
	return x.finishShrunk(ctx, o.Shrink, &failed, unamended)
}

func unamended(*Finished) {}

// partOf is a shard of several; nil: all of it.
func partOf(s results.Shard) *results.Shard {
	if s.N <= 1 {
		return nil
	}
	return &s
}

// fits tells whether a plan of the user's own fits their workflow, whose steps are known
// when it has run.
func (x *session) fits(own *faults.PlanFile) error {
	if x.flow == nil {
		return nil
	}
	if err := own.Fits(x.flow.subject().blueprint()); err != nil { // it names the file
		return fmt.Errorf("--plan: %w", err)
	}
	return nil
}

// planOf is the plan of a file; nil: there is none.
func planOf(own *faults.PlanFile) *faults.Plan {
	if own == nil {
		return nil
	}
	return &own.Plan
}

// ownPlan is the user's own plan, which must fit each scenario; nil: there is none.
func (o *RunOptions) ownPlan() (*faults.PlanFile, error) {
	if o.Plan == "" {
		return nil, nil
	}
	own, err := faults.LoadPlan(o.Plan)
	if err != nil || o.Workflow != "" {
		return own, err
	}
	chosen, err := chooseScenarios(o.Scenarios)
	if err != nil {
		return own, nil // the session says it, as a mistake of --scenario
	}
	for _, s := range chosen {
		if err := own.Fits(blueprint(s)); err != nil {
			return nil, fmt.Errorf("scenario %s: %w", s.Name, err)
		}
	}
	return own, nil
}

func cells(n int) string {
	if n == 1 {
		return "1 cell"
	}
	return fmt.Sprintf("%d cells", n)
}
