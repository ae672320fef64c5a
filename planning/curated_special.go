package planning

import (
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// special is the plans that no single default covers: second copies that come
// late, delays that stay within the time-out, submits, a lost answer on every
// attempt.
func special(d saga.Definition) []faults.Plan {
	var plans []faults.Plan
	add := func(fs ...faults.Fault) {
		p := faults.Plan{Faults: fs}
		if predict(d, p, 1).sure() {
			plans = append(plans, p)
		}
	}
	for _, phase := range []saga.Phase{saga.Request, saga.Response} {
		at := point(saga.SubmitStep, 1, phase)
		add(lost(at))
		add(broken(at))
		add(late(at, 50))
	}
	if f, ok := longOutage(d); ok {
		add(f)
	}
	for _, s := range d.Steps {
		p := s.Action.Retry
		for _, phase := range []saga.Phase{saga.Request, saga.Response} {
			add(late(point(s.Name, 1, phase), faults.WithinTimeout(p)))
			add(lost(point(s.Name, 1, phase)))
		}
		add(late(point(s.Name, 1, saga.Request), faults.LateBy(p)))
		add(copied(point(s.Name, 1, saga.Request), faults.LateBy(p)))
		add(declined(point(s.Name, 1, saga.Receive)))
		if s.Kind == saga.Compensatable && s.Compensation != nil && p.Most() != 1 { // arrives after the compensation, which may wait for the time-out of the second attempt
			_, wait := p.Band(2)
			add(
				late(point(s.Name, 1, saga.Request), 3*p.AttemptTimeoutMS+int(wait.Milliseconds())),
				declined(point(s.Name, 2, saga.Receive)),
			)
		}
		if p.Most() > 0 {
			add(burst(lost(point(s.Name, 1, saga.Response)), p.Most())...)
		}
	}
	return plans
}

// longOutage is an outage of the first step that most of its attempts meet, but
// not the last: sagas that come back together, and breakers that open, show then.
func longOutage(d saga.Definition) (faults.Fault, bool) {
	p := d.Steps[0].Action.Retry
	const most = 7
	if len(d.Predecessors(0)) > 0 || p.Most() > 0 && p.Most() < most {
		return faults.Fault{}, false
	}
	var shortest time.Duration
	for n := 2; n <= most; n++ {
		lo, _ := p.Band(n)
		shortest += lo
	}
	f := away(d.Steps[0].Name, int(shortest.Milliseconds())*9/10)
	return f, f.ForMS > 0
}

// windowOf is a window that the saga's first calls are sure to meet.
func windowOf(d saga.Definition, kind string) faults.Fault {
	f := faults.Fault{Kind: kind, ForMS: 60}
	if !usesSteps(kind) {
		return f
	}
	for _, s := range d.Steps {
		f.Steps = append(f.Steps, s.Name)
	}
	return faults.KindOf(f).Usual(f, saga.RetryPolicy{})[0]
}

// usesSteps tells whether a kind of window is one over steps.
func usesSteps(kind string) bool {
	k, err := faults.KindByName(kind)
	return err == nil && k.Doc().Uses("steps")
}
