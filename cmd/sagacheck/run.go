package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sagacheck/sagacheck/campaign"
	"github.com/sagacheck/sagacheck/results"
	"github.com/spf13/cobra"
)

type runFlags struct {
	campaign.RunOptions
	cellFlags
	ui    ui
	shard string
}

func newRun(p process) *cobra.Command {
	f := &runFlags{}
	c := &cobra.Command{
		Use:        "run",
		SuggestFor: []string{"test"},
		Short:      "Run scenarios under fault plans, judge them, and report",
		Long: `Runs the scenarios under two sets of plans: the curated ones (every kind of
fault at each of its phases, in both directions) and --runs more that are drawn
with --seed. The same seed gives the same plans.

Every planned cell must run, every planned fault must fire and every clause of every
property must have been judged at least once; otherwise the run is vacuous (exit 2),
not green. Where a busy machine kept the cells from judging a clause, a few of them
are run once more, one at a time.

What was violated is replayed to tell how often it comes back: a finding that does
not come back each time is flaky, and true all the same. With --baseline, findings
that are known do not fail the run (docs/ci.md).

With --workflow it is a workflow of your own that is tested, as it is, in the place
of scenarios and an orchestrator: it is started as its file says, and every kind of
fault is put once at every failure point that it passes (docs/your-workflow.md).`,
		Example: `  sagacheck run
  sagacheck run --scenario order --runs 1000 --seed 7
  sagacheck run --orchestrator http://127.0.0.1:8080 --participants keyed
  sagacheck run --scenario ./my-scenario.yaml --plan ./my-plan.yaml
  sagacheck run --scenario order --drawn-sagas 20 --seed 7
  sagacheck run --workflow ./workflow.yaml
  sagacheck run --baseline known.yaml            fails for new findings only; --baseline-update writes the file
  sagacheck run --ui                             then look at it in a browser while it runs
  sagacheck run --workers 4                      processes here; workers elsewhere: docs/many-machines.md
  sagacheck run --shard 2/4 --out shard-2        then: sagacheck report merge shard-*`,
		Args: flagsOnly,
		RunE: func(c *cobra.Command, _ []string) error {
			p.spareMemory()
			return f.run(c, p)
		},
	}
	f.register(c, &f.Settings)
	registerFailures(c, &f.Settings, campaign.EnoughFailures, campaign.EnoughAlike)
	c.Flags().IntVar(&f.Runs, "runs", campaign.DefaultRuns, "how many drawn plans, over all scenarios")
	c.Flags().BoolVar(&f.Curated, "curated", true, "also run the curated plans")
	c.Flags().StringVar(&f.shard, "shard", "", "run part `i/n` of the cells only")
	c.Flags().StringVar(&f.Plan, "plan", "", "run this plan `file` only, against each scenario")
	c.Flags().IntVar(&f.DrawnSagas, "drawn-sagas", 0, "how many random scenarios, drawn with --seed, to run beside the others")
	c.Flags().StringVar((*string)(&f.Keep), "keep", string(results.KeepBySize), "which histories of cells that passed stay on the disk: all, a sample, none but those of failures, or, by-size, all up to 1 GiB and a sample of the others")
	f.ui.register(c)
	workersFlags(c, &f.Workers)
	shrinkFlags(c, &f.Shrink, false)
	gateFlags(c, &f.Gate)
	replaysFlag(c, &f.Gate)
	return c
}

func (f *runFlags) run(c *cobra.Command, p process) (err error) {
	if err := refuseBeside(c); err != nil {
		return err
	}
	if err := f.Keep.Check(); err != nil {
		return usage(fmt.Errorf("--keep: %w", err))
	}
	if f.Shard, err = parseShard(f.shard); err != nil {
		return usage(err)
	}
	host, err := f.ui.host(c.Context(), p)
	if err != nil {
		return err
	}
	done, err := campaign.Run(c.Context(), host, f.RunOptions)
	return f.ui.end(done, p.publish(done, err, f.Out, f.clauses))
}

// parseShard reads "i/n"; empty is the whole.
func parseShard(s string) (results.Shard, error) {
	if s == "" {
		return results.Shard{}, nil
	}
	a, b, ok := strings.Cut(s, "/")
	i, err1 := strconv.Atoi(a)
	n, err2 := strconv.Atoi(b)
	if !ok || err1 != nil || err2 != nil || i < 1 || n < i {
		return results.Shard{}, fmt.Errorf("--shard: bad part %q: expected i/n with 1 ≤ i ≤ n, for example 2/4", s)
	}
	return results.Shard{I: i, N: n}, nil
}

// shrinkFlags adds the flags of commands that shrink failures.
func shrinkFlags(c *cobra.Command, f *campaign.Shrink, on bool) {
	c.Flags().BoolVar(&f.On, "shrink", on, "shrink the first failure of each property in each scenario to the smallest plan that still fails, and show which stronger participants prevent it")
	c.Flags().IntVar(&f.MaxRuns, "max-shrink-runs", campaign.ShrinkRuns, "cells to run for one failure at most, replays included")
}
