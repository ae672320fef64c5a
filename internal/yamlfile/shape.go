package yamlfile

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// Shape compares a YAML document with the Go types that it is decoded into,
// before it is decoded. A decoder stops at the first mistake, and quietly makes
// 4 of 4.5 and text of numbers; this names every mistake with its place, and
// remembers the places for the checks that follow.
type Shape struct {
	Problems Problems
	unions   map[reflect.Type]Union
	places   map[string]*token.Position // by field
	bad      map[ast.Node]bool          // of another shape than expected
	changed  Problems
}

// Union is a type that is a word or a list in a file.
type Union struct {
	List reflect.Type
	Want string // what was expected, in words
}

// NewShape compares a document with a type.
func NewShape(root ast.Node, t reflect.Type, unions map[reflect.Type]Union) *Shape {
	sh := &Shape{unions: unions, places: map[string]*token.Position{}, bad: map[ast.Node]bool{}}
	sh.check(root, t, "")
	return sh
}

func (sh *Shape) fail(n ast.Node, field, format string, args ...any) {
	p := &Problem{Field: field, Reason: fmt.Sprintf(format, args...)}
	p.At(position(n))
	sh.Problems = append(sh.Problems, p)
	sh.bad[n] = true
}

// check compares a node with a type.
func (sh *Shape) check(n ast.Node, t reflect.Type, field string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	sh.places[field] = position(n)
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		sh.fail(n, field, "expected a plain value: anchors, aliases and tags are not supported")
		return
	}
	switch u, union := sh.unions[t]; {
	case union:
		sh.checkUnion(n, u, field)
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		sh.checkText(n, t, field)
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

// checkText checks a type that reads itself from a text.
func (sh *Shape) checkText(n ast.Node, t reflect.Type, field string) {
	text, ok := n.(*ast.StringNode)
	if !ok {
		sh.fail(n, field, "%s: expected %s", quote(n), scalarName(reflect.String))
		return
	}
	if err := reflect.New(t).Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text.Value)); err != nil {
		sh.fail(n, field, "%s", first(err.Error(), mostSaid))
	}
}

// mostSaid is how long the reason of a reader of texts may be.
const mostSaid = 200

func (sh *Shape) checkUnion(n ast.Node, u Union, field string) {
	switch n.(type) {
	case *ast.SequenceNode:
		sh.check(n, u.List, field)
	case *ast.StringNode:
	default:
		sh.fail(n, field, "%s: expected %s", quote(n), u.Want)
	}
}

func (sh *Shape) checkStruct(n ast.Node, t reflect.Type, field string) {
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
		key := keyOf(it.Key())
		i := slices.Index(known, key)
		if rest := restOf(t); i < 0 && rest != nil {
			sh.check(it.Value(), rest, join(field, key))
			continue
		}
		if i < 0 {
			sh.fail(it.Key(), join(field, clip(key)), "unknown field %q: expected one of %s", clip(key), strings.Join(known, ", "))
			continue
		}
		seen[key] = true
		sh.check(it.Value(), fields[i].typ, join(field, key))
	}
	for _, f := range fields {
		if f.required && !seen[f.name] {
			p := &Problem{Field: join(field, f.name), Reason: "is missing: expected " + typeName(f.typ)}
			p.At(position(n))
			sh.Problems = append(sh.Problems, p)
		}
	}
}

func (sh *Shape) checkList(n ast.Node, t reflect.Type, field string) {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		sh.fail(n, field, "%s: expected a list", quote(n))
		return
	}
	for i, v := range list.Values {
		sh.check(v, t.Elem(), fmt.Sprintf("%s[%d]", field, i))
	}
}

func (sh *Shape) checkMap(n ast.Node, t reflect.Type, field string) {
	m, ok := n.(ast.MapNode)
	if !ok {
		sh.fail(n, field, "%s: expected a mapping", quote(n))
		return
	}
	for it := m.MapRange(); it.Next(); {
		sh.check(it.Value(), t.Elem(), join(field, keyOf(it.Key())))
	}
}

