package workflows

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/sagacheck/sagacheck/saga"
)

// factNames are what an effect, and a call, is made of (Facts).
var factNames = map[string][]string{
	"effects": {"step", "instance", "direction", "part", "attempt", "ref", "of", "amount", "unit", "postings", "writes"},
	"calls":   {"step", "instance", "direction", "part", "attempt", "code"},
}

// factWords refuses invariants that look for what no effect and no call is made of, or for a
// step that there is not: it would hold for ever, of nothing.
func (c *compiler) factWords() {
	steps := c.factSteps()
	for i, k := range c.w.conditions {
		field := string(k.when)
		if k.ask != nil {
			field = "expect"
		}
		at := fmt.Sprintf("invariants[%d].%s", i, field)
		for of, names := range factNames {
			for _, name := range namesOf(k.expr, of) {
				if !slices.Contains(names, name) {
					c.bad(at, "expression %q: none of %s has %s: expected one of %s", k.expr.Source().String(), of, name, strings.Join(names, ", "))
				}
			}
		}
		ast.Find(k.expr.Node(), func(n ast.Node) bool {
			c.compared(at, n, "step", steps)
			c.compared(at, n, "direction", []string{string(saga.Action), string(saga.Compensation)})
			return false
		})
	}
}

// factSteps are the steps that effects and calls can be of.
func (c *compiler) factSteps() []string {
	var names []string
	for _, p := range c.w.plan {
		names = append(names, p.Name)
	}
	for _, op := range c.w.Operations() {
		step, _ := c.w.StepOf(op)
		names = append(names, step)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// compared refuses x.name == "text" and x.name in ["text"], where it is none of those words.
func (c *compiler) compared(at string, n ast.Node, name string, words []string) {
	b, ok := n.(*ast.BinaryNode)
	if !ok || !slices.Contains([]string{"==", "!=", "in"}, b.Operator) {
		return
	}
	for _, side := range [][2]ast.Node{{b.Left, b.Right}, {b.Right, b.Left}} {
		m, ok := side[0].(*ast.MemberNode)
		if !ok {
			continue
		}
		if property, ok := m.Property.(*ast.StringNode); !ok || property.Value != name {
			continue
		}
		for _, text := range textsOf(side[1]) {
			if !slices.Contains(words, text) {
				c.bad(at, "%s %q: expected one of %s", name, text, strings.Join(words, ", "))
			}
		}
	}
}

// textsOf are the texts that a node gives, as far as they stand there.
func textsOf(n ast.Node) []string {
	switch n := n.(type) {
	case *ast.StringNode:
		return []string{n.Value}
	case *ast.ArrayNode:
		var all []string
		for _, x := range n.Nodes {
			all = append(all, textsOf(x)...)
		}
		return all
	case *ast.ConstantNode: // an array, as it is looked up
		var all []string
		if set, ok := n.Value.(map[string]struct{}); ok {
			for s := range set {
				all = append(all, s)
			}
		}
		slices.Sort(all)
		return all
	}
	return nil
}
