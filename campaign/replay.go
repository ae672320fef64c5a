package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/internal/yamlfile"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/workflows"
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
		err = r.Plannable()
	}
	if err != nil {
		return nil, badInput(err)
	}
	if err := o.adopt(r); err != nil {
		return nil, usage(err)
	}
	if why := changed(o.Settings, r); why != "" {
		host.say("%s", why)
	}
	x, err := openFor(ctx, host, o.Settings, "replay", nil, func(x *session) error {
		return errors.Join(r.Wrong("plan", asProblem(x.possible(r.Plan))), r.Wrong("definitions", x.flow.has(r.Definitions)))
	})
	if err != nil {
		return nil, err
	}
	x.link = results.ReplayLink
	source := harness.Repeated{Definitions: r.Definitions, Registers: r.Registers}
	x.runCells(ctx, o.Times, func(yield func(harness.Cell) bool) {
		for range o.Times {
			if !yield(x.cellOf(r.Scenario, source, len(r.Definitions), r.Plan, r.Seed)) {
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
	switch own := r.System.By == results.ByWorkflow; {
	case own && given("orchestrator"), own && given("defect"):
		return r.Wrong("system.by", errors.New("it is of a workflow: expected --workflow, and neither --orchestrator nor --defect"))
	case !own && given("workflow"):
		return r.Wrong("system.by", fmt.Errorf("it is not of a workflow, but of %q: expected --orchestrator in the place of --workflow", r.Orchestrator.Name))
	case own && !given("workflow"):
		o.Workflow = r.System.Name
	case own, given("orchestrator"):
	case r.System.By == "":
		return r.Wrong("system", fmt.Errorf("missing: the file does not say how %q was reached: say it with --orchestrator", r.Orchestrator.Name))
	default:
		o.Orchestrator = r.System.Name
	}
	if !given("participants") {
		o.Participants = r.Profile
	}
	if !given("property") && r.Property != "" {
		if err := judgeable(r); err != nil {
			return err
		}
		o.Properties, o.clause = []string{r.Property}, r.Clause
	}
	if !given("defect") {
		if i := slices.IndexFunc(r.Defects, func(name string) bool { return !isParticipantDefect(name) && !isReferenceDefect(name) }); i >= 0 {
			return r.Wrong(fmt.Sprintf("defects[%d]", i), fmt.Errorf("no defect is called %q: see sagacheck list defects", r.Defects[i]))
		}
		o.Defects = r.Defects
	}
	if !given("seed") {
		o.Seed = max(r.Seed, 1)
	}
	if !given("settle") && r.SettleMS > 0 {
		o.Settle = time.Duration(r.SettleMS) * time.Millisecond
	}
	if o.Quiet == 0 {
		o.Quiet = time.Duration(r.QuietMS) * time.Millisecond
	}
	if o.Scale == 0 {
		o.Scale = 1 // the stored policies are scaled already
	}
	return nil
}

// judgeable tells what is wrong with the property and the clause of a file: nothing would be judged by those that there
// are not.
func judgeable(r *results.Replay) error {
	all, err := checkers.Select([]string{r.Property})
	if err != nil {
		return r.Wrong("property", err)
	}
	var clauses []string
	for _, c := range all {
		for _, k := range c.Doc().Clauses {
			clauses = append(clauses, k.Name)
		}
	}
	if r.Clause != "" && !slices.Contains(clauses, r.Clause) {
		return r.Wrong("clause", fmt.Errorf("%q: expected a clause of %s: one of %s", r.Clause, r.Property, strings.Join(clauses, ", ")))
	}
	return nil
}

// asProblem takes the field from the text of an error.
func asProblem(err error) error {
	if err == nil {
		return nil
	}
	field, reason, _ := strings.Cut(err.Error(), ": ")
	return &yamlfile.Problem{Field: field, Reason: reason}
}

// changed says whether the manifest that the failure was found with, or the file of the
// workflow, is another one by now; empty: it is the same.
func changed(s Settings, r *results.Replay) string {
	switch {
	case r.System.By == results.ByManifest && s.Orchestrator == r.System.Name:
		if now, err := reached(s.Orchestrator); err == nil && now.Digest != r.System.Digest {
			return fmt.Sprintf("the manifest %s has changed since the failure was found", s.Orchestrator)
		}
	case r.System.By == results.ByWorkflow:
		if now, err := workflows.Load(s.Workflow); err == nil && now.Digest() != r.System.Digest {
			return fmt.Sprintf("%s is not the file that the failure was found with, or has changed since", s.Workflow)
		}
	}
	return ""
}

// has says which steps of stored sagas a workflow does not have; nil also where there is
// none.
func (f *flow) has(defs []saga.Definition) error {
	if f == nil {
		return nil
	}
	for _, d := range defs {
		for _, s := range d.Steps {
			if name, _ := saga.CutInstance(s.Name); f.file.ServiceOf(name) == "" {
				return fmt.Errorf("step %q: workflow %s has no such step", s.Name, f.file.Name)
			}
		}
	}
	return nil
}
