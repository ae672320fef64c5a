package tinyorch

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// run is one saga: a goroutine a step waits for the steps before it and does its
// work; when one fails, the others stop and each undoes itself as soon as
// everything after it is undone.
type run struct {
	o     *Orchestrator
	def   saga.Definition
	began time.Time
	key   string        // put behind all keys
	turn  chan struct{} // closed when a step has failed: nothing new starts

	told    atomic.Int64 // status reports
	undoing sync.Mutex   // one compensation at a time, for those who do it so

	mu       sync.Mutex
	status   saga.Status
	steps    []*step
	pivoted  bool
	failed   bool
	late     bool // a deadline was over
	turnOnce sync.Once
}

// step is what is known of one step.
type step struct {
	def      saga.Step
	before   []*step
	after    []*step
	passed   chan struct{} // what comes after may start
	undone   chan struct{} // nothing of the step is left
	state    saga.StepState
	attempts int
	done     bool
	doubtful bool // some attempt may have had its effect without our knowing
	passOnce sync.Once
}

func newRun(o *Orchestrator, d saga.Definition) *run {
	r := &run{o: o, def: d, began: time.Now(), turn: make(chan struct{}), status: saga.Running}
	for _, s := range d.Steps {
		r.steps = append(r.steps, &step{def: s, passed: make(chan struct{}), undone: make(chan struct{}), state: saga.StepPending})
	}
	for i, s := range r.steps {
		for _, name := range d.Predecessors(i) {
			p := r.steps[d.StepIndex(name)]
			s.before = append(s.before, p)
			p.after = append(p.after, s)
		}
	}
	return r
}

// execute runs the saga to its end.
func (r *run) execute(ctx context.Context) {
	var acting, behind sync.WaitGroup
	for _, s := range r.steps {
		acting.Go(func() { r.forward(ctx, s, &behind) })
	}
	acting.Wait()
	if r.rollsBackAnyway() {
		r.fail()
	}
	r.mu.Lock()
	back := r.failed && !r.pivoted
	switch {
	case ctx.Err() != nil:
	case back:
		r.status = saga.Compensating
	case r.failed:
		r.status = saga.Stuck
	default:
		r.status = saga.Completed
	}
	r.mu.Unlock()
	if !back {
		behind.Wait() // deferred steps
		return
	}
	behind.Wait()
	var undoing sync.WaitGroup
	for _, s := range r.steps {
		undoing.Go(func() { r.backward(ctx, s) })
	}
	undoing.Wait()
	if ctx.Err() == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.status == saga.Compensating {
			r.status = saga.Compensated
		}
	}
}

// rollsBackAnyway: the mistakes of turning a saga that has succeeded.
func (r *run) rollsBackAnyway() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	doubtful := slices.ContainsFunc(r.steps, func(s *step) bool { return s.doubtful && s.def.Kind != saga.Deferrable })
	if anyway := r.o.bugs.RollBackAlways || r.o.bugs.RollBackAfterDoubt && doubtful; !anyway {
		return false
	}
	r.pivoted = false
	return true
}

