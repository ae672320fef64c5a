package lint

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/sagacheck/sagacheck/reference/policies"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
)

// fields are the names that the parts of a step have in a file.
type fields struct{ action, undo, undone string }

// definition looks at a saga as it is submitted.
func (l *linter) definition(d saga.Definition) {
	l.steps(d, func(i int) fields {
		at := fmt.Sprintf("steps[%d].", i)
		return fields{at + "action.retry", at + "compensation.retry", at + "compensation.body"}
	})
}

// scenario looks at the saga that a scenario makes.
func (l *linter) scenario(s *scenarios.Scenario) {
	defs, _ := s.Build([]string{"s-1"}, func(int, saga.StepRef) string { return "http://127.0.0.1/" })
	l.steps(defs[0], func(i int) fields {
		at := fmt.Sprintf("steps[%d].", i)
		f := fields{at + "retry", at + "undo_retry", at + "undo"}
		if s.Steps[i].Retry == nil && s.Retry != nil {
			f.action = "retry"
		}
		if s.Steps[i].UndoRetry == nil && s.UndoRetry != nil {
			f.undo = "undo_retry"
		}
		return f
	})
}

func (l *linter) steps(d saga.Definition, where func(step int) fields) {
	for i, s := range d.Steps {
		f := where(i)
		l.retry(s.Action.Retry, f.action, s.Name)
		if !s.Unbounded() {
			l.layers(callsInAll(s.Action.Retry, d), f.action, s.Name)
		}
		l.forward(d, i, f)
		if s.Compensation == nil {
			continue
		}
		l.retry(s.Compensation.Retry, f.undo, "the undo of "+s.Name)
		l.backward(s.Compensation.Retry, f.undo, "the undo of "+s.Name)
		var done, undone saga.Effect
		if json.Unmarshal(s.Action.Body, &done) == nil && json.Unmarshal(s.Compensation.Body, &undone) == nil &&
			!done.IsZero() && !undone.Equal(done.Inverse()) {
			l.add(undoNoInverse, f.undone, "%s does %s, and its undo %s", s.Name, s.Action.Body, s.Compensation.Body)
		}
	}
}

// forward looks at what may hold up a step's action.
func (l *linter) forward(d saga.Definition, i int, f fields) {
	s := d.Steps[i]
	p := s.Action.Retry
	ends := p.MaxAttempts > 0 || p.DeadlineMS > 0
	switch {
	case s.Kind == saga.Compensatable && !ends:
		l.add(noDeadline, f.action, "%s is attempted without end", s.Name)
	case s.Kind == saga.Retriable && ends, s.Kind == saga.Pivot && s.Compensation == nil && ends:
		l.add(pivotGivesUp, f.action, "%s (%s) is given up, %s", s.Name, s.Kind, end(p))
	}
	if s.Kind == saga.Compensatable && s.Compensation == nil && mayFailBehind(d, i) {
		l.add(nothingUndoes, fmt.Sprintf("steps[%d]", i), "%s has no compensation", s.Name)
	}
}

// mayFailBehind tells whether a saga may turn back when a step has been done.
func mayFailBehind(d saga.Definition, i int) bool {
	for j, s := range d.Steps {
		if j != i && (s.Kind == saga.Compensatable || s.Kind == saga.Pivot) {
			return true
		}
	}
	return false
}

// backward looks at what may hold up an undo.
func (l *linter) backward(p saga.RetryPolicy, field, whose string) {
	if p.MaxAttempts > 0 || p.DeadlineMS > 0 {
		l.add(undoGivesUp, field, "%s is given up, %s", whose, end(p))
	}
}

// retry looks at what any call keeps to.
func (l *linter) retry(p saga.RetryPolicy, field, whose string) {
	if p.Most() == 1 {
		return
	}
	if p.Jitter == 0 {
		l.add(herd, field, "the waits of %s have none", whose)
	}
	if p.MaxAttempts == 0 && p.DeadlineMS == 0 && (p.Multiplier <= 1 || p.MaxIntervalMS <= p.InitialIntervalMS) {
		l.add(noBackOff, field, "%s is attempted every %d ms", whose, p.InitialIntervalMS)
	}
}

