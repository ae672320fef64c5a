package faults

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/internal/yamlfile"
	"github.com/sagacheck/sagacheck/saga"
)

// Fits checks the plan against the sagas of a cell: a fault at a place that no
// orchestrator that keeps the contract ever comes to can't fire. The error joins a
// yamlfile.Problem for each.
func (p Plan) Fits(defs []saga.Definition) error { return p.misfits(defs).Err() }

func (p Plan) misfits(defs []saga.Definition) (ps yamlfile.Problems) {
	for i, f := range p.Faults {
		at := fmt.Sprintf("faults[%d].", i)
		if f.Saga > len(defs) {
			ps.Add(at+"saga", "%d: expected a saga of the cell: 1 to %d", f.Saga, len(defs))
			continue
		}
		d := defs[max(f.Saga, 1)-1]
		for k, step := range f.Steps {
			switch reason := noRound(d, step); {
			case d.StepIndex(step) < 0 && !slices.Contains(d.Reads, step):
				ps.Add(fmt.Sprintf("%ssteps[%d]", at, k), "%q: expected a step of the saga %s: one of %s", step, d.Name, stepNames(d))
			case reason != "":
				ps.Add(fmt.Sprintf("%ssteps[%d]", at, k), "%q: %s", step, reason)
			}
		}
		if reason := p.unreachable(d, f.At); reason != "" {
			ps.Add(at+"at", "%s: %s", f.At, reason)
		}
		if reason := p.unreachable(d, f.After); reason != "" {
			ps.Add(at+"after", "%s: %s", f.After, reason)
		}
		if step, _ := d.Step(f.At.Step); KindOf(f).Doc().Drifts && step.ReadBack == "" {
			ps.Add(at+"at", "%s: nobody can read back what the step did: expected one with a read_back", f.At)
		}
		if _, ok := d.Next(); KindOf(f).Doc().Redefines && !ok {
			ps.Add(at+"kind", "%s: the saga %s has no next version: expected a first step that can be undone, and nothing shared with other sagas", f.Kind, d.Name)
		}
	}
	if len(defs) == 1 {
		ps = append(ps, p.twins(func(int) int { return 1 })...)
	}
	return ps
}

// unreachable says why no attempt comes to a point; empty: one may.
func (p Plan) unreachable(d saga.Definition, at saga.FailurePoint) string {
	if at.IsZero() || at.Step == saga.SubmitStep && at.Direction == saga.Action {
		return ""
	}
	if of, back := saga.CutCallback(at.Step); back {
		return p.uncalled(d, saga.StepRef{Step: of, Direction: at.Direction, Part: at.Part})
	}
	step, known := d.Step(at.Step)
	call, ok := d.Call(at.Ref())
	switch {
	case slices.Contains(d.Reads, at.Step) && at.Direction == saga.Action:
		return ""
	case at.Step == saga.SubmitStep:
		return "the client's call has no compensation"
	case !known:
		return fmt.Sprintf("expected a step of the saga %s: one of %s", d.Name, stepNames(d))
	case at.Part > 0 && step.Compensation != nil && step.Parts == nil:
		return fmt.Sprintf("the step %s is not undone part by part", at.Step)
	case !ok:
		return fmt.Sprintf("the step %s has no compensation", at.Step)
	}
	if reason := noRound(d, at.Step); reason != "" {
		return reason
	}
	if first := step.Name; first != at.Step && at.Phase == saga.Connect {
		return fmt.Sprintf("all rounds of the saga %s call the same addresses: expected a point of the first one, of the step %s", d.Name, first)
	}
	most := call.Retry.Most()
	if most == 0 || at.Direction == saga.Action && step.Unbounded() {
		return ""
	}
	if most += p.kills(); at.Attempt > most { // a kill may cost the count of an attempt
		return fmt.Sprintf("expected an attempt of 1 to %d: the policy of %s allows no more", most, at.Ref())
	}
	return ""
}

