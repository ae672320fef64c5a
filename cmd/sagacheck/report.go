package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/campaign"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

func newReport(p process) *cobra.Command {
	c := &cobra.Command{
		Use:        "report",
		SuggestFor: []string{"explain", "findings", "show", "open"},
		Short:      "Work with reports",
		Args:       noArgs,
		RunE:       func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var out string
	var clauses bool
	var gate campaign.Gate
	merge := &cobra.Command{
		Use:   "merge DIR...",
		Short: "Join the reports of shards",
		Long: `Joins the reports of the shards of one run: folders of runs, or of --out, whose
last run is taken. Parts that do not belong together are refused (they were not to
run the same scenarios, plans and settings); so is one that never ended (exit 2).`,
		Example: `  sagacheck report merge shard-*
  sagacheck report merge --baseline known.yaml shard-*`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(errors.New("report merge: expected the folders of the parts"))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			done, err := campaign.Merge(p.host(), args, out, gate)
			return p.publish(done, err, out, clauses)
		},
	}
	clausesFlag(merge, &clauses)
	gateFlags(merge, &gate)
	merge.Flags().StringVar(&out, "out", campaign.Defaults().Out, "`folder` for reports")
	c.AddCommand(newReportOpen(p), newReportServe(p), newReportShow(p), newReportDiff(p), newReportTrend(p), merge, newPostmortem(p))
	return c
}

func newPostmortem(p process) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "postmortem FILE",
		Short: "Draft what people write when something went wrong, from a replay file",
		Long: `Drafts a postmortem in Markdown from the replay file of a failure, where its run left
it: the timeline, what took effect, the fault, how it was noticed, which policy and
compensation let it through, and what would have prevented it. What only people know
is asked for. Without --out it is printed.`,
		Example: `  sagacheck report postmortem sagacheck-out/latest/failures/duplicate-effect-order-vh9nt4-0001.yaml
  sagacheck report postmortem --out postmortem.md sagacheck-out/latest/failures/duplicate-effect-order-vh9nt4-0001.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(errors.New("report postmortem: expected one replay file"))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			pm, err := results.NewPostmortem(args[0])
			if err != nil {
				return usage(err)
			}
			text := reports.Postmortem(pm)
			if out == "" {
				_, err = io.WriteString(p.stdout, text)
			} else {
				err = results.WriteFile(out, []byte(text))
			}
			return trouble(err)
		},
	}
	c.Flags().StringVar(&out, "out", "", "`file` to write, in the place of printing")
	return c
}
