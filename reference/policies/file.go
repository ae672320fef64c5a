package policies

import (
	"github.com/sagacheck/sagacheck/saga"
)

// File is a file of policies.
type File struct {
	// Templates by name: lower-case letters, digits and hyphens.
	Templates map[string]*Template `json:"templates,omitempty" yaml:"templates,omitempty"`
	// Bindings say which calls follow which template, unless a call names one itself. The
	// most specific one wins: a step before a participant, a participant with its port
	// before one without, a participant before a saga.
	Bindings []Binding `json:"bindings,omitempty" yaml:"bindings,omitempty"`
	// Flags are on while they stand here and have not expired.
	Flags []Flag `json:"flags,omitempty" yaml:"flags,omitempty"`
}

// Template says how calls are made.
type Template struct {
	// Description is for people.
	Description string `json:"description,omitempty" yaml:"description,omitempty"`
	// Retry takes the place of the call's own retry policy.
	Retry saga.RetryPolicy `json:"retry" yaml:"retry"`
	// Breaker takes the place of the call's own circuit breaker. Left out: that one stays.
	Breaker *saga.Breaker `json:"breaker,omitempty" yaml:"breaker,omitempty"`
	// RetryBudget takes the place of the call's own retry budget. Left out: that one stays.
	RetryBudget *saga.RetryBudget `json:"retry_budget,omitempty" yaml:"retry_budget,omitempty"`
	// Budget bounds all attempts of the actions of one saga that follow the template, over all
	// layers of retries. It takes the place of the saga's own budget for them.
	Budget *saga.Budget `json:"budget,omitempty" yaml:"budget,omitempty"`
	// Errors say what answers mean, where that is not what the contract says. The first
	// one that fits counts.
	Errors []ErrorClass `json:"errors,omitempty" yaml:"errors,omitempty"`
	// Visibility says whether end users may be shown how far a saga has got: progress or
	// silent. Left out: silent.
	Visibility Visibility `json:"visibility,omitempty" yaml:"visibility,omitempty"`
	// SLA is what the template is to keep.
	SLA *SLA `json:"sla,omitempty" yaml:"sla,omitempty"`
}

// Visibility says what end users may be shown.
type Visibility string

// The visibilities.
const (
	Progress Visibility = "progress"
	Silent   Visibility = "silent"
)

// SLA is what the service promises that a template serves, for one call with all its
// attempts.
type SLA struct {
	// TargetMS is how long a call is expected to take, in milliseconds.
	TargetMS int `json:"target_ms" yaml:"target_ms"`
	// WorstMS is how long it may take at the most, in milliseconds.
	WorstMS int `json:"worst_ms" yaml:"worst_ms"`
}

// Class is what an error means for the operation.
type Class string

// The classes of errors.
const (
	Transient Class = "transient" // the outcome is unknown: another attempt, as the policy says
	Permanent Class = "permanent" // refused: this attempt did nothing, and none follows
	GiveUp    Class = "give-up"   // the outcome is unknown, and no attempt follows: what may have been done is undone
)

// ErrorClass says what answers mean that have all that it names: a code, a problem's type,
// a header. At least one of them is given.
type ErrorClass struct {
	// Code is the status, from 300 to 599.
	Code int `json:"code,omitempty" yaml:"code,omitempty"`
	// Problem is the type of an application/problem+json answer.
	Problem string `json:"problem,omitempty" yaml:"problem,omitempty"`
	// Header is a header's name, or "Name: value".
	Header string `json:"header,omitempty" yaml:"header,omitempty"`
	// Class is transient, permanent or give-up.
	Class Class `json:"class" yaml:"class"`
}

// Binding binds calls to a template. What it leaves out may be anything.
type Binding struct {
	// Template is the name of the template.
	Template string `json:"template" yaml:"template"`
	// Saga is the name of a kind of saga.
	Saga string `json:"saga,omitempty" yaml:"saga,omitempty"`
	// Step is the name of a step.
	Step string `json:"step,omitempty" yaml:"step,omitempty"`
	// Participant is the host of the call's URL, or host:port.
	Participant string `json:"participant,omitempty" yaml:"participant,omitempty"`
	// Direction is action or compensation. Left out: action, since a compensation has to
	// succeed in the end, and a template for actions would give it up.
	Direction saga.Direction `json:"direction,omitempty" yaml:"direction,omitempty"`
}

func (b Binding) direction() saga.Direction {
	if b.Direction == "" {
		return saga.Action
	}
	return b.Direction
}