// mostCalls is how often an action is called at the most before another call is in vain: with waits that
// double from 50 ms to 30 s, 30 attempts last ten minutes.
const mostCalls = 30

// layers looks at how often an action is called by all layers of retries together; 0: without end, which is
// another rule's matter.
func (l *linter) layers(calls int, field, whose string) {
	if calls > mostCalls {
		l.add(multiply, field, "%s may be called %d times", whose, calls)
	}
}

// calls is how often an action is called at the most, over all rounds, before a budget or its deadline
// ends that; 0: until it succeeds.
func calls(p saga.RetryPolicy, ends saga.Budget) int {
	most := p.Most()
	if ends.Attempts > 0 {
		most = min(most, ends.Attempts)
	}
	for _, ms := range []int{p.DeadlineMS, ends.TimeMS} {
		if ms > 0 {
			most = within(p, time.Duration(ms)*time.Millisecond, most)
		}
	}
	return most
}

// callsInAll is calls over all rounds of the saga, too.
func callsInAll(p saga.RetryPolicy, d saga.Definition) int {
	rounds := max(1, d.Rounds)
	if d.Budget.TimeMS > 0 && d.RoundDelayMS > 0 {
		rounds = min(rounds, 1+d.Budget.TimeMS/d.RoundDelayMS)
	}
	most := rounds * calls(p, d.Budget)
	if d.Budget.Attempts > 0 {
		most = min(most, d.Budget.Attempts)
	}
	return most
}

// within is how many of so many attempts begin within a time, if each fails at once. Those are counted of
// which there are few.
func within(p saga.RetryPolicy, limit time.Duration, most int) int {
	at := time.Duration(0)
	for n := 2; n <= min(most, 1000); n++ {
		least, _ := p.Band(n)
		if at += least; at > limit {
			return n - 1
		}
	}
	return most
}

// end says when attempts end.
func end(p saga.RetryPolicy) string {
	switch {
	case p.MaxAttempts == 0:
		return fmt.Sprintf("%d ms after its first attempt", p.DeadlineMS)
	case p.DeadlineMS == 0:
		return fmt.Sprintf("after attempt %d", p.Most())
	}
	return fmt.Sprintf("after attempt %d, or %d ms after its first one", p.Most(), p.DeadlineMS)
}

// atOnce are participants that answer at once, and never fail: what a template can't keep
// there it can't keep anywhere.
var atOnce policies.Surroundings

// policies looks at templates: as those of undos where they are bound to such. Which of two
// bindings counts that disagree is a mistake that their own reader refuses.
func (l *linter) policies(f *policies.File) {
	undoes, acts := map[string]bool{}, map[string]bool{}
	for _, b := range f.Bindings {
		if b.Direction == saga.Compensation {
			undoes[b.Template] = true
		} else {
			acts[b.Template] = true
		}
	}
	for name, t := range f.Templates {
		at, whose := "templates."+name, "what follows "+name
		l.retry(t.Retry, at+".retry", whose)
		if undoes[name] {
			l.backward(t.Retry, at+".retry", "an undo that follows "+name)
		}
		if acts[name] && t.Retry.MaxAttempts == 0 && t.Retry.DeadlineMS == 0 {
			l.add(noDeadline, at+".retry", "an action that follows %s is attempted without end", name)
		}
		if acts[name] {
			var ends saga.Budget
			if t.Budget != nil {
				ends = *t.Budget
			}
			l.layers(calls(t.Retry, ends), at+".retry", "an action that follows "+name)
		}
		if t.SLA != nil {
			for _, why := range atOnce.Unkept(t) {
				l.add(unkeptSLA, at+".sla", "%s", why)
			}
		}
	}
}
