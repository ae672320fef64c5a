package saga

import (
	"fmt"
	"time"
)

// Status is the state of a saga as its orchestrator reports it.
type Status string

// The states of a saga. Completed and compensated are its only good ends.
const (
	Running      Status = "running"
	Compensating Status = "compensating"
	Completed    Status = "completed"
	Compensated  Status = "compensated"
	Stuck        Status = "stuck" // a person is needed
	// EndedByHand: an operator has ended it as it was, and says that nothing is to be done any more.
	EndedByHand Status = "ended-by-hand"
)

// Ended tells whether the saga has reached a good end.
func (s Status) Ended() bool { return s == Completed || s == Compensated }

// Over tells whether nothing of the saga begins any more, but for deferred steps.
func (s Status) Over() bool { return s.Ended() || s == EndedByHand }

// Left tells whether the saga is left to a person: it needs one, or had one who ended it.
func (s Status) Left() bool { return s == Stuck || s == EndedByHand }

// Valid tells whether the word is one of the contract's.
func (s Status) Valid() bool {
	switch s {
	case Running, Compensating, Completed, Compensated, Stuck, EndedByHand:
		return true
	}
	return false
}

// StepState is the state of a step as the orchestrator reports it.
type StepState string

// The states of a step.
const (
	StepPending      StepState = "pending"
	StepRunning      StepState = "running"
	StepSucceeded    StepState = "succeeded"
	StepFailed       StepState = "failed"
	StepDeferred     StepState = "deferred"
	StepCompensating StepState = "compensating"
	StepCompensated  StepState = "compensated"
)

// Valid tells whether the word is one of the contract's.
func (s StepState) Valid() bool {
	switch s {
	case StepPending, StepRunning, StepSucceeded, StepFailed, StepDeferred, StepCompensating, StepCompensated:
		return true
	}
	return false
}

// StepStatus is one step in a status report.
type StepStatus struct {
	Name     string    `json:"name"`
	Status   StepState `json:"status"`
	Attempts int       `json:"attempts"`
}

// Said is a status in the words of a user's own workflow, with what it means if that is another one.
func (s Status) Said(word string) string {
	if word == "" || word == string(s) {
		return string(s)
	}
	return fmt.Sprintf("%s (%s)", word, s)
}

// Report is the orchestrator's answer to a status question.
type Report struct {
	ID     string       `json:"id"`
	Status Status       `json:"status"`
	Steps  []StepStatus `json:"steps"`
	// Version is that of its definition; empty: it names none.
	Version string `json:"version,omitempty"`
	// Round is which round of the saga it is about, from 1; 0: it has none.
	Round int    `json:"round,omitempty"`
	Word  string `json:"-"` // the status in the words of a user's own workflow
	// Paused and ByHand say who has paused the saga, or ended it; nil: nobody has.
	Paused *ByHand `json:"paused,omitempty"`
	ByHand *ByHand `json:"ended_by,omitempty"`
}

// ByHand is who did something to a saga, and why.
type ByHand struct {
	At     time.Time `json:"at"`
	Author string    `json:"author"`
	Reason string    `json:"reason"`
}
