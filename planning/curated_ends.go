package planning

import (
	"net/http"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// ends is the plans that take each policy to its end: attempts used up without
// having done anything, refusals of what must succeed, deadlines, breakers that
// open, waits that should long have reached their maximum. A saga that needs a
// person then is right to stop.
func ends(defs []saga.Definition, a Ability) []faults.Plan {
	e := &ending{d: defs[0], sagas: len(defs), several: compete(defs), a: a}
	for _, s := range e.d.Steps {
		e.usedUp(s)
		e.deadline(s)
		e.deadlineOfItsOwn(s)
		e.undone(s)
		e.refusedLate(s)
		e.opens(s)
		e.askedTooLate(s)
	}
	e.askedInTime()
	e.askedInWait()
	e.governed()
	e.operated()
	e.drifts()
	e.redefined()
	e.waysRound()
	e.rounds()
	e.runAgain()
	e.killedPastPivot()
	e.killedAtStart()
	e.codes()
	e.longRetries()
	e.together()
	e.amplified()
	e.spent()
	e.turns()
	e.tired()
	e.merged()
	return e.plans
}

// killedPastPivot: the process is killed while a step behind the pivot is under way. What
// it knew of the point of no return it must know again.
func (e *ending) killedPastPivot() {
	for _, s := range e.d.Steps {
		kill := killed(point(s.Name, 1, saga.Receive), s.Action.Retry)
		if e.a.Process && e.behindPivot(s) && e.add(kill) {
			return
		}
	}
}

// killedAtStart: the process is killed when it has accepted a saga, and its answer is lost, so that the client
// submits the saga again. Which sagas there are it must know again.
func (e *ending) killedAtStart() {
	if e.a.Process && !e.a.Once {
		e.add(killed(point(saga.SubmitStep, 1, saga.Response), saga.SubmitPolicy))
	}
}

// behindPivot tells whether a pivot comes before a step.
func (e *ending) behindPivot(s saga.Step) bool {
	return slices.ContainsFunc(e.d.Ancestors(s.Name), func(name string) bool {
		before, _ := e.d.Step(name)
		return before.Kind == saga.Pivot
	})
}

// ending collects the plans.
type ending struct {
	d       saga.Definition
	sagas   int  // in a cell
	several bool // they compete
	a       Ability
	plans   []faults.Plan
}

// add keeps a plan whose faults are sure to fire.
func (e *ending) add(fs ...faults.Fault) bool {
	p, ok := e.sure(fs)
	if ok {
		e.plans = append(e.plans, p)
	}
	return ok
}

// sure makes a plan of faults; not ok: they are not sure to fire.
func (e *ending) sure(fs []faults.Fault) (p faults.Plan, ok bool) {
	meet := true
	if e.sagas > 1 {
		fs, meet = e.ofOneSaga(fs)
	}
	p = faults.Plan{Faults: fs}
	beyond := slices.ContainsFunc(fs, func(f faults.Fault) bool { return !e.a.attempts(e.d, f.At) })
	return p, meet && !beyond && predict(e.d, p, 1).sure() && !slices.ContainsFunc(fs, e.contended)
}

// ofOneSaga gives the faults of a plan to the first saga, so that they meet in one.
// Of sagas that compete for a register only the first steps are sure to be reached
// by a certain one; later ones are reached by one at a time, and nobody knows by
// which: then faults at both may not meet.
func (e *ending) ofOneSaga(fs []faults.Fault) (of []faults.Fault, meet bool) {
	of = slices.Clone(fs)
	contested, first, later := e.contested(), false, false
	for i := range of {
		n := e.d.StepIndex(of[i].At.Step)
		switch {
		case n < 0:
		case !contested, len(e.d.Predecessors(n)) == 0 && of[i].At.Direction == saga.Action:
			first, of[i].Saga = true, 1
		default:
			later = true
		}
	}
	return of, !first || !later
}

// contested: the sagas of a cell compete for a register, not for a breaker only.
func (e *ending) contested() bool {
	return e.several && slices.ContainsFunc(e.d.Steps, func(s saga.Step) bool { return contends(e.d, s.Name) })
}

// contended: the fault waits for an effect that another saga may prevent.
func (e *ending) contended(f faults.Fault) bool {
	return e.several && f.Saga > 0 && f.At.Phase == saga.Commit && contends(e.d, f.At.Step)
}

// burst is a fault at the first n attempts of its operation.
func burst(f faults.Fault, n int) []faults.Fault {
	var fs []faults.Fault
	for k := 1; k <= n; k++ {
		f.At.Attempt = k
		fs = append(fs, f)
	}
	return fs
}

// usedUp: every attempt of an action fails, with nothing done: told so, or in
// silence. A deferrable step must be made up for then, a pivot that can't be
// undone be attempted further.
func (e *ending) usedUp(s saga.Step) {
	most := s.Action.Retry.Most()
	if most == 0 && s.Kind == saga.Deferrable {
		most = 2
	}
	if most == 0 {
		return
	}
	e.add(burst(unavailableAt(s.Name), most)...)
	if s.Kind == saga.Pivot {
		e.add(burst(lost(point(s.Name, 1, saga.Request)), most)...)
	}
}

// deadline: the attempts of an action are lost until its deadline has passed,
// once with their effect and once without.
func (e *ending) deadline(s saga.Step) {
	p := s.Action.Retry
	if p.DeadlineMS == 0 {
		return
	}
	for _, phase := range []saga.Phase{saga.Response, saga.Request} {
		for n := 1; n <= endless && (p.Most() == 0 || n < p.Most()); n++ {
			fs := burst(lost(point(s.Name, 1, phase)), n)
			if pr := predict(e.d, faults.Plan{Faults: fs}, 1); pr.sure() && pr.steps[s.Name] == unknown {
				e.add(fs...)
				break
			}
		}
	}
}

// deadlineOfItsOwn: the steps before one with a deadline take longer than that, and
// then its first attempt fails. The deadline counts from there, and it has its other
// attempts.
func (e *ending) deadlineOfItsOwn(s saga.Step) {
	deadline := time.Duration(s.Action.Retry.DeadlineMS) * time.Millisecond
	if deadline == 0 {
		return
	}
	for _, name := range e.d.Ancestors(s.Name) {
		before, _ := e.d.Step(name)
		p := before.Action.Retry
		var took time.Duration
		for n := 1; took <= deadline && n <= endless; n++ {
			lo, _ := p.Band(n + 1)
			took += lo
			fs := append(burst(unavailableAt(name), n), unavailableAt(s.Name))
			if took > deadline && e.add(fs...) {
				return
			}
		}
	}
}

func unavailableAt(step string) faults.Fault {
	return unavailable(point(step, 1, saga.Receive))
}

// undone: a compensation is refused for good, or comes to the end of its policy.
func (e *ending) undone(s saga.Step) {
	if s.Compensation == nil {
		return
	}
	at := saga.FailurePoint{Step: s.Name, Direction: saga.Compensation, Attempt: 1, Phase: saga.Receive}
	refusals := [][]faults.Fault{{declined(at)}}
	if most := s.Compensation.Retry.Most(); most > 0 {
		refusals = append(refusals, burst(unavailable(at), most))
	}
	for _, fs := range refusals {
		for _, trigger := range triggers(e.d, s, saga.Compensation) {
			if e.add(slices.Concat(trigger, fs)...) {
				break
			}
		}
	}
}

// refusedLate: an attempt was done and not answered, and the next one is refused,
// by a gateway that knows nothing of the one before: participants would remember
// the key. The refusal does not speak for the attempt before.
func (e *ending) refusedLate(s saga.Step) {
	if s.Compensation == nil || s.Action.Retry.Most() == 1 || s.Kind == saga.Deferrable {
		return
	}
	refusal := answered(point(s.Name, 2, saga.Receive), http.StatusForbidden)
	e.add(lost(point(s.Name, 1, saga.Response)), refusal)
	e.add(failed(point(s.Name, 1, saga.Commit)), refusal)
}

// opens: so many calls fail that the breaker opens, and that its first probes
// fail too.
func (e *ending) opens(s saga.Step) {
	b := s.Action.Breaker
	if b == nil {
		return
	}
	e.add(failing(s.Name, 10*b.OpenMS, 2*b.Failures+b.Probes))
}

// askedTooLate: an operator asks for the rollback when the pivot has succeeded,
// and must be refused.
func (e *ending) askedTooLate(s saga.Step) {
	ask := askedBack(point(s.Name, 1, saga.Receive))
	past := slices.ContainsFunc(e.d.Ancestors(s.Name), func(name string) bool {
		o, _ := e.d.Step(name)
		return o.Kind == saga.Pivot
	})
	if e.a.Operator && past {
		e.add(ask)
	}
}

// askedInTime: an operator asks for the rollback while the last step that can still
// be undone is under way, and while the last one is that has another behind it, which
// must not start then.
func (e *ending) askedInTime() {
	if !e.a.Operator {
		return
	}
	last, lastBefore := false, false
	for _, s := range slices.Backward(e.d.Steps) {
		before := isBefore(e.d, s.Name)
		if s.Kind != saga.Compensatable || last && !before {
			continue
		}
		ask := askedBack(point(s.Name, 1, saga.Receive))
		received := e.add(ask)
		if s.Action.Retry.Most() != 1 { // it fails long after that, and must not be attempted again
			e.add(ask, unavailableAt(s.Name), late(point(s.Name, 1, saga.Response), lateFailure))
		}
		if e.add(askedBack(point(s.Name, 1, saga.Commit))) || received {
			last, lastBefore = true, before
		}
		if lastBefore {
			return
		}
	}
}

// aHerd is how many sagas make a herd: as many as chance tells from a pattern.
const aHerd = 8

// together: all sagas of a herd fail at the same call, several times in a row.
// They must not come back together.
func (e *ending) together() {
	s := e.d.Steps[0]
	if e.sagas < aHerd {
		return
	}
	for _, rounds := range []int{2, 3, 4, 6} {
		if most := s.Action.Retry.Most(); most > 0 && rounds >= most {
			return
		}
		_, longest := s.Action.Retry.Band(rounds + 1)
		lasts := (rounds + 1) * max(int(longest.Milliseconds()), s.Action.Retry.AttemptTimeoutMS)
		e.add(failing(s.Name, lasts, rounds*e.sagas))
	}
}

// manyAttempts is how often a call that may go on for ever fails, so that a wait
// that is doubled each time has passed what fits into 32 bits of seconds, and
// into 64 bits of nanoseconds; longestRetries is how long that may take.
const (
	manyAttempts   = 48
	longestRetries = 3000 // ms
)

// longRetries: one call that may go on for ever fails that often; the one that
// takes the least time.
func (e *ending) longRetries() {
	var best []faults.Fault
	shortest := longestRetries
	try := func(trigger []faults.Fault, at saga.FailurePoint, c saga.Call) {
		p := c.Retry
		lasts := manyAttempts * p.MaxIntervalMS
		if p.Most() > 0 || p.DeadlineMS > 0 || c.Breaker != nil || c.RetryBudget != nil || lasts >= shortest {
			return
		}
		fs := slices.Concat(trigger, burst(unavailable(at), manyAttempts))
		if predict(e.d, faults.Plan{Faults: fs}, 1).sure() {
			best, shortest = fs, lasts
		}
	}
	for _, s := range e.d.Steps {
		if s.Kind == saga.Retriable {
			try(nil, point(s.Name, 1, saga.Receive), s.Action)
		}
		if s.Compensation == nil {
			continue
		}
		for _, trigger := range triggers(e.d, s, saga.Compensation) {
			at := saga.FailurePoint{Step: s.Name, Direction: saga.Compensation, Attempt: 1, Phase: saga.Receive}
			try(trigger, at, *s.Compensation)
		}
	}
	if best != nil {
		e.add(best...)
	}
}
