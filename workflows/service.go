package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// hostName is a name, or an address of IPv4, with or without a port.
var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$`)

// addresses refuses two services at one place.
func (c *compiler) addresses() {
	hosts, listeners := map[string]string{}, map[string]string{}
	twice := func(at, name, value string, seen map[string]string) {
		if first, again := seen[value]; again && value != "" {
			c.bad("services."+name+"."+at, "%q is that of services.%s", value, first)
			return
		}
		seen[value] = name
	}
	for _, name := range slices.Sorted(maps.Keys(c.w.Services)) {
		if s := c.w.Services[name]; s != nil {
			twice("host", name, s.Host, hosts)
			twice("listen", name, s.Listen, listeners)
		}
	}
}

func (c *compiler) service(name string, s *Service) {
	at := "services." + name
	c.name(at, name)
	s.name = name
	s.guard = c.protection(at+".protection", s.Protection)
	c.upstream(at+".upstream", s)
	if host, _, err := net.SplitHostPort(s.Listen); s.Listen != "" && (err != nil || !net.ParseIP(host).IsLoopback()) {
		c.bad(at+".listen", "%q: expected an address of this machine: 127.0.0.1:9001", s.Listen)
	}
	if s.Listen != "" && c.w.Startable() {
		c.bad(at+".listen", "%q: expected only with system.base alone: of a system that is started there are several, each with addresses of its own: put ${service.%s} where it is told the service's address", s.Listen, name)
	}
	if s.Host != "" && !hostName.MatchString(s.Host) {
		c.bad(at+".host", "%q: expected a host's name, in lower case and without scheme and path: api.pay.example", s.Host)
	}
	for i, p := range s.Pass {
		r, err := parseRoute(p)
		if err != nil {
			c.add(fmt.Sprintf("%s.pass[%d]", at, i), err)
			continue
		}
		s.routes = append(s.routes, r)
	}
	c.stubs(at+".stubs", s)
	if len(s.Operations)+len(s.Pass)+len(s.Stubs) == 0 {
		c.bad(at+".operations", "expected at least one operation")
	}
	c.document(at, s)
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

// stubs are the routes of requests that belong to no saga and are answered.
func (c *compiler) stubs(at string, s *Service) {
	for _, request := range slices.Sorted(maps.Keys(s.Stubs)) {
		r, err := parseRoute(request)
		if err != nil {
			c.add(at, err)
			continue
		}
		c.path = r
		r.stub = c.answerWith(at+"."+request, s.Stubs[request], http.StatusOK, requestVars)
		c.path = nil
		s.routes = append(s.routes, r)
	}
}

// ambiguous refuses two routes of which nobody could tell which one a request is.
func (c *compiler) ambiguous(at string, s *Service) {
	for i, r := range s.routes {
		for _, o := range s.routes[:i] {
			switch {
			case !r.clashes(o) || r.op == nil: // of what does not matter, one is as good as another
			case o.op == nil:
				c.bad(at+".operations."+r.op.Name+"."+r.op.asked(), "%q fits the same requests as %q of pass or stubs: expected it in one of the two", r.text, o.text)
			case r.op.When == "" || o.op.When == "":
				c.bad(at+".operations."+r.op.Name+"."+r.op.asked(), "%q fits the same requests as that of %s, %q: expected a when: in both", r.text, o.op.Name, o.text)
			}
		}
	}
}

func (c *compiler) operation(at string, s *Service, op *Operation) {
	c.name(at, op.Name)
	r, err := parseRoute(op.Request)
	switch {
	case op.Request == "": // told already
	case err != nil:
		c.add(at+"."+op.asked(), err)
	default:
		r.op = op
		op.route = r
		s.routes = append(s.routes, r)
	}
	c.path, c.actionPath = op.route, c.pathOf(s, cmp.Or(op.Undoes, op.Reads))
	defer func() { c.path, c.actionPath = nil, nil }()
	op.condition = c.expression(at+".when", op.When, requestVars...)
	if op.only = strings.TrimSpace(op.Saga) == "only"; !op.only {
		op.sagaOf = c.expression(at+".saga", op.Saga, sagaVars...)
	}
	op.eachOf = c.expression(at+".each", op.Each, requestVars...)
	op.whichOf = c.expression(at+".which", op.Which, whichVars...)
	if !c.shape.Touches(at) { // undoes may be what is misspelt
		c.relations(at, s, op)
	}
	op.effect = c.effect(at+".effect", op.Effect, op.Undoes != "")
	op.keeps = c.keeps(at+".keeps", op.Keeps)
	op.answerOf = c.answer(at+".answer", op.Answer, op.code())
	op.async = c.async(at+".async", op)
	op.doneOf = c.expression(at+".done", op.Done, replyVars...)
	switch {
	case op.Done != "" && s.Upstream == "":
		c.bad(at+".done", "is for a real service (upstream): what Sagacheck answers in its place is done")
	case op.Done != "" && op.Reads != "":
		c.bad(at+".done", "an operation that reads does nothing")
	}
	if op.Async != nil && s.Upstream != "" {
		c.bad(at+".async", "a real service (services.%s.upstream) calls the workflow by itself, not through the wire: expected it without async", s.name)
	}
	missing := Answer{}
	if op.Missing != nil {
		missing = *op.Missing
	}
	op.missing = c.answer(at+".missing", missing, 404)
	op.repeat, op.repeated = c.repeat(at+".repeat", op.Repeat)
}

// pathOf is the path of another operation of a service; nil: there is none that can be read.
func (c *compiler) pathOf(s *Service, name string) *route {
	other := s.Operations[name]
	if other == nil {
		return nil
	}
	r, err := parseRoute(other.Request)
	if err != nil {
		return nil // told where it stands
	}
	return r
}

// asked is the field that says what the request is.
func (op *Operation) asked() string {
	if op.Operation != "" {
		return "operation"
	}
	return "request"
}

// others are the names of the other operations of a service.
func others(s *Service, op *Operation) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(s.Operations)), func(name string) bool { return name == op.Name })
}

// relations checks what an operation says of others of its service.
func (c *compiler) relations(at string, s *Service, op *Operation) {
	named := func(field, name string) *Operation {
		other := s.Operations[name]
		if other == nil || other == op {
			c.bad(at+"."+field, "%q: expected another operation of the service: one of %s", name, strings.Join(others(s, op), ", "))
			return nil
		}
		return other
	}
	switch {
	case op.Undoes != "" && op.Reads != "":
		c.bad(at+".reads", "expected either undoes or reads")
	case op.Undoes != "":
		op.undone = named("undoes", op.Undoes)
		if op.undone != nil && (op.undone.Undoes != "" || op.undone.Reads != "") {
			c.bad(at+".undoes", "%q undoes or reads another: expected an operation that does something", op.Undoes)
		} else if op.undone != nil {
			c.undoing(at, op)
		}
	case op.Reads != "":
		op.read = named("reads", op.Reads)
		if op.Effect != nil {
			c.bad(at+".effect", "an operation that reads changes nothing")
		}
		if op.read != nil && op.Operation == "" && s.Upstream == "" && op.Answer.Body == nil && len(op.Answer.Headers) == 0 {
			c.bad(at+".answer.body", "must be given: an operation that reads answers what is there: ${map(effects, .answer.body)}")
		}
	}
	if op.ShowsUndone && op.Reads == "" {
		c.bad(at+".shows_undone", "expected reads: an operation that asks what is there")
	}
	c.pendingShown(at, s, op)
	if op.Keeps != nil && op.Undoes == "" {
		c.bad(at+".keeps", "expected undoes: what is undone, and not all of it")
	}
	if op.Which != "" && op.Undoes == "" && op.Reads == "" {
		c.bad(at+".which", "expected undoes or reads: which operation it names one of")
	}
	if op.Saga == "" && (op.Which == "" || op.Reads != "") {
		c.bad(at+".saga", "must be given: an expression over request that is the saga's id, of(value), or only; an operation that undoes may say which instead")
	}
}

// undoing checks how an operation undoes another: as a whole, or part by part.
func (c *compiler) undoing(at string, op *Operation) {
	if op.Each != "" && op.Which == "" {
		c.bad(at+".which", "must be given where each tells the parts apart in which one action is undone: which action they are parts of")
	}
	if op.Which == "" && op.undone.Each != "" {
		c.bad(at+".which", "must be given: %s has each, and a call that says only its saga names none of them (one call that undoes all of them at once is not known)", op.Undoes)
	}
	if op.Each != "" && (op.Effect == nil || op.Effect == "inverse") {
		c.bad(at+".effect", "expected changes of its own: each call undoes a part of %s, and the inverse is all of it", op.Undoes)
	}
	op.undone.undoneBy = append(op.undone.undoneBy, op)
}

// Reachable says which services a system that runs already can't know the address of.
func (w *Workflow) Reachable() error {
	if w.Startable() {
		return nil
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(w.Services)) {
		switch s := w.Services[name]; {
		case s.Host != "":
			errs = append(errs, fmt.Errorf("services.%s.host: %q: is for a system that Sagacheck starts, and tells of its proxy: expected listen", name, s.Host))
		case s.Listen == "":
			errs = append(errs, fmt.Errorf("services.%s.listen: must be given, as system has base alone: the address of the service that the running system was told", name))
		}
	}
	return errors.Join(errs...)
}
