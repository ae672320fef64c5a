package workflows

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/templates"
	"github.com/sagacheck/sagacheck/orchestrators"
)

// async is how a service tells later, compiled.
type async struct {
	url      *templates.Text // nil: it is polled
	call     asking          // without its target
	declined asking          // the same where it refuses
	declines bool            // else it refuses at once
	after    time.Duration
	attempts int
	every    time.Duration
}

// Bounds and defaults of callbacks.
const (
	soonAfter    = 20 * time.Millisecond
	usualEvery   = 100 * time.Millisecond
	longestAfter = 2 * time.Second
	mostCalls    = 5
)

// code is that of the answer where the file gives none.
func (op *Operation) code() int {
	if op.Async != nil {
		return http.StatusAccepted
	}
	return http.StatusOK
}

// async compiles how a service tells later; nil: it does not.
func (c *compiler) async(at string, op *Operation) *async {
	a := op.Async
	switch {
	case a == nil:
		return nil
	case op.Reads != "":
		c.bad(at, "an operation that reads has its answer at once")
	case a.Attempts < 0 || a.Attempts > mostCalls:
		c.bad(at+".attempts", "%d: expected 1 to %d", a.Attempts, mostCalls)
	}
	out := &async{attempts: max(a.Attempts, 1), call: asking{method: http.MethodPost, headers: map[string]*templates.Text{}}}
	out.after = c.pause(at+".after", a.After, soonAfter)
	out.every = c.pause(at+".every", a.Every, usualEvery)
	out.declines = a.Declined != nil
	if a.Callback == "" {
		c.polled(at, op)
		return out
	}
	out.url = c.callbackURL(at+".callback", a.Callback)
	for _, name := range slices.Sorted(maps.Keys(a.Headers)) {
		out.call.headers[name] = c.text(at+".headers."+name, a.Headers[name], answerVars)
	}
	if a.Body != nil {
		out.call.body = c.tree(at+".body", a.Body, answerVars)
	}
	out.declined = out.call
	if a.Declined != nil {
		out.declined.body = c.tree(at+".declined", a.Declined, answerVars)
	}
	return out
}

// polled checks a service that never calls: it takes a read-back to get to know what became of the call.
func (c *compiler) polled(at string, op *Operation) {
	a := op.Async
	var given []string
	for field, is := range map[string]bool{"attempts": a.Attempts != 0, "every": a.Every != "", "headers": a.Headers != nil, "body": a.Body != nil} {
		if is {
			given = append(given, field)
		}
	}
	if len(given) > 0 {
		slices.Sort(given)
		c.bad(at+".callback", "must be given with %s: the URL that is called: ${request.body.callbackUrl}; of a service that is polled the answer of what reads says all", strings.Join(given, ", "))
		return
	}
	if yes, is := a.Declined.(bool); a.Declined != nil && !(is && yes) {
		c.bad(at+".declined", "expected true without callback: that it was declined stands in the answer of what reads (shows_pending)")
	}
	asks := slices.DeleteFunc(slices.Collect(maps.Values(c.w.Services[op.Service].Operations)), func(o *Operation) bool { return o == nil || o.Reads != op.Name })
	switch {
	case len(asks) == 0:
		c.bad(at+".callback", "must be given, the URL that is called: ${request.body.callbackUrl}; or, where the service is polled, an operation with reads: %s that asks what became of it", op.Name)
	case a.Declined != nil && !slices.ContainsFunc(asks, func(o *Operation) bool { return o.ShowsPending }):
		c.bad(at+".declined", "nobody could tell that it was declined: expected shows_pending: true on the operation that reads %s", op.Name)
	}
}

// pendingShown checks that an operation which finds what was only taken says so.
func (c *compiler) pendingShown(at string, s *Service, op *Operation) {
	if !op.ShowsPending {
		return
	}
	of := s.Operations[op.Reads]
	switch {
	case op.Reads == "":
		c.bad(at+".shows_pending", "expected reads: an operation that asks what is there")
	case of != nil && (of.Async == nil || of.Async.Callback != ""):
		c.bad(at+".shows_pending", "expected async without callback on %s: what it does is there at once", op.Reads)
	case !strings.Contains(fmt.Sprint(op.Answer.Body, op.Answer.Headers), "pending"):
		c.bad(at+".answer.body", "says the same of what is pending and of what is done: expected action.pending, or .pending of effects, in it: ${action.pending ? 'pending' : 'captured'}")
	}
}

