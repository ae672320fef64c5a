package scenarios

import (
	"github.com/sagacheck/sagacheck/saga"
)

// Scenario is a saga to test: one file of the catalogue.
type Scenario struct {
	// Name of the scenario; lower-case letters, digits and hyphens.
	Name string `json:"name" yaml:"name" jsonschema:"pattern=^[a-z0-9][a-z0-9-]{0\\,62}$"`
	// Description says in a sentence or two what the saga does and what the scenario is good for.
	Description string `json:"description" yaml:"description" jsonschema:"minLength=1"`
	// Sagas is how many sagas run at once in a cell. Their ids differ, and with them whatever contains ${saga}. Default 1.
	Sagas int `json:"sagas,omitempty" yaml:"sagas,omitempty" jsonschema:"minimum=1,maximum=1000,default=1"`
	// Registers are initial values, by full name: participant/register. A register that is not listed does not exist yet. Accounts start at 0.
	Registers map[string]string `json:"registers,omitempty" yaml:"registers,omitempty"`
	// Retry is the default policy of actions, field by field.
	Retry *Policy `json:"retry,omitempty" yaml:"retry,omitempty"`
	// UndoRetry is the default policy of compensations, field by field.
	UndoRetry *Policy `json:"undo_retry,omitempty" yaml:"undo_retry,omitempty"`
	// Budget bounds all attempts of the saga's actions together.
	Budget saga.Budget `json:"budget,omitzero" yaml:"budget,omitempty"`
	// Rounds is how often the saga is run forward at the most: again when it was undone because attempts came to nothing. 0 is 1. Orchestrators without the capability saga-rounds are not given the scenario.
	Rounds int `json:"rounds,omitempty" yaml:"rounds,omitempty" jsonschema:"minimum=0,maximum=10"`
	// RoundDelayMS is the wait before another round of the saga, from when all of the one before is undone.
	RoundDelayMS int `json:"round_delay_ms,omitempty" yaml:"round_delay_ms,omitempty" jsonschema:"minimum=0,maximum=3600000"`
	// Steps of the saga, in an order that is good to read.
	Steps []Step `json:"steps" yaml:"steps" jsonschema:"minItems=1,maxItems=64"`
	// Thread is the public bug report that the scenario was taken from.
	Thread *Thread `json:"thread,omitempty" yaml:"thread,omitempty"`
}

// Step is one step of a scenario.
type Step struct {
	// Name of the step, unique in the scenario; lower-case letters, digits and hyphens.
	Name string `json:"name" yaml:"name" jsonschema:"pattern=^[a-z0-9][a-z0-9-]{0\\,62}$"`
	// Participant is the service that the step calls. The names of its accounts and registers are prefixed with it.
	Participant string `json:"participant" yaml:"participant" jsonschema:"pattern=^[a-z0-9][a-z0-9-]{0\\,62}$"`
	// Kind of the step: compensatable (can be undone), pivot (the point of no return), retriable (after the pivot; must succeed in the end), deferrable (not critical; may be done later).
	Kind saga.Kind `json:"kind" yaml:"kind" jsonschema:"enum=compensatable,enum=pivot,enum=retriable,enum=deferrable"`
	// After names the steps that must have succeeded before this one starts. Absent: the step before it in the list. Empty: it starts at once.
	After []string `json:"after,omitzero" yaml:"after,omitzero"`
	// FallbackFor names the step directly before this one for which it stands: a way round, taken when that one is given up and nothing of it is left. Orchestrators without the capability fallback are not given the scenario.
	FallbackFor string `json:"fallback_for,omitempty" yaml:"fallback_for,omitempty"`
	// ReadBack: it can be asked what the participant holds of the step. Only what transfers do can be read back.
	ReadBack bool `json:"read_back,omitempty" yaml:"read_back,omitempty"`
	// Do is what the action changes at the participant.
	Do []Change `json:"do" yaml:"do" jsonschema:"minItems=1"`
	// Undo is what the compensation changes: inverse (the exact inverse of do), none (there is no compensation), or a list like do. Default: inverse, for retriable steps none.
	Undo *Undo `json:"undo,omitempty" yaml:"undo,omitempty"`
	// Retry overrides the scenario's retry, field by field.
	Retry *Policy `json:"retry,omitempty" yaml:"retry,omitempty"`
	// UndoRetry overrides the scenario's undo_retry, field by field.
	UndoRetry *Policy `json:"undo_retry,omitempty" yaml:"undo_retry,omitempty"`
	// Breaker is a circuit breaker around both calls of the step. Steps that name the same breaker share it.
	Breaker *saga.Breaker `json:"breaker,omitempty" yaml:"breaker,omitempty"`
	// RetryBudget bounds the retries of both calls of the step. Steps that name the same budget share it.
	RetryBudget *saga.RetryBudget `json:"retry_budget,omitempty" yaml:"retry_budget,omitempty"`
}

// Change is one change of a ledger. Exactly one of its fields is set. Names may
// contain ${saga}, which stands for the saga's id.
type Change struct {
	// Transfer moves an amount between two accounts of the participant.
	Transfer *Transfer `json:"transfer,omitempty" yaml:"transfer,omitempty"`
	// Set changes a register from one value to another.
	Set *Set `json:"set,omitempty" yaml:"set,omitempty"`
	// Create makes a record: a register that does not exist yet.
	Create *Record `json:"create,omitempty" yaml:"create,omitempty"`
	// Delete removes a record.
	Delete *Record `json:"delete,omitempty" yaml:"delete,omitempty"`
}

