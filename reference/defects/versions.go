package defects

import (
	"context"
	"strings"
	"sync"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

// versionDefects look a definition up by its name, and not in what was written down with the saga.
var versionDefects = []Defect{
	{
		Name: "newest-version", Anomaly: "version-changed", Needs: "another version of the definition while a saga is under way",
		Description: "a saga is called for by the newest version of its name",
		lay:         newestVersion,
	},
	{
		Name: "undo-by-newest-version", Anomaly: "version-changed", Needs: "another version of the definition while a saga is under way that turns then",
		Description: "a saga is undone by the newest version of its name",
		lay:         undoByNewestVersion,
	},
	{
		Name: "newest-version-after-restart", Anomaly: "version-changed", Needs: "another version of the definition while a saga is under way, and a crash then",
		Description: "a saga that a restart carries on is called for by the newest version of its name",
		lay:         newestVersionAfterRestart,
	},
	{
		Name: "order-of-newest-version", Anomaly: "version-changed", Needs: "another version of the definition, with another order, while a saga is under way",
		Description: "the steps of a saga begin in the order of the newest version of its name",
		lay:         orderOfNewestVersion,
	},
	{
		Name: "oldest-version-stays", Anomaly: "version-changed", Needs: "a saga of another version of the definition than the first",
		Description: "a new saga is called for by the version of its name that came first",
		lay:         oldestVersionStays,
	},
}

// versions are the definitions that came, by name.
type versions struct {
	mu   sync.Mutex
	came map[string][]*saga.Definition
}

// overVersions learns of each saga's definition when it is looked at for the first time.
func overVersions(r *reference.Rules) *versions {
	v := &versions{came: map[string][]*saga.Definition{}}
	was := r.Starts
	r.Starts = func(s *state) []reference.Ref {
		v.learn(&s.Def)
		return was(s)
	}
	return v
}

// kind is what versions share: the name. Sagas whose ids do not begin alike are of runs that know nothing of each other.
func kind(d *saga.Definition) string {
	run := d.ID
	if i := strings.LastIndex(run, "-"); i >= 0 {
		run = run[:i]
	}
	return run + "/" + d.Name
}

func (v *versions) learn(d *saga.Definition) {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := v.came[kind(d)]
	for _, one := range all {
		if one.Version == d.Version {
			return
		}
	}
	v.came[kind(d)] = append(all, d)
}

// other is the newest version of a definition, or the oldest; nil: it is this one.
func (v *versions) other(d *saga.Definition, oldest bool) (found *saga.Definition) {
	v.mu.Lock()
	defer v.mu.Unlock()
	found = d
	for _, one := range v.came[kind(d)] {
		if one.Version != found.Version && (one.Version < found.Version) == oldest {
			found = one
		}
	}
	if found == d {
		return nil
	}
	return found
}

// calls has attempts of some operations made as another version has them.
func (v *versions) calls(r *reference.Rules, oldest bool, some func(o op) bool) {
	overSend(r, func(ctx context.Context, a attempt, send sender) answer {
		other := v.other(a.Saga, oldest)
		if other == nil || !some(a.Op) {
			return send(ctx, a)
		}
		if i := other.StepIndex(a.SagaStep().Name); i >= 0 {
			a.Saga, a.Step = other, i
			a.Body = a.Call().Body
		}
		return send(ctx, a)
	})
}

func newestVersion(r *reference.Rules) {
	overVersions(r).calls(r, false, func(op) bool { return true })
}

func undoByNewestVersion(r *reference.Rules) { overVersions(r).calls(r, false, isUndo) }

func newestVersionAfterRestart(r *reference.Rules) {
	v := overVersions(r)
	var again sync.Map // by id
	onRestart(r, func(_ *reference.Executor, s *state) {
		again.Store(s.Def.ID, true)
		v.learn(&s.Def)
	})
	v.calls(r, false, func(o op) bool { _, yes := again.Load(o.Saga.ID); return yes })
}

func oldestVersionStays(r *reference.Rules) {
	overVersions(r).calls(r, true, func(op) bool { return true })
}

func orderOfNewestVersion(r *reference.Rules) {
	v := overVersions(r)
	was := r.Ready
	r.Ready = func(s *state, step int) bool {
		other := v.other(&s.Def, false)
		if other == nil {
			return was(s, step)
		}
		i := other.StepIndex(s.Def.Steps[step].Name)
		if i < 0 {
			return false
		}
		for _, name := range other.Predecessors(i) {
			if k := s.Def.StepIndex(name); k >= 0 && !s.Satisfied(k) {
				return false
			}
		}
		return true
	}
}
