package workflows

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"github.com/sagacheck/sagacheck/internal/templates"
	"github.com/sagacheck/sagacheck/participants"
)

// compiled is an operation's expressions and templates.
type compiled struct {
	Name    string
	Service string

	route     *route
	condition *vm.Program
	sagaOf    *vm.Program // nil: none, or only
	only      bool
	eachOf    *vm.Program
	whichOf   *vm.Program
	effect    effect
	keeps     effect
	answerOf  *answer
	doneOf    *vm.Program // nil: each 2xx
	async     *async      // nil: the answer says all
	missing   *answer
	repeat    participants.Repeat
	repeated  *answer
	undone    *Operation
	read      *Operation
	undoneBy  []*Operation
}

// answer is the template of an answer.
type answer struct {
	code    int
	headers map[string]*templates.Text
	body    *templates.Tree // nil: none
}

// Variables of expressions, by where they stand.
var (
	requestVars = []string{"request"}
	sagaVars    = []string{"request", "of"}
	whichVars   = []string{"request", "action"}
	effectVars  = []string{"request", "action", "saga", "id", "start"}
	keepsVars   = []string{"action", "saga", "id", "start"}
	answerVars  = []string{"request", "action", "effects", "new", "saga", "id", "start"}
	startVars   = []string{"saga", "draw"}
	outcomeVars = []string{"saga", "id", "start"}
	replyVars   = []string{"answer", "saga"}
)

// parts are what the variables of a fixed shape are made of.
var parts = map[string][]string{
	"request": {"method", "path", "query", "headers", "body"},
	"answer":  {"code", "headers", "body"},
	"action":  {"request", "answer", "id", "key", "operation", "effect", "undone", "pending", "declined"},
	"new":     {"id"},
	"saga":    {"id"},
	"start":   {"body"},
}

// expression compiles one that may be absent.
func (c *compiler) expression(field, src string, known ...string) *vm.Program {
	if src == "" {
		return nil
	}
	p, err := templates.Compile(src, known...)
	if err != nil {
		c.add(field, explained(err, known))
		return nil
	}
	c.uses(field, p)
	return p
}

// text compiles a template.
func (c *compiler) text(field, src string, known []string) *templates.Text {
	t, err := templates.ParseText(src, known...)
	if err != nil {
		c.add(field, explained(err, known))
		return nil
	}
	for _, p := range t.Programs() {
		c.uses(field, p)
	}
	return t
}

// tree compiles a value whose texts are templates; each is told by its own field.
func (c *compiler) tree(field string, v any, known []string) *templates.Tree {
	before := len(c.problems)
	c.leaves(field, v, known)
	if len(c.problems) > before {
		return nil
	}
	t, err := templates.ParseTree(v, known...)
	if err != nil {
		c.add(field, explained(err, known))
	}
	return t
}

func (c *compiler) leaves(field string, v any, known []string) {
	switch v := v.(type) {
	case string:
		c.text(field, v, known)
	case []any:
		for i, x := range v {
			c.leaves(fmt.Sprintf("%s[%d]", field, i), x, known)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			c.leaves(field+"."+k, v[k], known)
		}
	}
}

// uses refuses parts that a variable does not have, and parameters that the path of the
// operation does not have.
func (c *compiler) uses(field string, p *vm.Program) {
	node := p.Node()
	ast.Find(node, func(n ast.Node) bool {
		m, ok := n.(*ast.MemberNode)
		if !ok {
			return false
		}
		name, ok := m.Property.(*ast.StringNode)
		if !ok {
			return false
		}
		switch of := m.Node.(type) {
		case *ast.IdentifierNode:
			if known := parts[of.Value]; known != nil && !slices.Contains(known, name.Value) {
				c.bad(field, "expression %q: %s has no %s: expected one of %s", p.Source().String(), of.Value, name.Value, strings.Join(known, ", "))
			}
		case *ast.MemberNode:
			path := map[string]*route{"request.path": c.path, "action.request.path": c.actionPath}[of.String()]
			if path != nil && !slices.Contains(path.params, name.Value) {
				c.bad(field, "expression %q: the path of %q has no {%s}: expected %s", p.Source().String(), path.text, name.Value, path.named())
			}
		}
		return false
	})
}

// named are the parameters of a path in words.
func (r *route) named() string {
	if len(r.params) == 0 {
		return "a parameter in the path of " + r.text
	}
	return "one of " + strings.Join(r.params, ", ")
}

// explained is the error of an expression on one line, with what may be used there.
func explained(err error, known []string) error {
	var e *file.Error
	if !errors.As(err, &e) {
		return err
	}
	before, _, _ := strings.Cut(err.Error(), e.Error())
	reason := fmt.Sprintf("%s%s (%d:%d)", before, e.Message, e.Line, e.Column+1)
	if strings.HasPrefix(e.Message, "unknown name") {
		reason += ": expected one of " + strings.Join(known, ", ")
	}
	return errors.New(reason)
}

// answer compiles the template of an answer to an operation.
func (c *compiler) answer(at string, a Answer, standard int) *answer {
	return c.answerWith(at, a, standard, answerVars)
}

// answerWith compiles the template of an answer that knows some variables.
func (c *compiler) answerWith(at string, a Answer, standard int, known []string) *answer {
	out := &answer{code: a.Code, headers: map[string]*templates.Text{}}
	switch {
	case a.Code == 0:
		out.code = standard
	case a.Code < 200 || a.Code > 599:
		c.bad(at+".code", "%d: expected 200 to 599", a.Code)
	}
	for _, name := range slices.Sorted(maps.Keys(a.Headers)) {
		out.headers[name] = c.text(at+".headers."+name, a.Headers[name], known)
	}
	if a.Body != nil {
		out.body = c.tree(at+".body", a.Body, known)
	}
	return out
}

// run evaluates an expression; nil is an error that quotes it.
func run(p *vm.Program, env map[string]any) (any, error) {
	v, err := expr.Run(p, env)
	if err != nil {
		// The library draws the place below its reason.
		reason, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("expression %q: %s", p.Source().String(), reason)
	}
	return v, nil
}

func truth(p *vm.Program, env map[string]any) (bool, error) {
	v, err := run(p, env)
	if err != nil {
		return false, err
	}
	yes, ok := v.(bool)
	if !ok {
		return false, fmt.Errorf("expression %q: expected true or false, got %v", p.Source().String(), v)
	}
	return yes, nil
}
