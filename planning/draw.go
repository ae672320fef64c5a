package planning

import (
	"net/http"
	"slices"

	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/internal/dice"
	"github.com/sagacheck/sagacheck/saga"
)

// mostFaults is how many faults a drawn plan has at the most.
const mostFaults = 4

// Draw makes a random plan for the sagas of a cell; the same seed gives the same
// plan. Every fault of it is sure to fire against an orchestrator that keeps the
// contract. Each seed may leave whole kinds of faults out (swarm testing: Groce
// et al., ISSTA 2012).
func Draw(defs []saga.Definition, a Ability, seed uint64) faults.Plan {
	return rapid.Custom(func(t *rapid.T) faults.Plan { return draw(t, defs, a) }).Example(int(seed))
}

func draw(t *rapid.T, defs []saga.Definition, a Ability) faults.Plan {
	allowed := swarm(t, a)
	windows := slices.DeleteFunc(slices.Clone(allowed), func(k faults.KindDoc) bool { return !k.Window() })
	if len(windows) > 0 && dice.Below(t, windowEvery(defs), "window") == 0 {
		p := faults.Plan{Faults: []faults.Fault{drawWindow(t, defs, dice.Pick(t, windows, "window's kind").Name)}}
		if a.Process && dice.Below(t, 3, "kill") == 0 { // what an outage did may show only then; before, there must be time for it to meet a call
			from := p.Faults[0].ForMS/2 + rapid.IntRange(1, 150).Draw(t, "after")
			p.Faults = append(p.Faults, processAway(from, rapid.IntRange(1, 50).Draw(t, "down")))
		}
		return p
	}
	points := slices.DeleteFunc(allowed, func(k faults.KindDoc) bool { return k.Window() })
	if dice.Below(t, submitEvery, "submit") == 0 {
		if f, ok := drawSubmit(t, points); ok {
			return faults.Plan{Faults: []faults.Fault{f}}
		}
	}
	var p faults.Plan
	several := compete(defs)
	if !several {
		n := 1 + dice.Below(t, len(defs), "saga of the opening")
		p.Faults = drawOpening(t, defs, points, n)
	}
	for range 1 + dice.Below(t, mostFaults, "faults") {
		n := 1 + dice.Below(t, len(defs), "saga")
		if f, ok := drawPoint(t, defs, a, p, n, points); ok {
			if !several {
				f.Saga = numbered(defs, n)
			}
			p.Faults = append(p.Faults, f)
		}
	}
	return p
}

// windowEvery is in how many plans one is a window: what many sagas do together
// shows best when all of them meet it.
func windowEvery(defs []saga.Definition) int {
	if len(defs) > 3 {
		return 2
	}
	return 10
}

// submitEvery: one plan in so many is a fault of the submission, which stands
// alone.
const submitEvery = 10

func drawSubmit(t *rapid.T, kinds []faults.KindDoc) (faults.Fault, bool) {
	phase := dice.Pick(t, []saga.Phase{saga.Request, saga.Response, saga.Response}, "phase")
	fits := slices.DeleteFunc(slices.Clone(kinds), func(k faults.KindDoc) bool { return !slices.Contains(k.Phases, phase) })
	if len(fits) == 0 {
		return faults.Fault{}, false
	}
	at := point(saga.SubmitStep, 1, phase)
	f := drawFields(t, faults.Fault{Kind: dice.Pick(t, fits, "kind").Name, At: at}, saga.SubmitPolicy)
	return f, f.Validate() == nil
}

// numbered is a saga's number in a fault: 0 where there is but one.
func numbered(defs []saga.Definition, n int) int {
	if len(defs) == 1 {
		return 0
	}
	return n
}

