package facade

import (
	"encoding/json"
	"time"
)

// Definition is a saga: the body of POST /sagas.
type Definition struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Steps []Step `json:"steps"`
}

// Step is one step. After nil: the step before it in the list.
type Step struct {
	Name         string   `json:"name"`
	Kind         string   `json:"kind"`
	After        []string `json:"after"`
	Action       Call     `json:"action"`
	Compensation *Call    `json:"compensation,omitempty"`
}

// The kinds of steps that matter to a worker.
const (
	Pivot      = "pivot"
	Deferrable = "deferrable"
)

// Call is a POST under a retry policy.
type Call struct {
	URL   string          `json:"url"`
	Body  json.RawMessage `json:"body,omitempty"`
	Retry Retry           `json:"retry"`
}

// Retry is the policy; see the contract.
type Retry struct {
	MaxAttempts       int     `json:"max_attempts"` // 0: until it succeeds
	InitialIntervalMS int     `json:"initial_interval_ms"`
	Multiplier        float64 `json:"multiplier"`
	MaxIntervalMS     int     `json:"max_interval_ms"`
	Jitter            float64 `json:"jitter"`
	AttemptTimeoutMS  int     `json:"attempt_timeout_ms"`
	DeadlineMS        int     `json:"deadline_ms,omitempty"`
}

// Initial is the first wait.
func (r Retry) Initial() time.Duration { return time.Duration(r.InitialIntervalMS) * time.Millisecond }

// Max is the longest wait.
func (r Retry) Max() time.Duration { return time.Duration(r.MaxIntervalMS) * time.Millisecond }

// AttemptTimeout is how long one attempt may take.
func (r Retry) AttemptTimeout() time.Duration {
	return time.Duration(r.AttemptTimeoutMS) * time.Millisecond
}

// Report is the answer to GET /sagas/{id}.
type Report struct {
	ID     string       `json:"id"`
	Status string       `json:"status"`
	Steps  []StepStatus `json:"steps"`
}

// The states of a saga and of a step.
const (
	Running      = "running"
	Compensating = "compensating"
	Completed    = "completed"
	Compensated  = "compensated"
	Stuck        = "stuck"
	Pending      = "pending"
	Succeeded    = "succeeded"
	Failed       = "failed"
	Deferred     = "deferred"
)

// StepStatus is one step of a report.
type StepStatus struct {
	Name     string `json:"name"`
	Status   string `json:"status"`
	Attempts int    `json:"attempts"`
}

// Predecessors are the indices of the steps that must have succeeded before step i.
func (d Definition) Predecessors(i int) []int {
	if d.Steps[i].After == nil {
		if i == 0 {
			return nil
		}
		return []int{i - 1}
	}
	var found []int
	for j, s := range d.Steps {
		for _, name := range d.Steps[i].After {
			if s.Name == name {
				found = append(found, j)
			}
		}
	}
	return found
}