// Transfer is a double-entry booking.
type Transfer struct {
	// From is the account that gives.
	From string `json:"from" yaml:"from" jsonschema:"minLength=1"`
	// To is the account that gets.
	To string `json:"to" yaml:"to" jsonschema:"minLength=1"`
	// Amount in whole numbers of the unit.
	Amount int64 `json:"amount" yaml:"amount" jsonschema:"minimum=1,maximum=1000000000000"`
	// Unit of the amount: EUR for cents of it, piece, seat.
	Unit string `json:"unit" yaml:"unit" jsonschema:"minLength=1"`
}

// Set is a transition of a register.
type Set struct {
	// Register to change.
	Register string `json:"register" yaml:"register" jsonschema:"minLength=1"`
	// From is the value that the register must hold before; empty: it does not exist.
	From string `json:"from" yaml:"from"`
	// To is the value that it holds afterwards; empty: it does not exist.
	To string `json:"to" yaml:"to"`
}

// Record is a register of which only the existence matters.
type Record struct {
	// Record is its name.
	Record string `json:"record" yaml:"record" jsonschema:"minLength=1"`
}

// Exists is the value of a register that a create made.
const Exists = "exists"

// Policy is a retry policy of which any field may be absent; an absent field is
// taken from the default above it.
type Policy struct {
	// MaxAttempts is how often the call is attempted at most; 0: until it succeeds.
	MaxAttempts *int `json:"max_attempts,omitempty" yaml:"max_attempts,omitempty" jsonschema:"minimum=0,maximum=1000"`
	// InitialIntervalMS is the wait before the second attempt.
	InitialIntervalMS *int `json:"initial_interval_ms,omitempty" yaml:"initial_interval_ms,omitempty" jsonschema:"minimum=0,maximum=3600000"`
	// Multiplier is the factor from one wait to the next.
	Multiplier *float64 `json:"multiplier,omitempty" yaml:"multiplier,omitempty" jsonschema:"minimum=1,maximum=1000"`
	// MaxIntervalMS is the longest wait, before jitter.
	MaxIntervalMS *int `json:"max_interval_ms,omitempty" yaml:"max_interval_ms,omitempty" jsonschema:"minimum=0,maximum=3600000"`
	// Jitter spreads each wait d over d·(1±jitter).
	Jitter *float64 `json:"jitter,omitempty" yaml:"jitter,omitempty" jsonschema:"minimum=0,maximum=1"`
	// AttemptTimeoutMS is how long one attempt may take.
	AttemptTimeoutMS *int `json:"attempt_timeout_ms,omitempty" yaml:"attempt_timeout_ms,omitempty" jsonschema:"minimum=5,maximum=3600000"`
	// DeadlineMS: no new attempt later than this after the first; 0: none.
	DeadlineMS *int `json:"deadline_ms,omitempty" yaml:"deadline_ms,omitempty" jsonschema:"minimum=0,maximum=3600000"`
	// Rounds is how many rounds of max_attempts there are at most; before each but the first the participant is asked what it holds (read_back). 0 is 1.
	Rounds *int `json:"rounds,omitempty" yaml:"rounds,omitempty" jsonschema:"minimum=0,maximum=100"`
	// RoundDelayMS is the wait before another round.
	RoundDelayMS *int `json:"round_delay_ms,omitempty" yaml:"round_delay_ms,omitempty" jsonschema:"minimum=0,maximum=3600000"`
	// Adaptive lets the time-out and the first wait follow the observed latency, downwards from attempt_timeout_ms and initial_interval_ms.
	Adaptive *saga.Adaptive `json:"adaptive,omitempty" yaml:"adaptive,omitempty"`
}

// Thread is a public report of what went wrong with somebody's orchestrator.
type Thread struct {
	// Ref names the thread: project and number.
	Ref string `json:"ref" yaml:"ref" jsonschema:"minLength=1"`
	// Symptom is what the reporter saw.
	Symptom string `json:"symptom" yaml:"symptom" jsonschema:"minLength=1"`
	// Trigger is what brought it about.
	Trigger string `json:"trigger" yaml:"trigger" jsonschema:"minLength=1"`
	// Defect is the planted defect of the reference executor that shows the symptom.
	Defect string `json:"defect" yaml:"defect" jsonschema:"minLength=1"`
	// Checker is the anomaly that must be found with the defect, and must not be found without it.
	Checker string `json:"checker" yaml:"checker" jsonschema:"minLength=1"`
	// Participants is the participant profile that the thread needs. Default fenced.
	Participants string `json:"participants,omitempty" yaml:"participants,omitempty" jsonschema:"enum=naive,enum=keyed,enum=fenced,default=fenced"`
	// Tried lists the orchestrators on which the scenario was run with its plan.
	Tried []string `json:"tried,omitempty" yaml:"tried,omitempty"`
	// Plan is the fault plan that triggers it, in the format of plans: {faults: [...]}.
	Plan map[string]any `json:"plan" yaml:"plan"`
}
