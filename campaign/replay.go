package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/results"
)

// ReplayOptions are those of [Replay].
type ReplayOptions struct {
	Settings
	File  string // the replay file
	Times int    // how often
	// Given names the settings that count in place of the file's, as the command line
	// calls them: orchestrator, participants, property, defect, seed, settle.
	Given []string
}

// Replay runs the cell of a replay file again.
func Replay(ctx context.Context, host Host, o ReplayOptions) (*Finished, error) {
	r, err := interruptible(ctx, func() (*results.Replay, error) { return results.LoadReplay(o.File) })
	if err == nil && o.Times < 1 {
		err = errors.New("--times: expected 1 or more")
	}
	if err == nil {
		err = errors.Join(r.Plan.Validate(), r.Plan.Fits(r.Definitions))
	}
	if err != nil {
		return nil, badInput(err)
	}
	if err := o.adopt(r); err != nil {
		return nil, usage(fmt.Errorf("replay file %s: %w", o.File, err))
	}
	if why := changed(o.Orchestrator, r); why != "" {
		host.say("%s", why)
	}
	x, err := open(ctx, host, o.Settings, "replay", nil)
	if err != nil {
		return nil, err
	}
	x.link = results.ReplayLink
	if err := x.possible(r.Plan); err != nil {
		return nil, errors.Join(usage(fmt.Errorf("replay: plan.%w", err)), x.close())
	}
	source := harness.Frozen{Definitions: r.Definitions, Registers: r.Registers}
	x.runCells(ctx, o.Times, func(yield func(harness.Cell) bool) {
		for range o.Times {
			if !yield(x.frozen(r.Scenario, source, len(r.Definitions), r.Plan, r.Seed)) {
				return
			}
		}
	})
	if t := x.collector.Totals(); o.Times > 1 {
		host.say("failed again in %d of %d replays", t.Violated, t.Cells)
	}
	return x.finish(), nil
}

// adopt takes from the file what was not given.
func (o *ReplayOptions) adopt(r *results.Replay) error {
	given := func(name string) bool { return slices.Contains(o.Given, name) }
	if !given("orchestrator") {
		if r.System.By == "" {
			return fmt.Errorf("system: missing: the file does not say how %q was reached: say it with --orchestrator", r.Orchestrator.Name)
		}
		if o.Orchestrator = r.System.Name; r.System.By == results.ByWorkflow {
			o.Workflow = r.System.Name
		}
	}
	if !given("participants") {
		o.Participants = r.Profile
	}
	if !given("property") && r.Property != "" {
		o.Properties, o.clause = []string{r.Property}, r.Clause
	}
	if !given("defect") {
		o.Defects = r.Defects
	}
	if !given("seed") {
		o.Seed = max(r.Seed, 1)
	}
	if !given("settle") && r.SettleMS > 0 {
		o.Settle = time.Duration(r.SettleMS) * time.Millisecond
	}
	if o.Scale == 0 {
		o.Scale = 1 // the stored policies are scaled already
	}
	return nil
}

// changed says whether the manifest that the failure was found with is another one
// by now; empty: it is the same.
func changed(orchestrator string, r *results.Replay) string {
	if r.System.By != results.ByManifest || orchestrator != r.System.Name {
		return ""
	}
	if now, err := reached(orchestrator); err == nil && now.Digest != r.System.Digest {
		return fmt.Sprintf("the manifest %s has changed since the failure was found", orchestrator)
	}
	return ""
}
