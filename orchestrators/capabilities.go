package orchestrators

import (
	"fmt"
	"slices"
	"strings"
)

// Capability is something that an orchestrator may or may not be able to do. A
// checker that needs one which is missing says not-applicable.
type Capability struct {
	Name string
	Doc  string
}

// Reconcile is the capability to notice drift.
const Reconcile = "reconcile"

// Repair is the capability to undo once more what was undone, and is there again.
const Repair = "repair"

// Versions is the capability to keep the version of a definition with which a saga began.
const Versions = "versions"

// Fallback is the capability to go a way round.
const Fallback = "fallback"

// Deferrable is the capability to do later what failed and is not critical.
const Deferrable = "deferrable"

// DeferredPolicy is the capability to do that when the step's policy says.
const DeferredPolicy = "deferred-policy"

// Rounds is the capability to ask between the rounds of a step.
const Rounds = "rounds"

// SagaRounds is the capability to run a saga forward again.
const SagaRounds = "saga-rounds"

// Capabilities are all that the contract knows.
var Capabilities = []Capability{
	{"dag", "steps run by their after, side by side where it allows"},
	{"pivot", "after the pivot nothing is undone and retriable steps are tried until they succeed"},
	{Deferrable, "a deferrable step that fails is done later and never fails the saga"},
	{DeferredPolicy, "a deferrable step that has used up its attempts is tried again when its policy says, and not only at times of the orchestrator's own"},
	{"exponential-backoff", "the waits between attempts follow initial_interval_ms, multiplier and max_interval_ms"},
	{"jitter", "the waits are drawn within d·(1±jitter)"},
	{"max-attempts", "an action is attempted at most max_attempts times"},
	{"attempt-timeout", "an attempt is given up after attempt_timeout_ms"},
	{"deadline", "no attempt begins later than deadline_ms after the first"},
	{"retry-after", "the Retry-After of an answer is waited for"},
	{"breaker", "calls pass through the circuit breaker that they name"},
	{"retry-budget", "retries take a token from the retry budget that their call names"},
	{"saga-budget", "no action is attempted beyond the budget of its saga"},
	{"adaptive", "time-outs and first waits follow the observed latency within the bounds of adaptive"},
	{"permanent-errors", "a permanent rejection is not tried again"},
	{"idempotency-key", "all attempts of an operation carry the same Idempotency-Key, no other operation has it"},
	{"exact-body", "the body of a call is passed on byte for byte; without it the JSON value must be the same, its numbers to the last digit"},
	{"idempotent-submit", "a saga that is submitted again, with the same id and body, is the same saga; without it each is submitted once, and if the answer is lost the status tells whether it was accepted"},
	{"operator-compensation", "an operator can ask for the rollback: POST /sagas/{id}/compensate"},
	{"operator-retry", "an operator can end the waits of a saga: POST /sagas/{id}/retry"},
	{"operator-pause", "an operator can pause a saga and let it go on: POST /sagas/{id}/pause and /resume"},
	{"operator-skip", "an operator can say that a deferrable step is not to be done: POST /sagas/{id}/skip"},
	{"operator-end", "an operator can end a saga that is stuck or paused, as it is: POST /sagas/{id}/end"},
	{"policies", "policies apart from definitions, changed while it runs: PUT /policies; a step keeps those with which it began"},
	{"flags", "what begins can be held back: PUT /flags/{name}"},
	{"audit", "it says what it decided, and why: GET /audit"},
	{Reconcile, "it reads back what participants hold of steps with a read_back, and says where that is not what it wrote down: GET /drift"},
	{Repair, "what it undid, and reads back to be there again, it undoes once more when the saga has ended, and nothing else"},
	{Versions, "a saga keeps the definition with which it began, whatever version of its name is submitted while it is under way"},
	{Rounds, "an action is attempted in rounds, and its participant is asked by read_back before another one begins"},
	{SagaRounds, "a saga that was undone because attempts came to nothing is run forward again (rounds), its steps named with the number of the round"},
	{Fallback, "a step that is given up is undone, and the step that stands for it is taken (fallback_for)"},
	{"step-status", "the status report lists the steps"},
	{"trace-context", "calls carry a traceparent"},
}

// AllCapabilities are the names of all capabilities.
func AllCapabilities() []string {
	names := make([]string, len(Capabilities))
	for i, c := range Capabilities {
		names[i] = c.Name
	}
	return names
}

func checkCapabilities(names []string) error {
	for i, n := range names {
		if !slices.ContainsFunc(Capabilities, func(c Capability) bool { return c.Name == n }) {
			return bad(fmt.Sprintf("capabilities[%d]", i), "%q: expected one of %s", n, strings.Join(AllCapabilities(), ", "))
		}
	}
	return nil
}
