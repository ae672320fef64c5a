package orchestrators

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"
	"github.com/goccy/go-yaml"
)

// compileExpr compiles an expression that may use the variables given.
func compileExpr(src string, known ...string) (*vm.Program, error) {
	env := types.Map{}
	for _, k := range known {
		env[k] = types.Any
	}
	p, err := expr.Compile(src, expr.Env(env), jsonFunction)
	if err != nil {
		return nil, fmt.Errorf("expression %q: %w", src, err)
	}
	return p, nil
}

// jsonFunction is json(value): compact JSON, also of the maps that fromPairs makes.
var jsonFunction = expr.Function("json", func(args ...any) (any, error) {
	b, err := json.Marshal(plain(args[0]))
	return string(b), err
}, new(func(any) string))

// plain makes maps with string keys of maps with any keys, all the way down.
func plain(v any) any {
	switch v := v.(type) {
	case map[any]any:
		out := map[string]any{}
		for k, x := range v {
			out[fmt.Sprint(k)] = plain(x)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[k] = plain(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = plain(x)
		}
		return out
	}
	return v
}

// uses tells whether a program reads one of the variables.
func uses(p *vm.Program, names []string) bool {
	found := false
	node := p.Node()
	ast.Find(node, func(n ast.Node) bool {
		id, ok := n.(*ast.IdentifierNode)
		found = found || ok && slices.Contains(names, id.Value)
		return false
	})
	return found
}

func compileTo(to **vm.Program, path, src, standard string, known ...string) error {
	if src == "" {
		src = standard
	}
	if src == "" {
		return bad(path, "must be given")
	}
	p, err := compileExpr(src, known...)
	if err != nil {
		return badly(path, err)
	}
	*to = p
	return nil
}

// textTemplate is a text with ${…} in it.
type textTemplate struct {
	literals []string      // one more than programs
	programs []*vm.Program // between the literals
}

func parseText(s string, known ...string) (*textTemplate, error) {
	t := &textTemplate{}
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
		p, err := compileExpr(strings.TrimSpace(after[:n]), known...)
		if err != nil {
			return nil, err
		}
		t.programs = append(t.programs, p)
		rest = after[n+1:]
	}
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

// value is the value of the only expression, or the text.
func (t *textTemplate) value(env map[string]any) (any, error) {
	if len(t.programs) == 1 && strings.TrimSpace(t.literals[0]+t.literals[1]) == "" {
		return expr.Run(t.programs[0], env)
	}
	return t.text(env)
}

func (t *textTemplate) text(env map[string]any) (string, error) {
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

// valueTemplate is a YAML value whose strings are templates.
type valueTemplate struct {
	text   *textTemplate
	list   []*valueTemplate
	fields map[string]*valueTemplate
	plain  any
}

func parseValue(v any, known ...string) (*valueTemplate, error) {
	switch v := v.(type) {
	case string:
		t, err := parseText(v, known...)
		return &valueTemplate{text: t}, err
	case []any:
		t := &valueTemplate{list: make([]*valueTemplate, len(v))}
		var errs []error
		for i, x := range v {
			var err error
			t.list[i], err = parseValue(x, known...)
			errs = append(errs, err)
		}
		return t, errors.Join(errs...)
	case map[string]any:
		t := &valueTemplate{fields: map[string]*valueTemplate{}}
		var errs []error
		for k, x := range v {
			var err error
			t.fields[k], err = parseValue(x, known...)
			errs = append(errs, err)
		}
		return t, errors.Join(errs...)
	case yaml.MapSlice:
		return parseValue(v.ToMap(), known...)
	}
	return &valueTemplate{plain: v}, nil
}

func (t *valueTemplate) value(env map[string]any) (any, error) {
	switch {
	case t.text != nil:
		return t.text.value(env)
	case t.list != nil:
		out := make([]any, len(t.list))
		var errs []error
		for i, x := range t.list {
			var err error
			out[i], err = x.value(env)
			errs = append(errs, err)
		}
		return out, errors.Join(errs...)
	case t.fields != nil:
		out := map[string]any{}
		var errs []error
		for k, x := range t.fields {
			var err error
			out[k], err = x.value(env)
			errs = append(errs, err)
		}
		return out, errors.Join(errs...)
	}
	return t.plain, nil
}
