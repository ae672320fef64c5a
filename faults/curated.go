package faults

import (
	"time"

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

// Curated is the fixed set of plans for a saga: no fault, each kind at each of
// its phases in both directions (as far as the saga can get there), late
// arrivals, and windows.
func Curated(d saga.Definition, a Ability) []Plan {
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
	return append(plans, special(d)...)
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
			if pr := predict(d, p, 1); pr.allFire() && !pr.stuck {
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

// defaults fills in the fields of a kind with values that matter under the
// policy of the call it strikes.
func defaults(f Fault, p saga.RetryPolicy) Fault {
	switch f.Kind {
	case "refuse":
		f.DelayMS = 3
	case "delay", "pause-orchestrator":
		f.DelayMS = lateBy(p)
	case "slow":
		f.KBps = 8
	case "truncate":
		f.Bytes = 40
	case "throttle":
		f.RetryAfterS = 1
	case "answer":
		f.Code = answerCode(f.At)
	case "crash-participant":
		f.DelayMS = max(p.InitialIntervalMS, 5)
	case "crash-orchestrator":
		f.DelayMS = 5
	}
	return f
}

// lateBy is longer than an attempt may take, and long enough for a compensation
// to come first.
func lateBy(p saga.RetryPolicy) int { return p.AttemptTimeoutMS + 100 }

// special is the plans that no single default covers: second copies that come
// late, delays that stay within the time-out, submits, a lost answer on every
// attempt.
func special(d saga.Definition) []Plan {
	var plans []Plan
	add := func(fs ...Fault) {
		p := Plan{fs}
		if pr := predict(d, p, 1); pr.allFire() && !pr.stuck {
			plans = append(plans, p)
		}
	}
	for _, phase := range []saga.Phase{saga.Request, saga.Response} {
		for _, kind := range []string{"lose", "reset", "delay"} {
			f := Fault{Kind: kind, At: point(saga.SubmitStep, 1, phase)}
			if kind == "delay" {
				f.DelayMS = 50
			}
			add(f)
		}
	}
	if f, ok := longOutage(d); ok {
		add(f)
	}
	for _, s := range d.Steps {
		p := s.Action.Retry
		for _, phase := range []saga.Phase{saga.Request, saga.Response} {
			add(Fault{Kind: "delay", At: point(s.Name, 1, phase), DelayMS: max(p.AttemptTimeoutMS/5, 1)})
			add(Fault{Kind: "lose", At: point(s.Name, 1, phase)})
		}
		add(Fault{Kind: "delay", At: point(s.Name, 1, saga.Request), DelayMS: lateBy(p)})
		add(Fault{Kind: "duplicate", At: point(s.Name, 1, saga.Request), DelayMS: lateBy(p)})
		add(Fault{Kind: "reject", At: point(s.Name, 1, saga.Receive)})
		if s.Kind == saga.Compensatable && s.Compensation != nil && p.MaxAttempts != 1 { // arrives after the compensation
			add(
				Fault{Kind: "delay", At: point(s.Name, 1, saga.Request), DelayMS: 2 * p.AttemptTimeoutMS},
				Fault{Kind: "reject", At: point(s.Name, 2, saga.Receive)},
			)
		}
		if p.MaxAttempts > 0 {
			var all []Fault
			for n := 1; n <= p.MaxAttempts; n++ {
				all = append(all, Fault{Kind: "lose", At: point(s.Name, n, saga.Response)})
			}
			add(all...)
		}
	}
	return plans
}

// longOutage is an outage of the first step that most of its attempts meet, but
// not the last: sagas that come back together, and breakers that open, show then.
func longOutage(d saga.Definition) (Fault, bool) {
	p := d.Steps[0].Action.Retry
	const most = 7
	if len(d.Predecessors(0)) > 0 || p.MaxAttempts > 0 && p.MaxAttempts < most {
		return Fault{}, false
	}
	var shortest time.Duration
	for n := 2; n <= most; n++ {
		lo, _ := p.Band(n)
		shortest += lo
	}
	return Fault{Kind: (outage{}).Doc().Name, Steps: []string{d.Steps[0].Name}, ForMS: int(shortest.Milliseconds()) * 9 / 10}, true
}

// windowOf is a window that the saga's first calls are sure to meet.
func windowOf(d saga.Definition, kind string) Fault {
	f := Fault{Kind: kind, ForMS: 60}
	if k, err := KindByName(kind); err == nil && k.Doc().Process {
		return f
	}
	for _, s := range d.Steps {
		f.Steps = append(f.Steps, s.Name)
	}
	switch kind {
	case "latency":
		f.DelayMS = 20
	case "error-rate":
		f.Calls = []bool{true, false, true}
	}
	return f
}
