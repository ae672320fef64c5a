package main

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
)

// defaultRuns is how many drawn plans a run adds to the curated ones.
const defaultRuns = 200

type runFlags struct {
	settings
	runs    int
	curated bool
	shard   string
	plan    string
	shrink  shrinkFlags
}

func newRun(p process) *cobra.Command {
	f := &runFlags{}
	c := &cobra.Command{
		Use:   "run",
		Short: "Run scenarios under fault plans, judge them, and report",
		Long: `Runs the scenarios under two sets of plans: the curated ones (every kind of
fault at each of its phases, in both directions) and --runs more that are drawn
with --seed. The same seed gives the same plans.

Every planned cell must run, every planned fault must fire and every clause of every
property must have been judged at least once; otherwise the run is vacuous (exit 2),
not green. Where a busy machine kept the cells from judging a clause, a few of them
are run once more, one at a time.`,
		Example: `  sagacheck run
  sagacheck run --scenario order --runs 1000 --seed 7
  sagacheck run --orchestrator http://127.0.0.1:8080 --participants keyed
  sagacheck run --scenario ./my-scenario.yaml --plan ./my-plan.yaml
  sagacheck run --scenario order --drawn-sagas 20 --seed 7
  sagacheck run --shard 2/4 --out shard-2        then: sagacheck report merge shard-*`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c, p) },
	}
	f.register(c)
	f.registerFailures(c, enoughFailures)
	c.Flags().IntVar(&f.runs, "runs", defaultRuns, "how many drawn plans, over all scenarios")
	c.Flags().BoolVar(&f.curated, "curated", true, "also run the curated plans")
	c.Flags().StringVar(&f.shard, "shard", "", "run part `i/n` of the cells only")
	c.Flags().StringVar(&f.plan, "plan", "", "run this plan `file` only, against each scenario")
	c.Flags().IntVar(&f.drawnSagas, "drawn-sagas", 0, "how many random scenarios, drawn with --seed, to run beside the others")
	f.shrink.register(c, false)
	return c
}

func (f *runFlags) run(c *cobra.Command, p process) error {
	i, n, err := parseShard(f.shard)
	if err == nil && f.runs < 0 {
		err = errors.New("--runs: expected 0 or more")
	}
	if err == nil {
		err = f.shrink.check()
	}
	if err != nil {
		return usage(err)
	}
	own, err := interruptible(c.Context(), f.ownPlan)
	if err != nil {
		return badInput(fmt.Errorf("--plan: %w", err))
	}
	var part *results.Shard
	if n > 1 {
		part = &results.Shard{I: i, N: n}
	}
	x, err := open(c.Context(), p, f.settings, c, part)
	if err != nil {
		return err
	}
	if own != nil {
		if err := x.possible(*own); err != nil {
			return errors.Join(usage(fmt.Errorf("--plan: %s: %w", f.plan, err)), x.close())
		}
	} else if f.curated {
		x.sayUnplanned()
	}
	x.harness.Again, x.alone = again, own == nil && f.curated
	planned := x.plans(own, f.curated, f.runs)
	x.collector.Plans(plansDigest(planned))
	mine := planned[:0:0]
	for k, pl := range planned {
		if k%n == i-1 {
			mine = append(mine, pl)
		}
	}
	fmt.Fprintf(p.stderr, "sagacheck: seed %d, %s, %s, %s participants\n", x.s.seed, cells(len(mine)), x.system.Info().Name, x.profile)
	var failed failures
	x.watch = func(r harness.Result, vs []checkers.Verdict) {
		failed.watch(r.Cell.ID, r.History.Header, r.Cell.Plan, vs)
	}
	x.runCells(c.Context(), len(mine), x.cellsOf(mine))
	return x.finishShrunk(c.Context(), f.shrink, &failed, nil)
}

// ownPlan is the user's own plan, which must fit each scenario; nil: there is none.
func (f *runFlags) ownPlan() (*faults.Plan, error) {
	if f.plan == "" {
		return nil, nil
	}
	own, err := faults.LoadPlan(f.plan)
	if err != nil {
		return nil, err
	}
	chosen, err := chooseScenarios(f.scenarios)
	if err != nil {
		return &own.Plan, nil // the session says it, as a mistake of --scenario
	}
	for _, s := range chosen {
		if err := own.Fits(blueprint(s)); err != nil {
			return nil, fmt.Errorf("scenario %s: %w", s.Name, err)
		}
	}
	return &own.Plan, nil
}

func cells(n int) string {
	if n == 1 {
		return "1 cell"
	}
	return fmt.Sprintf("%d cells", n)
}

// parseShard reads "i/n"; empty is the whole.
func parseShard(s string) (i, n int, err error) {
	if s == "" {
		return 1, 1, nil
	}
	a, b, ok := strings.Cut(s, "/")
	i, err1 := strconv.Atoi(a)
	n, err2 := strconv.Atoi(b)
	if !ok || err1 != nil || err2 != nil || i < 1 || n < i {
		return 0, 0, fmt.Errorf("--shard: bad part %q: expected i/n with 1 ≤ i ≤ n, for example 2/4", s)
	}
	return i, n, nil
}

// planned is a plan for a scenario.
type planned struct {
	scenario *scenarios.Scenario
	plan     faults.Plan
	seed     uint64
}

func (x *session) cellsOf(ps []planned) iter.Seq[harness.Cell] {
	return func(yield func(harness.Cell) bool) {
		for _, p := range ps {
			if !yield(x.cell(p.scenario, p.plan, p.seed)) {
				return
			}
		}
	}
}

// plans lists the plans of a run: the user's own, or the curated and the drawn.
func (x *session) plans(own *faults.Plan, curated bool, runs int) []planned {
	var all []planned
	for _, s := range x.scenarios {
		switch {
		case own != nil:
			all = append(all, planned{s, *own, x.s.seed})
		case curated:
			for _, p := range planning.Curated(blueprint(s), x.ability()) {
				all = append(all, planned{s, p, x.s.seed})
			}
		}
	}
	if own != nil {
		return all
	}
	for k := range runs {
		s := x.scenarios[k%len(x.scenarios)]
		seed := x.s.seed*1_000_003 + uint64(k)
		all = append(all, planned{s, planning.Draw(blueprint(s), x.ability(), seed), seed})
	}
	return all
}

// blueprint is a scenario's definitions without addresses, for planning.
func blueprint(s *scenarios.Scenario) []saga.Definition {
	var ids []string
	for n := range max(s.Sagas, 1) {
		ids = append(ids, fmt.Sprintf("s-%d", n+1))
	}
	defs, _ := s.Build(ids, func(int, saga.StepRef) string { return "http://127.0.0.1/" })
	return defs
}
