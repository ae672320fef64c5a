package reference

import (
	"fmt"
	"slices"
	"strings"
)

// Defect is a switch in the executor. A planted defect breaks a guarantee in the
// way in which real engines have broken it; an equivalent switch changes the
// behaviour and breaks nothing, so that a checker that complains is too strict.
type Defect struct {
	Name        string
	Anomaly     string // the property that it breaks; empty for an equivalent switch
	Equivalent  bool
	Description string
	Source      string // public bug report that it is modelled on; may be empty
	Needs       string // what a plan must hold for it to show
}

// defects are the switches that are on. Each name is asked for at one place.
type defects map[string]bool

func (d defects) on(name string) bool { return len(d) > 0 && d[name] } // asked for each step at each decision

// loseWrites: the journal may have gaps, and a restart passes them over.
func (d defects) loseWrites() bool { return d.on("store-errors-ignored") }

func newDefects(names []string) (defects, error) {
	d := defects{}
	all := Defects()
	for _, name := range names {
		if !slices.ContainsFunc(all, func(x Defect) bool { return x.Name == name }) {
			return nil, fmt.Errorf("no planted defect is called %q: expected one of %s", name, strings.Join(defectNames(all), ", "))
		}
		d[name] = true
	}
	return d, nil
}

func defectNames(all []Defect) []string {
	names := make([]string, len(all))
	for i, d := range all {
		names[i] = d.Name
	}
	slices.Sort(names)
	return names
}

// Defects lists all switches, those that break something first.
func Defects() []Defect {
	return slices.Concat(effectDefects, compensationDefects, orderDefects, retryDefects, breakerDefects, identityDefects, livenessDefects, promiseDefects, reportDefects, equivalents)
}

const anywhere = "nothing: it shows without a fault"

var effectDefects = []Defect{
	{
		Name: "start-twice", Anomaly: "duplicate-effect", Source: "n8n #15878; Netflix/conductor #1859", Needs: anywhere,
		Description: "two workers pick up each operation, and each makes the first attempt under a key of its own",
	},
	{
		Name: "repeat-with-new-key", Anomaly: "duplicate-effect", Source: "n8n #14423", Needs: anywhere,
		Description: "a call that succeeded is made again until its attempts are used up, each time under a new key",
	},
	{
		Name: "retry-twice", Anomaly: "duplicate-effect", Source: "Node-RED PR #1736; n8n #11861", Needs: "a transient error",
		Description: "a time-out raises two errors, so that each retry is made twice, the second under a key of its own",
	},
	{
		Name: "requeue-slow-calls", Anomaly: "double-credit", Source: "Netflix/conductor #386, #2070; go-workflows #144", Needs: "an attempt that takes longer than half its time-out",
		Description: "an attempt that outlives its worker's lease is given to another worker, which uses a key of its own",
	},
	{
		Name: "fresh-key-after-restart", Anomaly: "duplicate-effect", Source: "n8n #4867; azure-functions-durable-extension #559", Needs: "a crash at commit or response of an action",
		Description: "keys hold the number of the process, so that an interrupted attempt is repeated under another key",
	},
	{
		Name: "rerun-done-steps", Anomaly: "duplicate-effect", Source: "n8n PR #13168; temporal #8901; DBOS-java #491", Needs: "a crash after some step has succeeded",
		Description: "after a restart the saga runs again from its first step, under new keys",
	},
	{
		Name: "rerun-on-resubmit", Anomaly: "duplicate-effect", Needs: "a submission whose answer is lost, so that the client submits again",
		Description: "the same saga submitted again runs a second time",
	},
	{
		Name: "second-saga-on-resubmit", Anomaly: "duplicate-saga", Source: "go-workflows #291; dapr/docs PR 5306", Needs: "a submission whose answer is lost, so that the client submits again",
		Description: "the same saga submitted again runs as a second saga, under an id of its own",
	},
	{
		Name: "timeout-is-success", Anomaly: "partial-success", Source: "dtm #453", Needs: "an action's request that is lost",
		Description: "an action without an answer is taken for done",
	},
	{
		Name: "conflict-is-success", Anomaly: "partial-success", Needs: "an action answered with 409, as by a semantic lock",
		Description: "409 is taken for \"done already\"",
	},
	{
		Name: "continue-on-error", Anomaly: "partial-success", Source: "n8n #9236, #7098", Needs: "a permanent error, or more transient ones than the policy allows attempts",
		Description: "a step that failed for good is passed over, as if it were not critical",
	},
	{
		Name: "interrupted-action-is-done", Anomaly: "partial-success", Source: "n8n PR #13168", Needs: "a crash while an action is under way that another step follows",
		Description: "after a restart the saga goes on one step too far: the step that was interrupted and the one behind it are taken for done",
	},
	{
		Name: "complete-early", Anomaly: "false-status", Source: "dtm #453", Needs: "a delay or a failure at the last critical step",
		Description: "a saga is reported as completed when the last call of its critical steps has left",
	},
	{
		Name: "report-compensated-early", Anomaly: "false-status", Needs: "a permanent error behind a step that succeeded",
		Description: "a saga is reported as compensated when its rollback begins",
	},
	{
		Name: "stale-status", Anomaly: "not-linearizable", Source: "restate #5033", Needs: "status questions after the end",
		Description: "every other status question is answered by a replica that has seen nothing but the acceptance",
	},
	{
		Name: "accept-in-memory", Anomaly: "lost-saga", Source: "n8n #4867", Needs: "a crash before the first step has its answer",
		Description: "an accepted saga is written down together with its first outcome",
	},
	{
		Name: "forget-ended", Anomaly: "lost-saga", Needs: anywhere,
		Description: "a saga is forgotten when nothing is left to be done for it",
	},
}

