package faults

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// Plan is a list of faults in which every choice is already made. The empty plan
// is the fault-free run.
type Plan struct {
	Faults []Fault `json:"faults" yaml:"faults"`
}

// Fault is a kind of fault at a failure point, or over a window of time. Fields
// that a kind does not use are zero; the kind's Validate says so.
type Fault struct {
	Kind string `json:"kind" yaml:"kind"`
	// Saga is the number of the saga in the cell, from 1; 0 means whichever saga
	// gets to the point first.
	Saga int               `json:"saga,omitempty" yaml:"saga,omitempty"`
	At   saga.FailurePoint `json:"at,omitzero" yaml:"at,omitempty"`
	// After is the answer that must have left before an address is closed which several
	// operations share, as those of a service of a user's own workflow do; absent: from the
	// beginning, or the attempt before.
	After saga.FailurePoint `json:"after,omitzero" yaml:"after,omitempty"`
	// DelayMS is how long what the kind does lasts, or how much later it comes.
	DelayMS int `json:"delay_ms,omitempty" yaml:"delay_ms,omitempty"`
	// Bytes is how much passes before the connection ends.
	Bytes int `json:"bytes,omitempty" yaml:"bytes,omitempty"`
	// KBps is at what rate bytes trickle, in kilobytes a second.
	KBps int `json:"kbps,omitempty" yaml:"kbps,omitempty"`
	// Code is the HTTP status that is answered.
	Code int `json:"code,omitempty" yaml:"code,omitempty"`
	// Consoles is how many operators ask at once, and Times how often each of them does.
	Consoles int `json:"consoles,omitempty" yaml:"consoles,omitempty"`
	Times    int `json:"times,omitempty" yaml:"times,omitempty"`
	// As is what is made of an answer, what operators ask for, or which flag is thrown.
	As string `json:"as,omitempty" yaml:"as,omitempty"`
	// RetryAfterS is the Retry-After of an answer, in seconds.
	// RetryAfterDate: it is sent as an HTTP date.
	RetryAfterS    int  `json:"retry_after_s,omitempty" yaml:"retry_after_s,omitempty"`
	RetryAfterDate bool `json:"retry_after_date,omitempty" yaml:"retry_after_date,omitempty"`
	// Steps are the steps under a window (both directions), or questions of a user's own workflow
	// (saga.Definition.Reads). FromMS is its start
	// after the first call of the cell to any participant; 0: with the first call
	// to one of its steps. ForMS is its length.
	Steps  []string `json:"steps,omitempty" yaml:"steps,omitempty"`
	FromMS int      `json:"from_ms,omitempty" yaml:"from_ms,omitempty"`
	ForMS  int      `json:"for_ms,omitempty" yaml:"for_ms,omitempty"`
	// Calls are the fates of the calls under a window, in the order of their arrival;
	// true is an error. Calls beyond the list pass.
	Calls []bool `json:"calls,omitempty" yaml:"calls,omitempty"`
}

// Window tells whether a valid fault lasts over a time instead of hitting a point.
func (f Fault) Window() bool { return f.At.IsZero() }

// From is when a window begins, see FromMS.
func (f Fault) From() time.Duration { return ms(f.FromMS) }

// For is how long a window lasts.
func (f Fault) For() time.Duration { return ms(f.ForMS) }

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// MarshalJSON writes no faults as the empty list, which is what a file has.
func (p Plan) MarshalJSON() ([]byte, error) {
	type plain Plan
	if p.Faults == nil {
		p.Faults = []Fault{}
	}
	return json.Marshal(plain(p))
}

// Refuses tells whether the plan has connections refused.
func (p Plan) Refuses() bool {
	return slices.ContainsFunc(p.Faults, func(f Fault) bool { return f.At.Phase == saga.Connect })
}

// Loses tells whether what is on its way at a point is lost.
func (p Plan) Loses(at saga.FailurePoint) bool {
	return slices.ContainsFunc(p.Faults, func(f Fault) bool { return f.At == at && f.Injection(0).Silent() })
}

// NeedsProcess tells whether the plan kills or pauses the orchestrator, or cuts
// it off from its store: its cell needs an orchestrator of its own.
func (p Plan) NeedsProcess() bool {
	return slices.ContainsFunc(p.Faults, func(f Fault) bool {
		k, err := KindByName(f.Kind)
		return err == nil && k.Doc().Process
	})
}

// ID is a stable name of the plan: a hash of its canonical JSON.
func (p Plan) ID() string {
	b, err := json.Marshal(p)
	if err != nil { // plain data
		panic(err)
	}
	sum := sha256.Sum256(b)
	return "p-" + hex.EncodeToString(sum[:6])
}

// String is a short form for people.
func (p Plan) String() string {
	if len(p.Faults) == 0 {
		return "no fault"
	}
	s := ""
	for i, f := range p.Faults {
		if i > 0 {
			s += ", "
		}
		s += f.String()
	}
	return s
}

// String is "lose charge#2@response", or for a window "outage of bank for 80ms".
func (f Fault) String() string {
	s := f.Kind
	if f.Code > 0 {
		s += fmt.Sprintf(" %d", f.Code)
	}
	if f.As != "" {
		s += " " + f.As
	}
	if f.Consoles > 1 {
		s += fmt.Sprintf(" by %d", f.Consoles)
	}
	switch {
	case !f.At.IsZero():
		s += " " + f.At.String()
	case len(f.Steps) > 0:
		s += fmt.Sprintf(" of %v from %dms for %dms", f.Steps, f.FromMS, f.ForMS)
	default:
		s += fmt.Sprintf(" from %dms for %dms", f.FromMS, f.ForMS)
	}
	if f.Saga > 1 {
		s += fmt.Sprintf(" of saga %d", f.Saga)
	}
	return s
}
