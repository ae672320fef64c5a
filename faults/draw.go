package faults

import (
	"slices"

	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/saga"
)

// mostFaults is how many faults a drawn plan has at the most.
const mostFaults = 3

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
	if len(windows) > 0 && rapid.IntRange(1, windowEvery(defs)).Draw(t, "window") == 1 {
		p := Plan{[]Fault{drawWindow(t, defs, rapid.SampledFrom(windows).Draw(t, "window's kind").Name)}}
		if a.Process && rapid.IntRange(0, 2).Draw(t, "kill") == 0 { // what an outage did may show only then
			p.Faults = append(p.Faults, Fault{
				Kind: (orchestratorOutage{}).Doc().Name, FromMS: rapid.IntRange(1, 150).Draw(t, "from_ms"), ForMS: rapid.IntRange(1, 50).Draw(t, "down"),
			})
		}
		return p
	}
	points := slices.DeleteFunc(allowed, func(k KindDoc) bool { return k.Window() })
	var p Plan
	if len(defs) == 1 {
		p.Faults = drawOpening(t, defs[0], points)
	}
	for range rapid.IntRange(1, mostFaults).Draw(t, "faults") {
		n := rapid.IntRange(1, len(defs)).Draw(t, "saga")
		if f, ok := drawPoint(t, defs[n-1], p, n, points, len(defs) > 1); ok {
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

// drawOpening draws how a plan begins, half of the time: with a refusal, since
// there is no rollback without one, or with a call that fails several times in a
// row, since policies show only then. Single faults seldom come to that.
func drawOpening(t *rapid.T, d saga.Definition, kinds []KindDoc) []Fault {
	var fs []Fault
	switch rapid.IntRange(0, 3).Draw(t, "opening") {
	case 2:
		if !slices.ContainsFunc(kinds, func(k KindDoc) bool { return k.Name == (reject{}).Doc().Name }) {
			return nil
		}
		step := rapid.SampledFrom(d.Steps).Draw(t, "refused")
		fs = []Fault{{Kind: (reject{}).Doc().Name, At: point(step.Name, 1, saga.Receive)}}
	case 3:
		fs = drawBurst(t, d, kinds)
	}
	if pr := predict(d, Plan{fs}, 1); !pr.allFire() || pr.stuck {
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

func drawBurst(t *rapid.T, d saga.Definition, kinds []KindDoc) []Fault {
	fits := slices.DeleteFunc(slices.Clone(kinds), func(k KindDoc) bool { return bursts[k.Name] == "" })
	if len(fits) == 0 {
		return nil
	}
	k := rapid.SampledFrom(fits).Draw(t, "burst of")
	step := rapid.SampledFrom(d.Steps).Draw(t, "burst at")
	longest := longestBurst
	if limit := step.Action.Retry.MaxAttempts; limit > 0 {
		longest = min(limit, longestBurst)
	}
	var fs []Fault
	for n := range rapid.IntRange(1, longest).Draw(t, "burst") {
		fs = append(fs, defaults(Fault{Kind: k.Name, At: point(step.Name, n+1, bursts[k.Name])}, step.Action.Retry))
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
		if rapid.IntRange(0, 2).Draw(t, "keep "+doc.Name) > 0 {
			kept = append(kept, doc)
		}
	}
	if !slices.ContainsFunc(kept, func(k KindDoc) bool { return !k.Window() }) {
		return all
	}
	rapid.Permutation(kept).Draw(t, "order")
	return kept
}

// drawPoint draws a fault at a point that is sure to be reached under the plan so
// far, and that leaves the plan's other faults sure to fire.
func drawPoint(t *rapid.T, d saga.Definition, p Plan, number int, kinds []KindDoc, several bool) (Fault, bool) {
	before := predict(d, p, number)
	// Each try draws anew; a point that does not go with the plan is not forced.
	for range 8 {
		at := rapid.SampledFrom(before.points).Draw(t, "point")
		if several && (at.Attempt > 1 || at.Direction == saga.Compensation) {
			continue // sagas that compete for a register make later points unsure
		}
		fits := slices.DeleteFunc(slices.Clone(kinds), func(k KindDoc) bool { return !slices.Contains(k.Phases, at.Phase) })
		if len(fits) == 0 {
			continue
		}
		k := rapid.SampledFrom(fits).Draw(t, "kind")
		f := Fault{Kind: k.Name, At: at}
		if number > 1 && (!several || len(d.Predecessors(max(d.StepIndex(at.Step), 0))) == 0) {
			f.Saga = number // a later step may be reached by another saga only
		}
		if unsettles(f) && len(p.Faults) > 0 || slices.ContainsFunc(p.Faults, unsettles) {
			continue
		}
		f = drawFields(t, f, policyAt(d, at))
		next := Plan{append(slices.Clone(p.Faults), f)}
		if next.Validate() != nil || slices.ContainsFunc(p.Faults, func(o Fault) bool { return o.At == at && max(o.Saga, 1) == number }) {
			continue
		}
		if after := predict(d, next, number); after.allFire() && !after.stuck {
			return f, true
		}
	}
	return Fault{}, false
}

// unsettles tells whether a fault costs a number of attempts that depends on the
// time (of submit: whether the client is still there for a slow answer, or the
// orchestrator for a late request): other faults are not sure to fire beside it.
func unsettles(f Fault) bool {
	return f.Kind == "refuse" || f.Kind == "crash-participant" || f.At.Step == saga.SubmitStep
}

func policyAt(d saga.Definition, at saga.FailurePoint) saga.RetryPolicy {
	if c, ok := d.Call(at.Ref()); ok {
		return c.Retry
	}
	return saga.RetryPolicy{AttemptTimeoutMS: 500, InitialIntervalMS: 20}
}

// drawFields draws the numbers of a kind around the values that matter under
// the policy: well within the attempt's time-out, or well past it.
func drawFields(t *rapid.T, f Fault, p saga.RetryPolicy) Fault {
	f = defaults(f, p)
	switch f.Kind {
	case "delay", "pause-orchestrator":
		if rapid.Bool().Draw(t, "within the time-out") {
			f.DelayMS = rapid.IntRange(1, max(p.AttemptTimeoutMS/4, 1)).Draw(t, "delay_ms")
		} else {
			f.DelayMS = rapid.IntRange(p.AttemptTimeoutMS+50, p.AttemptTimeoutMS+200).Draw(t, "delay_ms")
		}
	case "duplicate":
		f.DelayMS = rapid.SampledFrom([]int{0, 0, 5, p.AttemptTimeoutMS, lateBy(p)}).Draw(t, "delay_ms")
	case "truncate":
		f.Bytes = rapid.IntRange(1, shortestMessage).Draw(t, "bytes")
	case "slow":
		f.KBps = rapid.IntRange(4, 64).Draw(t, "kbps")
	case "crash-participant":
		f.DelayMS = rapid.IntRange(1, max(p.InitialIntervalMS, 1)).Draw(t, "delay_ms")
	case "refuse":
		f.DelayMS = rapid.IntRange(1, 3).Draw(t, "delay_ms")
	case "crash-orchestrator":
		f.DelayMS = rapid.IntRange(0, 50).Draw(t, "delay_ms")
	}
	return f
}

func drawWindow(t *rapid.T, defs []saga.Definition, kind string) Fault {
	f := windowOf(defs[0], kind)
	f.ForMS = rapid.IntRange(30, 120).Draw(t, "for_ms")
	switch kind {
	case "latency":
		f.DelayMS = rapid.IntRange(1, 60).Draw(t, "delay_ms")
	case "error-rate":
		f.Calls = append([]bool{true}, rapid.SliceOfN(rapid.Bool(), 0, 9).Draw(t, "calls")...)
	}
	if len(defs) > 3 && kind != "latency" { // all fail together, up to four times
		f.ForMS *= rapid.IntRange(1, 4).Draw(t, "longer")
		if kind == "error-rate" {
			f.Calls = slices.Repeat([]bool{true}, len(defs)*rapid.IntRange(1, 4).Draw(t, "rounds"))
		}
	}
	return f
}