var compensationDefects = []Defect{
	{
		Name: "skip-unknown-compensation", Anomaly: "lost-compensation", Source: "dtm #272; temporal skill PR #43", Needs: "an action that has its effect and runs out of attempts",
		Description: "only steps known to have succeeded are compensated, not the one whose outcome is unknown",
	},
	{
		Name: "error-means-undone", Anomaly: "lost-compensation", Source: "Seata #6374; dtm #8", Needs: "an action answered with 500 although it was done",
		Description: "a 5xx is taken for \"refused, nothing was done\"",
	},
	{
		Name: "trust-late-refusal", Anomaly: "lost-compensation", Needs: "an action whose answer is lost, and whose next attempt is refused",
		Description: "a refusal is taken to speak for the attempts before it too",
	},
	{
		Name: "no-compensation-after-retry", Anomaly: "lost-compensation", Source: "servicecomb-pack #227", Needs: "a step that succeeds at its second attempt, and a permanent error behind it",
		Description: "a step that needed more than one attempt is not compensated",
	},
	{
		Name: "never-compensate", Anomaly: "lost-compensation", Source: "dtm #8", Needs: "a permanent error behind a step that succeeded",
		Description: "a saga that fails just ends",
	},
	{
		Name: "compensate-last-only", Anomaly: "lost-compensation", Needs: "a permanent error behind two steps that succeeded",
		Description: "only the steps that were done last are compensated",
	},
	{
		Name: "compensation-errors-ignored", Anomaly: "lost-compensation", Source: "n8n #9236, #7098", Needs: "a rollback in which a compensation's request is lost",
		Description: "a compensation is made once, whatever comes of it",
	},
	{
		Name: "interrupted-compensation-is-done", Anomaly: "lost-compensation", Source: "servicecomb-pack #635", Needs: "a crash in a rollback, before the last compensation has left",
		Description: "the compensations of a rollback are marked as sent before they are, and a restart believes the marks",
	},
	{
		Name: "skip-compensation-on-operator", Anomaly: "lost-compensation", Source: "temporal sdk-java #305", Needs: "an operator who asks for the rollback before the pivot (POST /sagas/{id}/compensate)",
		Description: "a rollback that an operator asks for cancels the compensations too",
	},
	{
		Name: "compensate-twice", Anomaly: "duplicate-compensation", Source: "temporal compensating transactions PR #3; txle #13", Needs: "a rollback",
		Description: "each compensation is made twice, the second time under a key of its own",
	},
	{
		Name: "compensate-again-after-restart", Anomaly: "duplicate-compensation", Source: "Camunda #15141", Needs: "a crash in a rollback, after some compensation is done",
		Description: "a restart makes the compensations that are done again, under new keys",
	},
	{
		Name: "compensate-with-action-body", Anomaly: "inexact-compensation", Needs: "a rollback",
		Description: "a compensation is sent the action's body",
	},
	{
		Name: "wrong-input-after-restart", Anomaly: "inexact-compensation", Source: "Seata #2827", Needs: "a crash before or in the rollback of a saga of two or more steps",
		Description: "after a restart every compensation is sent the body of the first step's",
	},
	{
		Name: "compensate-unattempted", Anomaly: "unneeded-compensation", Source: "Camunda #15141", Needs: "a permanent error before the last step",
		Description: "the rollback compensates every step, also those that were never attempted",
	},
	{
		Name: "compensate-on-timeout", Anomaly: "retry-budget", Source: "txle #13", Needs: "one attempt of an action without an answer",
		Description: "the first time-out of an action fails the saga",
	},
	{
		Name: "compensate-past-pivot", Anomaly: "pivot-violation", Needs: "a permanent error behind the pivot",
		Description: "a step that fails behind the pivot starts the rollback",
	},
	{
		Name: "give-up-retriable", Anomaly: "pivot-violation", Needs: "a transient error of a retriable step",
		Description: "a retriable step is given up after one attempt, though its policy has no end",
	},
}

