package reference

import (
	"fmt"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// State is what follows from the records of one saga. It has no clock, no
// randomness and no input but apply, so that a replay gives the same State.
type State struct {
	Def              saga.Definition
	earlier          // rounds
	graph            graph
	Actions, Undos   []OpState
	Operator         bool             // an operator asked for the rollback
	Paused           *saga.ByHand     // by an operator, who has not resumed it; nil: it is not
	ByHand           *saga.ByHand     // an operator has ended it; nil: nobody has
	asked            map[string]Asked // by key
	trace            string           // the client's traceparent, or ""
	rules            *Rules
	latest, accepted time.Time // of all records; of the first
	policies         []int     // by step: the version with which it began; nil: 0 for all
	versions         *versions // what they say; nil: there are none
	drifts           []Drift   // in the order in which they were found
	all              overview
}

// opState is one operation.
type OpState struct {
	Attempts    int
	interrupted int         // those cut short by an end of the executor
	lostRounds  int         // for which nobody could say what was there
	Open        bool        // an intent without an outcome
	Doubtful    bool        // some attempt's outcome is unknown
	Answer      saga.Answer // of the last attempt that has an outcome
	Exhausted   bool        // no further attempt in the normal course
	Skipped     bool        // an operator said that it is not to be done any more
	first       time.Time   // of the first intent
	began       time.Time   // of the last intent
	ended       time.Time   // of the last attempt that has an outcome
	notBefore   time.Time
}

func (o *OpState) Done() bool    { return o.Answer == saga.Done }
func (o *OpState) Refused() bool { return o.Answer == saga.Permanent }

// Lost: a compensation that failed for good.
func (o *OpState) Lost() bool { return o.Refused() || o.Exhausted && !o.Done() }

// Settled: nothing more can be learnt about the operation, or is to be.
func (o *OpState) Settled() bool { return o.Done() || o.Refused() || o.Skipped }

// newState is that of a saga of which nothing is known yet. Without rules it has the
// default ones.
func newState(def saga.Definition, r *Rules) *State {
	if r == nil {
		r = rules
	}
	s := &State{
		Def: def, earlier: earlier{first: &def}, graph: newGraph(def), rules: r,
		Actions: make([]OpState, len(def.Steps)), Undos: make([]OpState, len(def.Steps)),
	}
	s.all = newOverview(s)
	return s
}

func (s *State) Op(r Ref) *OpState {
	if r.Dir == saga.Action {
		return &s.Actions[r.Step]
	}
	return &s.Undos[r.Step]
}

// replay builds the state of a saga from its journal.
func replay(es []entry, rules *Rules) (*State, error) {
	var s *State
	for i, e := range es {
		if e.damage == nil && e.n != i+1 {
			return nil, fmt.Errorf("journal of saga %q: entry %d where %d was expected", e.saga, e.n, i+1)
		}
		var err error
		if s, err = replayOnto(s, e, rules); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// replayOnto takes one more entry into a state; nil: it is the first.
func replayOnto(s *State, e entry, rules *Rules) (*State, error) {
	if e.damage != nil {
		return nil, e.damage
	}
	for _, r := range e.records {
		if r.Kind == recAccepted && s == nil && r.Definition != nil {
			if err := r.Definition.Validate(); err != nil {
				return nil, fmt.Errorf("journal of saga %q: %w", e.saga, err)
			}
			s = newState(*r.Definition, rules)
			s.latest, s.accepted, s.trace = r.At, r.At, r.Trace
			continue
		}
		if s == nil {
			return nil, fmt.Errorf("journal of saga %q: begins with %q: expected %q", e.saga, r.Kind, recAccepted)
		}
		if err := s.apply(r); err != nil {
			return nil, fmt.Errorf("journal of saga %q, entry %d: %w", e.saga, e.n, err)
		}
	}
	return s, nil
}

// apply takes one record into the state. An error means that the journal is
// damaged: the executor itself never writes such a record.
func (s *State) apply(r Record) error {
	if r.At.After(s.latest) {
		s.latest = r.At
	}
	if r.Direction == "" {
		return s.whole(r)
	}
	if r.Step < 0 || r.Step >= len(s.Def.Steps) || (r.Direction == saga.Compensation && s.Def.Steps[r.Step].Compensation == nil) {
		return noSuch(r)
	}
	s.all.before(r.Step)
	defer s.all.after(r.Step)
	return s.change(r)
}

// change takes a record of an operation.
func (s *State) change(r Record) error {
	o := s.Op(r.ref())
	switch {
	case r.Kind == RecordIntent && !o.Open && r.Attempt == o.Attempts+1:
		if o.Attempts == 0 {
			o.first = r.At
		}
		if _, begun := s.Policy(r.Step); !begun {
			s.began(r.Step, r.Policy)
		}
		o.Attempts++
		o.Open, o.began = true, r.At
	case r.Kind == RecordOutcome && o.Open && r.Attempt == o.Attempts:
		o.Open = false
		o.Answer = r.Answer
		o.Doubtful = o.Doubtful || r.Answer == saga.Transient
		o.Exhausted = o.Exhausted || r.Exhausted
		o.ended, o.notBefore = r.At, r.NotBefore
		if r.Interrupted {
			o.interrupted++
		}
	case r.Kind == recWithdrawn:
		if o.Open {
			o.Open = false
			if o.Attempts--; o.Attempts == 0 {
				o.first = time.Time{}
			}
		}
		o.Exhausted = o.Exhausted || r.Exhausted
	case r.Kind == RecordOperator:
		o.Skipped = true
		s.remember(r)
	case r.Kind == RecordDrift, r.Kind == RecordRepair:
		s.drifted(r)
	case r.Kind == RecordReadBack && !o.Open:
		s.readBack(o, r)
	case r.Kind == recHeld:
	default:
		return fmt.Errorf("%s of attempt %d of %q, %s, after %d attempts", r.Kind, r.Attempt, s.Def.Steps[r.Step].Name, r.Direction, o.Attempts)
	}
	return nil
}
