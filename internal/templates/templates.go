// Package templates is the one template syntax of the files that people write: ${…}
// with an expression (expr-lang.org) in it.
//
// A text that is nothing but one ${…} becomes the value of its expression; in a YAML
// value every text is a template. json(value) is compact JSON.
//
// Goals: mistakes are found when a file is read. Non-goals: what the variables are.
package templates

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"
	"github.com/goccy/go-yaml"

	"github.com/sagacheck/sagacheck/internal/jsonvalue"
)

// Compile compiles an expression that may use the variables given.
func Compile(src string, known ...string) (*vm.Program, error) {
	env := types.Map{}
	for _, k := range known {
		env[k] = types.Any
	}
	p, err := expr.Compile(src, expr.Env(env), jsonFunction)
	if err != nil {
		if mappingInPredicate.MatchString(src) && strings.Contains(err.Error(), `Operator(":")`) {
			err = fmt.Errorf(`%w; a mapping within map, filter and the like is written in braces of its own: {{"id": .id}}`, err)
		}
		return nil, fmt.Errorf("expression %q: %w", src, err)
	}
	return p, nil
}

// mappingInPredicate is an argument that begins as a mapping would, of which the first brace
// is taken for the predicate's own.
var mappingInPredicate = regexp.MustCompile(`,\s*\{\s*["\w]+\s*:`)

// jsonFunction is json(value): compact JSON, also of the maps that fromPairs makes.
var jsonFunction = expr.Function("json", func(args ...any) (any, error) {
	b, err := json.Marshal(Plain(args[0]))
	return string(b), err
}, new(func(any) string))

// Plain makes maps with string keys of maps with any keys, all the way down.
func Plain(v any) any {
	switch v := v.(type) {
	case map[any]any:
		out := map[string]any{}
		for k, x := range v {
			out[fmt.Sprint(k)] = Plain(x)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[k] = Plain(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = Plain(x)
		}
		return out
	}
	return v
}

// Uses tells whether a program reads one of the variables.
func Uses(p *vm.Program, names []string) bool {
	found := false
	node := p.Node()
	ast.Find(node, func(n ast.Node) bool {
		id, ok := n.(*ast.IdentifierNode)
		found = found || ok && slices.Contains(names, id.Value)
		return false
	})
	return found
}

// Text is a text with ${…} in it.
type Text struct {
	literals []string      // one more than programs
	programs []*vm.Program // between the literals
}

// ParseText reads a template.
func ParseText(s string, known ...string) (*Text, error) {
	t := &Text{}
	rest := s
	for {
		before, after, found := strings.Cut(rest, "${")
		t.literals = append(t.literals, before)
		if !found {
			return t, nil
		}
		n := expressionEnd(after)
		if n < 0 {
			return nil, fmt.Errorf("%q: expected ${expression} with balanced braces", s)
		}
		p, err := Compile(strings.TrimSpace(after[:n]), known...)
		if err != nil {
			return nil, err
		}
		t.programs = append(t.programs, p)
		rest = after[n+1:]
	}
}

// Literals are what stands before, between and behind the expressions of a text.
func (t *Text) Literals() []string { return t.literals }

// Programs are the expressions of a text, in their order.
func (t *Text) Programs() []*vm.Program { return t.programs }

// Uses tells whether an expression of a text reads one of the variables.
func (t *Text) Uses(names ...string) bool {
	return slices.ContainsFunc(t.programs, func(p *vm.Program) bool { return Uses(p, names) })
}

// expressionEnd is the index of the brace that closes an expression, −1 if none
// does. Braces inside strings do not count.
func expressionEnd(s string) int {
	depth := 1
	var quote byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0 && c == '\\' && quote != '`':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// Single tells whether a text is nothing but one expression.
func (t *Text) Single() bool {
	return len(t.programs) == 1 && strings.TrimSpace(t.literals[0]+t.literals[1]) == ""
}

// Value is the value of the only expression, or the text.
func (t *Text) Value(env map[string]any) (any, error) {
	if t.Single() {
		return expr.Run(t.programs[0], env)
	}
	return t.Render(env)
}

// Render is the text with the values of its expressions.
func (t *Text) Render(env map[string]any) (string, error) {
	var b strings.Builder
	for i, p := range t.programs {
		v, err := expr.Run(p, env)
		if err != nil {
			return "", err
		}
		b.WriteString(t.literals[i])
		fmt.Fprint(&b, v)
	}
	b.WriteString(t.literals[len(t.programs)])
	return b.String(), nil
}

// Tree is a YAML value whose strings are templates.
type Tree struct {
	text   *Text
	list   []*Tree
	fields map[string]*Tree
	plain  any
}

// ParseTree reads the templates in a YAML value.
func ParseTree(v any, known ...string) (*Tree, error) {
	switch v := v.(type) {
	case string:
		t, err := ParseText(v, known...)
		return &Tree{text: t}, err
	case []any:
		t := &Tree{list: make([]*Tree, len(v))}
		var errs []error
		for i, x := range v {
			var err error
			t.list[i], err = ParseTree(x, known...)
			errs = append(errs, err)
		}
		return t, errors.Join(errs...)
	case map[string]any:
		t := &Tree{fields: map[string]*Tree{}}
		var errs []error
		for k, x := range v {
			var err error
			t.fields[k], err = ParseTree(x, known...)
			errs = append(errs, err)
		}
		return t, errors.Join(errs...)
	case yaml.MapSlice:
		return ParseTree(v.ToMap(), known...)
	}
	return &Tree{plain: v}, nil
}

// Uses tells whether a template in the value reads one of the variables.
func (t *Tree) Uses(names ...string) bool {
	if t == nil {
		return false
	}
	uses := func(t *Tree) bool { return t.Uses(names...) }
	return t.text != nil && t.text.Uses(names...) || slices.ContainsFunc(t.list, uses) || slices.ContainsFunc(slices.Collect(maps.Values(t.fields)), uses)
}

// Value is the YAML value with the values of its templates.
func (t *Tree) Value(env map[string]any) (any, error) {
	switch {
	case t.text != nil:
		return t.text.Value(env)
	case t.list != nil:
		out := make([]any, len(t.list))
		var errs []error
		for i, x := range t.list {
			var err error
			out[i], err = x.Value(env)
			errs = append(errs, err)
		}
		return out, errors.Join(errs...)
	case t.fields != nil:
		out := map[string]any{}
		var errs []error
		for k, x := range t.fields {
			var err error
			out[k], err = x.Value(env)
			errs = append(errs, err)
		}
		return out, errors.Join(errs...)
	}
	return t.plain, nil
}

// Exact reads JSON for expressions. Numbers are float64, so that expressions
// can calculate with them; those that a float64 does not hold to the last digit
// keep their text (json.Number), so that they are passed on as they are.
func Exact(text []byte) (any, error) {
	v, err := jsonvalue.Decode(text)
	if err != nil {
		return nil, err
	}
	return calculable(v), nil
}

func calculable(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, x := range v {
			v[name] = calculable(x)
		}
	case []any:
		for i, x := range v {
			v[i] = calculable(x)
		}
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return v
		}
		if again, err := json.Marshal(f); err == nil && jsonvalue.Equal(again, []byte(v)) {
			return f
		}
	}
	return v
}
