package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/results"
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
			var parts []*results.Run
			for _, dir := range args {
				r, err := results.LoadRun(dir)
				if errors.Is(err, results.ErrUnfinished) {
					return &exitError{results.ExitUnproven, fmt.Errorf("report merge: %w", err)}
				}
				if err != nil {
					return usage(err)
				}
				parts = append(parts, r)
			}
			joined, err := results.Merge(parts)
			if err != nil {
				return usage(fmt.Errorf("report merge: %w", err))
			}
			dir, err := results.NewRunDir(out, "merge", time.Now())
			if err != nil {
				return trouble(err)
			}
			return publish(p.terminal(clauses), joined, out, dir)
		},
	}
	clausesFlag(merge, &clauses)
	merge.Flags().StringVar(&out, "out", "sagacheck-out", "`folder` for reports")
	c.AddCommand(merge)
	return c
}
