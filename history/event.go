package history

import (
	"encoding/json"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// Version is the version of the format that is written. Since 2 an event may hold the
// requests and answers of services of the user's own; a file of version 1 is read as one
// without. A file of any other version is refused.
const (
	Version = 2
	oldest  = 1
)

// Header is the first line of a history: all that a checker needs besides the
// events, and all that a person needs to run the cell again.
type Header struct {
	Version      int             `json:"sagacheck_history"`
	Cell         string          `json:"cell"`
	Scenario     string          `json:"scenario"`
	Profile      string          `json:"profile"`
	Orchestrator Orchestrator    `json:"orchestrator"`
	Seed         uint64          `json:"seed"`
	PlanID       string          `json:"plan_id"`
	Plan         json.RawMessage `json:"plan"`
	Faults       []PlannedFault  `json:"faults,omitempty"`
	// Workflow names the user's own workflow; empty: the sagas were made by Sagacheck.
	Workflow string `json:"workflow,omitempty"`
	// Promises are what a workflow promises of its calls, by step and direction: charge.undo.
	Promises map[string]Promise `json:"promises,omitempty"`
	// Real are the steps, and the operations that read, behind which stands a real service
	// of the user's own, each with that service. What such a one did is what it said that it
	// did, and no ledger shows it.
	Real        map[string]string `json:"real,omitempty"`
	Definitions []saga.Definition `json:"definitions"`
	// Bodies is used in files only: the bodies of Definitions, by operation, whose
	// white space JSON inside JSON would lose.
	Bodies map[string]string `json:"bodies,omitempty"`
	// Initial values of registers, by name; every account starts at 0.
	Registers map[string]string `json:"registers,omitempty"`
	SettleMS  int               `json:"settle_ms"`
	// QuietMS is how long the wires had to be silent at the end; 0: as long as the policies say.
	QuietMS int      `json:"quiet_ms,omitempty"`
	Defects []string `json:"defects,omitempty"`
}

// Orchestrator names the system under test.
type Orchestrator struct {
	Name         string   `json:"name"`
	Version      string   `json:"version,omitempty"`
	Capabilities []string `json:"capabilities"`
	// Unable lists what can't be done to it from outside, so that no plan of its runs
	// does: kill, pause, store-outage.
	Unable []string `json:"unable,omitempty"`
	// Supplied lists what of its calls comes from a mapping and not from the system
	// itself: saga-headers, body. Nothing of that is judged.
	Supplied []string `json:"supplied,omitempty"`
}

// What of a call a mapping may supply (Orchestrator.Supplied).
const (
	SagaHeaders = "saga-headers" // Saga-Id and Saga-Step
	CallBody    = "body"
)

// What may be done to an orchestrator from outside (Orchestrator.Unable).
const (
	Kill        = "kill"
	Pause       = "pause"
	StoreOutage = "store-outage"
)

// PlannedFault is what a checker needs to know of a fault of the plan: its kind,
// its place (empty for a window) and its description. Its index is Event.Fault.
type PlannedFault struct {
	Kind  string            `json:"kind"`
	Saga  string            `json:"saga,omitempty"`
	At    saga.FailurePoint `json:"at,omitzero"`
	Steps []string          `json:"steps,omitempty"` // of a window: the steps under it
	Text  string            `json:"text"`
}

// Message is a request or an answer as people read it: what the user wants hidden is
// hidden in it.
type Message struct {
	Service string            `json:"service,omitempty"` // that was called
	Method  string            `json:"method,omitempty"`
	Target  string            `json:"target,omitempty"` // path and query
	Headers map[string]string `json:"headers,omitempty"`
	Body    string            `json:"body,omitempty"`
}

// Kind is the kind of an event.
type Kind string

// The kinds of events. Those of calls are seen at two places: sent and ended on
// the wire next to the orchestrator; received, committed and answered at the
// participant.
const (
	SagaSubmitted Kind = "saga-submitted" // the client sent the saga (each try)
	SagaAccepted  Kind = "saga-accepted"  // the orchestrator answered 2xx
	SagaRefused   Kind = "saga-refused"   // the orchestrator answered something else
	SagaStatus    Kind = "saga-status"    // a status report that differs from the one before, and the last one, when all is over
	SagaUnknown   Kind = "saga-unknown"   // the orchestrator answered 404 to a status question
	SagaEnded     Kind = "saga-ended"     // the first report of completed or compensated
	SagaOperator  Kind = "saga-operator"  // an operator asked for compensation
	SagaOperated  Kind = "saga-operated"  // an operator asked for something else: What

	PoliciesChanged Kind = "policies-changed" // the orchestrator answered that others are in force (Code)
	FlagSet         Kind = "flag-set"         // it answered that a flag is on
	FlagCleared     Kind = "flag-cleared"     // it is being asked to take a flag back
	Audited         Kind = "audited"          // it says that it decided something: an attempt, a change
	AuditRead       Kind = "audit-read"       // all that it says has been read

	Drifted   Kind = "drifted"    // what a participant holds of an action was changed behind everybody's back: Effect
	DriftTold Kind = "drift-told" // the orchestrator says that what a participant holds is not what it wrote down
	DriftRead Kind = "drift-read" // all that it says of drift has been read

	CallSent      Kind = "call-sent"      // the first byte of an attempt arrived on the wire
	CallReceived  Kind = "call-received"  // the participant has read the request
	CallCommitted Kind = "call-committed" // the attempt had an effect
	CallAnswered  Kind = "call-answered"  // the participant answered
	CallEnded     Kind = "call-ended"     // the orchestrator's connection is over
	CallStray     Kind = "call-stray"     // a call that belongs to no operation of the cell
	CallRead      Kind = "call-read"      // somebody looked what a service has done
	CallBack      Kind = "call-back"      // a service told the orchestrator what became of a call
	CallUnmatched Kind = "call-unmatched" // a call to a service that the workflow's file does not know

	FaultArmed  Kind = "fault-armed"
	FaultFired  Kind = "fault-fired"
	FaultHealed Kind = "fault-healed"

	ProcessKilled  Kind = "process-killed"
	ProcessPaused  Kind = "process-paused"
	ProcessResumed Kind = "process-resumed"
	ProcessStarted Kind = "process-started"
	ProcessReady   Kind = "process-ready"
	ProcessGone    Kind = "process-gone" // it went away although no plan asked for it; Detail says how

	// InvariantChecked: one of the user's own invariants was looked at, of a saga that ended.
	InvariantChecked Kind = "invariant-checked"

	Telemetry Kind = "telemetry" // what the orchestrator said about itself: Signal

	Settled    Kind = "settled"     // nothing is pending any more, or Detail says what is
	LedgerRead Kind = "ledger-read" // the final state of one participant's ledger
)

// Event is one line of a history. Which fields are set depends on the kind.
type Event struct {
	Seq       int            `json:"seq"`   // from 1, without gaps
	At        time.Duration  `json:"at_ns"` // monotonic, since the cell began
	Kind      Kind           `json:"kind"`
	Saga      string         `json:"saga,omitempty"`
	Step      string         `json:"step,omitempty"`
	Direction saga.Direction `json:"direction,omitempty"`
	Part      int            `json:"part,omitempty"` // as in saga.Operation
	Attempt   int            `json:"attempt,omitempty"`
	// Copy is the number of a second copy that the network made of the attempt.
	Copy int `json:"copy,omitempty"`
	// Call-sent, call-received: the headers that the contract asks for.
	Key    string `json:"key,omitempty"`
	SagaID string `json:"saga_id,omitempty"` // header Saga-Id
	StepID string `json:"step_id,omitempty"` // header Saga-Step
	Trace  string `json:"trace,omitempty"`   // header traceparent
	// Body: (call-received) the body as it came, if that is not byte for byte the
	// body of the definition; nil: it is.
	Body *string `json:"body,omitempty"`
	// Request: (call-sent, call-read, call-unmatched) what was sent to a service of the
	// user's own, (call-back) or by it; Reply: (call-answered, call-read) what the service answered.
	Request *Message `json:"request,omitempty"`
	Reply   *Message `json:"reply,omitempty"`
	// Ref: (call-committed, call-answered) the service's own name for the effect; Of: the name of
	// the effect that a compensation undoes.
	Ref string `json:"ref,omitempty"`
	Of  string `json:"of,omitempty"`
	// Told: (call-read, call-back) the Refs of the effects that the service had to tell of.
	Told []string `json:"told,omitempty"`
	// Declined: (call-answered, call-back) the service will tell, or tells, that it refuses for
	// good what it had taken: nothing is done.
	Declined bool `json:"declined,omitempty"`
	// Pending: (call-answered) the service took the call, and says later what became of it, by
	// a call of its own (call-back): the answer is no success yet.
	Pending bool `json:"pending,omitempty"`
	// Garbled: (call-answered) the answer is whole, and not what the service had to say: how
	// it was garbled (html, empty, error-inside, id, amount, number, text).
	Garbled string `json:"garbled,omitempty"`
	// Code is the HTTP status: of an answer (call-answered), of what reached the
	// orchestrator (call-ended; 0: not even the status of an answer did), of a refusal.
	Code int `json:"code,omitempty"`
	// Partial: (call-ended, call-read) the status of the answer reached the orchestrator, and not all
	// of the rest. It may take it for what its status says, or for a broken connection.
	Partial bool `json:"partial,omitempty"`
	// RetryAfterMS is the Retry-After of an answer.
	RetryAfterMS int `json:"retry_after_ms,omitempty"`
	// LagMS: (settled) how late the harness itself was at the most while the cell
	// ran: its timers fired late, the disk was, or something waited for it: a connection to be
	// accepted, a request or an answer that no fault holds up to be forwarded.
	LagMS int `json:"lag_ms,omitempty"`
	// EveryMS: (drift-read) how often the orchestrator asks what participants hold, if it says so.
	EveryMS int `json:"every_ms,omitempty"`
	// Found: (drift-told) when the orchestrator says that it found it, as a time since the cell began, by its own
	// clock. 0 (absent): it does not say so.
	Found time.Duration `json:"found_ns,omitempty"`
	// Still: (saga-ended, saga-status) when, since the cell began, the last question was asked that
	// was answered otherwise: by its own word, the saga had not ended before, or was as the status before
	// says. 0 (absent): nobody had asked.
	Still time.Duration `json:"still_ns,omitempty"`
	// Waited: (call-sent) how long the kernel had had the first bytes of the request
	// before the wire got to it and noted the attempt: it left no later than that much
	// before At. (saga-operator, saga-operated) how long before At it was asked.
	Waited time.Duration `json:"waited_ns,omitempty"`
	// Passed: (call-ended, call-read, call-back) when, since the cell began, the first byte of an
	// answer (a callback) was passed on to the orchestrator, which can have learnt nothing of it before. 0
	// (absent): nothing of an answer was, or it is not known when.
	Passed time.Duration `json:"passed_ns,omitempty"`
	// Acked: (call-ended) when, since the cell began, the orchestrator's kernel had
	// the whole answer: its last byte was acknowledged. What the answer proves begins
	// then, not when the participant answered (call-answered) nor when the connection
	// was over (At). It is taken from the socket right after the last byte was written
	// (no byte unacknowledged), else at the orchestrator's FIN, which acknowledges all
	// before it: it may be late by that, never early. 0 (absent): no whole answer
	// arrived, or the kernel never confirmed it (a reset came first, or
	// this system can't be asked).
	Acked time.Duration `json:"acked_ns,omitempty"`
	// Certain: (call-ended) the orchestrator surely read the answer: it closed its
	// side in order, well within the attempt's time-out.
	Certain bool `json:"certain,omitempty"`
	// Up and Down are the bytes that passed to and from the participant.
	Up   int64 `json:"up,omitempty"`
	Down int64 `json:"down,omitempty"`

	// Invariant-checked: its name, when it must hold (always, settled, sometimes), and
	// whether it does. Detail is its expression, and what was asked and found.
	Invariant string `json:"invariant,omitempty"`
	When      string `json:"when,omitempty"`
	Holds     bool   `json:"holds,omitempty"`

	// Waits: (policies-changed) how long steps that begin from now on wait before each
	// further attempt.
	Waits time.Duration `json:"waits_ns,omitempty"`
	// Flag: (flag-set, flag-cleared, audited) its name. For: (flag-set) the steps whose
	// participants it is about.
	Flag string   `json:"flag,omitempty"`
	For  []string `json:"for,omitempty"`
	// What: (audited) attempt, withdrawn, policies-changed, flag-on, flag-off; Detail says why.
	// (saga-operator, saga-operated) what was asked for; Key is the request's own, the same if it is
	// sent again, and Step what it is about.
	What string `json:"what,omitempty"`
	// By and Reason: (saga-operator, saga-operated, audited) who asked for it, and why.
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Changed: (saga-operator, saga-operated) the request was taken, and is the one that did it: it
	// was not so before.
	Changed bool `json:"changed,omitempty"`
	// Signal: (telemetry) what was said.
	Signal *Signal `json:"signal,omitempty"`

	Status saga.Status       `json:"status,omitempty"`
	Word   string            `json:"word,omitempty"` // the status in the words of a user's own workflow
	Steps  []saga.StepStatus `json:"steps,omitempty"`
	Effect *saga.Effect      `json:"effect,omitempty"`
	Fault  *int              `json:"fault,omitempty"` // index in the plan
	Detail string            `json:"detail,omitempty"`

	// Ledger-read: the participant's name and all its accounts ("account unit")
	// and registers.
	Participant string            `json:"participant,omitempty"`
	Balances    map[string]int64  `json:"balances,omitempty"`
	Registers   map[string]string `json:"registers,omitempty"`
}

// From is when what the event says was so at the latest: an attempt is noted when the
// wire gets to it.
func (e *Event) From() time.Duration { return e.At - e.Waited }

// Operation is the operation that a call event belongs to.
func (e Event) Operation() saga.Operation {
	return saga.Operation{Saga: e.Saga, Step: e.Step, Direction: e.Direction, Part: e.Part}
}

// History is the record of one cell.
type History struct {
	Header Header
	Events []Event
}

// Definition finds the definition of a saga by its id.
func (h *History) Definition(id string) (saga.Definition, bool) {
	for _, d := range h.Header.Definitions {
		if d.ID == id {
			return d, true
		}
	}
	return saga.Definition{}, false
}

// NoKey is the detail of a read-back without an idempotency key. One that says neither is of an older history.
const NoKey = "no key"

// AsksAbout tells whether a read-back may have been asked under a key.
func (e *Event) AsksAbout(key string) bool {
	return e.Key == key || e.Key == "" && e.Detail != NoKey
}

// FoundBefore tells whether drift was found before something was so: clocks may leave out what is less than a
// millisecond. What does not say when it was found (0) was not.
func FoundBefore(found, at time.Duration) bool { return found > 0 && found+time.Millisecond <= at }
