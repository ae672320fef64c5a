package main

import (
	"errors"

	"github.com/sagacheck/sagacheck/campaign"
	"github.com/spf13/cobra"
)

func newReport(p process) *cobra.Command {
	c := &cobra.Command{
		Use:   "report",
		Short: "Work with reports",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var out string
	var clauses bool
	merge := &cobra.Command{
		Use:   "merge DIR...",
		Short: "Join the reports of shards",
		Long: `Joins the reports of the shards of one run: folders of runs, or of --out, whose
last run is taken. Parts that do not belong together are refused (they were not to
run the same scenarios, plans and settings); so is one that never ended (exit 2).`,
		Example: "  sagacheck report merge shard-*",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(errors.New("report merge: expected the folders of the parts"))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			done, err := campaign.Merge(args, out)
			return p.publish(done, err, out, clauses)
		},
	}
	clausesFlag(merge, &clauses)
	merge.Flags().StringVar(&out, "out", campaign.Defaults().Out, "`folder` for reports")
	c.AddCommand(merge)
	return c
}
