package campaign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/reference/policies"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
)

// TryOptions are those of [TryPolicies].
type TryOptions struct {
	Settings
	New     string   // file of policies
	Old     string   // file of those before; empty: the stored sagas' own
	Against []string // folders of runs, and history files
	Most    int      // cells that are tried at the most, taken evenly from all; 0: all
}

// TryPolicies runs stored cells twice against the reference executor, under old policies and
// under new ones, with the same plans. Templates take the place of the policies of the calls
// that follow them; what they say of errors is left out.
func TryPolicies(ctx context.Context, host Host, o TryOptions) (*results.Trial, *Finished, error) {
	files, err := o.load()
	if err != nil {
		return nil, nil, usage(err)
	}
	from, err := results.FindStored(o.Against)
	if err != nil {
		return nil, nil, usage(err)
	}
	pairs, err := o.pairs(from, files)
	if err != nil {
		return nil, nil, usage(err)
	}
	if o.Scale == 0 {
		o.Scale = 1 // the stored policies are scaled already
	}
	x, err := open(ctx, host, o.Settings, "try", nil)
	if err != nil {
		return nil, nil, err
	}
	x.link = results.TryLink
	trial := x.tryBoth(ctx, pairs)
	return trial, x.finish(), nil
}

func (o *TryOptions) load() (files [2]*policies.File, err error) {
	for i, name := range []string{o.Old, o.New} {
		if name == "" {
			continue
		}
		f, _, wrong := policies.Load(name)
		files[i], err = f, errors.Join(err, wrong)
	}
	return files, err
}

// pair is a stored cell, under the old policies and under the new ones.
type pair struct {
	scenario string
	plan     faults.Plan
	seed     uint64
	sources  [2]harness.Repeated
}

func (o *TryOptions) pairs(from *results.Stored, files [2]*policies.File) ([]pair, error) {
	var all []pair
	step := 1
	if o.Most > 0 {
		step = max((len(from.Cells)+o.Most-1)/o.Most, 1)
	}
	for i := 0; i < len(from.Cells); i += step {
		if from.Cells[i].File == "" {
			continue // it was an error
		}
		h, err := from.Cells[i].Load()
		if err != nil {
			return nil, err
		}
		if h.Header.Workflow != "" {
			return nil, fmt.Errorf("%s: is of a workflow, which has policies of its own", from.Cells[i].File)
		}
		p := pair{scenario: h.Header.Scenario, seed: h.Header.Seed}
		if err := json.Unmarshal(h.Header.Plan, &p.plan); err != nil {
			return nil, fmt.Errorf("%s: plan: %w", from.Cells[i].File, err)
		}
		for k, f := range files {
			p.sources[k] = harness.Repeated{Definitions: under(f, h.Header.Scenario, h.Header.Definitions), Registers: h.Header.Registers}
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		return nil, errors.New("--against: no cell that ran: expected the folder of a run")
	}
	return all, nil
}

// under are sagas whose calls follow a file of policies. Participants go by the names that
// they have in a scenario of the catalogue.
func under(f *policies.File, scenario string, defs []saga.Definition) []saga.Definition {
	participant := func(string) string { return "" }
	if known, err := scenarios.Match(scenario); err == nil && len(known) == 1 {
		participant = known[0].Participant
	}
	var all []saga.Definition
	for _, d := range defs {
		var steps []saga.Step
		for _, s := range d.Steps {
			s.Action = f.Under(d.Name, s.Name, saga.Action, participant(s.Name), s.Action)
			if s.Compensation != nil {
				undo := f.Under(d.Name, s.Name, saga.Compensation, participant(s.Name), *s.Compensation)
				s.Compensation = &undo
			}
			steps = append(steps, s)
		}
		d.Steps = steps
		all = append(all, d)
	}
	return all
}

// tryBoth runs both cells of each pair, and compares what they showed.
func (x *session) tryBoth(ctx context.Context, pairs []pair) *results.Trial {
	type place struct{ pair, which int }
	places := map[string]place{}
	seen := make([][2]*history.History, len(pairs))
	x.watch = func(r harness.Result, _ []checkers.Verdict) {
		if at := places[r.Asked]; !r.Spoilt {
			seen[at.pair][at.which] = r.History
		}
	}
	var cells []harness.Cell
	for i, p := range pairs {
		for k, source := range p.sources {
			c := x.cellOf(p.scenario, source, len(source.Definitions), p.plan, p.seed)
			places[c.ID] = place{i, k}
			cells = append(cells, c)
		}
	}
	x.runCells(ctx, len(cells), slices.Values(cells))
	trial := &results.Trial{}
	for i, p := range pairs {
		if seen[i][0] == nil || seen[i][1] == nil {
			trial.Without++
			continue
		}
		trial.Compare(p.scenario, p.plan.String(), seen[i][0], seen[i][1])
	}
	return trial
}