var orderDefects = []Defect{
	{
		Name: "compensate-forward", Anomaly: "compensation-order", Needs: "a rollback of two steps",
		Description: "compensations run in the order of the steps",
	},
	{
		Name: "compensate-all-at-once", Anomaly: "compensation-order", Needs: "a rollback of two steps",
		Description: "all compensations start together",
	},
	{
		Name: "start-all-at-once", Anomaly: "step-order", Needs: anywhere,
		Description: "all steps start together",
	},
	{
		Name: "start-after-turn", Anomaly: "action-after-turn", Needs: "a refusal beside a step that takes longer and that another step follows, or an operator who asks for the rollback",
		Description: "a step that is ready starts although its saga has turned",
	},
	{
		Name: "ignore-operator", Anomaly: "ignored-rollback", Source: "zigflow #587; OpenMetadata PR 31590", Needs: "an operator who asks for the rollback before the pivot (POST /sagas/{id}/compensate)",
		Description: "an operator's request is accepted, written down and not carried out",
	},
	{
		Name: "join-on-first", Anomaly: "step-order", Needs: "a step behind two others, of which one takes longer",
		Description: "a step behind several others starts when the first of them is done",
	},
	{
		Name: "missing-await", Anomaly: "step-order", Source: "temporal compensating transactions PR #3", Needs: "a step that takes its time, or fails",
		Description: "a step starts when the calls of those before it have left",
	},
	{
		Name: "deferrable-fails-saga", Anomaly: "degradation-failure", Needs: "an outage of a deferrable step beside or before a critical one, or a refusal of it",
		Description: "a deferrable step that fails, fails the saga",
	},
	{
		Name: "deferrable-blocks-saga", Anomaly: "degradation-failure", Needs: "an outage of a deferrable step that outlasts its budget",
		Description: "a saga does not complete before its deferrable steps have",
	},
	{
		Name: "forget-deferred", Anomaly: "degradation-failure", Needs: "an outage of a deferrable step that outlasts its budget",
		Description: "a deferred step is never attempted again",
	},
}

