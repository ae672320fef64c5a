package orchestrators

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/templates"
	"github.com/sagacheck/sagacheck/saga"
)

// MappedCalls says how an engine calls its services, where that is not as in the
// contract. A translator then stands between the engine and the participants: it
// takes a call in the engine's words, makes the same call in the contract's, and says
// the answer in the engine's. One call is one connection on both sides; what breaks
// on one breaks on the other.
//
// Key and body are what the engine sent, found by expressions; the headers Saga-Id,
// Saga-Step and traceparent are passed on as they came, if they came. Nothing is added
// that would pass for the engine's, but one: without a Body the body is that of the
// saga's definition, and not judged.
type MappedCalls struct {
	Key     string       `yaml:"key" json:"key" jsonschema:"required,description=Expression over method\\, query\\, headers and body of the engine's call: the idempotency key in it"`
	Body    string       `yaml:"body,omitempty" json:"body,omitempty" jsonschema:"description=Expression like key: the body that the call carries for the service\\, a value or JSON as text (default: the body of the saga's definition\\, which is then not judged)"`
	Refused MappedAnswer `yaml:"refused,omitempty" json:"refused,omitempty" jsonschema:"description=How a permanent refusal is said (default: as it is)"`
	Busy    MappedAnswer `yaml:"busy,omitempty" json:"busy,omitempty" jsonschema:"description=How 408\\, 409\\, 425 and 429 are said (default: as they are)"`

	key, body *vm.Program
}

// MappedAnswer is an answer in the engine's words; code 0: as it is.
type MappedAnswer struct {
	Code int    `yaml:"code" json:"code" jsonschema:"required"`
	Body string `yaml:"body,omitempty" json:"body,omitempty"`
}

var callVars = []string{"method", "query", "headers", "body"}

func (c *MappedCalls) compile(at string) error {
	err := compileTo(&c.key, at+".key", c.Key, "", callVars...)
	if err == nil && !templates.Uses(c.key, callVars) {
		err = bad(at+".key", "%q: expected an expression over the engine's call (%s): a key that it does not send would be made up", c.Key, strings.Join(callVars, ", "))
	}
	if c.Body != "" {
		err = errors.Join(err, compileTo(&c.body, at+".body", c.Body, "", callVars...))
	}
	return err
}

// supplied lists what of the engine's calls comes from the mapping.
func (m *Manifest) supplied() []string {
	switch {
	case m.Mapping == nil || m.Mapping.Calls == nil:
		return nil
	case m.Mapping.Calls.Body != "":
		return []string{history.SagaHeaders}
	}
	return []string{history.SagaHeaders, history.CallBody}
}

// translator serves the calls of one system's engine.
type translator struct {
	calls  *MappedCalls
	base   string
	server *http.Server
	sender *http.Transport
	ended  chan struct{}
	last   atomic.Int64
	known  sync.Map              // "/17" → translated
	unfit  atomic.Pointer[error] // the first call that the mapping made nothing of
}

// translated is an operation behind an address of the translator.
type translated struct {
	op   saga.Operation
	call saga.Call
}

func startTranslator(c *MappedCalls) (*translator, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &translator{
		calls:  c,
		base:   "http://" + l.Addr().String(),
		sender: &http.Transport{DisableKeepAlives: true},
		ended:  make(chan struct{}),
	}
	t.server = &http.Server{Handler: t}
	go func() {
		defer close(t.ended)
		_ = t.server.Serve(l) // ends with stop
	}()
	return t, nil
}

func (t *translator) stop() {
	_ = t.server.Close() // its listener is gone either way
	<-t.ended
	t.sender.CloseIdleConnections()
}

// rewrite gives the saga with addresses of the translator.
func (t *translator) rewrite(d saga.Definition) saga.Definition {
	steps := make([]saga.Step, len(d.Steps))
	for i, s := range d.Steps {
		s.Action.URL = t.address(d.ID, s.Name, saga.Action, s.Action)
		if s.Compensation != nil {
			c := *s.Compensation
			c.URL = t.address(d.ID, s.Name, saga.Compensation, c)
			s.Compensation = &c
		}
		steps[i] = s
	}
	d.Steps = steps
	return d
}

