package workflows

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/jsonvalue"
	"github.com/sagacheck/sagacheck/internal/templates"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// Call is a request bound to its operation.
type Call struct {
	Pass bool                 // it does not matter; but for Stub, the other fields are not set
	Stub *participants.Answer // the answer, if it has one of its own
	Op   *Operation

	service *Service
	request Request
	vars    map[string]any // of the request
}

func newCall(s *Service, op *Operation, r Request, params map[string]any) *Call {
	return &Call{Op: op, service: s, request: r, vars: r.vars(params)}
}

// pass is a call that does not matter, with its answer.
func pass(stub *answer, r Request, params map[string]any) (*Call, error) {
	c := &Call{Pass: true}
	if stub == nil {
		return c, nil
	}
	said, err := stub.reply(map[string]any{"request": r.vars(params)})
	if err != nil {
		return nil, fmt.Errorf("stubs: %w (%s %s, body %.200q)", err, r.Method, r.target(), r.Body)
	}
	c.Stub = &participants.Answer{Code: said.Code, Header: said.Header, Body: said.Body}
	return c, nil
}

// String is the request and its operation.
func (c *Call) String() string {
	s := fmt.Sprintf("services.%s.operations.%s: %s %s", c.Op.Service, c.Op.Name, c.request.Method, c.request.target())
	if len(c.request.Body) > 0 {
		s += fmt.Sprintf(" %.200s", c.request.Body)
	}
	return s
}

// Sent is the request.
func (c *Call) Sent() Request { return c.request }

// Said are the texts and numbers in the request, and its idempotency key: a read-back may
// ask by it.
func (c *Call) Said() []string {
	said := append(values(c.vars["body"]), append(values(c.vars["path"]), values(c.vars["query"])...)...)
	if key, err := c.Key(); err == nil && key != "" { // what is wrong with it is said where it counts
		said = append(said, key)
	}
	return said
}

func (c *Call) wrong(field string, err error) error {
	return fmt.Errorf("services.%s.operations.%s.%s: %w (%s %s, body %.200q)",
		c.Op.Service, c.Op.Name, field, err, c.request.Method, c.request.target(), c.request.Body)
}

func (c *Call) env() map[string]any { return map[string]any{"request": c.vars} }

func (c *Call) when() (bool, error) {
	if c.Op.condition == nil {
		return true, nil
	}
	yes, err := truth(c.Op.condition, c.env())
	if err != nil {
		return false, c.wrong("when", err)
	}
	return yes, nil
}

// Saga is what the call says of its saga: a name of it; only: there is only one; neither:
// the action that it undoes tells. said finds the saga in whose messages a value
// occurred first.
func (c *Call) Saga(said func(value string) (saga string, ok bool)) (value string, only bool, err error) {
	if c.Op.only {
		return "", true, nil
	}
	if c.Op.sagaOf == nil {
		return "", false, nil
	}
	env, unsaid := c.env(), false
	env["of"] = func(args ...any) (any, error) {
		v := text(args[0])
		if id, ok := said(v); ok {
			return id, nil
		}
		unsaid = true
		return nil, fmt.Errorf("%q was said in no message before", v)
	}
	v, err := run(c.Op.sagaOf, env)
	switch {
	case unsaid:
		return "", false, &UnsaidError{c.wrong("saga", err)}
	case err != nil:
		return "", false, c.wrong("saga", err)
	case v == nil || text(v) == "":
		return "", false, c.wrong("saga", fmt.Errorf("expression %q gives nothing", c.Op.Saga))
	}
	return text(v), false, nil
}

// UnsaidError is a call whose saga is that of a value which was said in no message yet.
type UnsaidError struct{ error }

// Each tells instances of the operation apart; empty: there is only one.
func (c *Call) Each() (string, error) {
	if c.Op.eachOf == nil {
		return "", nil
	}
	v, err := run(c.Op.eachOf, c.env())
	switch {
	case err != nil:
		return "", c.wrong("each", err)
	case v == nil:
		return "", c.wrong("each", fmt.Errorf("expression %q gives nothing", c.Op.Each))
	}
	return text(v), nil
}

// Part tells the parts apart in which one action is undone; empty: it is undone as a
// whole. Of several operations that undo it, each has parts of its own.
func (c *Call) Part() (string, error) {
	if c.Op.undone == nil || !c.Op.undone.InParts() {
		return "", nil
	}
	each, err := c.Each()
	return c.Op.Name + " " + each, err
}

// Action is an action that was done, as compensations and answers see it.
type Action map[string]any