// forward does a step when those before it have passed. A deferrable step that
// has used up its budget goes on behind the saga.
func (r *run) forward(ctx context.Context, s *step, behind *sync.WaitGroup) {
	for _, p := range s.before {
		select {
		case <-p.passed:
		case <-r.turn:
			if !r.o.bugs.StartAfterTurn || !s.passes(p) {
				return
			}
		case <-ctx.Done():
			return
		}
	}
	select {
	case <-r.turn:
		if !r.o.bugs.StartAfterTurn {
			return
		}
	default:
	}
	if r.o.bugs.RollBackAlways && !r.wait(ctx, pauseBetweenSteps) {
		return
	}
	r.set(s, saga.StepRunning)
	l := loop{run: r, step: s, direction: saga.Action, call: s.def.Action, give: r.turn}
	switch {
	case s.def.Kind == saga.Pivot && s.def.Compensation == nil && !r.o.bugs.UndoUnknownPivot:
		l.give, l.endless = nil, true // everything depends on its outcome
	case s.def.Kind == saga.Deferrable && r.o.bugs.DeferrableBlocks:
		l.endless = true
	case r.o.bugs.StartAfterTurn:
		l.give = nil
	case s.def.Kind == saga.Deferrable && l.call.Retry.MaxAttempts == 0:
		l.call.Retry.MaxAttempts = 1
	}
	switch end := l.do(ctx); {
	case end == done:
		r.succeed(s)
	case s.def.Kind == saga.Pivot && end == exhausted && r.o.bugs.StuckAtPivot:
		r.set(s, saga.StepFailed)
		r.mu.Lock()
		r.pivoted = true // for the end to be stuck
		r.mu.Unlock()
		r.fail()
	case s.def.Kind != saga.Deferrable && (end == refused || end == exhausted):
		r.mu.Lock()
		r.late = r.late || end == exhausted && l.call.Retry.DeadlineMS > 0
		r.mu.Unlock()
		r.set(s, saga.StepFailed)
		r.fail()
	case end == refused:
		r.set(s, saga.StepFailed)
		s.pass()
	case end == exhausted && r.o.bugs.DropDeferrable:
		r.set(s, saga.StepFailed)
		s.pass()
	case end == exhausted:
		r.set(s, saga.StepDeferred)
		s.pass()
		l.endless = true
		behind.Go(func() {
			if r.wait(ctx, r.o.habits.Sweeps) && l.do(ctx) == done {
				r.succeed(s)
			}
		})
	}
}

// passes waits a while for a step before this one.
func (s *step) passes(p *step) bool {
	select {
	case <-p.passed:
		return true
	case <-time.After(afterTurn):
		return false
	}
}

func (s *step) pass() { s.passOnce.Do(func() { close(s.passed) }) }

func (r *run) succeed(s *step) {
	r.mu.Lock()
	s.done, s.state = true, saga.StepSucceeded
	r.pivoted = r.pivoted || s.def.Kind == saga.Pivot
	r.mu.Unlock()
	s.pass()
}

// fail turns the saga round. Past the pivot a person is needed instead.
func (r *run) fail() {
	r.mu.Lock()
	r.failed = true
	r.mu.Unlock()
	r.turnOnce.Do(func() { close(r.turn) })
}

// backward undoes a step when everything after it is undone.
func (r *run) backward(ctx context.Context, s *step) {
	for _, later := range s.after {
		select {
		case <-later.undone:
		case <-ctx.Done():
			return
		}
	}
	r.mu.Lock()
	needed := s.def.Compensation != nil && (s.done || s.doubtful && !r.o.bugs.SkipUnknown) && !(r.o.bugs.DeadlineNoUndo && r.late)
	r.mu.Unlock()
	if !needed {
		close(s.undone)
		return
	}
	r.set(s, saga.StepCompensating)
	if r.o.habits.OneUndoAtATime {
		r.undoing.Lock()
		defer r.undoing.Unlock()
	}
	l := loop{run: r, step: s, direction: saga.Compensation, call: *s.def.Compensation}
	end := l.do(ctx)
	if end == refused && r.o.bugs.RefusedUndoIsDone {
		end = done
	}
	switch end {
	case done:
		r.set(s, saga.StepCompensated)
		close(s.undone)
		if pause := r.o.bugs.UndoAgain; pause > 0 {
			l.again = true
			r.o.work.Go(func() {
				if l.sleep(ctx, pause) {
					l.attempt(ctx)
				}
			})
		}
	case refused, exhausted:
		r.mu.Lock()
		r.status, s.state = saga.Stuck, saga.StepFailed
		r.mu.Unlock()
	case stopped:
	}
}

// wait sleeps; false: the orchestrator ends.
func (r *run) wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

func (r *run) set(s *step, state saga.StepState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.state = state
}

func (r *run) report() saga.Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	rep := saga.Report{ID: r.def.ID, Status: r.status}
	for _, s := range r.steps {
		rep.Steps = append(rep.Steps, saga.StepStatus{Name: s.def.Name, Status: s.state, Attempts: s.attempts})
	}
	return rep
}