// drawOpening draws how a plan begins, most of the time: with a refusal, since
// there is no rollback without one; with a call that fails several times in a row,
// since policies show only then; or with a refusal after an attempt that was done
// and not answered. Single faults seldom come to that.
func drawOpening(t *rapid.T, defs []saga.Definition, kinds []faults.KindDoc, number int) []faults.Fault {
	d := defs[number-1]
	var fs []faults.Fault
	step := dice.Pick(t, d.Steps, "opening at")
	refusal := declined(point(step.Name, 1, saga.Receive))
	refusals := slices.ContainsFunc(kinds, func(k faults.KindDoc) bool { return k.Name == refusal.Kind })
	switch dice.Below(t, 5, "opening") {
	case 2:
		if refusals {
			fs = []faults.Fault{refusal}
		}
	case 3:
		fs = drawBurst(t, step, kinds)
	case 4:
		if refusals {
			unanswered := dice.Pick(t, []faults.Fault{
				lost(point(step.Name, 1, saga.Response)),
				broken(point(step.Name, 1, saga.Response)),
				failed(point(step.Name, 1, saga.Commit)),
				late(point(step.Name, 1, saga.Request), 2*step.Action.Retry.AttemptTimeoutMS),
			}, "unanswered")
			if unanswered.At.Phase != saga.Request { // it was done: only what stands in front of the participant refuses it now
				refusal = answered(refusal.At, http.StatusForbidden)
			}
			refusal.At.Attempt = 2
			fs = []faults.Fault{unanswered, refusal}
		}
	}
	for i := range fs {
		fs[i].Saga = numbered(defs, number)
	}
	if !predict(d, faults.Plan{Faults: fs}, number).ends() {
		return nil
	}
	return fs
}

// longestBurst is how many attempts of a call fail in a row at the most.
const longestBurst = 6

// drawBurst draws the same failure at several attempts of one call in a row.
func drawBurst(t *rapid.T, step saga.Step, kinds []faults.KindDoc) []faults.Fault {
	fits := slices.DeleteFunc(slices.Clone(kinds), func(k faults.KindDoc) bool { return k.InARow == "" })
	if len(fits) == 0 {
		return nil
	}
	k := dice.Pick(t, fits, "burst of")
	longest := longestBurst
	if limit := step.Action.Retry.Most(); limit > 0 {
		longest = min(limit, longestBurst)
	}
	var fs []faults.Fault
	length := longest // half of the time to the end of the policy
	if dice.Below(t, 2, "shorter") == 0 {
		length = 1 + dice.Below(t, longest, "burst")
	}
	for n := range length {
		fs = append(fs, faults.Defaults(faults.Fault{Kind: k.Name, At: point(step.Name, n+1, k.InARow)}, step.Action.Retry))
	}
	if slices.Contains(k.Phases, saga.Commit) && dice.Below(t, 2, "done") == 0 {
		fs[0].At.Phase = saga.Commit
	}
	return fs
}

// swarm leaves about a third of the kinds out, but never all.
func swarm(t *rapid.T, a Ability) []faults.KindDoc {
	var all, kept []faults.KindDoc
	for _, k := range faults.Kinds() {
		doc := k.Doc()
		if !a.Allows(doc) {
			continue
		}
		all = append(all, doc)
		if dice.Below(t, 3, "keep "+doc.Name) > 0 {
			kept = append(kept, doc)
		}
	}
	if !slices.ContainsFunc(kept, func(k faults.KindDoc) bool { return !k.Window() }) {
		return all
	}
	return kept
}