// Did is the call as an action that was done.
func (c *Call) Did(a Reply, e saga.Effect, ref string) Action {
	key, _ := c.Key() // it was asked before
	return Action{
		"key":     key,
		"request": c.vars, "answer": map[string]any{"code": a.Code, "headers": headerVars(a.Header), "body": a.value},
		"id": ref, "operation": c.Op.Name, "effect": e, "undone": false, "pending": false, "declined": false,
	}
}

// Tried is the call as an action that was asked for, and of which there is no answer.
func (c *Call) Tried() Action {
	key, _ := c.Key() // it was asked before
	none := map[string]any{"code": 0, "headers": map[string]any{}, "body": map[string]any{}}
	return Action{"key": key, "request": c.vars, "answer": none, "id": "", "operation": c.Op.Name, "effect": saga.Effect{}, "undone": false, "pending": false, "declined": false}
}

// Names tells whether a compensation names an action. What an action does not have makes
// it another one; what the request does not have is an error. A path with an empty parameter
// names none, whatever has nothing in the same place.
func (c *Call) Names(a Action) (bool, error) {
	if params, _ := c.vars["path"].(map[string]any); slices.Contains(slices.Collect(maps.Values(params)), any("")) {
		return false, nil
	}
	env := c.env()
	env["action"] = map[string]any(a)
	v, err := run(c.Op.whichOf, env)
	if err != nil {
		return false, c.wrong("which", err)
	}
	yes, ok := v.(bool)
	if !ok {
		return false, c.wrong("which", fmt.Errorf("expression %q: expected true or false, got %v", c.Op.Which, v))
	}
	return yes, nil
}

// NamesSeveral is the error of a compensation that names several actions, two of them given.
func (c *Call) NamesSeveral(n int, first, second saga.Operation) error {
	if first == second {
		return c.wrong("which", fmt.Errorf("expression %q names %d actions, all of %s, which was done anew by each attempt: "+
			"where the service knows a repeat, say so (repeat, in docs/workflow-file.md)", c.Op.Which, n, first))
	}
	return c.wrong("which", fmt.Errorf("expression %q names %d actions (%s and %s): expected one that is true of one action only; "+
		"a call that undoes several at once can't be judged (docs/limits.md): test the workflow with one of them in a start, or with a call for each", c.Op.Which, n, first, second))
}

// Key is the idempotency key of the call; empty: it has none.
func (c *Call) Key() (string, error) {
	if c.service.guard.key == nil {
		return strings.Trim(c.request.Header.Get("Idempotency-Key"), `"`), nil
	}
	v, err := run(c.service.guard.key, c.env())
	if err != nil {
		return "", fmt.Errorf("services.%s.protection.keyed.key: %w", c.Op.Service, err)
	}
	if v == nil {
		return "", nil
	}
	return text(v), nil
}

// Protection is that of the service, or else the default.
func (c *Call) Protection(standard participants.Profile) participants.Profile {
	if c.service.guard.profile == "" {
		return standard
	}
	return c.service.guard.profile
}

// Keys is how the service minds keys.
func (c *Call) Keys() participants.Keys {
	k := c.service.guard.keys
	if k.Service = c.Op.Service; !c.service.guard.wide {
		k.Operation = c.Op.Name
	}
	return k
}

// Repeat is what the call does whose effect is there already.
func (c *Call) Repeat() participants.Repeat { return c.Op.repeat }

// SagaVars are what expressions know of a saga.
type SagaVars struct {
	ID    string
	Own   string // the workflow's own name for it
	Start Started
}

func (c *Call) full(s SagaVars, a *Action) map[string]any {
	env := c.env()
	env["saga"], env["id"], env["start"], env["action"] = map[string]any{"id": s.ID}, s.Own, s.Start.vars, nil
	if a != nil {
		env["action"] = map[string]any(*a)
	}
	return env
}

// Effect is what the call asks for; a is the action that it undoes, if it names one.
func (c *Call) Effect(s SagaVars, a *Action) (saga.Effect, error) {
	var undone *saga.Effect
	if a != nil {
		e := (*a)["effect"].(saga.Effect)
		undone = &e
	}
	e, err := c.Op.effect.of(c.Op, s, c.full(s, a), undone)
	if err != nil {
		return saga.Effect{}, c.wrong("effect", err)
	}
	return e, nil
}

// Reply is an answer of a service.
type Reply struct {
	Code   int
	Header http.Header
	Body   []byte
	value  any
}

