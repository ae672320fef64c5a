package faults

import (
	"net/http"
	"slices"

	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/saga"
)

// mostFaults is how many faults a drawn plan has at the most.
const mostFaults = 4

// Draw makes a random plan for the sagas of a cell; the same seed gives the same
// plan. Every fault of it is sure to fire against an orchestrator that keeps the
// contract. Each seed may leave whole kinds of faults out (swarm testing: Groce
// et al., ISSTA 2012).
func Draw(defs []saga.Definition, a Ability, seed uint64) Plan {
	return rapid.Custom(func(t *rapid.T) Plan { return draw(t, defs, a) }).Example(int(seed))
}

func draw(t *rapid.T, defs []saga.Definition, a Ability) Plan {
	allowed := swarm(t, a)
	windows := slices.DeleteFunc(slices.Clone(allowed), func(k KindDoc) bool { return !k.Window() })
	if len(windows) > 0 && below(t, windowEvery(defs), "window") == 0 {
		p := Plan{[]Fault{drawWindow(t, defs, pick(t, windows, "window's kind").Name)}}
		if a.Process && below(t, 3, "kill") == 0 { // what an outage did may show only then
			p.Faults = append(p.Faults, Fault{
				Kind: (orchestratorOutage{}).Doc().Name, FromMS: rapid.IntRange(1, 150).Draw(t, "from_ms"), ForMS: rapid.IntRange(1, 50).Draw(t, "down"),
			})
		}
		return p
	}
	points := slices.DeleteFunc(allowed, func(k KindDoc) bool { return k.Window() })
	if below(t, submitEvery, "submit") == 0 {
		if f, ok := drawSubmit(t, points); ok {
			return Plan{[]Fault{f}}
		}
	}
	var p Plan
	several := compete(defs)
	if !several {
		n := 1 + below(t, len(defs), "saga of the opening")
		p.Faults = drawOpening(t, defs, points, n)
	}
	for range 1 + below(t, mostFaults, "faults") {
		n := 1 + below(t, len(defs), "saga")
		if f, ok := drawPoint(t, defs, p, n, points); ok {
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

func drawSubmit(t *rapid.T, kinds []KindDoc) (Fault, bool) {
	phase := pick(t, []saga.Phase{saga.Request, saga.Response, saga.Response}, "phase")
	fits := slices.DeleteFunc(slices.Clone(kinds), func(k KindDoc) bool { return !slices.Contains(k.Phases, phase) })
	if len(fits) == 0 {
		return Fault{}, false
	}
	at := point(saga.SubmitStep, 1, phase)
	f := drawFields(t, Fault{Kind: pick(t, fits, "kind").Name, At: at}, submitPolicy)
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
func drawOpening(t *rapid.T, defs []saga.Definition, kinds []KindDoc, number int) []Fault {
	d := defs[number-1]
	var fs []Fault
	step := pick(t, d.Steps, "opening at")
	refusal := Fault{Kind: (reject{}).Doc().Name, At: point(step.Name, 1, saga.Receive)}
	refusals := slices.ContainsFunc(kinds, func(k KindDoc) bool { return k.Name == refusal.Kind })
	switch below(t, 5, "opening") {
	case 2:
		if refusals {
			fs = []Fault{refusal}
		}
	case 3:
		fs = drawBurst(t, step, kinds)
	case 4:
		if refusals {
			unanswered := pick(t, []Fault{
				{Kind: (lose{}).Doc().Name, At: point(step.Name, 1, saga.Response)},
				{Kind: (reset{}).Doc().Name, At: point(step.Name, 1, saga.Response)},
				{Kind: (failure{}).Doc().Name, At: point(step.Name, 1, saga.Commit)},
				{Kind: (delay{}).Doc().Name, At: point(step.Name, 1, saga.Request), DelayMS: 2 * step.Action.Retry.AttemptTimeoutMS},
			}, "unanswered")
			if unanswered.Kind != (delay{}).Doc().Name { // it was done: only what stands in front of the participant refuses it now
				refusal.Kind, refusal.Code = (answer{}).Doc().Name, http.StatusForbidden
			}
			refusal.At.Attempt = 2
			fs = []Fault{unanswered, refusal}
		}
	}
	for i := range fs {
		fs[i].Saga = numbered(defs, number)
	}
	if !predict(d, Plan{fs}, number).ends() {
		return nil
	}
	return fs
}

// longestBurst is how many attempts of a call fail in a row at the most.
const longestBurst = 6

// bursts are the kinds of which several in a row make sense, and where they strike.
var bursts = map[string]saga.Phase{
	(unavailable{}).Doc().Name: saga.Receive,
	(failure{}).Doc().Name:     saga.Receive,
	(reset{}).Doc().Name:       saga.Response,
	(lose{}).Doc().Name:        saga.Response,
}

func drawBurst(t *rapid.T, step saga.Step, kinds []KindDoc) []Fault {
	fits := slices.DeleteFunc(slices.Clone(kinds), func(k KindDoc) bool { return bursts[k.Name] == "" })
	if len(fits) == 0 {
		return nil
	}
	k := pick(t, fits, "burst of")
	longest := longestBurst
	if limit := step.Action.Retry.MaxAttempts; limit > 0 {
		longest = min(limit, longestBurst)
	}
	var fs []Fault
	length := longest // half of the time to the end of the policy
	if below(t, 2, "shorter") == 0 {
		length = 1 + below(t, longest, "burst")
	}
	for n := range length {
		fs = append(fs, defaults(Fault{Kind: k.Name, At: point(step.Name, n+1, bursts[k.Name])}, step.Action.Retry))
	}
	if k.Name == (failure{}).Doc().Name && below(t, 2, "done") == 0 {
		fs[0].At.Phase = saga.Commit
	}
	return fs
}

// swarm leaves about a third of the kinds out, but never all.
func swarm(t *rapid.T, a Ability) []KindDoc {
	var all, kept []KindDoc
	for _, k := range Kinds() {
		doc := k.Doc()
		if !a.allows(doc) {
			continue
		}
		all = append(all, doc)
		if below(t, 3, "keep "+doc.Name) > 0 {
			kept = append(kept, doc)
		}
	}
	if !slices.ContainsFunc(kept, func(k KindDoc) bool { return !k.Window() }) {
		return all
	}
	return kept
}

// drawPoint draws a fault at a point that is sure to be reached under the plan so
// far, and that leaves the plan's other faults sure to fire.
func drawPoint(t *rapid.T, defs []saga.Definition, p Plan, number int, kinds []KindDoc) (Fault, bool) {
	d, several, many := defs[number-1], compete(defs), len(defs) > 1
	before := predict(d, p, number)
	// Each try draws anew; a point that does not go with the plan is not forced.
	for range 8 {
		at := drawAt(t, before.points)
		if several && (at.Attempt > 1 || at.Direction == saga.Compensation || at.Phase == saga.Commit && contends(d, at.Step)) {
			continue // sagas that compete for a register make later points unsure
		}
		fits := slices.DeleteFunc(slices.Clone(kinds), func(k KindDoc) bool { return !slices.Contains(k.Phases, at.Phase) })
		if len(fits) == 0 {
			continue
		}
		k := pick(t, fits, "kind")
		f := Fault{Kind: k.Name, At: at}
		if number > 1 && (!several || len(d.Predecessors(max(d.StepIndex(at.Step), 0))) == 0) {
			f.Saga = number // a later step may be reached by another saga only
		}
		f = drawFields(t, f, policyOf(d, at))
		if unsettles(d, f, many) && len(p.Faults) > 0 || slices.ContainsFunc(p.Faults, func(o Fault) bool { return unsettles(d, o, many) || f.clashes(d, o, several) }) {
			continue
		}
		next := Plan{append(slices.Clone(p.Faults), f)}
		if next.Validate() != nil || slices.ContainsFunc(p.Faults, func(o Fault) bool { return o.At == at && max(o.Saga, 1) == number }) {
			continue
		}
		if predict(d, next, number).ends() {
			return f, true
		}
	}
	return Fault{}, false
}

// drawAt draws one of the points; half of the time one of a rollback, if there is
// one: it is short, and what goes wrong in it is dear.
func drawAt(t *rapid.T, points []saga.FailurePoint) saga.FailurePoint {
	back := slices.DeleteFunc(slices.Clone(points), func(p saga.FailurePoint) bool { return p.Direction != saga.Compensation })
	if len(back) > 0 && below(t, 2, "in the rollback") == 0 {
		return pick(t, back, "point")
	}
	return pick(t, points, "point")
}

// below draws 0 to n−1, all alike: rapid's own ranges prefer what is small, which
// is good for shrinking, and would send most faults to the first step.
func below(t *rapid.T, n int, label string) int {
	v := 0
	for range 16 {
		v <<= 1
		if rapid.Bool().Draw(t, label) {
			v |= 1
		}
	}
	return v % n
}

// pick draws one of a list, all alike.
func pick[T any](t *rapid.T, list []T, label string) T { return list[below(t, len(list), label)] }

// drawFields draws the numbers of a kind around the values that matter under the
// policy.
func drawFields(t *rapid.T, f Fault, p saga.RetryPolicy) Fault {
	return kindOf(f).Draw(t, defaults(f, p), p)
}

func drawWindow(t *rapid.T, defs []saga.Definition, kind string) Fault {
	f := windowOf(defs[0], kind)
	f.ForMS = rapid.IntRange(30, 120).Draw(t, "for_ms")
	f = kindOf(f).Draw(t, f, saga.RetryPolicy{})
	doc := kindOf(f).Doc()
	slows := doc.uses("steps") && !doc.Transient
	if guarded := guardedSteps(defs[0]); doc.uses("steps") && !slows && len(guarded) > 0 && below(t, 2, "at the breaker") == 0 {
		f.Steps = guarded // the steps before do not wait the window out
		f.ForMS = breakerOpens + rapid.IntRange(0, breakerOpens).Draw(t, "for_ms")
		if doc.uses("calls") {
			f.Calls = slices.Repeat([]bool{true}, 10)
		}
		return f
	}
	if len(defs) > 3 && !slows { // all fail together, up to four times
		f.ForMS *= rapid.IntRange(1, 4).Draw(t, "longer")
		if doc.uses("calls") {
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
