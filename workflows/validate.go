package workflows

import (
	"fmt"
	"hash"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/internal/templates"
	"github.com/sagacheck/sagacheck/internal/yamlfile"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/saga"
)

// compiler checks a file, and compiles what is in it.
type compiler struct {
	w        *Workflow
	shape    yamlfile.Problems // what has another shape than expected is not in w
	problems yamlfile.Problems
	digest   hash.Hash // of the file, and of what it refers to
	path     *route    // of the operation that is compiled; nil: none

	actionPath *route // of the operation that it undoes or reads; nil: none
}

func (c *compiler) add(field string, err error) {
	c.problems = append(c.problems, &yamlfile.Problem{Field: field, Reason: strings.ReplaceAll(err.Error(), "\n", " ")})
}

func (c *compiler) bad(field, format string, args ...any) { c.add(field, fmt.Errorf(format, args...)) }

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
	for _, name := range slices.Sorted(maps.Keys(w.Services)) {
		s := w.Services[name]
		if s == nil {
			c.bad("services."+name, "expected a service with its operations")
			continue
		}
		c.service(name, s)
	}
	c.addresses()
	if !c.shape.Touches("services") { // they name operations
		c.steps()
		c.promises()
	}
	c.redact()
	c.invariants()
	if len(c.problems) == 0 && len(c.shape) == 0 {
		w.plan = w.makePlan()
		c.factWords()
		c.pairs()
	}
}

func (c *compiler) system() {
	s := c.w.System
	switch {
	case s.Base == "":
		c.bad("system.base", "must be given: the URL at which the workflow is started")
	case !httpURL.MatchString(s.Base):
		c.bad("system.base", "%q: expected http://host:port", s.Base)
	}
	if s.Container != nil {
		c.container(s.Container)
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
		c.heeded(at+".ready.url", p.Ready.URL)
		c.heeded(at+".ready.tcp", p.Ready.TCP)
		for _, k := range slices.Sorted(maps.Keys(p.Env)) {
			c.template(at+".env."+k, p.Env[k])
		}
		for j, v := range p.Command {
			c.template(fmt.Sprintf("%s.command[%d]", at, j), v)
		}
	}
	c.template("system.base", s.Base)
	c.heeded("system.base", s.Base)
}

// heeded refuses a port that no process is told: nothing would ever listen there.
func (c *compiler) heeded(field, address string) {
	if len(c.w.System.Processes) == 0 {
		return
	}
	for _, p := range orchestrators.Template.FindAllStringSubmatch(address, -1) {
		if strings.HasPrefix(p[1], "port.") && !c.listens(p[0]) {
			c.bad(field, "%q: expected a port that a process gets in its command or env: nothing would listen at %s", address, p[0])
		}
	}
}

func (c *compiler) container(k *orchestrators.Container) {
	const at = "system.container"
	if len(c.w.System.Processes) > 0 {
		c.bad(at, "expected either processes or a container")
	}
	if (k.Image == "") == (k.Dockerfile == "") {
		c.bad(at, "expected either image or dockerfile")
	}
	if k.Ready.URL != "" && k.Ready.TCP != "" {
		c.bad(at+".ready", "expected either url or tcp")
	}
	for _, name := range slices.Sorted(maps.Keys(k.Env)) {
		c.template(at+".env."+name, k.Env[name])
	}
	for i, word := range k.Command {
		c.template(fmt.Sprintf("%s.command[%d]", at, i), word)
	}
	for _, file := range slices.Sorted(maps.Keys(k.Files)) {
		c.template(at+".files", file)
	}
}

// httpURL is the beginning of an address; the host may be a template.
var httpURL = regexp.MustCompile(`^https?://[^/\s]+|^\$\{`)