// ReplyOf is an answer that is not as the file says it.
func ReplyOf(a participants.Answer) Reply {
	r := Reply{Code: a.Code, Header: a.Header, Body: a.Body}
	if v, err := jsonvalue.Decode(a.Body); err == nil {
		r.value = v
	}
	return r
}

// Said are the texts and numbers in an answer, and what it says of a place in its headers.
func (r Reply) Said() []string { return append(values(r.value), places(r.Header)...) }

// Answer is what the service answers when the call is done, under a new name for what was
// done.
func (c *Call) Answer(s SagaVars, ref string, a *Action, effects []Action) (Reply, error) {
	r, err := c.Op.answerOf.reply(c.answering(s, ref, a, effects))
	if err != nil {
		return Reply{}, c.wrong("answer", err)
	}
	return r, nil
}

// answering are the variables of an answer.
func (c *Call) answering(s SagaVars, ref string, a *Action, effects []Action) map[string]any {
	env := c.full(s, a)
	env["new"] = map[string]any{"id": ref}
	all := make([]any, len(effects))
	for i, e := range effects {
		all[i] = map[string]any(e)
	}
	env["effects"] = all
	return env
}

// Missing is the answer where the call names nothing that is there.
func (c *Call) Missing() (participants.Answer, error) { return c.fixed("missing", c.Op.missing) }

// Repeated is the answer where what the call asks for was done before.
func (c *Call) Repeated() (participants.Answer, error) { return c.fixed("repeat", c.Op.repeated) }

func (c *Call) fixed(field string, a *answer) (participants.Answer, error) {
	env := c.full(SagaVars{}, nil)
	env["new"], env["effects"] = map[string]any{"id": ""}, []any{}
	r, err := a.reply(env)
	if err != nil {
		return participants.Answer{}, c.wrong(field, err)
	}
	return participants.Answer{Code: r.Code, Header: r.Header, Body: r.Body, Shown: string(r.Body)}, nil
}

func (a *answer) reply(env map[string]any) (Reply, error) {
	r := Reply{Code: a.code, Header: http.Header{}}
	for name, t := range a.headers {
		v, err := t.Render(env)
		if err != nil {
			return Reply{}, err
		}
		r.Header.Set(name, v)
	}
	if a.body == nil {
		r.Body, r.value = []byte("{}"), map[string]any{}
		return r, nil
	}
	v, err := a.body.Value(env)
	if err != nil {
		return Reply{}, err
	}
	v = templates.Plain(v)
	r.value = v
	if s, ok := v.(string); ok {
		r.Body = []byte(s)
		if r.Header.Get("Content-Type") == "" {
			r.Header.Set("Content-Type", "text/plain; charset=utf-8")
		}
		return r, nil
	}
	r.Body, err = json.Marshal(v)
	return r, err
}

// hidden is what is stored in the place of what is redacted.
const hidden = "(redacted)"

// credentials are headers that are never stored.
var credentials = []string{"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key"}

// shownHeaders are those that the history keeps.
func (w *Workflow) shownHeaders(h http.Header) map[string]string {
	shown := map[string]string{}
	for k, v := range h {
		shown[k] = strings.Join(v, ", ")
	}
	for _, k := range append(credentials, w.hiddenHeaders()...) {
		if _, there := shown[http.CanonicalHeaderKey(k)]; there {
			shown[http.CanonicalHeaderKey(k)] = hidden
		}
	}
	maps.DeleteFunc(shown, func(k, _ string) bool { return k == "Accept-Encoding" || k == "Connection" })
	return shown
}

// Shown is the body of an answer as the history keeps it.
func (w *Workflow) Shown(r Reply) string { return w.redacted(string(r.Body)) }

// mostSeen is how much of a body the history keeps.
const mostSeen = 64 << 10

// Heard is the body of a real service's answer as the history keeps it.
func (w *Workflow) Heard(r Reply) string {
	return seen(w.redacted(strings.ToValidUTF8(string(r.Body), "?")))
}

// seen is as much of a body as the history keeps.
func seen(body string) string {
	if len(body) > mostSeen {
		body = strings.ToValidUTF8(body[:mostSeen], "?")
	}
	return body
}

// Seen is a request as the history keeps it.
func (w *Workflow) Seen(service string, r Request) *history.Message {
	target := r.target()
	if fields := w.hiddenFields(); len(fields) > 0 && len(r.Query) > 0 {
		target = r.Path + "?" + hideValues(r.Query, fields)
	}
	body := seen(w.redacted(strings.ToValidUTF8(string(r.Body), "?")))
	return &history.Message{Service: service, Method: r.Method, Target: target, Headers: w.shownHeaders(r.Header), Body: body}
}
