package orchestrators

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"github.com/sagacheck/sagacheck/internal/templates"
	"github.com/sagacheck/sagacheck/saga"
)

// mapped is a client of an engine with an API of its own.
type mapped struct {
	m      *Mapping
	base   string
	sender *sender
	ids    *sync.Map   // saga id → the engine's id; shared by the clients of a system
	tr     *translator // nil: the engine's calls are the contract's
}

var _ Client = (*mapped)(nil)

func newMapped(m *Mapping, base string, w *sender, ids *sync.Map, tr *translator) *mapped {
	return &mapped{m: m, base: strings.TrimRight(base, "/"), sender: w, ids: ids, tr: tr}
}

// compile checks and compiles the request's templates.
func (r *MappedRequest) compile(at string, known ...string) error {
	if r.URL == "" {
		return bad(at+".url", "must be given")
	}
	var errs []error
	report := func(path string, err error) {
		if err != nil {
			errs = append(errs, badly(path, err))
		}
	}
	var err error
	r.url, err = templates.ParseText(r.URL, known...)
	report(at+".url", err)
	r.headers = map[string]*templates.Text{}
	for k, v := range r.Headers {
		r.headers[k], err = templates.ParseText(v, known...)
		report(at+".headers."+k, err)
	}
	if r.Body != nil {
		r.body, err = templates.ParseTree(r.Body, known...)
		report(at+".body", err)
	}
	return errors.Join(errs...)
}

// exchange is a request and its answer.
type exchange struct {
	method, url string
	code        int
	raw         []byte
	env         map[string]any // with code and body of the answer
}

func (x *exchange) wrong(reason string) error {
	return answered(x.method, x.url, x.code, x.raw, reason)
}

// unfit says that an expression of the mapping makes nothing of the answer. Of an
// answer that is no success that may pass: a gateway speaks another language.
func (x *exchange) unfit(field string, err error) error {
	e := answered(x.method, x.url, x.code, x.raw, field+": "+err.Error())
	e.Malformed = x.code >= 200 && x.code < 300
	return e
}

// send fills the request's templates, sends it, and reads the answer into the
// variables.
func (c *mapped) send(ctx context.Context, r *MappedRequest, env map[string]any) (*exchange, error) {
	env["base"] = c.base
	url, err := r.url.Render(env)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	header := http.Header{}
	for k, t := range r.headers {
		v, err := t.Render(env)
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", k, err)
		}
		header.Set(k, v)
	}
	standard, body, err := r.payload(env, header)
	if err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	x := &exchange{method: cmp.Or(r.Method, standard), url: url, env: env}
	x.code, x.raw, err = c.sender.do(ctx, x.method, url, header, body)
	if err != nil {
		return nil, err
	}
	env["code"], env["body"] = x.code, string(x.raw)
	if v, err := templates.Exact(x.raw); err == nil {
		env["body"] = v
	}
	return x, nil
}

// payload is the body, and the method that goes with it.
func (r *MappedRequest) payload(env map[string]any, header http.Header) (method string, body []byte, err error) {
	if r.body == nil {
		return http.MethodGet, nil, nil
	}
	v, err := r.body.Value(env)
	if err != nil {
		return "", nil, err
	}
	if s, ok := v.(string); ok {
		return http.MethodPost, []byte(s), nil
	}
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/json")
	}
	body, err = json.Marshal(templates.Plain(v))
	return http.MethodPost, body, err
}

func (c *mapped) Submit(ctx context.Context, d saga.Definition) (int, error) {
	sent := d
	if c.tr != nil {
		sent = c.tr.rewrite(d)
	}
	v, err := sagaValue(sent)
	if err != nil {
		return 0, fmt.Errorf("saga %q: %w", d.ID, err)
	}
	env := map[string]any{"saga": v, "id": d.ID}
	code, own, err := c.hand(ctx, "mapping.submit", &c.m.Submit, env)
	if err == nil {
		c.ids.Store(d.ID, own)
	}
	return code, err
}

func (c *mapped) Compensate(ctx context.Context, id string) (int, error) {
	if c.m.Compensate == nil {
		return http.StatusNotImplemented, errors.New("the mapping has no compensate")
	}
	code, _, err := c.hand(ctx, "mapping.compensate", c.m.Compensate, map[string]any{"id": c.own(id)})
	return code, err
}