var retryDefects = []Defect{
	{
		Name: "retry-permanent", Anomaly: "retried-permanent-error", Source: "dtm #545", Needs: "a permanent error of an action",
		Description: "an action that was refused for good is attempted again",
	},
	{
		Name: "retry-refused-compensation", Anomaly: "retried-permanent-error", Source: "seata-go #685", Needs: "a permanent error of a compensation",
		Description: "a compensation that was refused for good is attempted without end",
	},
	{
		Name: "one-attempt-too-many", Anomaly: "retry-budget", Needs: "as many transient errors as the policy allows attempts",
		Description: "the maximum of attempts is taken for the maximum of retries",
	},
	{
		Name: "retries-ignored", Anomaly: "retry-budget", Source: "n8n #9236, #7098", Needs: "a transient error with an answer",
		Description: "the first transient answer fails the operation, whatever its policy says",
	},
	{
		Name: "budget-restarts", Anomaly: "retry-budget", Needs: "a crash after several transient errors of one step",
		Description: "attempts are counted in memory, so that a restart forgets them",
	},
	{
		Name: "ignore-deadline", Anomaly: "retry-budget", Needs: "a policy with a deadline, and transient errors beyond it",
		Description: "attempts go on after the policy's deadline",
	},
	{
		Name: "no-backoff", Anomaly: "backoff-violation", Needs: "transient errors of one action, so many that its wait is long enough to be measured",
		Description: "an action is attempted again at once",
	},
	{
		Name: "compensation-storm", Anomaly: "backoff-violation", Source: "dtm #306", Needs: "transient errors of one compensation, so many that its wait is long enough to be measured",
		Description: "compensations are attempted again at once, since the next time is computed in another time zone",
	},
	{
		Name: "coarse-timer", Anomaly: "backoff-violation", Needs: "a transient error",
		Description: "what has to wait is looked at once a second, so that short waits become long ones",
	},
	{
		Name: "backoff-one-step-behind", Anomaly: "backoff-violation", Needs: "transient errors of one operation, so many that its wait is long enough to be measured",
		Description: "the wait before attempt n is the one before attempt n-1, so that the first retry comes at once",
	},
	{
		Name: "ignore-retry-after", Anomaly: "backoff-violation", Needs: "429 or 503 with a Retry-After longer than the wait",
		Description: "the Retry-After of an answer is not read",
	},
	{
		Name: "no-jitter", Anomaly: "thundering-herd", Needs: "many sagas that fail together",
		Description: "every wait is the middle of its band",
	},
	{
		Name: "shared-jitter", Anomaly: "thundering-herd", Needs: "many sagas that fail together",
		Description: "all sagas draw the same jitter, from a generator seeded with the attempt's number",
	},
	{
		Name: "breaker-ignored", Anomaly: "breaker-violation", Needs: "as many failures in a row as open the breaker",
		Description: "the circuit breaker is configured and never asked",
	},
	{
		Name: "breaker-per-saga", Anomaly: "breaker-violation", Needs: "as many failures in a row as open the breaker, of several sagas",
		Description: "each saga has a circuit breaker of its own",
	},
	{
		Name: "half-open-floods", Anomaly: "breaker-violation", Needs: "an open breaker with several calls waiting",
		Description: "a half-open breaker lets everything through",
	},
	{
		Name: "repeat-succeeded", Anomaly: "redundant-call", Source: "n8n #12096", Needs: anywhere,
		Description: "a call that succeeded is made again, under the same key, until its attempts are used up",
	},
}

var identityDefects = []Defect{
	{
		Name: "fresh-key-per-attempt", Anomaly: "key-misuse", Needs: "a transient error",
		Description: "each attempt has a key of its own",
	},
	{
		Name: "no-key", Anomaly: "key-misuse", Needs: anywhere,
		Description: "calls carry no Idempotency-Key",
	},
	{
		Name: "key-per-saga", Anomaly: "key-misuse", Needs: anywhere,
		Description: "all operations of a saga share one key",
	},
	{
		Name: "key-without-direction", Anomaly: "key-misuse", Needs: "a rollback",
		Description: "a step's action and compensation share one key",
	},
	{
		Name: "no-saga-id", Anomaly: "untraceable-call", Needs: anywhere,
		Description: "calls carry no Saga-Id",
	},
	{
		Name: "saga-id-of-worker", Anomaly: "untraceable-call", Needs: "a transient error",
		Description: "a retry carries the id of its worker in place of the saga's",
	},
	{
		Name: "no-trace-on-compensation", Anomaly: "untraceable-call", Needs: "a rollback",
		Description: "compensations carry no traceparent",
	},
}

var livenessDefects = []Defect{
	{
		Name: "no-recovery", Anomaly: "stuck-saga", Source: "DBOS-py #805; restate #5033; temporal #10286", Needs: "a crash while the saga is open",
		Description: "after a restart open sagas are known, and nobody continues them",
	},
	{
		Name: "job-lost-with-answer", Anomaly: "stuck-saga", Source: "camunda #5925", Needs: "an attempt without an answer",
		Description: "an attempt without an answer is waited for without end",
	},
	{
		Name: "throttled-forever", Anomaly: "stuck-saga", Needs: "429",
		Description: "an operation that was throttled is never resumed",
	},
	{
		Name: "no-attempt-timeout", Anomaly: "stuck-saga", Needs: "silence: a connection that stays open and brings no answer",
		Description: "attempts have no time-out",
	},
	{
		Name: "json-only", Anomaly: "lost-compensation", Needs: "a success whose answer is no JSON",
		Description: "a success that is no JSON is taken for a refusal",
	},
	{
		Name: "head-timeout", Anomaly: "stuck-saga", Needs: "an answer that stalls behind its head",
		Description: "the time-out of an attempt ends with the head of the answer",
	},
	{
		Name: "stop-on-store-error", Anomaly: "stuck-saga", Needs: "an outage of the store",
		Description: "the journal's writer ends at the first error of the store",
	},
	{
		Name: "store-errors-ignored", Anomaly: "lost-saga", Needs: "an outage of the store, and a crash",
		Description: "what the store did not take is taken for written",
	},
}
