package workflows

import (
	"crypto/x509"

	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/saga"
)

// Workflow is one file.
type Workflow struct {
	// Name of the workflow; lower-case letters, digits and hyphens.
	Name string `json:"name" yaml:"name" jsonschema:"pattern=^[a-z0-9][a-z0-9-]{0\\,62}$"`
	// Description says in a sentence or two what the workflow does.
	Description string `json:"description,omitempty" yaml:"description,omitempty"`
	// System is what runs the workflow.
	System System `json:"system" yaml:"system"`
	// Start is the request that starts one saga.
	Start Start `json:"start" yaml:"start"`
	// Outcome is the request that tells where a saga stands.
	Outcome Outcome `json:"outcome" yaml:"outcome"`
	// Services that the workflow calls, by their names.
	Services map[string]*Service `json:"services" yaml:"services"`
	// Steps of the saga, in their order. Absent: the operations that undo and read nothing, in the order in which a run without faults called them.
	Steps []Step `json:"steps,omitempty" yaml:"steps,omitempty"`
	// Promises are judged only where they are given.
	Promises Promises `json:"promises,omitempty" yaml:"promises,omitempty"`
	// Invariants that must hold, in the user's own words.
	Invariants []Invariant `json:"invariants,omitempty" yaml:"invariants,omitempty"`
	// Redact names what must not be stored: request.headers.NAME, or a field of a body by its name.
	Redact []string `json:"redact,omitempty" yaml:"redact,omitempty"`

	dir    string // of the file
	digest string
	talk   talk
	plan   []Planned

	promised   map[*Operation]Promise
	conditions []condition
}

// System is what runs the workflow: processes of ours, a container, an engine that Sagacheck installs, or nothing but the address of a system that runs already.
type System struct {
	// Engine is the name of an engine that sagacheck orchestrators install installs; ${engine} is its folder.
	Engine string `json:"engine,omitempty" yaml:"engine,omitempty"`
	// Processes are started in this order and ended in the opposite one.
	Processes []orchestrators.Process `json:"processes,omitempty" yaml:"processes,omitempty"`
	// Container in place of processes.
	Container *orchestrators.Container `json:"container,omitempty" yaml:"container,omitempty"`
	// Base is the URL at which the workflow is started and asked for.
	Base string `json:"base" yaml:"base"`
	// Version of the workflow, for reports.
	Version string `json:"version,omitempty" yaml:"version,omitempty"`
	// QuietMS is how long the wires must be silent before a saga is over that has ended, and before one without an end counts as stuck. Without it, it is learnt from what runs call when they have ended.
	QuietMS int `json:"quiet_ms,omitempty" yaml:"quiet_ms,omitempty" jsonschema:"minimum=0"`
	// Parallel is how many sagas it can serve at once (default 0: any number).
	Parallel int `json:"parallel,omitempty" yaml:"parallel,omitempty" jsonschema:"minimum=0"`
}

// Start starts one saga. Its templates know saga.id and draw(from, to), a whole number that is drawn for the saga.
type Start struct {
	// Request is method and path: POST /orders.
	Request string `json:"request" yaml:"request"`
	// Headers of the request.
	Headers map[string]string `json:"headers,omitempty" yaml:"headers,omitempty"`
	// Body is sent as JSON; a text is sent as it is.
	Body any `json:"body,omitempty" yaml:"body,omitempty"`
	// Accepted is an expression over answer: the workflow took it. Default: answer.code in 200..299.
	Accepted string `json:"accepted,omitempty" yaml:"accepted,omitempty"`
	// Status is an expression over answer, where that tells already what became of the saga: the status in the workflow's words, as outcome.status. The saga was taken then, and is not asked for any more. nil: the answer does not tell. Default: nil.
	Status string `json:"status,omitempty" yaml:"status,omitempty"`
	// ID is an expression over answer: the workflow's own name for the saga, id in other expressions. Default: saga.id.
	ID string `json:"id,omitempty" yaml:"id,omitempty"`
}

// Outcome asks where a saga stands.
type Outcome struct {
	// Request is method and path: GET /orders/${id}.
	Request string `json:"request" yaml:"request"`
	// Headers of the request.
	Headers map[string]string `json:"headers,omitempty" yaml:"headers,omitempty"`
	// Status is an expression over answer: the status in the workflow's words.
	Status string `json:"status" yaml:"status"`
	// Statuses are these words, and what they mean: running, compensating, completed, compensated, stuck (a person is needed), unknown (there is no such saga, as a 404 says).
	Statuses map[string]saga.Status `json:"statuses" yaml:"statuses"`
}

