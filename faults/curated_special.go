package faults

import (
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// special is the plans that no single default covers: second copies that come
// late, delays that stay within the time-out, submits, a lost answer on every
// attempt.
func special(d saga.Definition) []Plan {
	var plans []Plan
	add := func(fs ...Fault) {
		p := Plan{fs}
		if predict(d, p, 1).sure() {
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
			add(Fault{Kind: "delay", At: point(s.Name, 1, phase), DelayMS: withinTimeout(p)})
			add(Fault{Kind: "lose", At: point(s.Name, 1, phase)})
		}
		add(Fault{Kind: "delay", At: point(s.Name, 1, saga.Request), DelayMS: lateBy(p)})
		add(Fault{Kind: "duplicate", At: point(s.Name, 1, saga.Request), DelayMS: lateBy(p)})
		add(Fault{Kind: "reject", At: point(s.Name, 1, saga.Receive)})
		if s.Kind == saga.Compensatable && s.Compensation != nil && p.MaxAttempts != 1 { // arrives after the compensation
			_, wait := p.Band(2)
			add(
				Fault{Kind: "delay", At: point(s.Name, 1, saga.Request), DelayMS: 2*p.AttemptTimeoutMS + int(wait.Milliseconds())},
				Fault{Kind: "reject", At: point(s.Name, 2, saga.Receive)},
			)
		}
		if p.MaxAttempts > 0 {
			add(burst(Fault{Kind: "lose", At: point(s.Name, 1, saga.Response)}, p.MaxAttempts)...)
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
	f := Fault{Kind: (outage{}).Doc().Name, Steps: []string{d.Steps[0].Name}, ForMS: int(shortest.Milliseconds()) * 9 / 10}
	return f, f.ForMS > 0
}

// windowOf is a window that the saga's first calls are sure to meet.
func windowOf(d saga.Definition, kind string) Fault {
	f := Fault{Kind: kind, ForMS: 60}
	if !usesSteps(kind) {
		return f
	}
	for _, s := range d.Steps {
		f.Steps = append(f.Steps, s.Name)
	}
	return kindOf(f).Usual(f, saga.RetryPolicy{})[0]
}

// usesSteps tells whether a kind of window is one over steps.
func usesSteps(kind string) bool {
	k, err := KindByName(kind)
	return err == nil && k.Doc().uses("steps")
}
