package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/campaign"
	"github.com/spf13/cobra"
)

// budget is the flag that ends a command by time.
type budget struct{ maxTime time.Duration }

// register adds the flag. The time counts from the beginning of the command.
func (b *budget) register(c *cobra.Command) {
	c.Flags().DurationVar(&b.maxTime, "max-time", 0, "end after this time, whatever is under way then; what was not run is named, and the run is not green; 0: no limit")
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		if b.maxTime < 0 {
			return usage(fmt.Errorf("--max-time: %v: expected 0 (no limit) or more", b.maxTime))
		}
		for _, name := range []string{"max-failures", "max-alike"} {
			if f := c.Flags().Lookup(name); f != nil && strings.HasPrefix(f.Value.String(), "-") {
				return usage(fmt.Errorf("--%s: %s: expected 0 (no limit) or more", name, f.Value))
			}
		}
		if b.maxTime > 0 {
			ctx, cancel := campaign.WithBudget(c.Context(), b.maxTime, fmt.Sprintf("after --max-time %v", b.maxTime))
			c.PostRun = func(*cobra.Command, []string) { cancel() }
			c.SetContext(ctx)
		}
		return nil
	}
}

// registerFailures adds the flags of commands in which a failure is a failure.
func registerFailures(c *cobra.Command, s *campaign.Settings, most, alike int) {
	c.Flags().IntVar(&s.MaxAlike, "max-alike", alike, "when so many cells that kill the orchestrator, or with the same kinds of faults, have failed after the whole --settle, one a scenario is enough; 0: no limit")
	c.Flags().IntVar(&s.MaxFailures, "max-failures", most, "end after so many cells that break the same properties, without one that broke others for the first time, or that fail to run; 0: no limit")
	if most == 0 { // a comparison goes on
		return
	}
	fast := c.Flags().Bool("fail-fast", false, "end after the first cell that fails: --max-failures 1")
	c.MarkFlagsMutuallyExclusive("fail-fast", "max-failures")
	before := c.PreRunE
	c.PreRunE = func(c *cobra.Command, args []string) error {
		if *fast {
			s.MaxFailures = 1
		}
		return before(c, args)
	}
}

// another are the words for what a flag says, too: who gives one takes nothing from a file for the other.
var another = map[string]string{"fail-fast": "max-failures", "max-failures": "fail-fast"}