// callbackURL compiles where a callback goes: what the workflow's request says, or an address
// of the system that the service was once told, ${port.http} in it.
func (c *compiler) callbackURL(at, said string) *templates.Text {
	c.placed(at, said)
	for _, p := range orchestrators.Template.FindAllStringSubmatch(said, -1) {
		switch _, port := strings.CutPrefix(p[1], "port."); {
		case port && !c.listens("${"+p[1]+"}"), !port && systemPlace.MatchString(p[0]):
			c.bad(at, "%q: expected ${port.NAME} of a port that a process of the system gets in its command or env", p[0])
		}
	}
	return c.text(at, escapePlaces(said), answerVars)
}

// listens tells whether something that is started here gets a port, written ${port.NAME}. Nobody
// knows those of an engine, and a system that runs already has none.
func (c *compiler) listens(port string) bool {
	s := c.w.System
	if s.Engine != "" || !c.w.Startable() {
		return true
	}
	var told []string
	for _, p := range s.Processes {
		told = slices.Concat(told, p.Command, slices.Collect(maps.Values(p.Env)))
	}
	if k := s.Container; k != nil {
		told = slices.Concat(told, k.Command, slices.Collect(maps.Values(k.Env)))
	}
	return slices.ContainsFunc(told, func(text string) bool {
		return slices.Contains(orchestrators.Template.FindAllString(text, -1), port)
	})
}

// pause reads a time within a cell.
func (c *compiler) pause(field, said string, standard time.Duration) time.Duration {
	if said == "" {
		return standard
	}
	d, err := time.ParseDuration(said)
	if err != nil || d < 0 || d > longestAfter {
		c.bad(field, "%q: expected a time of 0s to %v: 20ms", said, longestAfter)
	}
	return d
}

// Callback is a call of a service to the workflow.
type Callback struct {
	URL             string
	Header          http.Header
	Body            []byte
	After, Every    time.Duration
	Attempts        int
	said            []string
	method, service string
}

// Async tells whether the service tells later what became of the call.
func (c *Call) Async() bool { return c.Op.async != nil }

// CallsBack tells whether it does so by a call of its own, and not when it is asked.
func (c *Call) CallsBack() bool { return c.Async() && c.Op.async.url != nil }

// After is how long after the effect the service tells of it.
func (c *Call) After() time.Duration { return c.Op.async.after }

// Declines tells whether the service takes the call that it refuses, and refuses it later.
func (c *Call) Declines() bool { return c.Async() && c.Op.async.declines }

// Callback is what the service tells when the call is done, or declined, under a new name for
// what was done. fill puts the values of the system's places into a text.
func (c *Call) Callback(s SagaVars, ref string, a *Action, effects []Action, declined bool, fill func(string) string) (Callback, error) {
	env := c.answering(s, ref, a, effects)
	spec := c.Op.async
	call := spec.call
	if declined {
		call = spec.declined
	}
	to, err := spec.url.Render(env)
	if err != nil {
		return Callback{}, c.wrong("async.callback", err)
	}
	to = fill(unescapePlaces(to))
	if err := ownURL(to); err != nil {
		return Callback{}, c.wrong("async.callback", err)
	}
	said, err := call.content(env)
	if err != nil {
		return Callback{}, c.wrong("async", err)
	}
	return Callback{
		URL: to, Header: said.Header, Body: said.Body, After: spec.after, Every: spec.every, Attempts: spec.attempts,
		said: said.Said(), method: spec.call.method, service: c.Op.Service,
	}, nil
}

// ownURL refuses what lies outside this machine.
func ownURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" || u.Host == "":
		return fmt.Errorf("%q: expected the workflow's own address: http://127.0.0.1:8080/callback", text)
	case u.Hostname() != "localhost" && !net.ParseIP(u.Hostname()).IsLoopback():
		return fmt.Errorf("%q: %s is not this machine: expected 127.0.0.1, localhost or [::1]", text, u.Hostname())
	}
	return nil
}

// Said are the texts and numbers in the call.
func (b Callback) Said() []string { return b.said }

// Told is a callback as the history keeps it.
func (w *Workflow) Told(b Callback) *history.Message {
	u, err := url.Parse(b.URL)
	if err != nil { // it was parsed before
		u = &url.URL{}
	}
	m := w.Seen(b.service, Request{Method: b.method, Path: u.EscapedPath(), Query: u.Query(), Header: b.Header, Body: b.Body})
	return m
}

// Callbacks are the steps, and their undoing, of which a service tells later by a call of its own: charge, charge.undo.
func (w *Workflow) Callbacks() []string {
	return w.later(func(a *async) bool { return a.url != nil })
}

// Polled are the same of which a service tells later when it is asked.
func (w *Workflow) Polled() []string { return w.later(func(a *async) bool { return a.url == nil }) }

func (w *Workflow) later(how func(*async) bool) []string {
	var names []string
	for at, op := range w.Calls() {
		if op.async != nil && how(op.async) {
			names = append(names, at.String())
		}
	}
	slices.Sort(names)
	return names
}