// drawPoint draws a fault at a point that is sure to be reached under the plan so
// far, and that leaves the plan's other faults sure to fire.
func drawPoint(t *rapid.T, defs []saga.Definition, a Ability, p faults.Plan, number int, kinds []faults.KindDoc) (faults.Fault, bool) {
	d, several, many := defs[number-1], compete(defs), len(defs) > 1
	before := predict(d, p, number)
	before.points = slices.DeleteFunc(before.points, func(at saga.FailurePoint) bool { return !a.attempts(d, at) })
	// Each try draws anew; a point that does not go with the plan is not forced.
	for range 8 {
		at := drawAt(t, before.points)
		if several && (at.Attempt > 1 || at.Direction == saga.Compensation || at.Phase == saga.Commit && contends(d, at.Step)) {
			continue // sagas that compete for a register make later points unsure
		}
		fits := slices.DeleteFunc(slices.Clone(kinds), func(k faults.KindDoc) bool { return !slices.Contains(k.Phases, at.Phase) })
		if len(fits) == 0 {
			continue
		}
		k := dice.Pick(t, fits, "kind")
		f := faults.Fault{Kind: k.Name, At: at}
		if number > 1 && (!several || len(d.Predecessors(max(d.StepIndex(at.Step), 0))) == 0) {
			f.Saga = number // a later step may be reached by another saga only
		}
		f = drawFields(t, f, policyOf(d, at))
		if unsettles(d, f, many) && len(p.Faults) > 0 || slices.ContainsFunc(p.Faults, func(o faults.Fault) bool { return unsettles(d, o, many) || clashes(d, f, o, several) }) {
			continue
		}
		next := faults.Plan{Faults: append(slices.Clone(p.Faults), f)}
		if next.Validate() != nil || slices.ContainsFunc(p.Faults, func(o faults.Fault) bool { return o.At == at && max(o.Saga, 1) == number }) {
			continue
		}
		if predict(d, next, number).ends() {
			return f, true
		}
	}
	return faults.Fault{}, false
}

// drawAt draws one of the points; half of the time one of a rollback, if there is
// one: it is short, and what goes wrong in it is dear.
func drawAt(t *rapid.T, points []saga.FailurePoint) saga.FailurePoint {
	back := slices.DeleteFunc(slices.Clone(points), func(p saga.FailurePoint) bool { return p.Direction != saga.Compensation })
	if len(back) > 0 && dice.Below(t, 2, "in the rollback") == 0 {
		return dice.Pick(t, back, "point")
	}
	return dice.Pick(t, points, "point")
}

// drawFields draws the numbers of a kind around the values that matter under the
// policy.
func drawFields(t *rapid.T, f faults.Fault, p saga.RetryPolicy) faults.Fault {
	return faults.KindOf(f).Draw(t, faults.Defaults(f, p), p)
}

func drawWindow(t *rapid.T, defs []saga.Definition, kind string) faults.Fault {
	f := windowOf(defs[0], kind)
	f.ForMS = rapid.IntRange(30, 120).Draw(t, "for_ms")
	f = faults.KindOf(f).Draw(t, f, saga.RetryPolicy{})
	doc := faults.KindOf(f).Doc()
	slows := doc.Uses("steps") && !doc.Transient
	if guarded := guardedSteps(defs[0]); doc.Uses("steps") && !slows && len(guarded) > 0 && dice.Below(t, 2, "at the breaker") == 0 {
		f.Steps = guarded // the steps before do not wait the window out
		f.ForMS = breakerOpens + rapid.IntRange(0, breakerOpens).Draw(t, "for_ms")
		if doc.Uses("calls") {
			f.Calls = slices.Repeat([]bool{true}, 10)
		}
		return f
	}
	if len(defs) > 3 && !slows { // all fail together, up to four times
		f.ForMS *= rapid.IntRange(1, 4).Draw(t, "longer")
		if doc.Uses("calls") {
			f.Calls = slices.Repeat([]bool{true}, len(defs)*rapid.IntRange(1, 4).Draw(t, "rounds"))
		}
	}
	return f
}

// breakerOpens is time enough, in ms, for calls to fail until a breaker opens.
const breakerOpens = 300

// guardedSteps are the steps with a circuit breaker.
func guardedSteps(d saga.Definition) []string {
	var names []string
	for _, s := range d.Steps {
		if s.Action.Breaker != nil {
			names = append(names, s.Name)
		}
	}
	return names
}
