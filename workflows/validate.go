package workflows

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/vm"

	"github.com/sagacheck/sagacheck/internal/templates"
	"github.com/sagacheck/sagacheck/internal/yamlfile"
	"github.com/sagacheck/sagacheck/saga"
)

// compiler checks a file, and compiles what is in it.
type compiler struct {
	w        *Workflow
	problems yamlfile.Problems
}

func (c *compiler) add(field string, err error) {
	c.problems = append(c.problems, &yamlfile.Problem{Field: field, Reason: strings.ReplaceAll(err.Error(), "\n", " ")})
}

// under adds mistakes below a field.
func (c *compiler) under(at string) func(field string, err error) {
	return func(field string, err error) {
		if field != "" && !strings.HasPrefix(field, "[") && !strings.HasPrefix(field, ".") {
			field = "." + field
		}
		c.add(at+field, err)
	}
}

func (c *compiler) bad(field, format string, args ...any) { c.add(field, fmt.Errorf(format, args...)) }

// expression compiles one that may be absent.
func (c *compiler) expression(field, src string, known ...string) *vm.Program {
	if src == "" {
		return nil
	}
	p, err := templates.Compile(src, known...)
	if err != nil {
		c.add(field, err)
	}
	return p
}

var plainName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

func (c *compiler) name(field, name string) {
	if !plainName.MatchString(name) {
		c.bad(field, "%q: expected lower-case letters, digits and hyphens", name)
	}
}

func (c *compiler) compile() {
	w := c.w
	c.name("name", w.Name)
	c.system()
	c.talk()
	if len(w.Services) == 0 {
		c.bad("services", "expected at least one service that the workflow calls")
	}
	hosts := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(w.Services)) {
		s := w.Services[name]
		if s == nil {
			c.bad("services."+name, "expected a service with its operations")
			continue
		}
		if first, again := hosts[s.Host]; again && s.Host != "" {
			c.bad("services."+name+".host", "%q is that of services.%s", s.Host, first)
		}
		hosts[s.Host] = name
		c.service(name, s)
	}
	if len(c.problems) > 0 {
		return // steps name operations
	}
	c.steps()
	c.promises()
	c.redact()
	c.invariants()
	w.plan = w.makePlan()
}

func (c *compiler) system() {
	s := c.w.System
	if s.Base == "" {
		c.bad("system.base", "must be given: the URL at which the workflow is started")
	}
	if len(s.Processes) > 0 && s.Container != nil {
		c.bad("system.container", "expected either processes or a container")
	}
	for i, p := range s.Processes {
		at := fmt.Sprintf("system.processes[%d]", i)
		c.name(at+".name", p.Name)
		if len(p.Command) == 0 {
			c.bad(at+".command", "must be given")
		}
		if p.Ready.URL != "" && p.Ready.TCP != "" {
			c.bad(at+".ready", "expected either url or tcp")
		}
		for k, v := range p.Env {
			c.template(at+".env."+k, v)
		}
		for j, v := range p.Command {
			c.template(fmt.Sprintf("%s.command[%d]", at, j), v)
		}
	}
	c.template("system.base", s.Base)
}

var place = regexp.MustCompile(`\$\{\s*([^{}]*?)\s*\}`)

// template refuses places of unknown names.
func (c *compiler) template(field, text string) {
	for _, m := range place.FindAllStringSubmatch(text, -1) {
		name := m[1]
		service, ok := strings.CutPrefix(name, "service.")
		switch {
		case ok && c.w.Services[service] == nil:
			c.bad(field, "%q: expected one of the services: %s", m[0], strings.Join(slices.Sorted(maps.Keys(c.w.Services)), ", "))
		case ok, name == "dir", name == "engine", name == "bin", name == "self", name == "proxy", name == "ca.file":
		case regexp.MustCompile(`^port\.[a-z0-9_-]+$`).MatchString(name):
		default:
			c.bad(field, "%q: expected ${service.NAME}, ${port.NAME}, ${dir}, ${engine}, ${bin}, ${self}, ${proxy} or ${ca.file}", m[0])
		}
	}
}

