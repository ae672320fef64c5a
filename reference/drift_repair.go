package reference

import (
	"errors"
	"time"

	"github.com/sagacheck/sagacheck/reference/policies"
	"github.com/sagacheck/sagacheck/saga"
)

// A saga has ended, its record proves that an action was undone, and what the participant holds says that
// it is there again: its books were restored from before, say. Where the executor may repair that, it makes
// a further attempt of the compensation, under the key that all of them have: a participant that remembers it
// does nothing. No other difference is repaired, since nothing says that doing an action again would be right.

// RecordRepair is an attempt at a repair: without an Answer it is about to leave, with one it is over.
const RecordRepair RecordKind = "repair"

// RepairWithdrawn stands for the answer of an attempt that did not leave after all.
const RepairWithdrawn saga.Answer = "withdrawn"

// How much is repaired.
const (
	mostRepairs   = 5 // attempts of a step in all, however often what is told of it changes
	repairsAtOnce = 8 // of all sagas: who has just been restored is not flooded
)

// DriftRepair is what was done about a difference.
type DriftRepair struct {
	State    RepairState `json:"state"`
	Attempts int         `json:"attempts"`
	Began    time.Time   `json:"began,omitzero"` // the last of them
}

// RepairState is what has come of it.
type RepairState string

// The states.
const (
	RepairUnderWay   RepairState = "under-way"
	RepairAnswered   RepairState = "answered"   // that it is done: whether it helped the next reading tells
	RepairRefused    RepairState = "refused"    // no further attempt follows
	RepairUnanswered RepairState = "unanswered" // the outcome is unknown
	Repaired         RepairState = "repaired"   // and the difference is gone
)

// differing is the difference at a step now, as far as is known; nil: there is none.
func (s *State) differing(step int) *Drift {
	for i := range s.drifts {
		if d := &s.drifts[i]; d.step == step && d.Gone.IsZero() {
			return d
		}
	}
	return nil
}

// Differing is the difference at a step now, as far as is known; not ok: there is none.
func (s *State) Differing(step int) (d Drift, ok bool) {
	if now := s.differing(step); now != nil {
		return *now, true
	}
	return d, false
}

// Repairing: an attempt at a repair of a step has no outcome.
func (s *State) Repairing(step int) bool {
	d := s.differing(step)
	return d != nil && d.Repair.State == RepairUnderWay
}

// RepairBegan is when the last attempt at a repair of a step began; zero: there was none.
func (s *State) RepairBegan(step int) time.Time {
	for i := len(s.drifts) - 1; i >= 0; i-- {
		if s.drifts[i].step == step {
			return s.drifts[i].Repair.Began
		}
	}
	return time.Time{}
}

// repairsOf is how many attempts at repairs of a step there were: they count among those of its compensation.
func (s *State) repairsOf(step int) (n int) {
	for i := range s.drifts {
		if s.drifts[i].step == step {
			n += s.drifts[i].Repair.Attempts
		}
	}
	return n
}

// repairable: the saga has ended by itself, its record proves that a step was undone, and yet it is there. What
// was answered is not done again: who knows better is a person.
func (s *State) repairable(step int) bool {
	d := s.differing(step)
	return d != nil && d.What == DriftStill && s.status().Ended() && s.Undos[step].Done() && s.repairsOf(step) < mostRepairs &&
		(d.Repair.State == "" || d.Repair.State == RepairUnanswered)
}

// repaired takes an attempt at a repair into the state. It counts as one of the compensation.
func (s *State) repaired(r Record) {
	d := s.differing(r.Step)
	if d == nil {
		return
	}
	if r.Answer != "" && r.Answer != RepairWithdrawn {
		s.Undos[r.Step].ended, s.Undos[r.Step].notBefore = r.At, r.NotBefore
	}
	switch r.Answer {
	case "":
		s.Undos[r.Step].Attempts++
		d.Repair = DriftRepair{RepairUnderWay, d.Repair.Attempts + 1, r.At}
	case saga.Done:
		d.Repair.State = RepairAnswered
	case saga.Permanent:
		d.Repair.State = RepairRefused
	case RepairWithdrawn:
		s.Undos[r.Step].Attempts--
		if d.Repair.Attempts--; d.Repair.Attempts == 0 {
			d.Repair = DriftRepair{}
			return
		}
		d.Repair.State = RepairUnanswered
	default:
		d.Repair.State = RepairUnanswered
	}
}

// repairDue: what a participant told is to be repaired now. It was asked so long after the difference was found, and
// after the last attempt, as the schedule waits between two questions, since what is told may lag; and the compensation's
// own waits are over, and a Retry-After.
func (e *Executor) repairDue(s *State, h holding) bool {
	if !e.reconciler.repair || !s.stays(h) || !e.rules.Drift.Repairs(s, h.step) {
		return false
	}
	undo := &s.Undos[h.step]
	_, wait := band(s.call(Ref{h.step, saga.Compensation}).Retry, undo.Attempts+1)
	since := later(s.differing(h.step).Found.Add(e.reconciler.every), undo.ended.Add(max(wait, e.reconciler.every)))
	return !h.asked.Before(since) && !e.now().Before(undo.notBefore)
}

