package workflows

import (
	"maps"
	"slices"

	"github.com/expr-lang/expr/vm"

	"github.com/sagacheck/sagacheck/participants"
)

// protection is what a service does against repeated and late calls.
type protection struct {
	profile participants.Profile // empty: the default of the run
	key     *vm.Program          // nil: the header Idempotency-Key
}

const protections = "expected naive, keyed, fenced, or {keyed: {key: expression}}"

// protection compiles naive, keyed, fenced, or one of the last two with a key.
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
			case !ok || fields["key"] == nil:
				c.bad(at+"."+name+".key", "is missing: expected an expression over request; %s alone is for the header Idempotency-Key", name)
			}
			p.profile, p.key = profile, c.protectionKey(at+"."+name, fields)
		}
		return p
	}
	c.bad(at, protections)
	return p
}

func (c *compiler) protectionKey(at string, fields map[string]any) (key *vm.Program) {
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		src, ok := fields[field].(string)
		switch {
		case field != "key":
			c.bad(at+"."+field, "unknown field %q: expected key", field)
		case !ok:
			c.bad(at+".key", "%v: expected an expression over request", fields[field])
		default:
			key = c.expression(at+".key", src, requestVars...)
		}
	}
	return key
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
