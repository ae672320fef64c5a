package planning

import (
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// Ability says which faults an orchestrator can be given.
type Ability struct {
	Process bool // its process may be killed and paused
	Store   bool // it can be cut off from its store
	// Operator: it can be asked for a rollback.
	Operator bool
	// Governs: its policies and flags can be changed while it runs.
	Governs bool
	// Reconciles: it reads back what participants hold, and says where that is not what it wrote down.
	Reconciles bool
	// Repairs: what was undone, and is there again, it undoes once more.
	Repairs bool
	// Versions: sagas under way keep their definition when another version of it comes.
	Versions bool
	// Undeferred: nobody has promised that a deferrable step which has used up its attempts is tried again.
	Undeferred bool
	// Acts are what operators may ask of it.
	Acts []saga.Act
	// Everywhere: explorers place what operators ask for at every failure point.
	Everywhere bool
	// Once: nobody has promised that a submission which comes twice is one saga.
	Once bool
	// Keys is how long keys live in a cell, by the step at whose service they are forgotten
	// after that. Others remember them for ever.
	Keys map[string]time.Duration
	// Refusable are the steps at whose service connections may be refused without anybody
	// else's being so: in a cell of a workflow with a process and addresses of its own. Nil: each
	// step has an address of its own.
	Refusable map[string]bool
	// Silence is how long the answers to one call may be lost, all together; 0: as long as it takes.
	Silence time.Duration
	// Promises are what a workflow promises of its calls, by their steps (charge, charge.undo).
	Promises map[string]history.Promise
	// DecidesAnew are the steps whose service decides anew on what it has refused under the same key: that it does is known.
	DecidesAnew map[string]bool
}

// Allows tells whether it can be given faults of a kind, whatever its services say, and
// wherever they strike: faults that govern it, or are what operators ask for, are placed one by one
// (curated_governed.go, curated_operated.go, curated_drift.go, curated_versions.go).
func (a Ability) Allows(d faults.KindDoc) bool {
	own := a.Process
	if d.Store {
		own = a.Store
	}
	return (!d.Process || own) && !d.Governs && !d.Operates && !d.Drifts && !d.Redefines && (!d.Operator || a.Operator) && (!d.Keys || len(a.Keys) > 0) && !d.Own
}

// Operable tells whether it can be asked for all that a fault asks for, and be killed if it says so.
func (a Ability) Operable(f faults.Fault) bool {
	for _, act := range f.Injection(0).Acts {
		if !slices.Contains(a.Acts, act) {
			return false
		}
	}
	return a.Process || !faults.KindOf(f).Doc().Process
}

// explores tells whether explorers place a kind that operators are.
func (a Ability) explores(d faults.KindDoc) bool {
	return d.Operates && a.Everywhere && len(a.Acts) > 0 && (a.Process || !d.Process)
}

// attempts tells whether it is sure to come to an attempt, as far as that is up to what it can do.
func (a Ability) attempts(d saga.Definition, at saga.FailurePoint) bool {
	s, ok := d.Step(at.Step)
	most := s.Action.Retry.Most()
	return !a.Undeferred || !ok || s.Kind != saga.Deferrable || at.Direction != saga.Action || most == 0 || at.Attempt <= most
}

// Forgets is how long the service of a step, or of an instance of one, remembers keys in
// a cell; 0: for ever.
func (a Ability) Forgets(step string) time.Duration {
	name, _ := saga.CutInstance(step)
	return a.Keys[name]
}

// Curated is the fixed set of plans for the sagas of a cell: no fault, each kind
// at each of its phases in both directions (as far as a saga can get there), late
// arrivals, windows, and the ends of policies. Every fault of them is sure to fire
// against an orchestrator that keeps the contract. No plan is there twice.
func Curated(defs []saga.Definition, a Ability) []faults.Plan {
	d := defs[0]
	plans := []faults.Plan{{}}
	spread := 0
	for _, k := range faults.Kinds() {
		doc := k.Doc()
		if !a.Allows(doc) {
			continue
		}
		if doc.Window() {
			plans = append(plans, faults.Plan{Faults: []faults.Fault{windowOf(d, doc.Name)}})
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
	return slices.DeleteFunc(plans, func(p faults.Plan) bool {
		again := seen[p.ID()]
		seen[p.ID()] = true
		return again
	})
}

// place finds a plan that puts a kind at a phase of some step of the saga;
// spread varies the step.
func place(d saga.Definition, kind string, phase saga.Phase, direction saga.Direction, spread int) (faults.Plan, bool) {
	for i := range d.Steps {
		s := d.Steps[(i+spread)%len(d.Steps)]
		at := saga.FailurePoint{Step: s.Name, Direction: direction, Attempt: 1, Phase: phase}
		call, ok := d.Call(at.Ref())
		if !ok {
			continue
		}
		f := faults.Defaults(faults.Fault{Kind: kind, At: at}, call.Retry)
		for _, trigger := range triggers(d, s, direction) {
			p := faults.Plan{Faults: append(trigger, f)}
			if predict(d, p, 1).ends() {
				return p, true
			}
		}
	}
	return faults.Plan{}, false
}

// triggers are ways to get a step compensated, the shortest first; an action
// needs none.
func triggers(d saga.Definition, s saga.Step, direction saga.Direction) [][]faults.Fault {
	if direction == saga.Action {
		return [][]faults.Fault{nil}
	}
	var ways [][]faults.Fault
	fallbacks := d.Fallbacks()
	for _, other := range d.Steps {
		if other.Name != s.Name && other.Kind != saga.Deferrable && fallbacks[other.Name] == "" {
			ways = append(ways, []faults.Fault{declined(point(other.Name, 1, saga.Receive))})
		}
	}
	var exhaust []faults.Fault
	for n := 1; n <= s.Action.Retry.Most(); n++ {
		phase := saga.Receive
		if n == 1 {
			phase = saga.Commit
		}
		exhaust = append(exhaust, failed(point(s.Name, n, phase)))
	}
	return append(ways, exhaust)
}

func point(step string, attempt int, phase saga.Phase) saga.FailurePoint {
	return saga.FailurePoint{Step: step, Direction: saga.Action, Attempt: attempt, Phase: phase}
}
