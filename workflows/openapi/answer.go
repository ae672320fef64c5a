package openapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pb33f/libopenapi/datamodel/high/base"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
	"github.com/pb33f/libopenapi/orderedmap"
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
	for key := range o.op.Responses.Codes.KeysFromOldest() {
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
func (o *Operation) media(code int) (string, *v3.MediaType) {
	r := o.op.Responses.Codes.GetOrZero(strconv.Itoa(code))
	for key, all := range o.op.Responses.Codes.FromOldest() {
		if r == nil && strings.EqualFold(key, fmt.Sprintf("%dXX", code/100)) {
			r = all
		}
	}
	if r == nil {
		return "", nil
	}
	return best(r.Content)
}

// Has tells whether the document says how a code is answered, with a body.
func (o *Operation) Has(code int) bool {
	_, m := o.media(code)
	return m != nil
}

// best is the entry for JSON, or else the first one by its name; nil: there is none.
func best(c *orderedmap.Map[string, *v3.MediaType]) (string, *v3.MediaType) {
	names := slices.Sorted(c.KeysFromOldest())
	for _, name := range names {
		if kind, _, err := mime.ParseMediaType(name); err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json")) {
			return name, c.GetOrZero(name)
		}
	}
	if len(names) == 0 {
		return "", nil
	}
	return names[0], c.GetOrZero(names[0])
}

// Plain is the example of an answer, word for word.
func (o *Operation) Plain(code int) (Answer, error) {
	a, _, err := o.answer(code)
	if err == nil && a.Type != "" {
		a.Body = literal(a.Body)
	}
	return a, err
}

func (o *Operation) answer(code int) (Answer, *base.SchemaProxy, error) {
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
	if o.op.RequestBody != nil {
		if _, m := best(o.op.RequestBody.Content); m != nil {
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
	asked  map[string]*base.SchemaProxy // fields of the request
}

// fill fills objects; what is in lists is left as it is.
func (f filler) fill(v any, schema *base.SchemaProxy, at []string) any {
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
func (f filler) template(at []string, v any, schema *base.SchemaProxy) (string, bool) {
	name := at[len(at)-1]
	isNamed := slices.ContainsFunc(f.named, func(path []string) bool { return slices.Equal(path, at) })
	s := schema.Schema() // nil: there is none
	uuid := s != nil && s.Format == "uuid"
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