// checkAny goes on below a value of any type, to refuse anchors there too.
func (sh *Shape) checkAny(n ast.Node, field string) {
	switch n.(type) {
	case ast.MapNode:
		sh.checkMap(n, reflect.TypeFor[map[string]any](), field)
	case *ast.SequenceNode:
		sh.checkList(n, reflect.TypeFor[[]any](), field)
	default:
		sh.number(n, field)
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

// Has tells whether a field stands in the file.
func (sh *Shape) Has(field string) bool { return sh.places[field] != nil }

// Place finds where a field stands in the file, or else what it belongs to.
func (sh *Shape) Place(field string) *token.Position {
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
		switch {
		case options == "inline" && t.Field(i).Type.Kind() == reflect.Map: // restOf
		case options == "inline":
			fs = append(fs, yamlFields(t.Field(i).Type)...)
		case t.Field(i).IsExported():
			fs = append(fs, yamlField{name, t.Field(i).Type, !strings.HasPrefix(options, "omit")})
		}
	}
	return fs
}

// restOf is what a struct has under the names that are none of its fields: the values of
// a map that is written inline. Nil: there is none, and such a name is a mistake.
func restOf(t reflect.Type) reflect.Type {
	for i := range t.NumField() {
		_, options, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if f := t.Field(i).Type; options == "inline" && f.Kind() == reflect.Map {
			return f.Elem()
		}
	}
	return nil
}

func join(field, key string) string {
	if field == "" {
		return key
	}
	return field + "." + key
}

func isScalar(n ast.Node, k reflect.Kind) bool {
	switch n := n.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		return k == reflect.String
	case *ast.IntegerNode:
		_, unsigned := n.Value.(uint64)
		return (k == reflect.Int || k == reflect.Int64) && fits(n) || k == reflect.Uint64 && unsigned || k == reflect.Float64
	case *ast.FloatNode:
		return k == reflect.Float64
	case *ast.BoolNode:
		return k == reflect.Bool
	}
	return false
}

// fits tells whether a whole number has at most 64 bits with its sign.
func fits(n *ast.IntegerNode) bool {
	u, unsigned := n.Value.(uint64)
	return !unsigned || u <= math.MaxInt64
}

func scalarName(k reflect.Kind) string {
	switch k {
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Uint64:
		return "a whole number of 0 or more"
	case reflect.Float64:
		return "a number"
	case reflect.Bool:
		return "true or false"
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
		return fmt.Sprintf("%q", clip(strings.TrimSpace(n.String())))
	}
}

// mostShown is how many characters of a value are shown.
const mostShown = 40

func clip(text string) string {
	if rs := []rune(text[:min(len(text), 4*mostShown)]); len(rs) > mostShown {
		return string(rs[:mostShown-1]) + "…"
	}
	return text
}

// keyOf is a key without the quotes that JSON puts around it.
func keyOf(n ast.MapKeyNode) string {
	if s, ok := n.(*ast.StringNode); ok {
		return s.Value
	}
	return n.String()
}

// Value is a document as the decoders of encoding/json know it, without what has
// another shape than expected.
func (sh *Shape) Value(n ast.Node) any {
	switch n := n.(type) {
	case ast.MapNode:
		m := map[string]any{}
		for it := n.MapRange(); it.Next(); {
			if !sh.bad[it.Key()] && !sh.bad[it.Value()] {
				m[keyOf(it.Key())] = sh.Value(it.Value())
			}
		}
		return m
	case *ast.SequenceNode:
		list := []any{}
		for _, v := range n.Values {
			if sh.bad[v] {
				list = append(list, nil) // the others keep their numbers
			} else {
				list = append(list, sh.Value(v))
			}
		}
		return list
	case ast.ScalarNode:
		return n.GetValue()
	}
	return nil
}
