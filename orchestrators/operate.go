package orchestrators

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/sagacheck/sagacheck/saga"
)

// Asking is what an operator asks of one saga. The same key again is the same request.
type Asking struct {
	Act    saga.Act
	Step   string // that it is about; empty: the whole saga
	Key    string
	Author string
	Reason string
}

// Operator is what a client has besides of whose orchestrator operators may ask something.
type Operator interface {
	// Operate asks once. 202 says that it is done and was not so before.
	Operate(ctx context.Context, id string, a Asking) (code int, err error)
}

var (
	_ Operator = (*contract)(nil)
	_ Operator = templatedOperator{}
)

// actCapabilities are the capabilities of an orchestrator that does what operators ask.
var actCapabilities = map[saga.Act]string{
	saga.ActRollback: "operator-compensation", saga.ActRetry: "operator-retry", saga.ActPause: "operator-pause",
	saga.ActResume: "operator-pause", saga.ActSkip: "operator-skip", saga.ActEnd: "operator-end",
}

// ActsOf are the acts that an orchestrator with such capabilities can be asked for.
func ActsOf(capabilities []string) []saga.Act {
	return slices.DeleteFunc(saga.Acts(), func(a saga.Act) bool { return !slices.Contains(capabilities, actCapabilities[a]) })
}

// OperatorOf is how a system is operated; nil: its manifest does not say.
func OperatorOf(s System) Operator {
	c := s.Client(s.Base())
	if st, ok := s.(*started); ok && len(st.manifest.Operator) > 0 {
		return templatedOperator{st, c}
	}
	o, _ := c.(Operator)
	return o
}

// actPath is the last part of the path of an act by the contract.
func actPath(a saga.Act) string {
	if a == saga.ActRollback {
		return "compensate"
	}
	return string(a)
}

func (c *contract) Operate(ctx context.Context, id string, a Asking) (int, error) {
	body, err := json.Marshal(struct {
		Step   string `json:"step,omitempty"`
		Author string `json:"author"`
		Reason string `json:"reason"`
	}{a.Step, a.Author, a.Reason})
	if err != nil {
		return 0, err
	}
	u := c.base + "/sagas/" + url.PathEscape(id) + "/" + actPath(a.Act)
	h := jsonHeader.Clone()
	h.Set("Idempotency-Key", a.Key)
	code, answer, err := c.sender.do(ctx, http.MethodPost, u, h, body)
	if err == nil && saga.Classify(code) != saga.Done {
		err = answered(http.MethodPost, u, code, answer, "")
	}
	return code, err
}

// templatedOperator asks by the requests of a manifest.
type templatedOperator struct {
	s      *started
	client Client
}

func (o templatedOperator) Operate(ctx context.Context, id string, a Asking) (int, error) {
	r := o.s.manifest.Operator[a.Act]
	if r == nil {
		return http.StatusNotImplemented, fmt.Errorf("the manifest has no operator.%s", a.Act)
	}
	m := &mapped{base: o.s.Base(), sender: o.s.sender, ids: &o.s.ids}
	env := map[string]any{"id": m.own(id), "step": a.Step, "key": a.Key, "author": a.Author, "reason": a.Reason}
	code, _, err := m.hand(ctx, "operator."+string(a.Act), r, env)
	return code, err
}

// operatorVars are what a request of an operator may hold, besides the code and body of its answer.
var operatorVars = []string{"base", "id", "step", "key", "author", "reason"}

// validateOperator checks and compiles the requests of operators. What a manifest says how to
// ask for it can do.
func (m *Manifest) validateOperator() (errs []error) {
	for _, act := range slices.Sorted(maps.Keys(m.Operator)) {
		at := "operator." + string(act)
		need, known := actCapabilities[act]
		r := m.Operator[act]
		switch {
		case !known:
			errs = append(errs, bad(at, "expected one of %v", saga.Acts()))
			continue
		case r == nil:
			errs = append(errs, bad(at, "must be given"))
			continue
		case !slices.Contains(m.Capabilities, need):
			m.Capabilities = append(m.Capabilities, need)
		}
		errs = append(errs,
			r.MappedRequest.compile(at, operatorVars...),
			compileTo(&r.accepted, at+".accepted", r.Accepted, "code >= 200 && code < 300", append(slices.Clone(operatorVars), "code", "body")...),
			compileTo(&r.id, at+".id", r.ID, "id", append(slices.Clone(operatorVars), "code", "body")...),
		)
	}
	if (m.Operator[saga.ActPause] == nil) != (m.Operator[saga.ActResume] == nil) {
		errs = append(errs, bad("operator", "pause and resume: expected both or neither"))
	}
	return errs
}
