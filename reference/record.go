package reference

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

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
	recAccepted   RecordKind = "accepted"  // the saga's definition
	RecordIntent  RecordKind = "intent"    // an attempt is about to leave
	RecordOutcome RecordKind = "outcome"   // what came of it
	recWithdrawn  RecordKind = "withdrawn" // it did not leave after all, or none will any more
	recOperator   RecordKind = "operator"  // an operator asked for the rollback
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
}

func (r Record) ref() Ref { return Ref{r.Step, r.Direction} }

// entry is the records that one saga commits together: all of them or none.
type entry struct {
	saga    string
	n       int // from 1, without gaps within a saga
	records []Record
	ended   time.Time // when the saga ended with it; zero: it goes on
	text    string    // the records as they are stored
	damage  error     // why they can't be read
}

// encode fills in the text.
func (e *entry) encode() error {
	records := e.records
	if len(records) > 0 && records[0].Definition != nil {
		records = slices.Clone(records)
		records[0] = records[0].withBodiesApart()
	}
	b, err := json.Marshal(records)
	e.text = string(b)
	return err
}

// decodeEntry reads a stored entry. One that can't be read says so in damage: it is
// trouble of its own saga, not of the store.
func decodeEntry(id string, n int, text string) entry {
	e := entry{saga: id, n: n, text: text}
	e.damage = json.Unmarshal([]byte(text), &e.records)
	for i := range e.records {
		if e.damage == nil {
			e.damage = e.records[i].putBodiesBack()
		}
	}
	if e.damage != nil {
		e.damage = fmt.Errorf("journal of saga %q, entry %d: %w", id, n, e.damage)
	}
	return e
}
