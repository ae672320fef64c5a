package scenarios

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// shape compares a YAML document with the Go types that it is decoded into,
// before it is decoded. A decoder stops at the first mistake, and quietly makes
// 4 of 4.5 and text of numbers; this names every mistake with its place, and
// remembers the places for the checks that follow.
type shape struct {
	problems problems
	places   map[string]*token.Position // by field
}

func (sh *shape) fail(n ast.Node, field, format string, args ...any) {
	p := &Problem{Field: field, Reason: fmt.Sprintf(format, args...)}
	p.at(position(n))
	sh.problems = append(sh.problems, p)
}

// check compares a node with a type.
func (sh *shape) check(n ast.Node, t reflect.Type, field string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	sh.places[field] = position(n)
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		sh.fail(n, field, "expected a plain value: anchors, aliases and tags are not supported")
		return
	}
	switch {
	case t == reflect.TypeFor[Undo]():
		sh.checkUndo(n, field)
	case t.Kind() == reflect.Struct:
		sh.checkStruct(n, t, field)
	case t.Kind() == reflect.Slice:
		sh.checkList(n, t, field)
	case t.Kind() == reflect.Map:
		sh.checkMap(n, t, field)
	case t.Kind() != reflect.Interface:
		if !isScalar(n, t.Kind()) {
			sh.fail(n, field, "%s: expected %s", quote(n), scalarName(t.Kind()))
		}
	default:
		sh.checkAny(n, field)
	}
}

func (sh *shape) checkUndo(n ast.Node, field string) {
	switch n.(type) {
	case *ast.SequenceNode:
		sh.check(n, reflect.TypeFor[[]Change](), field)
	case *ast.StringNode:
	default:
		sh.fail(n, field, "%s: expected inverse, none or a list of changes", quote(n))
	}
}

func (sh *shape) checkStruct(n ast.Node, t reflect.Type, field string) {
	fields := yamlFields(t)
	known := make([]string, len(fields))
	for i, f := range fields {
		known[i] = f.name
	}
	m, ok := n.(ast.MapNode)
	if !ok {
		sh.fail(n, field, "%s: expected a mapping with %s", quote(n), strings.Join(known, ", "))
		return
	}
	seen := map[string]bool{}
	for it := m.MapRange(); it.Next(); {
		key := it.Key().String()
		i := slices.Index(known, key)
		if i < 0 {
			sh.fail(it.Key(), join(field, key), "unknown field %q: expected one of %s", key, strings.Join(known, ", "))
			continue
		}
		seen[key] = true
		sh.check(it.Value(), fields[i].typ, join(field, key))
	}
	for _, f := range fields {
		if f.required && !seen[f.name] {
			sh.fail(n, join(field, f.name), "is missing: expected %s", typeName(f.typ))
		}
	}
}

func (sh *shape) checkList(n ast.Node, t reflect.Type, field string) {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		sh.fail(n, field, "%s: expected a list", quote(n))
		return
	}
	for i, v := range list.Values {
		sh.check(v, t.Elem(), fmt.Sprintf("%s[%d]", field, i))
	}
}

func (sh *shape) checkMap(n ast.Node, t reflect.Type, field string) {
	m, ok := n.(ast.MapNode)
	if !ok {
		sh.fail(n, field, "%s: expected a mapping", quote(n))
		return
	}
	for it := m.MapRange(); it.Next(); {
		key := it.Key().String()
		if s, ok := it.Key().(*ast.StringNode); ok {
			key = s.Value
		}
		sh.check(it.Value(), t.Elem(), join(field, key))
	}
}

// checkAny goes on below a value of any type, to refuse anchors there too.
func (sh *shape) checkAny(n ast.Node, field string) {
	switch n.(type) {
	case ast.MapNode:
		sh.checkMap(n, reflect.TypeFor[map[string]any](), field)
	case *ast.SequenceNode:
		sh.checkList(n, reflect.TypeFor[[]any](), field)
	}
}

// position is where a node begins. The token of a mapping is its first colon.
func position(n ast.Node) *token.Position {
	switch m := n.(type) {
	case *ast.MappingNode:
		if !m.IsFlowStyle && len(m.Values) > 0 {
			n = m.Values[0].Key
		}
	case *ast.MappingValueNode:
		n = m.Key
	}
	if t := n.GetToken(); t != nil {
		return t.Position
	}
	return nil
}

// place finds where a field stands in the file, or else what it belongs to.
func (sh *shape) place(field string) *token.Position {
	for field != "" {
		if p := sh.places[field]; p != nil {
			return p
		}
		field = field[:max(0, strings.LastIndexAny(field, ".["))]
	}
	return sh.places[""]
}

type yamlField struct {
	name     string
	typ      reflect.Type
	required bool
}

// yamlFields are the fields of a struct as they are written in a file.
func yamlFields(t reflect.Type) []yamlField {
	var fs []yamlField
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		fs = append(fs, yamlField{name, t.Field(i).Type, !strings.HasPrefix(options, "omit")})
	}
	return fs
}

func join(field, key string) string {
	if field == "" {
		return key
	}
	return field + "." + key
}

func isScalar(n ast.Node, k reflect.Kind) bool {
	switch n.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		return k == reflect.String
	case *ast.IntegerNode:
		return k == reflect.Int || k == reflect.Int64 || k == reflect.Float64
	case *ast.FloatNode:
		return k == reflect.Float64
	}
	return false
}

func scalarName(k reflect.Kind) string {
	switch k {
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	}
	return "a text (put numbers and words like true into quotes)"
}

func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Slice:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "a mapping"
	case reflect.String:
		return "a text"
	}
	return scalarName(t.Kind())
}

// quote shows a value as it stands in the file, shortened.
func quote(n ast.Node) string {
	switch n := n.(type) {
	case *ast.NullNode:
		return "nothing"
	case *ast.SequenceNode:
		return "a list"
	case ast.MapNode:
		return "a mapping"
	default:
		text := []rune(strings.TrimSpace(n.String()))
		if len(text) > 40 {
			text = append(text[:39], '…')
		}
		return fmt.Sprintf("%q", string(text))
	}
}
