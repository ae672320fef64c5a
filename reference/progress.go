package reference

import (
	"cmp"
	"fmt"
	"time"

	"github.com/sagacheck/sagacheck/reference/policies"
	"github.com/sagacheck/sagacheck/saga"
)

// What those see who look at one saga: the operator, what is waited for; the end user, how far it
// has got.

// Wait is an operation that is to be attempted, and is not yet.
type Wait struct {
	Step      string
	Direction saga.Direction
	Attempt   int
	// From and To are when its policy lets it begin at the earliest and the latest; zero: as soon as
	// what it waits for lets it.
	From, To time.Time
	Why      string
}

// Waits lists what a saga waits for. The error is ErrNotFound, ErrQuarantined or ErrUnavailable.
func (e *Executor) Waits(id string) ([]Wait, error) {
	f, err := e.readable(e.ctx, id)
	if err != nil {
		return nil, err
	}
	f.view.mu.Lock()
	defer f.view.mu.Unlock()
	s := f.view.s
	var waits []Wait
	if s.again() {
		waits = append(waits, s.waitForRound())
	}
	for i := range s.Def.Steps {
		for _, r := range bothOf(i) {
			if r.Dir == saga.Compensation && s.Def.Steps[i].Compensation == nil || s.Op(r).Open || !s.wants(r) {
				continue
			}
			waits = append(waits, s.wait(e, r))
		}
	}
	return waits, nil
}

// unwritten is what an attempt waits for that is due: it is in no record.
const unwritten = "a circuit breaker, a retry budget, or a free place"

// wait is what an operation waits for, as far as the record and the flags say it.
func (s *State) wait(e *Executor, r Ref) Wait {
	o := s.Op(r)
	w := Wait{Step: s.Def.Steps[r.Step].Name, Direction: r.Dir, Attempt: o.Attempts + 1, Why: unwritten}
	op := e.Op(s.Def, r)
	flag, held, _ := e.control.flags.first(e.now(), func(f policies.Flag) bool { return e.rules.Holds(f, op, w.Attempt) })
	switch {
	case s.held(r):
		w.Why = "an operator, who has paused the saga"
		return w
	case held:
		w.Why = fmt.Sprintf("the flag %s", flag.Name)
		return w
	case o.Attempts == 0 && r.Dir == saga.Compensation:
		w.From = s.rules.Margin(s, r.Step)
		w.To, w.Why = w.From, "the safety margin: no late arrival may follow"
	case o.Attempts > 0:
		lo, hi := band(s.call(r).Retry, w.Attempt)
		w.From, w.To, w.Why = o.ended.Add(lo), o.ended.Add(hi), "the wait of its policy"
		if o.notBefore.After(w.From) {
			w.From, w.To, w.Why = o.notBefore, later(w.To, o.notBefore), "a Retry-After of the participant"
		}
	}
	if w.To.Before(e.now()) { // or there is no margin
		w.From, w.To, w.Why = time.Time{}, time.Time{}, unwritten
	}
	return w
}

func later(x, y time.Time) time.Time {
	if x.After(y) {
		return x
	}
	return y
}

// Progress is what an end user may be shown of a saga.
type Progress struct {
	Status   saga.Status
	Retrying bool
	Steps    []ProgressStep // those that may be shown
}

// ProgressStep is one step of it.
type ProgressStep struct {
	Name  string
	State saga.StepState
}

// Progress says how far a saga has got, of the steps whose template says that it may be shown. The
// error is ErrNotFound if there are none, as if there were no such saga; or ErrUnavailable.
func (e *Executor) Progress(id string) (Progress, error) {
	f, err := e.find(e.ctx, id)
	switch {
	case err != nil:
		return Progress{}, err
	case f.view == nil:
		return Progress{}, ErrNotFound
	}
	f.view.mu.Lock()
	defer f.view.mu.Unlock()
	s := f.view.s
	p := Progress{Status: s.status(), Retrying: s.retrying()}
	if f.broken != nil {
		p.Status = saga.Stuck
	}
	for i, st := range s.Def.Steps {
		version, begun := s.Policy(i)
		if !begun {
			version = e.control.versions.inForce()
		}
		t := e.control.versions.decide(version, &s.Def, Ref{i, saga.Action}).template
		if t != nil && cmp.Or(t.Visibility, policies.Silent) == policies.Progress {
			p.Steps = append(p.Steps, ProgressStep{st.Name, s.rules.StepState(s, i)})
		}
	}
	if len(p.Steps) == 0 {
		return Progress{}, ErrNotFound
	}
	return p, nil
}
