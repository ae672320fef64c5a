package faults

import (
	"slices"

	"github.com/sagacheck/sagacheck/saga"
)

// Ability says which faults an orchestrator can be given.
type Ability struct {
	Process bool // its process may be killed and paused
	Store   bool // it can be cut off from its store
	// Operator: it can be asked for a rollback.
	Operator bool
}

func (a Ability) allows(d KindDoc) bool {
	return (!d.Process || a.Process) && (!d.Operator || a.Operator) && (d.Name != (storeOutage{}).Doc().Name || a.Store)
}

// Curated is the fixed set of plans for the sagas of a cell: no fault, each kind
// at each of its phases in both directions (as far as a saga can get there), late
// arrivals, windows, and the ends of policies. Every fault of them is sure to fire
// against an orchestrator that keeps the contract. No plan is there twice.
func Curated(defs []saga.Definition, a Ability) []Plan {
	d := defs[0]
	plans := []Plan{{}}
	spread := 0
	for _, k := range Kinds() {
		doc := k.Doc()
		if !a.allows(doc) {
			continue
		}
		if doc.Window() {
			plans = append(plans, Plan{[]Fault{windowOf(d, doc.Name)}})
			continue
		}
		for _, phase := range doc.Phases {
			for _, direction := range []saga.Direction{saga.Action, saga.Compensation} {
				spread++
				if p, ok := place(d, doc.Name, phase, direction, spread); ok {
					plans = append(plans, p)
				}
			}
		}
	}
	plans = slices.Concat(plans, special(d), ends(defs, a), early(defs))
	seen := map[string]bool{}
	return slices.DeleteFunc(plans, func(p Plan) bool {
		again := seen[p.ID()]
		seen[p.ID()] = true
		return again
	})
}

// place finds a plan that puts a kind at a phase of some step of the saga;
// spread varies the step.
func place(d saga.Definition, kind string, phase saga.Phase, direction saga.Direction, spread int) (Plan, bool) {
	for i := range d.Steps {
		s := d.Steps[(i+spread)%len(d.Steps)]
		at := saga.FailurePoint{Step: s.Name, Direction: direction, Attempt: 1, Phase: phase}
		call, ok := d.Call(at.Ref())
		if !ok {
			continue
		}
		f := defaults(Fault{Kind: kind, At: at}, call.Retry)
		for _, trigger := range triggers(d, s, direction) {
			p := Plan{append(trigger, f)}
			if predict(d, p, 1).ends() {
				return p, true
			}
		}
	}
	return Plan{}, false
}

// triggers are ways to get a step compensated, the shortest first; an action
// needs none.
func triggers(d saga.Definition, s saga.Step, direction saga.Direction) [][]Fault {
	if direction == saga.Action {
		return [][]Fault{nil}
	}
	var ways [][]Fault
	for _, other := range d.Steps {
		if other.Name != s.Name && other.Kind != saga.Deferrable {
			ways = append(ways, []Fault{{Kind: (reject{}).Doc().Name, At: point(other.Name, 1, saga.Receive)}})
		}
	}
	var exhaust []Fault
	for n := 1; n <= s.Action.Retry.MaxAttempts; n++ {
		phase := saga.Receive
		if n == 1 {
			phase = saga.Commit
		}
		exhaust = append(exhaust, Fault{Kind: (failure{}).Doc().Name, At: point(s.Name, n, phase)})
	}
	return append(ways, exhaust)
}

func point(step string, attempt int, phase saga.Phase) saga.FailurePoint {
	return saga.FailurePoint{Step: step, Direction: saga.Action, Attempt: attempt, Phase: phase}
}

// defaults fills in the fields of a fault at a point with the usual values.
func defaults(f Fault, p saga.RetryPolicy) Fault {
	k, err := KindByName(f.Kind)
	if err != nil || k.Doc().Window() {
		return f
	}
	return k.Usual(f, p)[0]
}
