package planning

import (
	"encoding/json"
	"reflect"
	"slices"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// Case is all that a shrinker may change of a failing cell: its plan and the
// definitions of its sagas. Registers are their initial values.
type Case struct {
	Plan        faults.Plan
	Definitions []saga.Definition
	Registers   map[string]string
	// Fixed: the steps are the user's own, and stay as they are.
	Fixed bool
}

// key names a case.
func (c Case) key() string {
	b, err := json.Marshal(c.Definitions)
	if err != nil { // plain data
		panic(err)
	}
	return canonical(c.Plan).ID() + string(b)
}

// Smaller lists the cases that are one move smaller than c, the boldest first:
// without a fault, without the sagas and the steps that no fault strikes, with a
// simpler kind of fault, with an earlier attempt, with fewer or plainer fields.
// Every list of moves ends.
func (c Case) Smaller() []Case {
	var all []Case
	for _, p := range fewerFaults(c.Plan) {
		all = append(all, c.with(p))
	}
	all = append(all, fewerSagas(c)...)
	if !c.Fixed {
		all = append(all, fewerSteps(c)...)
	}
	for i, f := range c.Plan.Faults {
		policy := policyOf(c.Definitions[0], f.At)
		for _, g := range slices.Concat(faults.KindOf(f).Simpler(f, policy), earlier(f), plainer(f, policy)) {
			if p := replaced(c.Plan, i, g); p.Validate() == nil {
				all = append(all, c.with(p))
			}
		}
	}
	return all
}

func (c Case) with(p faults.Plan) Case {
	c.Plan = p
	return c
}

func replaced(p faults.Plan, i int, f faults.Fault) faults.Plan {
	q := faults.Plan{Faults: slices.Clone(p.Faults)}
	q.Faults[i] = f
	return q
}

func fewerFaults(p faults.Plan) []faults.Plan {
	var all []faults.Plan
	for i := range p.Faults {
		all = append(all, faults.Plan{Faults: slices.Delete(slices.Clone(p.Faults), i, i+1)})
	}
	return all
}

// fewerSagas drops one saga that no fault strikes; those after it move up.
func fewerSagas(c Case) []Case {
	if len(c.Definitions) < 2 {
		return nil
	}
	var all []Case
	for n := len(c.Definitions); n >= 1; n-- {
		struck := slices.ContainsFunc(c.Plan.Faults, func(f faults.Fault) bool { return !f.At.IsZero() && max(f.Saga, 1) == n })
		if struck {
			continue
		}
		d := c
		d.Definitions = slices.Delete(slices.Clone(c.Definitions), n-1, n)
		d.Plan = faults.Plan{Faults: slices.Clone(c.Plan.Faults)}
		for i, f := range d.Plan.Faults {
			if f.Saga > n {
				d.Plan.Faults[i].Saga = number(f.Saga - 1)
			}
		}
		all = append(all, d)
	}
	return all
}

// fewerSteps drops steps that no fault strikes: all of them at once, then one
// after the other, the last first.
func fewerSteps(c Case) []Case {
	var all []Case
	bold, dropped := c, 0
	for _, s := range slices.Backward(c.Definitions[0].Steps) {
		if d, ok := withoutStep(c, s.Name); ok {
			all = append(all, d)
		}
		if d, ok := withoutStep(bold, s.Name); ok {
			bold, dropped = d, dropped+1
		}
	}
	if dropped > 1 {
		return append([]Case{bold}, all...)
	}
	return all
}

// withoutStep drops a step from all sagas; what came after it comes after what it
// came after. It refuses a step that the plan strikes, the last one, one that
// shares a register with another (the other could not go on), and a pivot that
// steps which are never undone rely on.
func withoutStep(c Case, name string) (Case, bool) {
	d := c
	d.Definitions = slices.Clone(c.Definitions)
	d.Plan = faults.Plan{Faults: slices.Clone(c.Plan.Faults)}
	for i, f := range d.Plan.Faults {
		if f.At.Step == name || len(f.Steps) == 1 && f.Steps[0] == name {
			return c, false
		}
		d.Plan.Faults[i].Steps = slices.DeleteFunc(slices.Clone(f.Steps), func(s string) bool { return s == name })
	}
	for i, def := range d.Definitions {
		if len(def.Steps) < 2 || def.StepIndex(name) < 0 || needed(def, name) {
			return c, false
		}
		d.Definitions[i] = def.Without(name)
	}
	return d, true
}

func needed(d saga.Definition, name string) bool {
	s, _ := d.Step(name)
	mine := registersOf(s)
	return d.Fallbacks()[name] != "" || slices.ContainsFunc(d.Steps, func(o saga.Step) bool {
		if o.Name == name {
			return false
		}
		shares := slices.ContainsFunc(registersOf(o), func(r string) bool { return slices.Contains(mine, r) })
		return shares || s.Kind == saga.Pivot && o.Kind == saga.Retriable
	})
}

func registersOf(s saga.Step) []string {
	e, err := s.Action.Effect()
	if err != nil {
		return nil
	}
	var names []string
	for _, w := range e.Writes {
		names = append(names, w.Register)
	}
	return names
}

// earlier moves a fault to an earlier attempt.
func earlier(f faults.Fault) []faults.Fault {
	if f.At.Attempt < 2 {
		return nil
	}
	before, first := f, f
	before.At.Attempt--
	first.At.Attempt = 1
	if before.At == first.At {
		return []faults.Fault{first}
	}
	return []faults.Fault{first, before}
}

// plainer takes fields back to the value that everybody knows, and windows over
// fewer steps and calls.
func plainer(f faults.Fault, p saga.RetryPolicy) []faults.Fault {
	var all []faults.Fault
	if g := faults.Defaults(f, p); !reflect.DeepEqual(g, f) {
		all = append(all, g)
	}
	if f.Injection(0).Copied && f.DelayMS > 0 {
		g := f
		g.DelayMS = 0
		all = append(all, g)
	}
	if len(f.Steps) > 1 {
		for _, s := range f.Steps {
			g := f
			g.Steps = []string{s}
			all = append(all, g)
		}
	}
	if len(f.Calls) > 1 {
		g := f
		g.Calls = []bool{true}
		all = append(all, g)
	}
	if f.FromMS > 0 {
		g := f
		g.FromMS = 0
		all = append(all, g)
	}
	return all
}
