package openapi

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pb33f/go-yaml"
	"github.com/pb33f/libopenapi/datamodel/high/base"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
	"github.com/pb33f/libopenapi/orderedmap"
)

// deepest bounds schemas that contain themselves.
const deepest = 8

// example is an example of a media type: its own, the first of its examples, or one that
// is built from its schema.
func example(m *v3.MediaType) (any, error) {
	if v := value(m.Example); v != nil {
		return v, nil
	}
	for e := range m.Examples.ValuesFromOldest() {
		if v := value(e.Value); v != nil {
			return v, nil
		}
	}
	return build(m.Schema, "the body", 0)
}

// value is what a document says, in which a time is the text that it was written as; nil: nothing, or null.
func value(n *yaml.Node) any {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case yaml.AliasNode:
		return value(n.Alias)
	case yaml.SequenceNode:
		out := make([]any, len(n.Content))
		for i, x := range n.Content {
			out[i] = value(x)
		}
		return out
	case yaml.MappingNode:
		return mapping(n)
	}
	var v any
	if err := n.Decode(&v); err != nil || n.ShortTag() == "!!timestamp" {
		return n.Value
	}
	return v
}

// mapping is what a mapping says, with what is merged into it.
func mapping(n *yaml.Node) map[string]any {
	out := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], value(n.Content[i+1])
		if merged, ok := v.(map[string]any); ok && key.ShortTag() == "!!merge" {
			for k, x := range merged {
				if _, said := out[k]; !said {
					out[k] = x
				}
			}
			continue
		}
		out[key.Value] = v
	}
	return out
}

// build makes a value of a schema: its default, example, const or enum, or else one of its
// type. what names the value in errors.
func build(ref *base.SchemaProxy, what string, depth int) (any, error) {
	s := ref.Schema()
	if s == nil {
		return map[string]any{}, nil
	}
	for _, said := range slices.Concat([]*yaml.Node{s.Example}, s.Examples, []*yaml.Node{s.Default, s.Const}, s.Enum) {
		if v := value(said); v != nil {
			return v, nil
		}
	}
	if depth > deepest {
		return nil, fmt.Errorf("%s has a schema that contains itself without an end", what)
	}
	k := kind(ref)
	if k != "object" && len(s.Type) == 0 { // what it is made of says more
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
		if at(s.MinItems) == 0 {
			return []any{}, nil
		}
		var items *base.SchemaProxy // nil: anything
		if s.Items != nil && s.Items.IsA() {
			items = s.Items.A
		}
		one, err := build(items, what+"[0]", depth+1)
		return slices.Repeat([]any{one}, int(min(*s.MinItems, 100))), err
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
func object(ref *base.SchemaProxy, what string, depth int) (any, error) {
	out := map[string]any{}
	fields, required := properties(ref)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if f := fields[name].Schema(); f != nil && at(f.WriteOnly) {
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
func properties(ref *base.SchemaProxy) (fields map[string]*base.SchemaProxy, required map[string]bool) {
	fields, required = map[string]*base.SchemaProxy{}, map[string]bool{}
	gather(ref, fields, required, 0)
	return fields, required
}

func gather(ref *base.SchemaProxy, fields map[string]*base.SchemaProxy, required map[string]bool, depth int) {
	s := ref.Schema()
	if s == nil || depth > deepest {
		return
	}
	for _, part := range parts(s) {
		gather(part, fields, required, depth+1)
	}
	maps.Insert(fields, s.Properties.FromOldest())
	for _, name := range s.Required {
		required[name] = true
	}
}

// parts are the schemas that a value of a schema also fits.
func parts(s *base.Schema) []*base.SchemaProxy {
	all := slices.Clone(s.AllOf)
	for _, some := range [][]*base.SchemaProxy{s.OneOf, s.AnyOf} {
		if len(some) > 0 {
			all = append(all, some[0])
		}
	}
	return all
}

// kind is the type of a schema; of several the first that is not null.
func kind(ref *base.SchemaProxy) string { return kindWithin(ref, 0) }

func kindWithin(ref *base.SchemaProxy, depth int) string {
	s := ref.Schema()
	if s == nil || depth > deepest {
		return ""
	}
	for _, t := range s.Type {
		if t != "null" {
			return t
		}
	}
	for _, part := range parts(s) {
		if k := kindWithin(part, depth+1); k != "" {
			return k
		}
	}
	switch {
	case orderedmap.Len(s.Properties) > 0:
		return "object"
	case len(s.Type) > 0:
		return "null"
	}
	return ""
}

// number is one within the bounds of a schema.
func number(s *base.Schema) any {
	n := 1.0
	if s.Minimum != nil {
		n = max(n, *s.Minimum+1)
	}
	if s.Maximum != nil {
		n = min(n, *s.Maximum)
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
func text(s *base.Schema, what string) (any, error) {
	if s.Pattern != "" {
		return nil, fmt.Errorf("%s has the pattern %q and no example", what, s.Pattern)
	}
	if t, ok := formats[s.Format]; ok {
		return t, nil
	}
	t := "text"
	if n := int(min(at(s.MinLength), 1<<10)); len(t) < n {
		t += strings.Repeat("x", n-len(t))
	}
	if s.MaxLength != nil && int(*s.MaxLength) < len(t) {
		t = t[:*s.MaxLength]
	}
	return t, nil
}

// at is what a field of a document says; where it is not given, nothing.
func at[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