// template refuses places of unknown names.
func (c *compiler) template(field, text string) {
	for _, m := range orchestrators.Template.FindAllStringSubmatch(text, -1) {
		name := m[1]
		service, ok := strings.CutPrefix(name, "service.")
		if keys, ttl := strings.CutPrefix(name, "ttl."); ttl && c.forgets(keys) {
			continue
		}
		switch {
		case ok && c.w.Services[service] == nil && len(c.w.Services) > 0:
			c.bad(field, "%q: expected one of the services: %s", m[0], strings.Join(slices.Sorted(maps.Keys(c.w.Services)), ", "))
		case ok, name == "dir", name == "engine", name == "bin", name == "self", name == "proxy", name == "ca.file":
		case orchestrators.IsPort(name):
		default:
			c.bad(field, "%q: expected ${service.NAME}, ${ttl.NAME} (of a service with a ttl), ${port.NAME}, ${dir}, ${engine}, ${bin}, ${self}, ${proxy} or ${ca.file}", m[0])
		}
	}
}

// forgets tells whether a service is there that says for how long it remembers keys.
func (c *compiler) forgets(service string) bool {
	s := c.w.Services[service]
	if s == nil || s.Upstream != "" {
		return false
	}
	said, _ := s.Protection.(map[string]any)
	for _, fields := range said {
		if keys, ok := fields.(map[string]any); ok && keys["ttl"] != nil {
			return true
		}
	}
	return false
}

func (c *compiler) talk() {
	w := c.w
	w.talk.start = c.asking("start", w.Start.Request, w.Start.Headers, w.Start.Body, startVars)
	w.talk.outcome = c.asking("outcome", w.Outcome.Request, w.Outcome.Headers, nil, outcomeVars)
	w.talk.accepted = c.expression("start.accepted", w.Start.Accepted, replyVars...)
	w.talk.told = c.expression("start.status", w.Start.Status, replyVars...)
	w.talk.id = c.expression("start.id", w.Start.ID, replyVars...)
	if w.talk.status = c.expression("outcome.status", w.Outcome.Status, replyVars...); w.talk.status == nil && w.Outcome.Status == "" {
		c.bad("outcome.status", "must be given: an expression over answer: answer.body.state")
	}
	if len(w.Outcome.Statuses) == 0 {
		c.bad("outcome.statuses", "must be given: the words of the workflow, and what they mean")
	}
	meant, valid := map[saga.Status]bool{}, true
	for _, word := range slices.Sorted(maps.Keys(w.Outcome.Statuses)) {
		status := w.Outcome.Statuses[word]
		if meant[status] = true; status != Unknown && !status.Valid() || status == saga.EndedByHand {
			c.bad("outcome.statuses."+word, "%q: expected running, compensating, completed, compensated, stuck or unknown", status)
			valid = false
		}
	}
	if len(w.Outcome.Statuses) > 0 && valid && !meant[saga.Completed] {
		c.bad("outcome.statuses", "expected a word for completed")
	}
}

// asking compiles a request to the workflow, whose path is a template.
func (c *compiler) asking(at, request string, headers map[string]string, body any, known []string) asking {
	a := asking{headers: map[string]*templates.Text{}}
	method, path, ok := strings.Cut(request, " ")
	if !ok || !strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "${") || !slices.Contains(methods, method) {
		c.bad(at+".request", "%q: expected a method (%s) and a path: POST /orders", request, strings.Join(methods, ", "))
		return a
	}
	a.method = method
	a.target = c.text(at+".request", path, known)
	c.braces(at+".request", request, a.target, known)
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		a.headers[name] = c.text(at+".headers."+name, headers[name], known)
	}
	if body != nil {
		a.body = c.tree(at+".body", body, known)
	}
	return a
}

// braced is a name as paths of OpenAPI have it.
var braced = regexp.MustCompile(`\{[^{}/]+\}`)

// braces refuses such names in the path of a request to the workflow: they would be sent as they
// stand.
func (c *compiler) braces(field, request string, target *templates.Text, known []string) {
	if target == nil { // told already
		return
	}
	expected := "${saga.id}"
	if slices.Contains(known, "id") {
		expected = "${id}"
	}
	for _, literal := range target.Literals() {
		path, _, query := strings.Cut(literal, "?")
		for _, name := range braced.FindAllString(path, -1) {
			c.bad(field, "%q: %s would be sent as it stands: expected %s", request, name, expected)
		}
		if query {
			return
		}
	}
}
