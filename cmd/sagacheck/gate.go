package main

import (
	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/campaign"
)

// gateFlags adds the flags of commands whose findings are held against what is known.
func gateFlags(c *cobra.Command, g *campaign.Gate) {
	f := c.Flags()
	f.StringVar(&g.Baseline, "baseline", "", "`file` of findings that are known: only others fail the run (docs/ci.md)")
	f.BoolVar(&g.Update, "baseline-update", false, "write the file of --baseline anew: add what nobody knew of, remove what is gone; reasons and owners stay")
	f.StringSliceVar(&g.FailOn, "fail-on", nil, "what fails the run beside new violations and errors, a `list` of: inconclusive, vacuous, incomplete, gone; violation: none of them (default: all but gone); not-flaky lets new violations through that do not come back each time. It changes the exit code, not the verdict")
}

// replaysFlag adds the flag of those that can replay what they find.
func replaysFlag(c *cobra.Command, g *campaign.Gate) {
	c.Flags().IntVar(&g.Replays, "replays", campaign.DefaultReplays, "how often to replay each finding, of 20 at the most, to tell how often it comes back; 3 times are enough where it does each time after the whole --settle")
}