func (t *translator) address(id, step string, dir saga.Direction, c saga.Call) string {
	path := "/" + strconv.FormatInt(t.last.Add(1), 10)
	t.known.Store(path, translated{saga.Operation{Saga: id, Step: step, Direction: dir}, c})
	return t.base + path
}

// ServeHTTP translates one call. A call that gets no whole answer gets none.
func (t *translator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Connection", "close")
	v, ok := t.known.Load(r.URL.Path)
	if !ok {
		http.NotFound(w, r)
		return
	}
	op := v.(translated)
	call, err := t.read(r, op)
	if err != nil {
		err = fmt.Errorf("%w: %s: %w", errUnfit, op.op, err)
		t.unfit.CompareAndSwap(nil, &err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	code, header, body, err := t.forward(r.Context(), call)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	said := MappedAnswer{}
	switch c := saga.Classify(code); {
	case c == saga.Permanent:
		said = t.calls.Refused
	case c == saga.Transient && code < 500:
		said = t.calls.Busy
	}
	if said.Code != 0 {
		code, body = said.Code, []byte(said.Body)
	}
	for _, h := range []string{"Content-Type", "Retry-After"} {
		if s := header.Get(h); s != "" {
			w.Header().Set(h, s)
		}
	}
	w.WriteHeader(code)
	_, _ = w.Write(body) // the engine is gone
}

// translation is a call in the contract's words.
type translation struct {
	url    string
	header http.Header
	body   []byte
}

// read finds in the engine's call what the contract asks for.
func (t *translator) read(r *http.Request, op translated) (translation, error) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, answerLimit))
	if err != nil { // half a request: the engine has left
		panic(http.ErrAbortHandler)
	}
	env := map[string]any{"method": r.Method, "query": firsts(r.URL.Query()), "headers": firsts(r.Header), "body": string(raw)}
	if v, err := templates.Exact(raw); err == nil {
		env["body"] = v
	}
	k, err := expr.Run(t.calls.key, env)
	if err != nil {
		return translation{}, fmt.Errorf("mapping.calls.key: %w", err)
	}
	call := translation{url: op.call.URL, header: http.Header{"Content-Type": {"application/json"}}, body: op.call.Body}
	if k != nil { // else the call carries none
		call.header.Set("Idempotency-Key", fmt.Sprint(k))
	}
	for _, h := range []string{"Saga-Id", "Saga-Step", "Traceparent"} {
		if own := r.Header.Values(h); len(own) > 0 {
			call.header[h] = own
		}
	}
	if t.calls.body != nil {
		if call.body, err = t.body(env); err != nil {
			return translation{}, fmt.Errorf("mapping.calls.body: %w", err)
		}
	}
	return call, nil
}

// body is what the engine's call carries for the service.
func (t *translator) body(env map[string]any) ([]byte, error) {
	v, err := expr.Run(t.calls.body, env)
	if text, ok := v.(string); ok || err != nil {
		return []byte(text), err
	}
	return json.Marshal(templates.Plain(v))
}

func firsts(m map[string][]string) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		if len(v) > 0 {
			out[k] = v[0]
		}
	}
	return out
}

// forward makes the call in the contract's words; it ends when the engine hangs up.
func (t *translator) forward(ctx context.Context, c translation) (int, http.Header, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, io.NopCloser(bytes.NewReader(c.body)))
	if err != nil {
		return 0, nil, nil, err
	}
	req.ContentLength, req.Header = int64(len(c.body)), c.header
	resp, err := t.sender.RoundTrip(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	return resp.StatusCode, resp.Header, body, err
}

func (a MappedAnswer) validate(at string) error {
	if a != (MappedAnswer{}) && (a.Code < 100 || a.Code > 599) {
		return bad(at+".code", "%d: expected an HTTP status", a.Code)
	}
	return nil
}

func (c *MappedCalls) validate(at string) error {
	return errors.Join(c.compile(at), c.Refused.validate(at+".refused"), c.Busy.validate(at+".busy"))
}
