package openapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Answer is an answer as a workflow's file has it: its texts are templates.
type Answer struct {
	Code int
	Type string // media type; empty: there is no body
	Body any    // nil: there is none
}

// ErrNoSuccess is an operation that has no 2xx answer.
var ErrNoSuccess = errors.New("the document has no 2xx answer for it")

// Success is the lowest code of a 2xx answer.
func (o *Operation) Success() (int, error) {
	lowest, some := 0, false
	for _, key := range o.op.Responses.Keys() {
		if code, err := strconv.Atoi(key); err == nil && code/100 == 2 && (lowest == 0 || code < lowest) {
			lowest = code
		}
		some = some || strings.EqualFold(key, "2XX")
	}
	switch {
	case lowest > 0:
		return lowest, nil
	case some:
		return 200, nil
	}
	return 0, ErrNoSuccess
}

// media is how a code is answered in JSON, or else in any type; nil: without a body.
func (o *Operation) media(code int) (string, *openapi3.MediaType) {
	r := o.op.Responses.Value(strconv.Itoa(code))
	for _, key := range o.op.Responses.Keys() {
		if r == nil && strings.EqualFold(key, fmt.Sprintf("%dXX", code/100)) {
			r = o.op.Responses.Value(key)
		}
	}
	if r == nil || r.Value == nil {
		return "", nil
	}
	return best(r.Value.Content)
}

// Has tells whether the document says how a code is answered, with a body.
func (o *Operation) Has(code int) bool {
	_, m := o.media(code)
	return m != nil
}

// best is the entry for JSON, or else the first one.
func best(c openapi3.Content) (string, *openapi3.MediaType) {
	names := slices.Sorted(maps.Keys(c))
	for _, name := range names {
		if kind, _, err := mime.ParseMediaType(name); err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json")) {
			return name, c[name]
		}
	}
	if len(names) == 0 {
		return "", nil
	}
	return names[0], c[names[0]]
}

// Plain is the example of an answer, word for word.
func (o *Operation) Plain(code int) (Answer, error) {
	a, _, err := o.answer(code)
	if err == nil && a.Type != "" {
		a.Body = literal(a.Body)
	}
	return a, err
}

func (o *Operation) answer(code int) (Answer, *openapi3.SchemaRef, error) {
	kind, m := o.media(code)
	if m == nil {
		return Answer{Code: code}, nil, nil
	}
	v, err := example(m)
	if err != nil {
		return Answer{}, nil, fmt.Errorf("the answer %d: %w", code, err)
	}
	return Answer{Code: code, Type: kind, Body: v}, m.Schema, nil
}

// Answer is the example of an answer, in which each effect has ids of its own: what the
// request has by the same name is the request's; fields that are ids by their name or
// format, and those that are named (a path of fields each), are new.
func (o *Operation) Answer(code int, named [][]string) (Answer, error) {
	a, schema, err := o.answer(code)
	if err != nil || a.Type == "" {
		return a, err
	}
	f := filler{named: named, params: o.params}
	if o.op.RequestBody != nil && o.op.RequestBody.Value != nil {
		if _, m := best(o.op.RequestBody.Value.Content); m != nil {
			f.asked, _ = properties(m.Schema)
		}
	}
	a.Body = f.fill(a.Body, schema, nil)
	return a, nil
}

// filler makes a template of an example.
type filler struct {
	named  [][]string
	params []string
	asked  map[string]*openapi3.SchemaRef // fields of the request
}

// fill fills objects; what is in lists is left as it is.
func (f filler) fill(v any, schema *openapi3.SchemaRef, at []string) any {
	m, ok := v.(map[string]any)
	if !ok {
		return literal(v)
	}
	fields, _ := properties(schema)
	out := map[string]any{}
	for name, x := range m {
		here := append(slices.Clone(at), name)
		if t, ok := f.template(here, x, fields[name]); ok {
			out[name] = t
		} else {
			out[name] = f.fill(x, fields[name], here)
		}
	}
	return out
}

// isID is how fields are named that hold the id of something.
var isID = regexp.MustCompile(`^(id|ID|uuid)$|[a-z0-9](Id|ID|Uuid)$|[_-](id|uuid)$`)

// template is what stands for a field that differs from effect to effect.
func (f filler) template(at []string, v any, schema *openapi3.SchemaRef) (string, bool) {
	name := at[len(at)-1]
	isNamed := slices.ContainsFunc(f.named, func(path []string) bool { return slices.Equal(path, at) })
	uuid := schema != nil && schema.Value != nil && schema.Value.Format == "uuid"
	_, asked := f.asked[name]
	switch {
	case isNamed:
	case slices.Contains(f.params, name):
		return fmt.Sprintf("${request.path[%q]}", name), true
	case asked && len(at) == 1:
		return fmt.Sprintf("${request.body?.[%q] ?? %s}", name, fallback(v)), true
	case !uuid && !isID.MatchString(name):
		return "", false
	}
	switch v.(type) {
	case string:
	case float64, int, int64, uint64:
		return `${int(split(new.id, "-")[1])}`, true
	default:
		return "", false
	}
	if uuid {
		return `${"00000000-0000-4000-8000-" + repeat("0", 12 - len(split(new.id, "-")[1])) + split(new.id, "-")[1]}`, true
	}
	return "${new.id}", true
}

// fallback is a value in an expression.
func fallback(v any) string {
	switch v.(type) {
	case string, bool, float64, int, int64, uint64:
		if b, err := json.Marshal(v); err == nil {
			return string(b)
		}
	}
	return "nil"
}

// literal is a value as a template that says it word for word.
func literal(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[k] = literal(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = literal(x)
		}
		return out
	case string:
		if strings.Contains(v, "${") {
			return "${" + strconv.Quote(v) + "}"
		}
	}
	return v
}
