package planning

import (
	"net/http"
	"slices"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// Journey is a way that a saga was seen to go: the plan that led it there, and what it
// passed.
type Journey struct {
	Plan  faults.Plan
	Trace Trace
}

// Journeys are the plans that lead the saga of a workflow along its different ways, of
// which nobody knows in advance how they go: no fault, each step refused, each step
// failing for as long as the workflow tries, each step without an answer.
func Journeys(d saga.Definition) []faults.Plan {
	plans := []faults.Plan{{}}
	for _, s := range d.Steps {
		plans = append(plans, faults.Plan{Faults: []faults.Fault{declined(point(s.Name, 1, saga.Receive))}})
	}
	for _, s := range d.Steps {
		for _, f := range []faults.Fault{lost(point(s.Name, 1, saga.Response)), away(s.Name, outlasts)} {
			plans = append(plans, faults.Plan{Faults: []faults.Fault{f}})
		}
	}
	return plans
}

// MostUnheard is how many answers to a call are lost at the most.
const MostUnheard = 10

// Unheard are the plans that follow from journeys on which n-1 answers to a step were lost and
// it was sent again all the same: n of them are. Otherwise nobody would see what a saga makes of
// a step of which it never hears, though it was done, when it has had enough of asking.
func Unheard(journeys []Journey, n int) []faults.Plan {
	return onceMore(journeys, n, unheard)
}

// Unreached are the plans that follow from journeys on which a saga turned back and n-1 requests of one compensation were
// lost: n of them are. Otherwise nobody would see what a saga makes of a compensation that was not done when it has had
// enough of asking.
func Unreached(journeys []Journey, n int) (plans []faults.Plan) {
	seen := map[saga.FailurePoint]bool{}
	for _, j := range journeys {
		fs := j.Plan.Faults
		if len(fs) != n || !decided(fs[0].Injection(0)) || n > 1 && !inARow(fs[1:], undoLost) {
			continue
		}
		for _, v := range j.Trace.Visits {
			at := v.At
			if n == 1 && at.Step == fs[0].At.Step || n > 1 && at.Ref() != fs[1].At.Ref() {
				continue // what was refused need not be undone
			}
			if v.Saga == 0 && !v.Read && ofUndo(at) && at.Attempt == n && !seen[at] {
				seen[at] = true
				plans = append(plans, faults.Plan{Faults: append(slices.Clone(fs), lost(at))})
			}
		}
	}
	return plans
}

// undoLost tells whether a fault loses the request of a compensation.
func undoLost(f faults.Fault) bool { return ofUndo(f.At) && f.Injection(0).Silent() }

// ofUndo tells whether the request of a compensation passes a point.
func ofUndo(at saga.FailurePoint) bool {
	return at.Phase == saga.Request && at.Direction == saga.Compensation
}

// unheard tells whether a fault takes the answer to a call.
func unheard(f faults.Fault) bool { return f.At.Phase == saga.Response && f.Injection(0).Silent() }

// onceMore are the plans that follow from journeys whose faults are of a sort, and strike the first
// n-1 attempts of a call that was sent again all the same: the next one is struck, too.
func onceMore(journeys []Journey, n int, sort func(faults.Fault) bool) []faults.Plan {
	var plans []faults.Plan
	for _, j := range journeys {
		before := j.Plan.Faults
		if len(before) != n-1 || !inARow(before, sort) {
			continue
		}
		next := before[0]
		next.At.Attempt = n
		if j.Trace.passed(next.At) {
			plans = append(plans, faults.Plan{Faults: append(slices.Clone(before), next)})
		}
	}
	return plans
}

// inARow tells whether faults of a sort strike the first attempts of one call, one after the other.
func inARow(fs []faults.Fault, sort func(faults.Fault) bool) bool {
	for i, f := range fs {
		if !sort(f) || f.At.Attempt != i+1 || f.At.Ref() != fs[0].At.Ref() {
			return false
		}
	}
	return len(fs) > 0
}

// Silenced are the plans that follow from journeys on which a service called back: its n-th
// attempt is lost, after those before it. What a workflow does that never hears of what it
// asked for shows only when all of them are; and when the answer that said that the call was
// taken is lost as well.
func Silenced(journeys []Journey, n int) []faults.Plan {
	var plans []faults.Plan
	type way struct {
		at   saga.FailurePoint
		deaf bool // the answer to the call is lost, too
	}
	seen := map[way]bool{}
	for _, j := range journeys {
		for _, v := range j.Trace.Visits {
			step, back := saga.CutCallback(v.At.Step)
			answer := saga.FailurePoint{Step: step, Direction: v.At.Direction, Part: v.At.Part, Attempt: 1, Phase: saga.Response}
			this := way{v.At, j.Plan.Loses(answer)}
			if !back || v.Saga != 0 || v.At.Phase != saga.Request || v.At.Attempt != n || seen[this] || !silentUpTo(j.Plan, v.At) {
				continue
			}
			seen[this] = true
			plans = append(plans, faults.Plan{Faults: append(slices.Clone(j.Plan.Faults), lost(v.At))})
		}
	}
	return plans
}

// MostSilenced is how many attempts of a callback are lost at the most.
const MostSilenced = 5

// silentUpTo tells whether a plan loses all attempts of a callback before one.
func silentUpTo(p faults.Plan, at saga.FailurePoint) bool {
	for n := 1; n < at.Attempt; n++ {
		before := at
		before.Attempt = n
		if !p.Loses(before) {
			return false
		}
	}
	return true
}

// passed tells whether the first saga came to a point.
func (t Trace) passed(at saga.FailurePoint) bool {
	return slices.ContainsFunc(t.Visits, func(v Visit) bool { return v.Saga == 0 && v.At == at })
}

// outlasts is how long a service is away, in ms, so that the retries of most workflows
// come to their end.
const outlasts = 3000

// Together are plans for several sagas at once: what one of them is told must not become
// another's. None meets a fault, each step is refused to one, and to all of them; and the
// answer to each step is lost to one. Where the process may be killed, it is while all of them
// are under way, at the step in the middle of one: who takes up only one of several is seen.
func Together(d saga.Definition, sagas int, a Ability) []faults.Plan {
	plans := []faults.Plan{{}}
	for _, s := range d.Steps {
		refusal := declined(point(s.Name, 1, saga.Receive))
		silence := to(1, lost(point(s.Name, 1, saga.Response)))
		all := faults.Plan{}
		for n := range sagas {
			all.Faults = append(all.Faults, to(n+1, refusal))
		}
		plans = append(plans, faults.Plan{Faults: []faults.Fault{to(1, refusal)}}, all, faults.Plan{Faults: []faults.Fault{silence}})
	}
	if a.Process && len(d.Steps) > 0 {
		amid := point(d.Steps[len(d.Steps)/2].Name, 1, saga.Receive)
		plans = append(plans, faults.Plan{Faults: []faults.Fault{to(1, killedFor(amid, moment))}})
	}
	return plans
}

// mostAttempts is up to which attempt of an operation its points are tried: what comes
// after a second one is more of the same.
const mostAttempts = 2

// explains tells whether an attempt was to be expected on a journey: the first one, and one
// after an attempt that a fault of the plan struck. Others may come of a machine that was late
// once, and not come again.
func (j Journey) explains(at saga.FailurePoint) bool {
	return at.Attempt == 1 || j.provoked(at) > 0
}

// raced tells whether a call may have been needless but for the clock: a further attempt where
// a callback came, sooner or later, and a question before it came. Where the callback is lost, the
// call is sure to be made.
func (j Journey) raced(v Visit) bool {
	called := map[saga.StepRef]bool{}
	for _, o := range j.Trace.Visits {
		step, back := saga.CutCallback(o.At.Step)
		of := saga.StepRef{Step: step, Direction: o.At.Direction, Part: o.At.Part}
		switch {
		case o.Saga != v.Saga:
		case back && o.At.Attempt == 1 && o.At.Phase == saga.Request && !j.Plan.Loses(o.At):
			if v.At.Ref() == of && v.At.Attempt > 1 || v.Read && called[of] && o.Seq > v.Seq {
				return true
			}
		case o.Seq <= v.Seq:
			called[o.At.Ref()] = true
		}
	}
	return false
}

// always tells whether all of some journeys came to a point.
func always(at saga.FailurePoint, journeys []Journey) bool {
	return !slices.ContainsFunc(journeys, func(j Journey) bool { return !j.Trace.passed(at) })
}

// usual tells whether most of the journeys that came to the first attempt came to this one, too.
func usual(at saga.FailurePoint, journeys []Journey) bool {
	first, again := at, 0
	first.Attempt = 1
	for _, j := range journeys {
		switch {
		case j.Trace.passed(at):
			again++
		case j.Trace.passed(first):
			again--
		}
	}
	return again > 0
}

// AtPoints puts every kind of fault at every failure point that the journeys passed, each
// once: on the journey that came to it first, behind all that its plan does; at an undo on the first one on which there
// was something to undo, if there was on any. Of several journeys of one plan each must have come to it. What is a journey
// itself is left out.
func AtPoints(d saga.Definition, journeys []Journey, a Ability) []faults.Plan {
	var plans []faults.Plan
	seen, alike := map[saga.FailurePoint]bool{}, map[string][]Journey{}
	for _, j := range journeys {
		alike[j.Plan.ID()] = append(alike[j.Plan.ID()], j)
	}
	strike := func(j Journey, v Visit) {
		seen[v.At] = true
		for _, fs := range append(oneByOne(append(j.Trace.variantsAt(v, d, a), lastWords(v, a)...)), killedUnsent(v, d, a)...) {
			p := faults.Plan{Faults: slices.Concat(j.Plan.Faults, fs)}
			if p.Validate() == nil && alike[p.ID()] == nil {
				plans = append(plans, p)
			}
		}
	}
	var idle []func()
	for _, j := range journeys {
		same := alike[j.Plan.ID()]
		for _, v := range j.Trace.Visits {
			switch {
			case v.Saga != 0 || v.Seq <= j.Trace.Last || seen[v.At] || v.At.Attempt > mostAttempts:
			case !j.explains(v.At) && !usual(v.At, journeys) || j.raced(v) || !always(v.At, same):
			case a.sharedAt(v) && !j.surelyBehind(v, same, journeys):
			case v.At.Direction == saga.Compensation && !j.Trace.took(v.At.Step):
				idle = append(idle, func() {
					if !seen[v.At] {
						strike(j, v)
					}
				})
			default:
				strike(j, v)
			}
		}
	}
	for _, strike := range idle {
		strike()
	}
	return plans
}

// took tells whether a step of the first saga took effect, or may have: into a real service nobody sees.
func (t Trace) took(step string) bool {
	return slices.ContainsFunc(t.Visits, func(v Visit) bool {
		return v.Saga == 0 && v.At.Step == step && v.At.Direction == saga.Action && (v.At.Phase == saga.Commit || v.Real)
	})
}

func oneByOne(fs []faults.Fault) (each [][]faults.Fault) {
	for _, f := range fs {
		each = append(each, []faults.Fault{f})
	}
	return each
}

// killedUnsent is a kill at a first attempt that does nothing, where both can strike.
func killedUnsent(v Visit, d saga.Definition, a Ability) [][]faults.Fault {
	if v.At.Phase != saga.Response || v.At.Attempt != 1 || saga.Inbound(v.At.Step) || v.At.Step == saga.SubmitStep {
		return nil
	}
	at := v.At
	at.Phase = saga.Receive
	fs := unsent(at, policyOf(d, v.At))
	kill := fs[len(fs)-1].Kind
	if !slices.ContainsFunc(placeable(v, a), func(k faults.KindDoc) bool { return k.Name == kill }) {
		return nil
	}
	for i := range fs {
		fs[i] = to(v.Saga, fs[i])
	}
	return [][]faults.Fault{fs}
}

// refusable tells whether connections to the service of a step may be refused.
func (a Ability) refusable(step string) bool {
	name, _ := saga.CutInstance(step)
	return a.Refusable == nil || a.Refusable[name]
}

// lastWords are the answers that a workflow promises to take for the last word on the call
// of a visit, besides those that every call is given.
func lastWords(v Visit, a Ability) []faults.Fault {
	if v.At.Phase != saga.Receive || v.At.Attempt != 1 {
		return nil
	}
	step, _ := saga.CutInstance(v.At.Step)
	var fs []faults.Fault
	for _, code := range a.Promises[saga.StepRef{Step: step, Direction: v.At.Direction}.String()].Permanent {
		if code != http.StatusUnprocessableEntity { // that of a rule of the business
			fs = append(fs, to(v.Saga, answered(v.At, code)))
		}
	}
	return fs
}
