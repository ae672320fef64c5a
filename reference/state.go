package reference

import (
	"fmt"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// state is what follows from the records of one saga. It has no clock, no
// randomness and no input but apply, so that a replay gives the same state.
type state struct {
	def      saga.Definition
	graph    graph
	actions  []opState
	undos    []opState
	operator bool   // an operator asked for the rollback
	trace    string // the client's traceparent, or ""
	defects  defects
	latest   time.Time // of all records
	tally    *tally    // nil: every step is looked at
	known    *facts    // then; nil: to be worked out anew
}

// opState is one operation.
type opState struct {
	attempts    int
	interrupted int         // those cut short by an end of the executor
	open        bool        // an intent without an outcome
	doubtful    bool        // some attempt's outcome is unknown
	answer      saga.Answer // of the last attempt that has an outcome
	exhausted   bool        // no further attempt in the normal course
	first       time.Time   // of the first intent
	ended       time.Time   // of the last attempt that has an outcome
	notBefore   time.Time
	replayed    int // attempts made before the last restart
}

func (o *opState) done() bool    { return o.answer == saga.Done }
func (o *opState) refused() bool { return o.answer == saga.Permanent }

// lost: a compensation that failed for good.
func (o *opState) lost() bool { return o.refused() || o.exhausted && !o.done() }

// settled: nothing more can be learnt about the operation.
func (o *opState) settled() bool { return o.done() || o.refused() }

func newState(def saga.Definition, d defects) *state {
	s := &state{
		def: def, graph: newGraph(def), defects: d,
		actions: make([]opState, len(def.Steps)), undos: make([]opState, len(def.Steps)),
	}
	if len(d) == 0 { // they may look at every step
		s.tally = newTally(s)
	}
	return s
}

// clone is a copy that changes by itself.
func (s *state) clone() *state {
	c := *s
	c.actions, c.undos, c.known = slices.Clone(s.actions), slices.Clone(s.undos), nil
	if s.tally != nil {
		c.tally = newTally(&c)
	}
	return &c
}

func (s *state) op(r ref) *opState {
	if r.dir == saga.Action {
		return &s.actions[r.step]
	}
	return &s.undos[r.step]
}

func (s *state) call(r ref) saga.Call { return callOf(s.def, r) }

// callOf is the call of an operation, within bounds.
func callOf(d saga.Definition, r ref) saga.Call {
	if r.dir == saga.Action {
		return bounded(d.Steps[r.step].Action)
	}
	return bounded(*d.Steps[r.step].Compensation)
}

// replay builds the state of a saga from its journal.
func replay(es []entry, d defects) (*state, error) {
	var s *state
	for i, e := range es {
		if e.damage != nil {
			return nil, e.damage
		}
		if e.n != i+1 {
			return nil, fmt.Errorf("journal of saga %q: entry %d where %d was expected", e.saga, e.n, i+1)
		}
		for _, r := range e.records {
			if r.Kind == recAccepted && s == nil && r.Definition != nil {
				if err := r.Definition.Validate(); err != nil {
					return nil, fmt.Errorf("journal of saga %q: %w", e.saga, err)
				}
				s = newState(*r.Definition, d)
				s.latest, s.trace = r.At, r.Trace
				continue
			}
			if s == nil {
				return nil, fmt.Errorf("journal of saga %q: begins with %q: expected %q", e.saga, r.Kind, recAccepted)
			}
			if err := s.apply(r); err != nil {
				return nil, fmt.Errorf("journal of saga %q, entry %d: %w", e.saga, e.n, err)
			}
		}
	}
	return s, nil
}

// apply takes one record into the state. An error means that the journal is
// damaged: the executor itself never writes such a record.
func (s *state) apply(r record) error {
	s.known = nil
	if r.At.After(s.latest) {
		s.latest = r.At
	}
	if r.Kind == recOperator {
		s.operator = !s.defects.on("ignore-operator")
		return nil
	}
	if r.Step < 0 || r.Step >= len(s.def.Steps) || (r.Direction == saga.Compensation && s.def.Steps[r.Step].Compensation == nil) {
		return fmt.Errorf("%s of step %d, %s: no such operation", r.Kind, r.Step, r.Direction)
	}
	return s.tally.during(s, r.Step, func() error { return s.change(r) })
}

// change takes a record of an operation.
func (s *state) change(r record) error {
	o := s.op(r.ref())
	switch {
	case r.Kind == recIntent && !o.open && r.Attempt == o.attempts+1:
		if o.attempts == 0 {
			o.first = r.At
		}
		o.attempts++
		o.open = true
	case r.Kind == recOutcome && o.open && r.Attempt == o.attempts:
		o.open = false
		o.answer = r.Answer
		o.doubtful = o.doubtful || r.Answer == saga.Transient
		o.exhausted = o.exhausted || r.Exhausted
		o.ended, o.notBefore = r.At, r.NotBefore
		if r.Interrupted {
			o.interrupted++
		}
	case r.Kind == recWithdrawn:
		if o.open {
			o.open = false
			if o.attempts--; o.attempts == 0 {
				o.first = time.Time{}
			}
		}
		o.exhausted = o.exhausted || r.Exhausted
	default:
		return fmt.Errorf("%s of attempt %d of %q, %s, after %d attempts", r.Kind, r.Attempt, s.def.Steps[r.Step].Name, r.Direction, o.attempts)
	}
	return nil
}