func (c *compiler) talk() {
	w := c.w
	w.talk.start = c.asking("start", w.Start.Request, w.Start.Headers, w.Start.Body, startVars)
	w.talk.outcome = c.asking("outcome", w.Outcome.Request, w.Outcome.Headers, nil, outcomeVars)
	w.talk.accepted = c.expression("start.accepted", w.Start.Accepted, replyVars...)
	w.talk.id = c.expression("start.id", w.Start.ID, replyVars...)
	if w.talk.status = c.expression("outcome.status", w.Outcome.Status, replyVars...); w.talk.status == nil && w.Outcome.Status == "" {
		c.bad("outcome.status", "must be given: an expression over answer: answer.body.state")
	}
	if len(w.Outcome.Statuses) == 0 {
		c.bad("outcome.statuses", "must be given: the words of the workflow, and what they mean")
	}
	meant := map[saga.Status]bool{}
	for word, status := range w.Outcome.Statuses {
		if meant[status] = true; !status.Valid() {
			c.bad("outcome.statuses."+word, "%q: expected running, compensating, completed, compensated or stuck", status)
		}
	}
	if len(w.Outcome.Statuses) > 0 && !meant[saga.Completed] {
		c.bad("outcome.statuses", "expected a word for completed")
	}
}

// asking compiles a request to the workflow, whose path is a template.
func (c *compiler) asking(at, request string, headers map[string]string, body any, known []string) asking {
	a := asking{headers: map[string]*templates.Text{}}
	method, path, ok := strings.Cut(request, " ")
	if !ok || !strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "${") || !slices.Contains(methods, method) {
		c.bad(at+".request", "%q: expected a method and a path: POST /orders", request)
		return a
	}
	a.method = method
	a.target = c.text(at+".request", path, known)
	for name, v := range headers {
		a.headers[name] = c.text(at+".headers."+name, v, known)
	}
	if body != nil {
		t, err := templates.ParseTree(body, known...)
		if err != nil {
			c.add(at+".body", err)
		}
		a.body = t
	}
	return a
}

func (c *compiler) text(field, src string, known []string) *templates.Text {
	t, err := templates.ParseText(src, known...)
	if err != nil {
		c.add(field, err)
	}
	return t
}

func (c *compiler) service(name string, s *Service) {
	at := "services." + name
	c.name(at, name)
	s.name = name
	s.guard = compileProtection(s.Protection, c.under(at+".protection"))
	if u, err := url.Parse(s.Upstream); s.Upstream != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		c.bad(at+".upstream", "%q: expected http://host:port", s.Upstream)
	}
	if host, _, err := net.SplitHostPort(s.Listen); s.Listen != "" && (err != nil || !net.ParseIP(host).IsLoopback()) {
		c.bad(at+".listen", "%q: expected an address of this machine: 127.0.0.1:9001", s.Listen)
	}
	for i, p := range s.Pass {
		r, err := parseRoute(p)
		if err != nil {
			c.add(fmt.Sprintf("%s.pass[%d]", at, i), err)
			continue
		}
		s.passes = append(s.passes, r)
	}
	if len(s.Operations) == 0 {
		c.bad(at+".operations", "expected at least one operation")
	}
	for _, opName := range slices.Sorted(maps.Keys(s.Operations)) {
		op := s.Operations[opName]
		if op == nil {
			c.bad(at+".operations."+opName, "expected an operation with its request")
			continue
		}
		op.Name, op.Service = opName, name
		c.operation(at+".operations."+opName, s, op)
	}
	c.ambiguous(at, s)
	slices.SortStableFunc(s.routes, (*route).compare)
}

// ambiguous refuses two operations of which nobody could tell which one a request is.
func (c *compiler) ambiguous(at string, s *Service) {
	for i, r := range s.routes {
		for _, o := range s.routes[:i] {
			if r.clashes(o) && (r.op.When == "" || o.op.When == "") {
				c.bad(at+".operations."+r.op.Name+".request", "%q fits the same requests as that of %s: expected a when: in both", r.text, o.op.Name)
			}
		}
	}
}

func (c *compiler) operation(at string, s *Service, op *Operation) {
	c.name(at, op.Name)
	r, err := parseRoute(op.Request)
	if err != nil {
		c.add(at+".request", err)
	} else {
		r.op = op
		op.route = r
		s.routes = append(s.routes, r)
		c.parameters(at, op)
	}
	op.condition = c.expression(at+".when", op.When, requestVars...)
	if op.only = strings.TrimSpace(op.Saga) == "only"; !op.only {
		op.sagaOf = c.expression(at+".saga", op.Saga, sagaVars...)
	}
	op.eachOf = c.expression(at+".each", op.Each, requestVars...)
	op.whichOf = c.expression(at+".which", op.Which, whichVars...)
	c.relations(at, s, op)
	op.effect = compileEffect(op.Effect, op.Undoes != "", c.under(at+".effect"))
	op.answerOf = compileAnswer(op.Answer, 200, c.under(at+".answer"))
	missing := Answer{}
	if op.Missing != nil {
		missing = *op.Missing
	}
	op.missing = compileAnswer(missing, 404, c.under(at+".missing"))
	op.repeat, op.repeated = compileRepeat(op.Repeat, c.under(at+".repeat"))
}