// Service is one service that the workflow calls.
type Service struct {
	// Protection is naive, keyed, fenced, or one of the last two with how keys are minded: {keyed: {key: expression, ttl: 24h, in_progress: 409 or wait, scope: operation or service, refused: final or again}}. Default: --participants.
	Protection any `json:"protection,omitempty" yaml:"protection,omitempty"`
	// Host is the name by which the workflow calls it, through a forward proxy: api.pay.example.
	Host string `json:"host,omitempty" yaml:"host,omitempty"`
	// Listen is the address of the service on this machine, for a system that runs already and was told it: 127.0.0.1:9001. Absent: a free one, in ${service.NAME}.
	Listen string `json:"listen,omitempty" yaml:"listen,omitempty"`
	// OpenAPI is the OpenAPI document of the service (3.0 or 3.1, YAML or JSON), for operations that name theirs: inventory.openapi.yaml.
	OpenAPI string `json:"openapi,omitempty" yaml:"openapi,omitempty"`
	// Upstream is the address of a real service on this machine, to which calls are passed on: http://127.0.0.1:9001, https://127.0.0.1:9443. It answers, and is judged by what it says that it did; of what this file says of answers only where new.id stands counts, and protection only for where the key is.
	Upstream string `json:"upstream,omitempty" yaml:"upstream,omitempty"`
	// CA is a file with certificates (PEM) that the upstream's own may come from, beside those that this system trusts: ca.pem.
	CA string `json:"ca,omitempty" yaml:"ca,omitempty"`
	// Pass names requests that do not matter: GET /healthz.
	Pass []string `json:"pass,omitempty" yaml:"pass,omitempty"`
	// Stubs are requests that belong to no saga, each with its answer, whose templates know request: a token, a price list.
	Stubs map[string]Answer `json:"stubs,omitempty" yaml:"stubs,omitempty"`
	// Operations by their names. A service without any has pass or stubs.
	Operations map[string]*Operation `json:"operations,omitempty" yaml:"operations,omitempty"`
	// Optional: a run without faults need not call it.
	Optional bool `json:"optional,omitempty" yaml:"optional,omitempty"`

	name   string
	routes []*route // of operations, and of what does not matter
	guard  protection
	real   string // host:port of a real service behind; empty: there is none
	secure bool   // it speaks TLS
	roots  *x509.CertPool
}

// Operation is one sort of call to a service.
type Operation struct {
	// Request is method and path, with what varies in braces: POST /payments/{paymentId}/refund.
	Request string `json:"request,omitempty" yaml:"request,omitempty"`
	// Operation is an operationId of the service's openapi document, in place of request: method, path and the example of the lowest 2xx answer come from there.
	Operation string `json:"operation,omitempty" yaml:"operation,omitempty"`
	// When is an expression over request, where method and path are not enough.
	When string `json:"when,omitempty" yaml:"when,omitempty"`
	// Saga is an expression over request: which saga the call belongs to, by its id or by the workflow's own name. only: one saga at a time. of(value): the saga in whose messages the value occurred first.
	Saga string `json:"saga,omitempty" yaml:"saga,omitempty"`
	// Each is an expression over request that tells instances apart: an item each. Of an operation that undoes, it tells the parts apart in which one action is undone.
	Each string `json:"each,omitempty" yaml:"each,omitempty"`
	// Undoes names the operation of the same service that this one undoes.
	Undoes string `json:"undoes,omitempty" yaml:"undoes,omitempty"`
	// Which is an expression over request and action that is true for the action that is undone, or of an operation that reads for the one that is asked for.
	Which string `json:"which,omitempty" yaml:"which,omitempty"`
	// Keeps is what of the action's effect stays when this operation has undone it, a fee: a transfer, or a list of them. Its templates know action, saga.id, id and start. Default: nothing stays.
	Keeps any `json:"keeps,omitempty" yaml:"keeps,omitempty"`
	// Reads names the operation of the same service that this one looks for: it has no effect.
	Reads string `json:"reads,omitempty" yaml:"reads,omitempty"`
	// ShowsUndone: an operation that reads finds what was undone, too; undone is true of it: {status: "${action.undone ? 'refunded' : 'captured'}"}. Default: what was undone is not there any more.
	ShowsUndone bool `json:"shows_undone,omitempty" yaml:"shows_undone,omitempty"`
	// ShowsPending: an operation that reads finds what was only taken (async without callback), too: pending is true of it until it is done, declined where it never will be: {status: "${action.pending ? 'pending' : action.declined ? 'declined' : 'captured'}"}. Default: it is not there until it is done.
	ShowsPending bool `json:"shows_pending,omitempty" yaml:"shows_pending,omitempty"`
	// Effect is what it changes: a list of transfer, set, create and delete, one of them, or inverse. Default: an operation that undoes is the inverse, others leave a record. A register holds at first what the first action that sets it expects there (from).
	Effect any `json:"effect,omitempty" yaml:"effect,omitempty"`
	// Answer of the service: code, headers, body. With operation, its fields are laid over the example. Its templates know request, action, effects, new.id, saga.id and id.
	Answer Answer `json:"answer,omitempty" yaml:"answer,omitempty"`
	// Async: the service takes the call (202, if the answer has no code of its own), and tells later what became of it: by a call of its own to the workflow, or when it is asked.
	Async *Async `json:"async,omitempty" yaml:"async,omitempty"`
	// Done is an expression over answer (code, body) of a real service (upstream): it did what it was asked for. Of an answer that is no 2xx it is not asked. Default: true.
	Done string `json:"done,omitempty" yaml:"done,omitempty"`
	// Missing is the answer where which names nothing that is there. Default: 404.
	Missing *Answer `json:"missing,omitempty" yaml:"missing,omitempty"`
	// Repeat says what a call does whose effect is there already: again (the default), same-answer, or {answer: {code: 404}}.
	Repeat any `json:"repeat,omitempty" yaml:"repeat,omitempty"`

	compiled
}

