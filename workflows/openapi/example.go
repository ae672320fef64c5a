package openapi

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// deepest bounds schemas that contain themselves.
const deepest = 8

// example is an example of a media type: its own, the first of its examples, or one that
// is built from its schema.
func example(m *openapi3.MediaType) (any, error) {
	if m.Example != nil {
		return m.Example, nil
	}
	first := slices.SortedFunc(maps.Keys(m.Examples), func(a, b string) int {
		return cmp.Or(cmp.Compare(line(m.Examples[a]), line(m.Examples[b])), cmp.Compare(a, b))
	})
	for _, name := range first {
		if e := m.Examples[name]; e != nil && e.Value != nil && e.Value.Value != nil {
			return e.Value.Value, nil
		}
	}
	return build(m.Schema, "the body", 0)
}

// line is where an example stands; 0: not known.
func line(e *openapi3.ExampleRef) int {
	if e == nil || e.Value == nil || e.Value.Origin == nil || e.Value.Origin.Key == nil {
		return 0
	}
	return e.Value.Origin.Key.Line
}

// build makes a value of a schema: its default, example, const or enum, or else one of its
// type. what names the value in errors.
func build(ref *openapi3.SchemaRef, what string, depth int) (any, error) {
	if ref == nil || ref.Value == nil {
		return map[string]any{}, nil
	}
	s := ref.Value
	switch {
	case s.Example != nil:
		return s.Example, nil
	case len(s.Examples) > 0:
		return s.Examples[0], nil
	case s.Default != nil:
		return s.Default, nil
	case s.Const != nil:
		return s.Const, nil
	case len(s.Enum) > 0:
		return s.Enum[0], nil
	case depth > deepest:
		return nil, fmt.Errorf("%s has a schema that contains itself without an end", what)
	}
	k := kind(ref)
	if k != "object" && len(s.Type.Slice()) == 0 { // what it is made of says more
		for _, part := range parts(s) {
			if kind(part) == k {
				return build(part, what, depth+1)
			}
		}
	}
	switch k {
	case "object":
		return object(ref, what, depth)
	case "array":
		if s.MinItems == 0 {
			return []any{}, nil
		}
		one, err := build(s.Items, what+"[0]", depth+1)
		return slices.Repeat([]any{one}, int(min(s.MinItems, 100))), err
	case "boolean":
		return true, nil
	case "integer", "number":
		return number(s), nil
	case "null":
		return nil, nil
	}
	return text(s, what)
}

// object is an example of an object: all that it may have in an answer, but nothing for
// which there is no example and that need not be there.
func object(ref *openapi3.SchemaRef, what string, depth int) (any, error) {
	out := map[string]any{}
	fields, required := properties(ref)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if f := fields[name]; f.Value != nil && f.Value.WriteOnly {
			continue
		}
		v, err := build(fields[name], what+"."+name, depth+1)
		switch {
		case err == nil:
			out[name] = v
		case required[name]:
			return nil, err
		}
	}
	return out, nil
}

// properties are those of a schema and of all that it is made of; of alternatives the
// first counts.
func properties(ref *openapi3.SchemaRef) (fields map[string]*openapi3.SchemaRef, required map[string]bool) {
	fields, required = map[string]*openapi3.SchemaRef{}, map[string]bool{}
	gather(ref, fields, required, 0)
	return fields, required
}

func gather(ref *openapi3.SchemaRef, fields map[string]*openapi3.SchemaRef, required map[string]bool, depth int) {
	if ref == nil || ref.Value == nil || depth > deepest {
		return
	}
	for _, part := range parts(ref.Value) {
		gather(part, fields, required, depth+1)
	}
	maps.Copy(fields, ref.Value.Properties)
	for _, name := range ref.Value.Required {
		required[name] = true
	}
}

// parts are the schemas that a value of a schema also fits.
func parts(s *openapi3.Schema) []*openapi3.SchemaRef {
	all := slices.Clone(s.AllOf)
	for _, some := range []openapi3.SchemaRefs{s.OneOf, s.AnyOf} {
		if len(some) > 0 {
			all = append(all, some[0])
		}
	}
	return all
}

// kind is the type of a schema; of several the first that is not null.
func kind(ref *openapi3.SchemaRef) string { return kindWithin(ref, 0) }

func kindWithin(ref *openapi3.SchemaRef, depth int) string {
	if ref == nil || ref.Value == nil || depth > deepest {
		return ""
	}
	types := ref.Value.Type.Slice()
	for _, t := range types {
		if t != "null" {
			return t
		}
	}
	for _, part := range parts(ref.Value) {
		if k := kindWithin(part, depth+1); k != "" {
			return k
		}
	}
	switch {
	case len(ref.Value.Properties) > 0:
		return "object"
	case len(types) > 0:
		return "null"
	}
	return ""
}

// number is one within the bounds of a schema.
func number(s *openapi3.Schema) any {
	n := 1.0
	if s.Min != nil {
		n = max(n, *s.Min+1)
	}
	if s.Max != nil {
		n = min(n, *s.Max)
	}
	return n
}

// formats are examples of texts of a format.
var formats = map[string]string{
	"date": "2026-01-02", "date-time": "2026-01-02T03:04:05Z", "time": "03:04:05Z", "duration": "PT1M",
	"email": "ada@example.com", "hostname": "example.com", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1",
	"uri": "https://example.com/", "url": "https://example.com/", "byte": "dGV4dA==", "uuid": "00000000-0000-4000-8000-000000000000",
}

// text is a text that fits a schema.
func text(s *openapi3.Schema, what string) (any, error) {
	if s.Pattern != "" {
		return nil, fmt.Errorf("%s has the pattern %q and no example", what, s.Pattern)
	}
	if t, ok := formats[s.Format]; ok {
		return t, nil
	}
	t := "text"
	if n := int(min(s.MinLength, 1<<10)); len(t) < n {
		t += strings.Repeat("x", n-len(t))
	}
	if s.MaxLength != nil && int(*s.MaxLength) < len(t) {
		t = t[:*s.MaxLength]
	}
	return t, nil
}
