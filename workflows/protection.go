package workflows

import (
	"errors"
	"fmt"

	"github.com/expr-lang/expr/vm"

	"github.com/sagacheck/sagacheck/internal/templates"
	"github.com/sagacheck/sagacheck/participants"
)

// protection is what a service does against repeated and late calls.
type protection struct {
	profile participants.Profile // empty: the default of the run
	key     *vm.Program          // nil: the header Idempotency-Key
}

// compileProtection reads naive, keyed, fenced, or one of the last two with a key.
func compileProtection(v any, add func(field string, err error)) (p protection) {
	switch v := v.(type) {
	case nil:
		return p
	case string:
		profile, err := participants.ParseProfile(v)
		if err != nil {
			add("", fmt.Errorf("%q: expected naive, keyed, fenced, or {keyed: {key: expression}}", v))
		}
		p.profile = profile
		return p
	case map[string]any:
		for name, raw := range v {
			profile, err := participants.ParseProfile(name)
			fields, ok := raw.(map[string]any)
			if err != nil || !ok || profile == participants.Naive || len(v) != 1 {
				add("", errors.New("expected naive, keyed, fenced, or {keyed: {key: expression}}"))
				return p
			}
			p.profile = profile
			for field, x := range fields {
				src, ok := x.(string)
				if field != "key" || !ok {
					add("."+name+"."+field, errors.New("unknown field: expected key, an expression over request"))
					continue
				}
				if p.key, err = templates.Compile(src, requestVars...); err != nil {
					add("."+name+".key", err)
				}
			}
		}
		return p
	}
	add("", errors.New("expected naive, keyed, fenced, or {keyed: {key: expression}}"))
	return p
}

// compileRepeat reads again, same-answer or {answer: {...}}.
func compileRepeat(v any, add func(field string, err error)) (participants.Repeat, *answer) {
	switch v := v.(type) {
	case nil:
		return participants.Again, nil
	case string:
		if v == string(participants.Again) || v == string(participants.SameAnswer) {
			return participants.Repeat(v), nil
		}
	case map[string]any:
		if raw, ok := v["answer"].(map[string]any); ok && len(v) == 1 {
			a := Answer{Body: raw["body"]}
			if code, ok := raw["code"].(uint64); ok {
				a.Code = int(code)
			}
			return participants.Refused, compileAnswer(a, 409, func(field string, err error) { add(".answer."+field, err) })
		}
	}
	add("", errors.New("expected again, same-answer, or {answer: {code: 404}}"))
	return participants.Again, nil
}
