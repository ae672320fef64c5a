package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/sagacheck/sagacheck/campaign"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
	"github.com/spf13/cobra"
)

type mutantsFlags struct {
	campaign.MutateOptions
	budget
	histories []string
	all       bool
}

func newMutants(p process) *cobra.Command {
	f := &mutantsFlags{MutateOptions: campaign.MutateDefaults()}
	c := &cobra.Command{
		Use:   "mutants",
		Short: "Measure which planted defect is found by which checker, after how many runs",
		Long: `Switches on each planted defect of the reference executor and of the
participants, one at a time, and runs cells until the defect's own checker
reports a violation: --seeds searches for each defect, of at most --limit runs.
The same searches are made with plans that place faults by time and chance, as
plain chaos tools do, and the two are compared (docs/mutants.md).

--quick makes one search for each defect, with the curated plans first.

--explore makes one search for each defect, which enumerates plans as sagacheck
explore does, of one fault and then of two, until --limit; equivalent switches
are left out.

--histories changes stored histories instead, those of a folder of a run: each
operator makes one mistake at one place, and the checker whose promise that breaks
must say so. Other changes are legal, and must turn no verdict. A sample is changed,
always the same of the same run; --all changes all of it, which takes many minutes.
Exit 0 only if each operator was seen at 99 % of the places where its property was
judged, every clause that was at risk was broken by one, and no legal change turned a
verdict; else 1, and the last lines say what is wrong.

Exit 0 only if every planted defect was killed by its own checker, and every
equivalent switch (a change that breaks nothing) stayed green.`,
		Example: `  sagacheck mutants
  sagacheck mutants --quick
  sagacheck mutants --explore
  sagacheck mutants --defect 'retry-*' --seeds 5 --no-baseline
  sagacheck mutants --histories sagacheck-out/latest`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c, p) },
	}
	f.budget.register(c)
	c.Flags().StringSliceVar(&f.Defects, "defect", nil, "only defects that match this `glob` (may be repeated)")
	c.Flags().StringSliceVar(&f.Scenarios, "scenario", nil, "only scenarios that match this `glob` (default: the catalogue without threads)")
	c.Flags().IntVar(&f.Seeds, "seeds", f.Seeds, "searches for each defect")
	c.Flags().IntVar(&f.Limit, "limit", 0, "runs after which a search gives up (default: 200, with --explore 4000)")
	c.Flags().Uint64Var(&f.Seed, "seed", f.Seed, "seed of everything that is drawn")
	c.Flags().BoolVar(&f.Quick, "quick", false, "one search for each defect, with the curated plans first, and no baseline")
	c.Flags().BoolVar(&f.Explore, "explore", false, "one search for each defect that enumerates plans of one and two faults, and no baseline")
	c.Flags().BoolVar(&f.NoBaseline, "no-baseline", false, "leave out the searches by time and chance")
	c.Flags().IntVar(&f.Parallel, "parallel", 0, fmt.Sprintf("sagas at once, over all defects (default: %d a core)", campaign.SagasPerCore))
	c.Flags().DurationVar(&f.Settle, "settle", f.Settle, "how long after the last fault a saga may take to end")
	c.Flags().StringVar(&f.Out, "out", f.Out, "`folder` for reports")
	c.Flags().StringSliceVar(&f.histories, "histories", nil, "change the stored histories of this `folder` instead of running anything (may be repeated)")
	c.Flags().BoolVar(&f.all, "all", false, "with --histories: change every place of every history, not a sample")
	return c
}

func (f *mutantsFlags) run(c *cobra.Command, p process) error {
	if f.all && len(f.histories) == 0 {
		return usage(errors.New("--all: expected --histories beside it"))
	}
	if len(f.histories) > 0 {
		return f.mutateHistories(c.Context(), p)
	}
	done, err := campaign.Mutate(c.Context(), p.host(), f.MutateOptions)
	return p.publish(done, err, f.Out, false)
}

func (f *mutantsFlags) mutateHistories(ctx context.Context, p process) error {
	m, err := campaign.MutateHistories(ctx, p.host(), f.histories, f.all)
	if err != nil {
		return err
	}
	if err := reports.PrintMutation(reports.NewTerminal(p.stdout, p.getenv), m); err != nil {
		return trouble(err)
	}
	if len(m.Weak()) > 0 {
		return &exitError{code: results.ExitViolation}
	}
	return nil
}
