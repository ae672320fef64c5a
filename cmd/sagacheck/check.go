package main

import (
	"errors"

	"github.com/sagacheck/sagacheck/campaign"
	"github.com/spf13/cobra"
)

func newCheck(p process) *cobra.Command {
	var o campaign.CheckOptions
	var clauses bool
	c := &cobra.Command{
		Use:        "check DIR|FILE...",
		SuggestFor: []string{"judge", "verify"},
		Short:      "Judge stored histories again",
		Long: `Judges histories that a run has stored. It needs nothing but the files: no
orchestrator, no participants. A file that is damaged, cut or of another version
is an error.

Of the folder of a run it judges the cells that the run counted, and says what is
missing if the run was killed: that is incomplete, exit 2. What went wrong outside of
the cells, such as calls that came too late to be judged, is repeated: exit 4. Its own
report is under latest-check; latest stays the last run.

With --workflow, histories of that workflow are judged by what its file says now: its
promises, the kinds of its steps and its invariants. What was called, and what it did,
stays as it was stored. Invariants that ask a database, an address or a command, or
that speak of start or id, are not asked again: what was found then counts.`,
		Example: `  sagacheck check sagacheck-out/latest
  sagacheck check --property duplicate-effect some.history.jsonl
  sagacheck check --workflow workflow.yaml sagacheck-out/latest
  sagacheck check --baseline known.yaml --baseline-update sagacheck-out/latest`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(errors.New("check: expected at least one folder or history file"))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			o.Paths = args
			done, err := campaign.Check(c.Context(), p.host(), o)
			return p.publish(done, err, o.Out, clauses)
		},
	}
	c.Flags().StringSliceVar(&o.Properties, "property", nil, "only properties that match this `glob`, or, with a ! before it, only those that do not (may be repeated)")
	c.Flags().StringVar(&o.Workflow, "workflow", "", "judge by the promises and invariants of this `file`")
	clausesFlag(c, &clauses)
	gateFlags(c, &o.Gate)
	c.Flags().StringVar(&o.Out, "out", campaign.Defaults().Out, "`folder` for reports")
	return c
}
