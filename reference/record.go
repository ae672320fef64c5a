package reference

import (
	"time"

	"github.com/sagacheck/sagacheck/reference/policies"
	"github.com/sagacheck/sagacheck/saga"
)

// ref names one operation of a saga: a direction of the step at an index.
type Ref struct {
	Step int
	Dir  saga.Direction
}

// bothOf names the two operations of a step.
func bothOf(step int) [2]Ref { return [...]Ref{{step, saga.Action}, {step, saga.Compensation}} }

// recordKind is the kind of a record.
type RecordKind string

// The kinds of records. Everything that an executor knows of a saga is the
// replay of these.
const (
	recAccepted    RecordKind = "accepted"  // the saga's definition
	RecordIntent   RecordKind = "intent"    // an attempt is about to leave
	RecordOutcome  RecordKind = "outcome"   // what came of it
	recWithdrawn   RecordKind = "withdrawn" // it did not leave after all, or none will any more
	RecordOperator RecordKind = "operator"  // an operator asked for something; without Asked: for the rollback
	recHeld        RecordKind = "held"      // a flag holds an attempt back
	RecordDrift    RecordKind = "drift"     // what the participant holds of an action differs, or does not any more
	RecordReadBack RecordKind = "read-back" // what it told of an action before another round
)

// record is one fact of a saga's journal. Which fields are set depends on the
// kind.
type Record struct {
	Kind       RecordKind       `json:"kind"`
	At         time.Time        `json:"at"`
	Definition *saga.Definition `json:"definition,omitempty"`
	Bodies     []string         `json:"bodies,omitempty"` // of the definition, when stored: see bodies.go
	Step       int              `json:"step,omitempty"`
	Direction  saga.Direction   `json:"direction,omitempty"`
	Attempt    int              `json:"attempt,omitempty"`
	Answer     saga.Answer      `json:"answer,omitempty"`
	Code       int              `json:"code,omitempty"`
	// Policy is the version of the policies that decided the attempt; 0: none did.
	Policy int `json:"policy,omitempty"`
	// Flag is what holds an attempt back, or kept it from leaving.
	Flag policies.FlagName `json:"flag,omitempty"`
	// Layer is what of the policies ended an operation, or held an attempt back; empty: the
	// call's own policy did, or a flag.
	Layer Layer `json:"layer,omitempty"`
	// TimeoutMS is the time-out of an attempt whose policy adapts, in milliseconds.
	TimeoutMS int `json:"timeout_ms,omitempty"`
	// Interrupted: the executor ended before the outcome was known.
	Interrupted bool `json:"interrupted,omitempty"`
	// Exhausted: the policy allows no further attempt in the normal course.
	Exhausted bool `json:"exhausted,omitempty"`
	// Trace is the traceparent of the client that submitted the saga.
	Trace string `json:"trace,omitempty"`
	// Breaker is the state of the call's breaker after the outcome.
	Breaker *breakerState `json:"breaker,omitempty"`
	// NotBefore is the earliest time of the next attempt (Retry-After).
	NotBefore time.Time `json:"not_before,omitzero"`
	// Asked is what an operator asked for; of a step, if it has a Direction.
	Asked *Asked `json:"asked,omitempty"`
	// Drift is how what the participant holds differs; nil: it does not any more.
	Drift *Difference `json:"drift,omitempty"`
	// Change is one of what governs all sagas: see control.go.
	Change *Change `json:"change,omitempty"`
}

func (r Record) ref() Ref { return Ref{r.Step, r.Direction} }
