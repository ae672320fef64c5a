package orchestrators

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/expr-lang/expr/vm"

	"github.com/sagacheck/sagacheck/internal/templates"
	"github.com/sagacheck/sagacheck/saga"
)

// Mapping drives an engine that has an HTTP API of its own, without any code. URLs,
// headers and bodies are templates: ${…} holds an expression (expr-lang.org); a
// string that is nothing but one ${…} becomes the value of the expression. Its
// variables are
//
//	base    the base URL
//	saga    the saga as in POST /sagas of the contract, every step with its after
//	id      the engine's own id of the saga: submit.id, or else saga.id
//	code    the HTTP status of the answer (not in requests)
//	body    the answer: its value if it is JSON, else its text (not in requests)
//
// json(value) is the value as compact JSON. A status question knows nothing of the saga but its id.
type Mapping struct {
	Ready      *MappedReady  `yaml:"ready,omitempty" json:"ready,omitempty" jsonschema:"description=Asked until the engine takes sagas (default: GET ${base}/healthz)"`
	Submit     MappedSubmit  `yaml:"submit" json:"submit" jsonschema:"required"`
	Report     MappedReport  `yaml:"report" json:"report" jsonschema:"required"`
	Compensate *MappedSubmit `yaml:"compensate,omitempty" json:"compensate,omitempty" jsonschema:"description=How an operator asks for the rollback"`
	Calls      *MappedCalls  `yaml:"calls,omitempty" json:"calls,omitempty" jsonschema:"description=How the engine calls its services\\, where that is not as in the contract"`
}

// MappedRequest is a request template.
type MappedRequest struct {
	Method  string            `yaml:"method,omitempty" json:"method,omitempty" jsonschema:"description=Default: POST with a body or else GET"`
	URL     string            `yaml:"url" json:"url" jsonschema:"required"`
	Headers map[string]string `yaml:"headers,omitempty" json:"headers,omitempty"`
	Body    any               `yaml:"body,omitempty" json:"body,omitempty" jsonschema:"description=Sent as JSON; a string that is left a string is sent as it is"`

	url     *templates.Text
	headers map[string]*templates.Text
	body    *templates.Tree
}

// MappedReady is the ready check.
type MappedReady struct {
	MappedRequest `yaml:",inline"`
	Accepted      string `yaml:"accepted,omitempty" json:"accepted,omitempty" jsonschema:"description=Expression: it is ready (default: code == 200)"`

	accepted *vm.Program
}

// MappedSubmit hands a saga over.
type MappedSubmit struct {
	MappedRequest `yaml:",inline"`
	Accepted      string `yaml:"accepted,omitempty" json:"accepted,omitempty" jsonschema:"description=Expression: the engine took it (default: code is 2xx)"`
	ID            string `yaml:"id,omitempty" json:"id,omitempty" jsonschema:"description=Expression: the engine's own id (default: saga.id)"`

	accepted, id *vm.Program
}

// MappedReport asks for the status.
type MappedReport struct {
	MappedRequest `yaml:",inline"`
	Unknown       string                 `yaml:"unknown,omitempty" json:"unknown,omitempty" jsonschema:"description=Expression: the engine does not know the saga (default: code == 404)"`
	Status        string                 `yaml:"status" json:"status" jsonschema:"required,description=Expression: the status in the engine's words"`
	Statuses      map[string]saga.Status `yaml:"statuses,omitempty" json:"statuses,omitempty" jsonschema:"description=The engine's words in the words of the contract: running\\, compensating\\, completed\\, compensated\\, stuck"`
	Steps         string                 `yaml:"steps,omitempty" json:"steps,omitempty" jsonschema:"description=Expression: a list of {name\\, status\\, attempts}"`

	unknown, status, steps *vm.Program
}

// compile checks and compiles all templates and expressions.
func (m *Mapping) compile() error {
	if m.Ready == nil {
		m.Ready = &MappedReady{MappedRequest: MappedRequest{URL: "${base}/healthz"}}
	}
	errs := []error{
		m.Ready.MappedRequest.compile("mapping.ready", "base"),
		compileTo(&m.Ready.accepted, "mapping.ready.accepted", m.Ready.Accepted, "code == 200", answerVars...),
		m.Submit.compile("mapping.submit"),
		m.Report.compile("mapping.report"),
	}
	if m.Compensate != nil {
		errs = append(errs, m.Compensate.compile("mapping.compensate"))
	}
	if m.Calls != nil {
		errs = append(errs, m.Calls.validate("mapping.calls"))
	}
	return errors.Join(errs...)
}

var answerVars = []string{"base", "id", "code", "body"}

func (s *MappedSubmit) compile(at string) error {
	known := []string{"base", "id"}
	if at == "mapping.submit" {
		known = append(known, "saga")
	}
	return errors.Join(
		s.MappedRequest.compile(at, known...),
		compileTo(&s.accepted, at+".accepted", s.Accepted, "code >= 200 && code < 300", append(known, answerVars...)...),
		compileTo(&s.id, at+".id", s.ID, "id", append(known, answerVars...)...),
	)
}

func (r *MappedReport) compile(at string) error {
	errs := []error{
		r.MappedRequest.compile(at, "base", "id"),
		compileTo(&r.unknown, at+".unknown", r.Unknown, "code == 404", answerVars...),
		compileTo(&r.status, at+".status", r.Status, "", answerVars...),
		compileTo(&r.steps, at+".steps", r.Steps, "[]", answerVars...),
	}
	for word, s := range r.Statuses {
		if !s.Valid() {
			errs = append(errs, bad(at+".statuses", "%s: %q: expected running, compensating, completed, compensated, stuck or ended-by-hand", word, s))
		}
	}
	return errors.Join(errs...)
}

// translate gives the contract's word for the engine's.
func (r *MappedReport) translate(word any) (saga.Status, error) {
	s := fmt.Sprint(word)
	if len(r.Statuses) == 0 && saga.Status(s).Valid() {
		return saga.Status(s), nil
	}
	if st, ok := r.Statuses[s]; ok {
		return st, nil
	}
	if len(r.Statuses) == 0 {
		return "", fmt.Errorf("status %q is no word of the contract: expected statuses that say what it means", s)
	}
	return "", fmt.Errorf("status %q is not among the statuses of the mapping: expected one of %q", s, slices.Sorted(maps.Keys(r.Statuses)))
}