// Async is how a service tells the workflow that it has done what it was asked for: by a call of its own, whose templates know what those of the answer know, or (without callback) when an operation that reads asks.
type Async struct {
	// Callback is the URL that is called with POST, as the workflow's request says it, or as the service was told once and for all: ${request.body.callbackUrl}, http://127.0.0.1:${port.http}/hooks/payments. Absent: the service never calls, and is polled; attempts, every, headers and body are for a callback.
	Callback string `json:"callback,omitempty" yaml:"callback,omitempty"`
	// After is how long after the effect it is called, or until when it is pending for whoever asks: 20ms (the default). It may be called before its 202 arrives.
	After string `json:"after,omitempty" yaml:"after,omitempty"`
	// Attempts is how often it is called at the most, until the workflow answers 2xx (default 1: a callback that is lost is lost).
	Attempts int `json:"attempts,omitempty" yaml:"attempts,omitempty" jsonschema:"minimum=1,maximum=5"`
	// Every is the wait between two attempts: 100ms (the default).
	Every string `json:"every,omitempty" yaml:"every,omitempty"`
	// Headers of the call.
	Headers map[string]string `json:"headers,omitempty" yaml:"headers,omitempty"`
	// Body is sent as JSON; a text is sent as it is.
	Body any `json:"body,omitempty" yaml:"body,omitempty"`
	// Declined is the body where the service took the call and then refuses it for good: nothing was done. Without callback: true. Absent: it refuses at once, with 422.
	Declined any `json:"declined,omitempty" yaml:"declined,omitempty"`
}

// Answer is the template of an answer.
type Answer struct {
	// Code is the HTTP status. Default: 200.
	Code int `json:"code,omitempty" yaml:"code,omitempty" jsonschema:"minimum=200,maximum=599"`
	// Headers of the answer.
	Headers map[string]string `json:"headers,omitempty" yaml:"headers,omitempty"`
	// Body is sent as JSON; a text is sent as it is.
	Body any `json:"body,omitempty" yaml:"body,omitempty"`
}

// Step is one step of the saga.
type Step struct {
	// Name of the step, unique; lower-case letters, digits and hyphens.
	Name string `json:"name" yaml:"name" jsonschema:"pattern=^[a-z0-9][a-z0-9-]{0\\,62}$"`
	// Do is the operation that does it: service.operation.
	Do string `json:"do" yaml:"do"`
	// Undo is the operation that undoes it.
	Undo string `json:"undo,omitempty" yaml:"undo,omitempty"`
	// Kind of the step: compensatable (the default), pivot, retriable, deferrable.
	Kind saga.Kind `json:"kind,omitempty" yaml:"kind,omitempty" jsonschema:"enum=compensatable,enum=pivot,enum=retriable,enum=deferrable"`
	// After names the steps that must have succeeded before this one starts. Absent: the step before it.
	After []string `json:"after,omitempty" yaml:"after,omitempty"`
	// Optional: not every saga takes it. A saga that does not has no such step, nor is it missed where it was refused, or undone.
	Optional bool `json:"optional,omitempty" yaml:"optional,omitempty"`
}

// Invariant must hold, in the user's own words. Exactly one of always, settled and sometimes is given: an expression; for settled and sometimes also {sql, dsn}, {http} or {command}, with expect.
type Invariant struct {
	// Name of the invariant, unique.
	Name string `json:"name" yaml:"name"`
	// Settled must hold when a saga has ended and all is silent. Who is asked may follow a little later: what does not hold is asked for again for a second.
	Settled any `json:"settled,omitempty" yaml:"settled,omitempty"`
	// Always must hold before and after every effect, and at the end: of effects, and the calls that were answered by then. Where a saga stands (status) is known at its end.
	Always any `json:"always,omitempty" yaml:"always,omitempty"`
	// Sometimes must have been true at the end of some saga of a run.
	Sometimes any `json:"sometimes,omitempty" yaml:"sometimes,omitempty"`
	// Expect is an expression that must be true of what was found: over rows with sql, answer (code, headers, body) with http, output (without the line feed at its end) and code (the exit code) with command; and over status, saga, id, start, effects, calls.
	Expect string `json:"expect,omitempty" yaml:"expect,omitempty"`
}
