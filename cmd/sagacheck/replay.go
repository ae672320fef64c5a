package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/results"
)

func newReplay(p process) *cobra.Command {
	var s settings
	var times int
	c := &cobra.Command{
		Use:   "replay FILE",
		Short: "Run a stored failure again",
		Long: `Runs the cell of a replay file (failures/*.yaml of a run) again: the same
definitions, plan, participant profile and planted defects, against the system
under test that the file names. It asks whether the clause that was broken is broken
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
	s.register(c)
	for _, hidden := range []string{"scenario"} {
		_ = c.Flags().MarkHidden(hidden) // the file says it
	}
	c.Flags().IntVar(&times, "times", 1, "how often")
	c.RunE = func(c *cobra.Command, args []string) error {
		r, err := interruptible(c.Context(), func() (*results.Replay, error) { return results.LoadReplay(args[0]) })
		if err == nil && times < 1 {
			err = errors.New("--times: expected 1 or more")
		}
		if err == nil {
			err = errors.Join(r.Plan.Validate(), r.Plan.Fits(r.Definitions))
		}
		if err != nil {
			return badInput(err)
		}
		return replay(c, p, s, r, times)
	}
	return c
}

// adopt takes from the file what the flags do not say.
func (s *settings) adopt(c *cobra.Command, r *results.Replay) error {
	f := c.Flags()
	if !f.Changed("orchestrator") {
		if r.System.By == "" {
			return fmt.Errorf("system: missing: the file does not say how %q was reached: say it with --orchestrator", r.Orchestrator.Name)
		}
		s.orchestrator = r.System.Name
	}
	if !f.Changed("participants") {
		s.profile = r.Profile
	}
	if !f.Changed("property") && r.Property != "" {
		s.properties, s.clause = []string{r.Property}, r.Clause
	}
	if !f.Changed("defect") {
		s.defects = r.Defects
	}
	if !f.Changed("seed") {
		s.seed = max(r.Seed, 1)
	}
	if !f.Changed("settle") && r.SettleMS > 0 {
		s.settle = time.Duration(r.SettleMS) * time.Millisecond
	}
	if s.scale == 0 {
		s.scale = 1 // the stored policies are scaled already
	}
	return nil
}

// changed says whether the manifest that the failure was found with is another one
// by now; empty: it is the same.
func changed(s settings, r *results.Replay) string {
	if r.System.By != results.ByManifest || s.orchestrator != r.System.Name {
		return ""
	}
	if now, err := reached(s.orchestrator); err == nil && now.Digest != r.System.Digest {
		return fmt.Sprintf("the manifest %s has changed since the failure was found", s.orchestrator)
	}
	return ""
}

// replay runs the cell of the file again.
func replay(c *cobra.Command, p process, s settings, r *results.Replay, times int) error {
	if err := s.adopt(c, r); err != nil {
		return usage(fmt.Errorf("replay file %s: %w", c.Flags().Arg(0), err))
	}
	if why := changed(s, r); why != "" {
		fmt.Fprintf(p.stderr, "sagacheck: %s\n", why)
	}
	x, err := open(c.Context(), p, s, c, nil)
	if err != nil {
		return err
	}
	x.link = results.ReplayLink
	if err := x.possible(r.Plan); err != nil {
		return errors.Join(usage(fmt.Errorf("replay: plan.%w", err)), x.close())
	}
	source := harness.Frozen{Definitions: r.Definitions, Registers: r.Registers}
	x.runCells(c.Context(), times, func(yield func(harness.Cell) bool) {
		for range times {
			if !yield(x.frozen(r.Scenario, source, len(r.Definitions), r.Plan, r.Seed)) {
				return
			}
		}
	})
	if t := x.collector.Totals(); times > 1 {
		fmt.Fprintf(p.stderr, "sagacheck: failed again in %d of %d replays\n", t.Violated, t.Cells)
	}
	return x.finish()
}
