package planning

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// journeys are plans that lead a saga another way than the one without trouble, as far as what that
// passed can be struck: refused at each of its steps, given up at a step of each kind, told so or in
// silence, refused after an attempt that was done and not answered, rolled back by an operator, and
// restarted.
func journeys(d saga.Definition, seen Trace, a Ability) (all []faults.Plan) {
	passed := func(at saga.FailurePoint, f faults.Fault) bool {
		return slices.ContainsFunc(seen.Visits, func(v Visit) bool {
			return v.At == at && v.Saga <= 1 && !v.Read &&
				slices.ContainsFunc(placeable(v, a), func(k faults.KindDoc) bool { return k.Name == f.Kind })
		})
	}
	add := func(f faults.Fault, times int) {
		if passed(f.At, f) {
			all = append(all, faults.Plan{Faults: burst(f, times)})
		}
	}
	for _, s := range d.Steps {
		if s.Kind == saga.Compensatable || s.Kind == saga.Pivot {
			add(declined(point(s.Name, 1, saga.Receive)), 1)
		}
	}
	kinds := map[saga.Kind]bool{}
	for _, s := range d.Steps {
		most := s.Action.Retry.Most()
		if kinds[s.Kind] || most > mostGivenUp {
			continue
		}
		kinds[s.Kind] = true
		add(unavailable(point(s.Name, 1, saga.Receive)), max(most, 1))
		add(lost(point(s.Name, 1, saga.Response)), max(most, 1))
	}
	if i := slices.IndexFunc(d.Steps, triedAgain); i >= 0 {
		at := point(d.Steps[i].Name, 1, saga.Response)
		again := point(d.Steps[i].Name, 2, saga.Receive)
		if f := lost(at); passed(at, f) {
			all = append(all, faults.Plan{Faults: []faults.Fault{f, answered(again, http.StatusForbidden)}})
		}
	}
	middle := d.Steps[len(d.Steps)/2]
	if back, ok := midway(d); ok {
		add(askedBack(point(back.Name, 1, saga.Receive)), 1)
	}
	add(killed(point(middle.Name, 1, saga.Commit), middle.Action.Retry), 1)
	return all
}

// midway is the middle one of the steps that can be undone: while it is under way a rollback is asked for, which
// an orchestrator may refuse from the pivot on. Not ok: there is none.
func midway(d saga.Definition) (s saga.Step, ok bool) {
	steps := slices.DeleteFunc(slices.Clone(d.Steps), func(s saga.Step) bool { return s.Kind != saga.Compensatable })
	if len(steps) == 0 {
		return s, false
	}
	return steps[len(steps)/2], true
}

// triedAgain tells whether a step may be undone, and is attempted more than once.
func triedAgain(s saga.Step) bool { return s.Kind == saga.Compensatable && s.Action.Retry.Most() > 1 }

// mostGivenUp is how many attempts a step may have that a journey gives up.
const mostGivenUp = 5

// turns are the probes of level 1 that begin at the other journeys.
func (s *exploredSpace) turns() []*Probe {
	made := s.extendAll(s.ways)
	s.ran = append(s.ran, made...)
	return made
}

// journeys are what the fault-free run has shown to be possible.
func (s *exploredSpace) journeys() []*Probe {
	for _, plan := range journeys(s.Definitions[0], s.began.trace, s.Ability) {
		plan = canonical(plan)
		if s.plans[plan.ID()] {
			continue
		}
		s.plans[plan.ID()] = true
		s.counts.Raw++
		for _, f := range plan.Faults {
			s.reached[pairOf(f)], s.placed[pairOf(f)] = true, true
		}
		f := plan.Faults[0]
		s.ways = append(s.ways, &Probe{Space: s.Name, Level: 1, Plan: plan, fault: f, like: s.like, kind: kindOf(s.Definitions[0], f.At.Step), fresh: true, journey: true})
	}
	return s.ways
}

// within tells whether a point lies in the midst of a journey, and nothing is added there: at the
// operation that it strikes, which belongs to plans without the rest of it; at any while that
// operation has attempts to come.
func (p *Probe) within(v Visit) bool {
	return p.journey && v.Seq <= p.trace.Last && (v.At.Ref() == p.fault.At.Ref() || len(p.Plan.Faults) > 1)
}

// shape is the kinds of the faults of a plan, each with the kind of the last step that one struck.
func (p *Probe) shape() string {
	switch {
	case p.fault.Kind == "":
		return ""
	case p.journey && len(p.Plan.Faults) > 1:
		return "given up " + string(p.kind)
	}
	return strings.TrimSpace(fmt.Sprint(p.after, " ", p.fault.Kind, " ", p.kind, " ", len(p.Plan.Faults)))
}

// diverts tells whether a fault sends a saga back by itself, so that it does not come to
// those after it.
func diverts(f faults.Fault) bool {
	does := f.Injection(0)
	return does.Decides || does.Asked
}

// repeats tells whether a fault has been placed at its point, and on the same turn of a journey at a
// step of its kind.
func (s *exploredSpace) repeats(p *Probe) bool {
	turn := p.turn()
	before := s.turned[turn]
	s.turned[turn] = true
	return before && s.placed[pairOf(p.fault)]
}

// turn is what a fault that was added to a journey is, where on it it strikes, and how the journey began:
// the same at each step of a kind.
func (p *Probe) turn() string {
	f := p.fault
	again := "first"
	if f.At.Attempt > 1 {
		again = "again"
	}
	turn := fmt.Sprint(p.after, ", ", f.Kind, f.As, " ", f.At.Phase, " ", f.At.Direction, " ", p.kind, " ", again, " with ", f.DelayMS, " ", f.Code)
	if p.behind && f.Injection(0).OnProcess() { // a process that dies has forgotten the way behind it, and not that before it
		turn += " behind"
	}
	return turn
}

// postponed are the probes that SameTurn has left to this level.
func (s *exploredSpace) postponed() (made []*Probe) {
	for _, p := range s.later {
		s.counts.Raw++
		if s.add(&Probe{}, p) {
			made = append(made, p)
		}
	}
	s.later = nil
	return made
}

// kindOf is the kind of a step, or what else comes in.
func kindOf(d saga.Definition, step string) saga.Kind {
	if i := d.StepIndex(step); i >= 0 {
		return d.Steps[i].Kind
	}
	return saga.Kind(step)
}
