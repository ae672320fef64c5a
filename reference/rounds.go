package reference

import (
	"errors"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// The rounds of a step: see saga.RetryPolicy. When a round has brought no answer, its participant is
// asked what it holds before another one begins. What it holds is done; what it does not hold is attempted
// again, under the same key, so that what of an earlier round arrives late changes nothing. One
// that can't say it costs a round and is asked again: nobody is called without knowing.

// RoundRules are a part of Rules.
type RoundRules struct {
	// Asks: the participant is asked before an attempt of an operation.
	Asks func(o Op, n int) bool
	// Found is what a participant that was asked makes of an operation: there, what it was done to is
	// there.
	Found func(o Op, there bool) saga.Answer
	// Saga is when a saga is run forward again.
	Saga SagaRoundRules
}

// DefaultRoundRules are those by which the executor is right.
func defaultRoundRules() RoundRules {
	return RoundRules{
		Asks: func(o Op, n int) bool { return o.Call().Retry.BeginsRound(n) },
		Found: func(_ Op, there bool) saga.Answer {
			if there {
				return saga.Done
			}
			return saga.Transient
		},
		Saga: defaultSagaRoundRules(),
	}
}

// withRounds is the call of an operation: a template may say rounds for what can't have any.
func withRounds(d *saga.Definition, r Ref, c saga.Call) saga.Call {
	if r.Dir != saga.Action || !d.Steps[r.Step].MayHaveRounds() {
		c.Retry.Rounds, c.Retry.RoundDelayMS = 0, 0
	}
	return c
}

// betweenRounds asks the participant what it holds, if the next attempt begins another round. ok: an
// attempt may be made; else the turn says how it goes on. The question ends with the waiting.
func (o *operation) betweenRounds() (t turn, ok bool) {
	e := o.run.e
	if o.granted != nil || !e.rules.Rounds.Asks(o.op, o.made+1) {
		return t, true
	}
	h := holding{step: o.ref.Step}
	err := e.readBack(o.waiting, o.op, &h)
	if o.waiting.Err() != nil {
		return t, false
	}
	r := Record{Kind: RecordReadBack, At: e.now(), Attempt: o.made}
	switch {
	case err == nil:
		r.Answer = e.rules.Rounds.Found(o.op, h.there)
		o.report(r)
		return t, r.Answer == saga.Transient
	case errors.Is(err, errOver): // it will never know
		r.Exhausted = true
	default:
		t = turn{again: true, due: o.nextDue(o.made, r.At, time.Time{})}
	}
	e.log.Warn("nobody knows what a participant holds: a round is lost", "saga", o.op.Saga.ID, "step", o.op.SagaStep().Name, "error", err)
	o.reportDue(t.due, r)
	return t, false
}

// stale: the operation that asked has been given up since, and whoever took its place asks anew.
func (r *run) stale(m message) bool {
	return m.fact.Kind == RecordReadBack && r.under[m.fact.ref()] != m.of
}

// readBack takes in what a participant told before another round; no answer: it could not.
func (s *State) readBack(o *OpState, r Record) {
	switch r.Answer {
	case saga.Done:
		o.Answer = r.Answer
	case "":
		o.lostRounds++
		o.Exhausted = o.Exhausted || o.lostRounds+1 >= s.call(r.ref()).Retry.Rounds // also where attempts are spared
	}
	o.Exhausted = o.Exhausted || r.Exhausted || !o.Done() && s.limits(r.ref()).exhausted(o.Attempts-o.interrupted, o.first, r.At)
}
