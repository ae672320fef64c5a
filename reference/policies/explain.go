package policies

import (
	"fmt"
	"math"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// Unbounded is the longest time of what has no end of its own.
const Unbounded = time.Duration(math.MaxInt64)

// Envelope is how long something takes: at the shortest, as is to be expected, at the
// longest.
type Envelope struct {
	Shortest, Expected, Longest time.Duration
}

func (e Envelope) String() string {
	return fmt.Sprintf("shortest %s, expected %s, longest %s", timeText(e.Shortest), timeText(e.Expected), timeText(e.Longest))
}

func timeText(d time.Duration) string {
	switch {
	case d == Unbounded:
		return "without end"
	case d >= time.Minute:
		return d.Round(time.Second).String()
	}
	return d.Round(time.Millisecond).String()
}

// Surroundings are what an envelope has to assume of participants.
type Surroundings struct {
	Latency  time.Duration // of one answer
	Failures float64       // the share of attempts that bring no answer before their time-out, from 0 to below 1
}

// maxCounted bounds the attempts that are added up one by one: what comes after them
// weighs nothing in what is expected.
const maxCounted = 10_000

// OfCall is the envelope of a call with all its attempts, whatever comes of them. A
// Retry-After lengthens waits up to the deadline; without one the longest time counts none.
func (s Surroundings) OfCall(c saga.Call) Envelope {
	p := c.Retry
	timeout := p.AttemptTimeout()
	e := Envelope{Shortest: min(s.Latency, timeout)}
	deadline := time.Duration(p.DeadlineMS) * time.Millisecond
	var began time.Duration // of the attempt, at the latest
	var expected, mean float64
	reached := 1.0 // the probability that there is such an attempt
	for n := 1; n <= maxCounted && (p.MaxAttempts == 0 || n <= p.Most()); n++ {
		lo, hi := p.Band(n)
		began += hi
		mean += float64(lo+hi) / 2
		if deadline > 0 && (mean > float64(deadline)) {
			break
		}
		expected += reached * (float64(lo+hi)/2 + s.Failures*float64(timeout) + (1-s.Failures)*float64(e.Shortest))
		e.Longest = began + timeout
		began += timeout
		mean += float64(timeout)
		reached *= s.Failures
	}
	e.Expected = time.Duration(expected)
	switch {
	case deadline > 0 && p.Most() != 1:
		e.Longest = deadline + timeout
	case p.MaxAttempts == 0 || p.Most() > maxCounted:
		e.Longest = Unbounded
	}
	if c.Breaker != nil && e.Longest != Unbounded {
		e.Longest += c.Breaker.Open()
	}
	return e
}

// Unkept says why a template can't keep its SLA; nothing if it can.
func (s Surroundings) Unkept(t *Template) (why []string) {
	if t.SLA == nil {
		return nil
	}
	e := s.OfCall(t.Call(saga.Call{}))
	target, worst := time.Duration(t.SLA.TargetMS)*time.Millisecond, time.Duration(t.SLA.WorstMS)*time.Millisecond
	if e.Expected > target {
		why = append(why, fmt.Sprintf("sla.target_ms is %d, and %s is to be expected", t.SLA.TargetMS, timeText(e.Expected)))
	}
	if e.Longest > worst {
		why = append(why, fmt.Sprintf("sla.worst_ms is %d, and the longest is %s", t.SLA.WorstMS, timeText(e.Longest)))
	} else if t.Retry.DeadlineMS == 0 && t.Retry.Most() != 1 {
		why = append(why, fmt.Sprintf("sla.worst_ms is %d, and without retry.deadline_ms a Retry-After may lengthen each wait up to an hour", t.SLA.WorstMS))
	}
	return why
}

// StepEnvelope is what follows for a step.
type StepEnvelope struct {
	Step                 string
	Template, Undo       string // the names of the templates; empty: its own policies
	Action, Compensation Envelope
}

// SagaEnvelope is what follows for a saga: on its way forward, and when its last step fails
// for good and everything is undone.
type SagaEnvelope struct {
	Steps         []StepEnvelope
	Forward, Back Envelope
	// Attempts is how often all its actions together are attempted at the most, over all layers of
	// retries; 0: any number of times.
	Attempts int
}

// OfSaga is the envelope of a saga under a file of policies.
func (s Surroundings) OfSaga(f *File, d saga.Definition) SagaEnvelope {
	var all SagaEnvelope
	forward, back := make([]Envelope, len(d.Steps)), make([]Envelope, len(d.Steps))
	for i, st := range d.Steps {
		one := StepEnvelope{Step: st.Name}
		one.Template, one.Action = s.under(f, d, st.Name, saga.Action, st.Action)
		if st.Compensation != nil {
			one.Undo, one.Compensation = s.under(f, d, st.Name, saga.Compensation, *st.Compensation)
		}
		forward[i], back[i] = one.Action, one.Compensation
		if first := d.StepIndex(st.FallbackFor); first >= 0 { // it comes at the worst only, when the other is undone
			forward[i].Shortest, forward[i].Expected = 0, 0
			forward[i].Longest = plus(forward[i], back[first]).Longest
		}
		all.Steps = append(all.Steps, one)
	}
	all.Forward = path(d, forward)
	all.Attempts, all.Forward.Longest = boundedBy(f, d, all.Forward.Longest)
	all.Back = plus(all.Forward, path(d, back))
	return all
}

// boundedBy is how often the actions of a saga are attempted at the most and how long they take,
// as their budgets have it. Time bounds only what is bounded as a whole.
func boundedBy(f *File, d saga.Definition, longest time.Duration) (attempts int, bounded time.Duration) {
	counts, budgets := map[string]int{}, map[string]saga.Budget{}
	var timeout time.Duration
	whole := true
	for _, st := range d.Steps {
		key, budget := "", d.Budget
		name, _ := f.Of(d.Name, st.Name, saga.Action, st.Action)
		t := f.Templates[name]
		if t != nil && t.Budget != nil {
			key, budget = "template "+name, *t.Budget
		}
		if !st.Budgeted() {
			key, budget, whole = "step "+st.Name, saga.Budget{}, false
		}
		p := t.Call(st.Action).Retry
		timeout = max(timeout, p.AttemptTimeout())
		n, before := p.Most(), counts[key]
		if n == 0 || st.Unbounded() || before < 0 {
			n, before = -1, 0
		}
		counts[key], budgets[key] = before+n, budget
	}
	for key, n := range counts {
		most := budgets[key].Attempts
		if most > 0 && (n < 0 || n > most) {
			n = most
		}
		if n < 0 || attempts < 0 {
			attempts = -1
			continue
		}
		attempts += n
	}
	for _, b := range budgets {
		if whole && len(budgets) == 1 && b.TimeMS > 0 {
			longest = min(longest, b.Time()+timeout)
		}
	}
	return max(attempts, 0), longest
}

func (s Surroundings) under(f *File, d saga.Definition, step string, dir saga.Direction, c saga.Call) (template string, e Envelope) {
	template, _ = f.Of(d.Name, step, dir, c)
	return template, s.OfCall(f.Templates[template].Call(c))
}

// path is the longest way through the steps of a saga, which come after each other as its
// definition says; of compensations it is the same way back.
func path(d saga.Definition, steps []Envelope) (longest Envelope) {
	ends := make([]*Envelope, len(d.Steps))
	var end func(i int) Envelope
	end = func(i int) Envelope {
		if ends[i] != nil {
			return *ends[i]
		}
		var before Envelope
		for _, name := range d.Predecessors(i) {
			before = later(before, end(d.StepIndex(name)))
		}
		e := plus(before, steps[i])
		ends[i] = &e
		return e
	}
	for i := range d.Steps {
		longest = later(longest, end(i))
	}
	return longest
}

func later(a, b Envelope) Envelope {
	return Envelope{max(a.Shortest, b.Shortest), max(a.Expected, b.Expected), max(a.Longest, b.Longest)}
}

func plus(a, b Envelope) Envelope {
	sum := Envelope{a.Shortest + b.Shortest, a.Expected + b.Expected, Unbounded}
	if a.Longest < Unbounded-b.Longest {
		sum.Longest = a.Longest + b.Longest
	}
	return sum
}
