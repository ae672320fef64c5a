package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/campaign"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

func newPoliciesTry(p process) *cobra.Command {
	o := campaign.TryOptions{Settings: campaign.Defaults()}
	c := &cobra.Command{
		Use:   "try NEW --against DIR",
		Short: "Run stored plans under old and new policies, and say what changes",
		Long: `Runs the cells of a stored run twice against the reference executor: under the policies
that they had, or those of --old, and under the new ones; and puts side by side how sagas end,
how long they take, how many calls are made and how much is undone. Properties are judged both
times. Participants go by the names that they have in the scenario. What templates say of
errors is left out.`,
		Example: `  sagacheck reference policies try next.yaml --against sagacheck-out/latest
  sagacheck reference policies try next.yaml --old policies.yaml --against sagacheck-out/latest --max-cells 0`,
		Args: arguments(1, 1, "a file of policies, and --against the folder of a run"),
		RunE: func(c *cobra.Command, args []string) error {
			if len(o.Against) == 0 {
				return usage(errors.New("policies try: --against: expected the folder of a run"))
			}
			o.New = args[0]
			trial, done, err := campaign.TryPolicies(c.Context(), p.host(), o)
			if err != nil {
				return err
			}
			return p.showTrial(trial, done, o.Out)
		},
	}
	f := c.Flags()
	f.StringSliceVar(&o.Against, "against", nil, "`folder` of a run, or a history file (may be repeated)")
	f.StringVar(&o.Old, "old", "", "`file` of the policies before (default: the stored sagas' own)")
	f.IntVar(&o.Most, "max-cells", 200, "take so many of the stored cells at the most, evenly from all; 0: all")
	f.DurationVar(&o.Settle, "settle", o.Settle, "how long after the last fault a saga may take to end")
	f.StringVar(&o.Out, "out", o.Out, "`folder` for reports and histories")
	return c
}

// showTrial writes the report of the cells that ran, and prints what changes. That a few
// cells can't judge every property is no fault of a trial.
func (p process) showTrial(trial *results.Trial, done *campaign.Finished, out string) error {
	err := errors.Join(reports.Save(done.Run, done.Dir), results.PointLatest(out, done.Link, done.Dir),
		reports.PrintTrial(p.terminal(false), trial))
	if err != nil {
		return trouble(err)
	}
	exit := done.Run.Summary.Exit
	if exit == results.ExitUnproven && trial.Without == 0 {
		exit = results.ExitPass
	}
	for _, why := range done.Run.Summary.Reasons {
		if exit != results.ExitPass {
			p.say(why)
		}
	}
	fmt.Fprintf(p.stdout, "report: %s\n", filepath.Join(done.Dir, "report.md"))
	if exit != results.ExitPass {
		return &exitError{code: exit}
	}
	return nil
}