// relations checks what an operation says of others of its service.
func (c *compiler) relations(at string, s *Service, op *Operation) {
	named := func(field, name string) *Operation {
		other := s.Operations[name]
		if other == nil || other == op {
			c.bad(at+"."+field, "%q: expected another operation of the service: one of %s", name, strings.Join(slices.Sorted(maps.Keys(s.Operations)), ", "))
			return nil
		}
		return other
	}
	switch {
	case op.Undoes != "" && op.Reads != "":
		c.bad(at+".reads", "expected either undoes or reads")
	case op.Undoes != "":
		op.undone = named("undoes", op.Undoes)
	case op.Reads != "":
		named("reads", op.Reads)
		if op.Effect != nil {
			c.bad(at+".effect", "an operation that reads changes nothing")
		}
	}
	if op.Which != "" && op.Undoes == "" {
		c.bad(at+".which", "expected undoes: which operation it names one of")
	}
	if op.Saga == "" && op.Which == "" {
		c.bad(at+".saga", "must be given: an expression over request that is the saga's id, of(value), or only; an operation that undoes may say which instead")
	}
}

var pathUse = regexp.MustCompile(`request\.path\.([A-Za-z_][A-Za-z0-9_]*)`)

// parameters refuses expressions over parameters that the path does not have.
func (c *compiler) parameters(at string, op *Operation) {
	for field, src := range map[string]string{"when": op.When, "saga": op.Saga, "each": op.Each, "which": op.Which} {
		for _, m := range pathUse.FindAllStringSubmatch(src, -1) {
			if !slices.Contains(op.route.params, m[1]) {
				c.bad(at+"."+field, "%s: the path has no {%s}", m[0], m[1])
			}
		}
	}
}

func (c *compiler) steps() {
	w := c.w
	seen := map[string]bool{}
	done := map[*Operation]string{}
	for i, s := range w.Steps {
		at := fmt.Sprintf("steps[%d]", i)
		c.name(at+".name", s.Name)
		if seen[s.Name] {
			c.bad(at+".name", "%q is there twice", s.Name)
		}
		for _, a := range s.After {
			if !seen[a] {
				c.bad(at+".after", "%q: expected a step before this one", a)
			}
		}
		seen[s.Name] = true
		switch s.Kind {
		case "", saga.Compensatable, saga.Pivot, saga.Retriable, saga.Deferrable:
		default:
			c.bad(at+".kind", "%q: expected compensatable, pivot, retriable or deferrable", s.Kind)
		}
		do := w.operation(s.Do)
		if do == nil || do.Undoes != "" || do.Reads != "" {
			c.bad(at+".do", "%q: expected an operation that does something: service.operation", s.Do)
			continue
		}
		if first, again := done[do]; again {
			c.bad(at+".do", "%q is what the step %s does", s.Do, first)
		}
		done[do] = s.Name
		if undo := w.operation(s.Undo); s.Undo != "" && (undo == nil || undo.Undoes != do.Name || undo.Service != do.Service) {
			c.bad(at+".undo", "%q: expected an operation that undoes %s", s.Undo, s.Do)
		}
	}
	if w.Steps == nil {
		return
	}
	for _, op := range w.Operations() {
		if op.Undoes == "" && op.Reads == "" && done[op] == "" {
			c.bad("steps", "no step does services.%s.operations.%s", op.Service, op.Name)
		}
	}
}

func (c *compiler) promises() {
	p := c.w.Promises
	if p.Start != "" && p.Start != "idempotent" {
		c.bad("promises.start", "%q: expected idempotent", p.Start)
	}
	for step, n := range p.Attempts {
		if !slices.ContainsFunc(c.w.makePlan(), func(s Planned) bool { return s.Name == step }) {
			c.bad("promises.attempts."+step, "expected the name of a step")
		}
		if n < 1 {
			c.bad("promises.attempts."+step, "%d: expected 1 or more", n)
		}
	}
}

func (c *compiler) redact() {
	for i, r := range c.w.Redact {
		if !strings.HasPrefix(r, "request.") && !strings.HasPrefix(r, "answer.") {
			c.add(fmt.Sprintf("redact[%d]", i), errors.New("expected request.headers.NAME, request.body.FIELD or answer.body.FIELD"))
		}
	}
}
