package reference

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// promiseDefects break promises that show at the end of a policy, when a saga turns,
// or in what is asked of participants; what each needs is in curated plans.
var promiseDefects = []Defect{
	{
		Name: "refused-compensation-is-done", Anomaly: "partial-success", Needs: "a compensation that is refused for good",
		Description: "a compensation that is refused for good is taken for done",
	},
	{
		Name: "refused-retriable-is-done", Anomaly: "partial-success", Needs: "a retriable step that is refused for good",
		Description: "a step behind the pivot that is refused for good is passed over",
	},
	{
		Name: "codes-by-list", Anomaly: "retry-budget", Needs: "an answer of 409, 425, 502 or 504",
		Description: "transient codes are a list, in which 409, 425, 502 and 504 are missing",
	},
	{
		Name: "backoff-overflow", Anomaly: "backoff-violation", Needs: "more than 32 attempts of one operation",
		Description: "the doubled wait overflows after 31 attempts, and is none then",
	},
	{
		Name: "double-waits", Anomaly: "backoff-violation", Needs: "transient errors of operations whose waits are long enough to be measured",
		Description: "each wait is twice as long as the policy says",
	},
	{
		Name: "refund-again-later", Anomaly: "duplicate-compensation", Needs: "a rollback",
		Description: "each compensation is made again 100 ms later, under a key of its own",
	},
	{
		Name: "unbounded-compensation", Anomaly: "retry-budget", Needs: "a bounded compensation at its maximum",
		Description: "a compensation is attempted until it succeeds, whatever its policy says",
	},
	{
		Name: "deadline-without-undo", Anomaly: "lost-compensation", Needs: "a deadline that passes",
		Description: "a deadline fails the saga without undoing anything",
	},
	{
		Name: "undo-around-pivot", Anomaly: "pivot-violation", Needs: "a pivot without a compensation whose attempts are used up",
		Description: "all else is undone when the attempts of a pivot that can't be undone are used up, though it may have succeeded",
	},
	{
		Name: "stuck-at-pivot", Anomaly: "stuck-saga", Needs: "a pivot whose attempts are used up",
		Description: "a saga calls a person when the attempts of its pivot are used up",
	},
	{
		Name: "slow-rollback", Anomaly: "unneeded-compensation", Needs: anywhere,
		Description: "each operation begins 300 ms late, and a saga without a pivot is rolled back when all its steps have succeeded",
	},
	{
		Name: "retry-after-turn", Anomaly: "action-after-turn", Needs: "a step that fails after another one was refused",
		Description: "an action is attempted again although the saga is on its way back",
	},
	{
		Name: "refuse-operator", Anomaly: "ignored-rollback", Needs: "an operator who asks for the rollback before the pivot",
		Description: "a rollback that an operator asks for is always refused, as if it were too late",
	},
	{
		Name: "deferrable-blocks-quietly", Anomaly: "degradation-failure", Needs: "an outage of a deferrable step that outlasts its budget",
		Description: "a saga does not complete before its deferrable steps have, and reports them as running",
	},
	{
		Name: "deferrable-holds-up-steps", Anomaly: "degradation-failure", Needs: "an outage of a deferrable step, with a step behind it, that outlasts its budget",
		Description: "a step behind a deferrable one does not start before that is done",
	},
	{
		Name: "reencode-bodies", Anomaly: "mangled-body", Needs: anywhere,
		Description: "the body of an action is decoded and encoded again",
	},
	{
		Name: "garble-registers", Anomaly: "mangled-body", Needs: anywhere,
		Description: "the values that an action's body writes are changed on their way",
	},
	{
		Name: "drop-writes", Anomaly: "mangled-body", Needs: anywhere,
		Description: "the writes of an action's body are left out",
	},
}

// repeatLater is after how long refund-again-later compensates again, and slowStart
// how late each operation of slow-rollback begins.
const (
	repeatLater = 100 * time.Millisecond
	slowStart   = 300 * time.Millisecond
)

func (d defects) slowRollback() bool { return d.on("slow-rollback") }

func (d defects) blocksQuietly() bool { return d.on("deferrable-blocks-quietly") }

// forgottenCode: a transient code that lists of codes tend to lack.
func forgottenCode(code int) bool {
	return slices.Contains([]int{http.StatusConflict, http.StatusTooEarly, http.StatusBadGateway, http.StatusGatewayTimeout}, code)
}

func (o *operation) kind() saga.Kind { return o.run.state.Def.Steps[o.ref.Step].Kind }

// turnsForNothing: the saga is rolled back although nothing failed.
func (s *State) turnsForNothing() bool {
	if !s.defects.slowRollback() {
		return false
	}
	for i := range s.Def.Steps {
		if s.Critical(i) && !s.Actions[i].Done() {
			return false
		}
	}
	return true
}

// deadlinePassed: some action was given up for its deadline.
func (s *State) deadlinePassed() bool {
	for i := range s.Def.Steps {
		o, p := &s.Actions[i], s.Def.Steps[i].Action.Retry
		if o.Exhausted && p.DeadlineMS > 0 && (p.MaxAttempts == 0 || o.Attempts < p.MaxAttempts) {
			return true
		}
	}
	return false
}

// stuckAtPivot: the attempts of a pivot are used up, and that stops the saga.
func (s *State) stuckAtPivot() bool {
	if !s.defects.on("stuck-at-pivot") {
		return false
	}
	for i, st := range s.Def.Steps {
		if o := &s.Actions[i]; st.Kind == saga.Pivot && o.Exhausted && !o.Settled() {
			return true
		}
	}
	return false
}

// goesOn holds the planted defects in which a saga that is on its way back goes
// forward. Without them it is false.
func (s *State) goesOn(i int) bool {
	o := &s.Actions[i]
	if o.Attempts == 0 {
		return s.defects.on("start-after-turn") && len(s.graph.before[i]) > 0 && all(s.graph.before[i], s.Satisfied)
	}
	return !o.Exhausted && s.defects.on("retry-after-turn")
}

// heldUp: a deferrable step before it, which is not done, keeps a step from
// starting. Without the planted defect it is false.
func (s *State) heldUp(i int) bool {
	if !s.defects.on("deferrable-holds-up-steps") {
		return false
	}
	for _, name := range s.Def.Predecessors(i) {
		j := s.Def.StepIndex(name)
		if s.Def.Steps[j].Kind == saga.Deferrable && !s.Actions[j].Settled() {
			return true
		}
	}
	return false
}

// rewrite holds the planted defects that send another body than they were given.
// Without them it is the body.
func (d defects) rewrite(body json.RawMessage) json.RawMessage {
	reencode, garble, drop := d.on("reencode-bodies"), d.on("garble-registers"), d.on("drop-writes")
	var fields map[string]any
	if !reencode && !garble && !drop || json.Unmarshal(body, &fields) != nil {
		return body
	}
	writes, _ := fields["writes"].([]any)
	for _, w := range writes {
		if w, ok := w.(map[string]any); ok && garble {
			w["to"] = "garbled"
		}
	}
	if drop {
		delete(fields, "writes")
	}
	if !reencode && len(writes) == 0 {
		return body
	}
	b, err := json.Marshal(fields)
	if err != nil { // it was decoded from JSON
		panic(err)
	}
	return b
}

// understood is the status of an answer.
func (d defects) understood(r *http.Response) int {
	page := r.StatusCode/100 == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "text/html")
	if page && d.on("json-only") {
		return http.StatusUnprocessableEntity
	}
	return r.StatusCode
}
