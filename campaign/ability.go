package campaign

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/saga"
)

// findAbility is which faults the system under test can be given (session.ability).
// Nothing can be done to one that was attached by its URL, or whose manifest names
// nothing crashable.
func (x *session) findAbility() planning.Ability {
	if x.flow != nil {
		return planning.Ability{
			Process: x.flow.file.Manifest().CanKill(), Once: x.flow.file.Promises.Start != "idempotent",
			Keys: x.flow.file.Forgetful(), Promises: x.flow.file.Promised(), DecidesAnew: x.flow.file.DecidesAnew(), Refusable: x.flow.refusable(), Silence: longestSilence,
		}
	}
	m, err := orchestrators.FindManifest(x.s.Orchestrator)
	info := x.system.Info()
	return planning.Ability{
		Process:  err == nil && m.CanKill(),
		Store:    err == nil && m.CanCutStore(),
		Operator: slices.Contains(info.Capabilities, "operator-compensation"),
		Acts:     orchestrators.ActsOf(info.Capabilities),
		Governs:  err == nil && m.CanKill() && canBeGoverned(info.Capabilities),

		Reconciles: slices.Contains(info.Capabilities, orchestrators.Reconcile),
		Repairs:    slices.Contains(info.Capabilities, orchestrators.Repair),
		Versions:   slices.Contains(info.Capabilities, orchestrators.Versions),
		Undeferred: !slices.Contains(info.Capabilities, orchestrators.Deferrable),
		Once:       !slices.Contains(info.Capabilities, "idempotent-submit"),
	}
}

// canBeGoverned tells whether policies and flags can be changed, and it can be seen that they were.
func canBeGoverned(capabilities []string) bool {
	for _, c := range []string{"policies", "flags", "audit"} {
		if !slices.Contains(capabilities, c) {
			return false
		}
	}
	return true
}

// sayUnplanned says once how many curated plans there are not, and why.
func (x *session) sayUnplanned() {
	able := x.ability()
	all := able
	all.Process, all.Store = true, true // whether it can be governed is a capability
	n := 0
	for _, s := range x.subjects() {
		d := s.blueprint()
		n += len(planning.Curated(d, all)) - len(planning.Curated(d, able))
	}
	if n == 0 {
		return
	}
	why := "its manifest names no crashable process"
	switch {
	case isURL(x.s.Orchestrator):
		why = "it was started by somebody else"
	case able.Process:
		why = "its manifest does not say how it is cut off from its store"
	}
	x.host.say("%d curated plans are left out of the planning: %s can't be given %s (%s)",
		n, x.system.Info().Name, strings.Join(unableTo(able), ", "), why)
}

// saySilent says of what a system that claims nothing is taken to be capable.
func (x *session) saySilent(silent bool) {
	if silent {
		x.host.say("%s claims no capabilities in GET /healthz, so it is taken to be capable of everything, and judged by that: %s",
			x.system.Info().Name, strings.Join(x.system.Info().Capabilities, ", "))
	}
}

// unableTo names the faults that an ability leaves out.
func unableTo(a planning.Ability) []string {
	var kinds []string
	for _, k := range faults.Kinds() {
		if d := k.Doc(); d.Process && !d.Keys && !d.Governs && !d.Operates && !a.Allows(d) {
			kinds = append(kinds, d.Name)
		}
	}
	return kinds
}

// possible refuses a plan of the user's with a fault that the system under test can't
// be given.
func (x *session) possible(p faults.Plan) error {
	a := x.ability()
	for i, f := range p.Faults {
		k, err := faults.KindByName(f.Kind)
		if err == nil && k.Doc().Keys {
			if err := forgettable(a, f); err != nil {
				return fmt.Errorf("faults[%d].%w", i, err)
			}
		}
		if err == nil && k.Doc().Operates {
			if !a.Operable(f) {
				return fmt.Errorf("faults[%d].as: %s can't be given %q as %s: expected an orchestrator with the capabilities operator-… for it, and a process of its own for a crash", i, x.systemName(), f.Kind, f.As)
			}
			continue
		}
		if err == nil && k.Doc().Governs {
			if !a.Governs {
				return fmt.Errorf("faults[%d].kind: %s can't be given %q: expected an orchestrator with the capabilities policies, flags and audit, and a process of its own", i, x.systemName(), f.Kind)
			}
			continue
		}
		if err == nil && k.Doc().Drifts && !a.Reconciles {
			return fmt.Errorf("faults[%d].kind: %s can't be given %q: expected an orchestrator with the capability %s", i, x.systemName(), f.Kind, orchestrators.Reconcile)
		}
		if err == nil && k.Doc().Redefines && !a.Versions {
			return fmt.Errorf("faults[%d].kind: %s can't be given %q: expected an orchestrator with the capability %s", i, x.systemName(), f.Kind, orchestrators.Versions)
		}
		if err == nil && x.flow != nil {
			if err := x.flow.within(f, k.Doc()); err != nil {
				return fmt.Errorf("faults[%d].%w", i, err)
			}
		}
		if err == nil && (k.Doc().Process || k.Doc().Operator && x.flow != nil) && !a.Allows(k.Doc()) {
			return fmt.Errorf("faults[%d].kind: %s can't be given %q: %s", i, x.systemName(), f.Kind, x.impossible(k.Doc()))
		}
	}
	return nil
}

// systemName is what the system under test is called; a workflow is by its file, before
// it was started.
func (x *session) systemName() string {
	if x.flow != nil {
		return x.flow.file.Name
	}
	return x.system.Info().Name
}

// impossible says why the system can't be given a fault, or what it takes.
func (x *session) impossible(kind faults.KindDoc) string {
	switch {
	case x.flow == nil:
		return "expected an orchestrator with a manifest that says how"
	case kind.Operator:
		return "a workflow's file has no way to say how it is asked for a rollback"
	case kind.Store:
		return "a workflow's file has no way to say how it is cut off from its store"
	}
	return "expected a process of the workflow's file with crashable: true"
}

// within refuses a fault inside of a real service.
func (f *flow) within(x faults.Fault, kind faults.KindDoc) error {
	step, _ := saga.CutInstance(x.At.Step)
	service := f.file.Reals()[step]
	switch {
	case service == "" || x.At.Phase != saga.Receive && x.At.Phase != saga.Commit:
		return nil
	case x.At.Phase == saga.Receive && kind.Answers:
		return nil
	}
	return fmt.Errorf("at: %s: %s would strike inside of the real service behind %s (upstream), into which nobody sees: expected request or response, or a kind that answers in its place at receive", x.At, x.Kind, service)
}

// forgettable refuses keys that are forgotten where no service does, or sooner than one
// does.
func forgettable(a planning.Ability, f faults.Fault) error {
	lives := a.Forgets(f.At.Step)
	switch {
	case lives == 0:
		return fmt.Errorf("kind: %s: the service of %s remembers keys for ever: expected a workflow in whose file its protection has a ttl", f.Kind, f.At.Step)
	case f.DelayMS < int(lives.Milliseconds()):
		return fmt.Errorf("delay_ms: %d: expected %d or more: for so long the keys of %s live in a cell", f.DelayMS, lives.Milliseconds(), f.At.Step)
	}
	return nil
}

// refusable are the steps whose service has an address of its own with each process, and is not
// found through a proxy: connections there may be refused, in a cell with one saga.
func (f *flow) refusable() map[string]bool {
	steps := map[string]bool{}
	for _, p := range f.file.Plan() {
		steps[p.Name] = f.file.Startable() && f.file.Services[p.Do.Service].Host == ""
	}
	return steps
}
