package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/wire"
)

// governor changes what governs the orchestrator of a cell.
type governor struct {
	client orchestrators.Governor
	defs   []saga.Definition
}

var _ wire.Governor = governor{}

// governor is nil for an orchestrator that can't be governed.
func (r *cellRun) governor() wire.Governor {
	if g, ok := r.sys.Client(r.sys.Base()).(orchestrators.Governor); ok {
		return governor{g, r.defs}
	}
	return nil
}

// Waits puts a file in force that leaves every call as it is but for its waits.
func (g governor) Waits(ctx context.Context, d time.Duration) (int, error) {
	file := policyFile{Templates: map[string]policyTemplate{}}
	if d > 0 {
		file.add(g.defs[0], d)
	}
	text, err := json.Marshal(file)
	if err != nil {
		return 0, err
	}
	return g.client.PutPolicies(ctx, text)
}

// policyFile is a file of policies, see docs/contract.md.
type policyFile struct {
	Templates map[string]policyTemplate `json:"templates"`
	Bindings  []policyBinding           `json:"bindings,omitempty"`
}

type policyTemplate struct {
	Retry saga.RetryPolicy `json:"retry"`
}

type policyBinding struct {
	Template  string         `json:"template"`
	Saga      string         `json:"saga,omitempty"`
	Step      string         `json:"step"`
	Direction saga.Direction `json:"direction"`
}

// add binds each call of a kind of saga to a template of its own.
func (f *policyFile) add(d saga.Definition, wait time.Duration) {
	for i, s := range d.Steps {
		for direction, c := range map[saga.Direction]*saga.Call{saga.Action: &s.Action, saga.Compensation: s.Compensation} {
			if c == nil {
				continue
			}
			name := fmt.Sprintf("step-%d-%s", i+1, direction)
			p := c.Retry
			ms := int(wait.Milliseconds())
			p.InitialIntervalMS, p.MaxIntervalMS, p.Multiplier, p.Jitter = ms, ms, 1, 0
			p.Adaptive = saga.Adaptive{} // the wait is to be told from any other
			f.Templates[name] = policyTemplate{p}
			f.Bindings = append(f.Bindings, policyBinding{name, d.Name, s.Name, direction})
		}
	}
}

// Throw sets a flag.
func (g governor) Throw(ctx context.Context, flag string, steps []string, most time.Duration) (int, error) {
	var hosts []string
	for _, d := range g.defs {
		for _, s := range d.Steps {
			if !slices.Contains(steps, s.Name) {
				continue
			}
			for _, c := range []*saga.Call{&s.Action, s.Compensation} {
				if c == nil {
					continue
				}
				if u, err := url.Parse(c.URL); err == nil {
					hosts = append(hosts, u.Host)
				}
			}
		}
	}
	return g.client.PutFlag(ctx, flag, orchestrators.Flag{
		On: true, Participants: hosts, Author: "sagacheck", Reason: "a planned fault", Expires: time.Now().Add(most).UTC(),
	})
}

// TakeBack ends it.
func (g governor) TakeBack(ctx context.Context, flag string) (int, error) {
	return g.client.PutFlag(ctx, flag, orchestrators.Flag{Author: "sagacheck", Reason: "the planned fault is over"})
}

// auditLimit bounds how long the audit of a cell may take.
const auditLimit = 5 * time.Second

// audit records what the orchestrator says that it decided, in a cell in which it was
// governed or operated. What it does not tell is for a checker to find missing; that nothing can be
// read is trouble.
func (r *cellRun) audit(ctx context.Context, began time.Time) error {
	g, ok := r.in.Governor.(governor)
	governed, operated := false, false
	for _, f := range r.cell.Plan.Faults {
		d := faults.KindOf(f).Doc()
		governed, operated = governed || d.Governs, operated || d.Operates
	}
	if !ok || !governed && !operated || !r.can("audit") {
		return nil
	}
	ids := r.accepted.all()
	if governed { // what governs all, too
		ids = append([]string{""}, ids...)
	}
	ctx, cancel := context.WithTimeout(ctx, auditLimit)
	defer cancel()
	for _, id := range ids {
		entries, err := g.client.Audit(ctx, id, began)
		if err != nil {
			return fmt.Errorf("the audit of cell %s: %w", r.cell.ID, err)
		}
		for _, a := range entries {
			if a.Saga != id {
				continue // of another cell, or told with its saga
			}
			e := history.Event{Kind: history.Audited, Saga: a.Saga, Step: a.Step, Direction: a.Direction, Attempt: a.Attempt, What: a.What, Flag: a.Flag, Detail: a.Why, By: a.Author, Reason: a.Reason}
			if id == "" {
				e.Detail, e.By, e.Reason = a.Author, "", ""
			}
			r.rec.Add(e)
		}
	}
	r.rec.Add(history.Event{Kind: history.AuditRead})
	return nil
}