// noRound says why a step is none of a saga, of which it is in some round; empty: it is one.
func noRound(d saga.Definition, step string) string {
	if _, n := saga.RoundOf(step); d.HasRounds() && n > d.Rounds {
		return fmt.Sprintf("expected a round of 1 to %d: the saga %s is run forward no more often", d.Rounds, d.Name)
	}
	return ""
}

// uncalled says why no service calls back after a call; empty: one does.
func (p Plan) uncalled(d saga.Definition, of saga.StepRef) string {
	base := of
	base.Part = 0
	base.Step, _ = saga.CutInstance(of.Step)
	base.Part = 0
	switch step, known := d.Step(of.Step); {
	case of.Part > 0 && known && step.Parts == nil:
		return fmt.Sprintf("the step %s is not undone part by part", of.Step)
	case slices.Contains(d.Callbacks, base.String()):
		return ""
	case len(d.Callbacks) == 0:
		return "no service of this saga calls back"
	}
	return fmt.Sprintf("no service calls back after %s: expected the callback of one of %s", of, strings.Join(d.Callbacks, ", "))
}

// kills is how often the plan kills the orchestrator.
func (p Plan) kills() int {
	n := 0
	for _, f := range p.Faults {
		if f.Injection(0).Victim == ProcessKilled {
			n++
		}
	}
	return n
}

func stepNames(d saga.Definition) string {
	var names []string
	for _, s := range d.Steps {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}

// twins finds faults of which only one can strike: the same kind at the same
// point, or another answer to the same attempt, or the same window. number is the
// saga that a fault's number stands for.
func (p Plan) twins(number func(int) int) (ps yamlfile.Problems) {
	first := map[string]int{}
	for i, f := range p.Faults {
		f.Saga = number(f.Saga)
		what, field := fmt.Sprintf("%s at %s", f.Kind, f.At), "at"
		if f.At.IsZero() {
			what, field = fmt.Sprintf("%+v", f), "kind"
		} else if k, err := KindByName(f.Kind); err == nil {
			switch d := k.Doc(); {
			case d.Operates:
				what = fmt.Sprintf("%s %s at %s", f.Kind, f.As, f.At)
			case d.Redefines:
				what = "a change of the definition"
			case d.Answers:
				what = fmt.Sprintf("an answer at %s", f.At)
			}
		}
		key := fmt.Sprintf("%d %s", f.Saga, what)
		j, again := first[key]
		if !again {
			first[key] = i
			continue
		}
		if f.At.IsZero() {
			what = "this window"
		}
		ps.Add(fmt.Sprintf("faults[%d].%s", i, field), "%s is there already: faults[%d]: only one of the two can strike", what, j)
	}
	return ps
}

// problems are what is wrong with the plan whatever the saga.
func (p Plan) problems() (ps yamlfile.Problems) {
	for i, f := range p.Faults {
		if err := f.Validate(); err != nil {
			field, reason, _ := strings.Cut(err.Error(), ": ")
			ps.Add(fmt.Sprintf("faults[%d].%s", i, field), "%s", reason)
		}
	}
	return slices.Concat(ps, p.twins(func(n int) int { return n }), p.bodiless())
}

// Bodiless tells whether a fault of the plan lies within the body of an answer that
// has none.
func (p Plan) Bodiless() bool { return len(p.bodiless()) > 0 }

// bodiless finds faults within the body of an answer that has none: one that is given
// is given again to later attempts with the same key.
func (p Plan) bodiless() (ps yamlfile.Problems) {
	for i, f := range p.Faults {
		if k, err := KindByName(f.Kind); err != nil || !k.Injection(f, 0).halves() {
			continue
		}
		for j, o := range p.Faults {
			k, err := KindByName(o.Kind)
			if err == nil && o.At.Ref() == f.At.Ref() && o.At.Attempt <= f.At.Attempt && k.Injection(o, 0).bare() {
				ps.Add(fmt.Sprintf("faults[%d].at", i), "%s: the answer has no body: faults[%d] says 204", f.At, j)
			}
		}
	}
	return ps
}
