package workflows

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/vm"

	"github.com/sagacheck/sagacheck/participants"
)

// protection is what a service does against repeated and late calls.
type protection struct {
	profile participants.Profile // empty: the default of the run
	key     *vm.Program          // nil: the header Idempotency-Key
	keys    participants.Keys    // without the places in which a key counts
	wide    bool                 // a key counts for the whole service
	anew    bool                 // the file says that what was refused is tried anew: it is the default, too
}

// longestTTL is how long keys live in a cell at the most.
const longestTTL = 300 * time.Millisecond

// Keyed tells whether the file says where the keys of a service's calls stand.
func (w *Workflow) Keyed(service string) bool {
	s := w.Services[service]
	return s != nil && s.guard.key != nil
}

// TTL is how long the keys of a service live in a cell, where hours are short; 0: for ever.
// A workflow that reckons with it can be told, by ${ttl.NAME}.
func (w *Workflow) TTL(service string) time.Duration {
	s := w.Services[service]
	if s == nil || s.guard.profile == participants.Naive || s.real != "" { // how long a real one remembers nobody knows
		return 0
	}
	return min(s.guard.keys.TTL, longestTTL)
}

// Forgetful is how long keys live in a cell, by the steps whose services forget them.
func (w *Workflow) Forgetful() map[string]time.Duration {
	steps := map[string]time.Duration{}
	for _, p := range w.Plan() {
		if ttl := w.TTL(p.Do.Service); ttl > 0 {
			steps[p.Name] = ttl
		}
	}
	return steps
}

// DecidesAnew are the steps whose service decides anew on what it has refused under the same key, as the file says, and
// not by default: who can tell is sure that a refusal says nothing of another attempt.
func (w *Workflow) DecidesAnew() map[string]bool {
	steps := map[string]bool{}
	for _, p := range w.Plan() {
		if s := w.Services[p.Do.Service]; s.guard.anew && s.real == "" {
			steps[p.Name] = true
		}
	}
	return steps
}

const protections = "expected naive, keyed, fenced, or {keyed: {key: expression}}"

// keyFields are what may be said of how keys are minded.
var keyFields = []string{"key", "ttl", "in_progress", "scope", "refused"}

// protection compiles naive, keyed, fenced, or one of the last two with how it minds keys.
func (c *compiler) protection(at string, v any) (p protection) {
	switch v := v.(type) {
	case nil:
		return p
	case string:
		profile, err := participants.ParseProfile(v)
		if err != nil {
			c.bad(at, "%q: "+protections, v)
		}
		p.profile = profile
		return p
	case map[string]any:
		if len(v) != 1 {
			break
		}
		for name, raw := range v {
			profile, err := participants.ParseProfile(name)
			fields, ok := raw.(map[string]any)
			switch {
			case err != nil || profile == participants.Naive:
				c.bad(at+"."+name, "%q: "+protections, name)
			case !ok || len(fields) == 0:
				c.bad(at+"."+name+".key", "is missing: expected an expression over request; %s alone is for the header Idempotency-Key", name)
			}
			p.profile = profile
			for _, field := range slices.Sorted(maps.Keys(fields)) {
				c.keyField(at+"."+name+"."+field, field, fields[field], &p)
			}
		}
		return p
	}
	c.bad(at, protections)
	return p
}

// keyField compiles one field of how keys are minded.
func (c *compiler) keyField(at, field string, v any, p *protection) {
	said := ""
	if v != nil {
		said = text(v)
	}
	oneOf := func(values ...string) {
		if !slices.Contains(values, said) {
			c.bad(at, "%q: expected %s", said, strings.Join(values, " or "))
		}
	}
	switch field {
	case "key":
		src, ok := v.(string)
		if !ok {
			c.bad(at, "%v: expected an expression over request", v)
			return
		}
		p.key = c.expression(at, src, requestVars...)
	case "ttl":
		d, err := time.ParseDuration(said)
		if err != nil || d < time.Millisecond {
			c.bad(at, "%q: expected how long a key is remembered, with its unit: 24h", said)
		}
		p.keys.TTL = d
	case "in_progress":
		oneOf(string(participants.Conflicts), string(participants.Waits))
		p.keys.InProgress = participants.InProgress(said)
	case "scope":
		oneOf("operation", "service")
		p.wide = said == "service"
	case "refused":
		oneOf("final", "again")
		p.keys.Final, p.anew = said == "final", said == "again"
	default:
		c.bad(at, "unknown field %q: expected one of %s", field, strings.Join(keyFields, ", "))
	}
}

// repeat compiles again, same-answer or {answer: {...}}.
func (c *compiler) repeat(at string, v any) (participants.Repeat, *answer) {
	switch v := v.(type) {
	case nil:
		return participants.Again, nil
	case string:
		if v == string(participants.Again) || v == string(participants.SameAnswer) {
			return participants.Repeat(v), nil
		}
		c.bad(at, "%q: expected again, same-answer, or {answer: {code: 404}}", v)
		return participants.Again, nil
	case map[string]any:
		if raw, ok := v["answer"].(map[string]any); ok && len(v) == 1 {
			return participants.Refused, c.answer(at+".answer", c.anyAnswer(at+".answer", raw), 409)
		}
	}
	c.bad(at, "expected again, same-answer, or {answer: {code: 404}}")
	return participants.Again, nil
}

// anyAnswer is an answer in a field that may hold other things, too.
func (c *compiler) anyAnswer(at string, fields map[string]any) (a Answer) {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		switch v := fields[name]; name {
		case "code":
			code, err := whole(v)
			if _, text := v.(string); text || err != nil {
				c.bad(at+".code", "%q: expected a whole number", v)
				continue
			}
			a.Code = int(code)
		case "headers":
			headers, ok := v.(map[string]any)
			if !ok {
				c.bad(at+".headers", "expected a mapping")
			}
			a.Headers = map[string]string{}
			for k, x := range headers {
				a.Headers[k] = text(x)
			}
		case "body":
			a.Body = v
		default:
			c.bad(at+"."+name, "unknown field %q: expected one of code, headers, body", name)
		}
	}
	return a
}
