package main

import (
	"fmt"

	"github.com/sagacheck/sagacheck/campaign"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newReplay(p process) *cobra.Command {
	var o campaign.ReplayOptions
	var g cellFlags
	c := &cobra.Command{
		Use:        "replay FILE",
		SuggestFor: []string{"reproduce", "rerun"},
		Short:      "Run a stored failure again",
		Long: `Runs the cell of a replay file (failures/*.yaml of a run) again: the same
definitions, plan, participant profile and planted defects, against the system
under test that the file names, or another version of it (--orchestrator, --workflow).
It asks whether the clause that was broken is broken
again; with --times it says how often. Its report is under latest-replay; latest
stays the last run.`,
		Example: `  sagacheck replay sagacheck-out/latest/failures/duplicate-effect-order-vh9nt4-0001.yaml
  sagacheck replay --times 10 FILE`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(fmt.Errorf("replay: expected one replay file, got %d", len(args)))
			}
			return nil
		},
	}
	g.register(c, &o.Settings)
	_ = c.Flags().MarkHidden("scenario") // the file says it
	_ = c.Flags().MarkHidden("pack")
	c.Flags().IntVar(&o.Times, "times", 1, "how often")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := refuseBeside(c); err != nil {
			return err
		}
		o.File = args[0]
		c.Flags().Visit(func(f *pflag.Flag) { o.Given = append(o.Given, f.Name) })
		done, err := campaign.Replay(c.Context(), p.host(), o)
		return p.publish(done, err, o.Out, g.clauses)
	}
	return c
}