// hand sends something that the engine may accept or refuse. A 2xx that the
// mapping does not take for an acceptance counts as 502.
func (c *mapped) hand(ctx context.Context, at string, s *MappedSubmit, env map[string]any) (code int, id string, err error) {
	x, err := c.send(ctx, &s.MappedRequest, env)
	if err != nil {
		return 0, "", err
	}
	yes, err := truth(s.accepted, x.env)
	switch {
	case err != nil:
		return x.code, "", x.unfit(at+".accepted", err)
	case !yes && x.code >= 200 && x.code < 300:
		return http.StatusBadGateway, "", x.wrong("the mapping's accepted says no")
	case !yes:
		return x.code, "", x.wrong("")
	}
	own, err := expr.Run(s.id, x.env)
	if err == nil && own == nil {
		err = errors.New("is not in the answer")
	}
	if err != nil {
		return x.code, "", x.unfit(at+".id", err)
	}
	return http.StatusAccepted, fmt.Sprint(own), nil
}

func (c *mapped) own(id string) string {
	if v, ok := c.ids.Load(id); ok {
		return v.(string)
	}
	return id
}

func (c *mapped) Report(ctx context.Context, id string) (saga.Report, int, error) {
	if c.tr != nil && c.tr.unfit.Load() != nil {
		return saga.Report{}, 0, *c.tr.unfit.Load()
	}
	r := &c.m.Report
	x, err := c.send(ctx, &r.MappedRequest, map[string]any{"id": c.own(id)})
	if err != nil {
		return saga.Report{}, 0, err
	}
	unknown, err := truth(r.unknown, x.env)
	if err != nil {
		return saga.Report{}, x.code, x.unfit("mapping.report.unknown", err)
	}
	if unknown {
		return saga.Report{}, http.StatusNotFound, nil
	}
	if x.code < 200 || x.code >= 300 {
		return saga.Report{}, x.code, x.wrong("")
	}
	rep, field, err := r.read(id, x.env)
	if err != nil {
		return saga.Report{}, x.code, x.unfit("mapping.report."+field, err)
	}
	return rep, http.StatusOK, nil
}

// read makes the report out of the answer; an error is of a field of the mapping.
func (r *MappedReport) read(id string, env map[string]any) (rep saga.Report, field string, err error) {
	word, err := expr.Run(r.status, env)
	if err == nil && word == nil {
		err = fmt.Errorf("%q is not in the answer", r.Status)
	}
	if err != nil {
		return saga.Report{}, "status", err
	}
	rep.ID = id
	if rep.Status, err = r.translate(word); err != nil {
		return saga.Report{}, "statuses", err
	}
	steps, err := expr.Run(r.steps, env)
	if err != nil {
		return saga.Report{}, "steps", err
	}
	b, err := json.Marshal(steps)
	if err == nil {
		err = json.Unmarshal(b, &rep.Steps)
	}
	if err != nil {
		return saga.Report{}, "steps", err
	}
	return rep, "", nil
}

func (c *mapped) Ready(ctx context.Context) error {
	x, err := c.send(ctx, &c.m.Ready.MappedRequest, map[string]any{})
	if err != nil {
		return err
	}
	yes, err := truth(c.m.Ready.accepted, x.env)
	if err != nil {
		return x.unfit("mapping.ready.accepted", err)
	}
	if !yes {
		return x.wrong("not ready")
	}
	return nil
}

func truth(p *vm.Program, env map[string]any) (bool, error) {
	v, err := expr.Run(p, env)
	if err != nil {
		return false, err
	}
	yes, ok := v.(bool)
	if !ok {
		return false, fmt.Errorf("expected true or false, got %v", v)
	}
	return yes, nil
}

// sagaValue is the definition as expressions see it: plain maps and lists, each
// step with its after.
func sagaValue(d saga.Definition) (any, error) {
	d.Steps = slices.Clone(d.Steps)
	for i := range d.Steps {
		if d.Steps[i].After = d.Predecessors(i); d.Steps[i].After == nil {
			d.Steps[i].After = []string{}
		}
	}
	b, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	return templates.Exact(b)
}