// repairs asks for an attempt at a repair of what a participant was found to hold once more. What keeps one back now is
// asked about again by the schedule.
func (r *run) repairs(records *[]Record, h holding) {
	e := r.e
	if e.draining() || r.state.Paused != nil || !e.repairDue(r.state, h) || e.reconciler.isFull() {
		return
	}
	o := newOperation(r, Ref{h.step, saga.Compensation})
	o.cancel()
	if _, held, _ := o.heldBy(o.made + 1); held || !o.breaker.closed() || !o.affordable() {
		return
	}
	r.take(records, Record{Kind: RecordRepair, At: e.now(), Step: h.step, Direction: saga.Compensation, Attempt: o.made + 1, Policy: o.op.policy.version})
}

// begin makes the attempts at repairs whose intents have become durable.
func (c *reconciler) begin(r *run, records []Record) {
	for _, rec := range records {
		if rec.Kind == RecordRepair && rec.Answer == "" {
			c.setRepairing(r.state.Def.ID, rec.Step, true)
			o := newOperation(r, rec.ref())
			o.cancel()
			r.e.spawn(func() { r.guard(func() { o.repair(rec) }) })
		}
	}
}

// repair makes an attempt, and has what came of it written down.
func (o *operation) repair(rec Record) {
	e, id := o.run.e, o.op.Saga.ID
	defer e.reconciler.setRepairing(id, rec.Step, false)
	e.log.Warn("the compensation is called again, since the participant holds what was undone", "saga", id, "step", o.op.SagaStep().Name)
	came := o.repairOnce(rec.Attempt)
	if e.ctx.Err() != nil { // an aborted call tells nothing
		return
	}
	came.Kind, came.Step, came.Direction, came.Attempt = RecordRepair, rec.Step, rec.Direction, rec.Attempt
	e.tellRepair(id, came)
}

// tellRepair has what came of a repair written down, however long the store takes for it: else nobody knew of a
// refusal. A saga that can't be read any more takes nothing.
func (e *Executor) tellRepair(id string, came Record) {
	ticker := time.NewTicker(e.reconciler.every)
	defer ticker.Stop()
	for {
		err := e.tell(e.ctx, id, message{holds: &holding{step: came.Step, repair: &came}})
		if err == nil || e.ctx.Err() != nil {
			return
		}
		if errors.Is(err, ErrNotFound) || errors.Is(err, ErrQuarantined) {
			e.log.Warn("what came of a repair can't be written down", "saga", id, "error", err)
			return
		}
		e.log.Warn("what came of a repair can't be written down yet", "saga", id, "error", err)
		select {
		case <-ticker.C:
		case <-e.ctx.Done():
			return
		}
	}
}

// repairOnce calls the compensation, if nothing that has come up since keeps it back.
func (o *operation) repairOnce(n int) Record {
	e := o.run.e
	withdrawn := Record{At: e.now(), Answer: RepairWithdrawn}
	if e.reconciler.repairs.Acquire(e.ctx, 1) != nil {
		return withdrawn
	}
	defer e.reconciler.repairs.Release(1)
	if !e.slots.take(e.ctx) {
		return withdrawn
	}
	defer e.slots.give()
	if _, held, _ := e.control.flags.first(e.now(), func(f policies.Flag) bool { return e.rules.Holds(f, o.op, n) }); held || e.draining() {
		return withdrawn
	}
	if !o.affordNow() {
		return withdrawn
	}
	defer o.refund()
	done, ok := o.breaker.acquire()
	if !ok {
		return withdrawn
	}
	o.spend(n)
	left := e.now()
	a := e.send(e.ctx, o.op, n)
	if a.unsent {
		done(NotCounted)
		return withdrawn
	}
	o.op.observe(a, a.At.Sub(left))
	m := o.op.meaning(a)
	done(e.rules.Passage(m, o.breaker.closed()))
	return Record{At: a.At, Answer: m, Code: a.Code, NotBefore: a.NotBefore, Breaker: o.breaker.snapshot(e.now())}
}

// takeRepair takes what came of an attempt at a repair.
func (r *run) takeRepair(records *[]Record, came Record) {
	d := r.state.differing(came.Step)
	if d == nil || d.Repair.State != RepairUnderWay || r.state.Undos[came.Step].Attempts != came.Attempt {
		return
	}
	r.take(records, came)
}

// cutShort is what is written down of an attempt at a repair that an end of the executor cut short; nil: there
// is none.
func (e *Executor) cutShort(s *State, step int) *Record {
	if !s.Repairing(step) || e.reconciler.isRepairing(s.Def.ID, step) {
		return nil
	}
	return &Record{
		Kind: RecordRepair, At: e.now(), Step: step, Direction: saga.Compensation, Attempt: s.Undos[step].Attempts,
		Answer: saga.Transient, Interrupted: true,
	}
}

// repairOf names a repair that is under way in this life.
type repairOf struct {
	saga string
	step int
}

func (c *reconciler) setRepairing(id string, step int, under bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if under {
		c.repairing[repairOf{id, step}] = true
	} else {
		delete(c.repairing, repairOf{id, step})
	}
}

func (c *reconciler) isRepairing(id string, step int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.repairing[repairOf{id, step}]
}

// isFull: as many repairs are under way as may be.
func (c *reconciler) isFull() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.repairing) >= repairsAtOnce
}
