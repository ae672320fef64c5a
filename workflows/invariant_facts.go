package workflows

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm"

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
		for _, of := range slices.Sorted(maps.Keys(factNames)) {
			l, names := looksAtList(k.expr, of), factNames[of]
			for _, name := range namesOf(k.expr, of) {
				if !slices.Contains(names, name) {
					c.bad(at, "expression %q: none of %s has %s: expected one of %s", k.expr.Source().String(), of, name, strings.Join(names, ", "))
				}
			}
			c.oneOf(at, "step", l.words["step"], steps)
			c.oneOf(at, "direction", l.words["direction"], []string{string(saga.Action), string(saga.Compensation)})
		}
		c.oneOf(at, "status", statusWords(k.expr), []string{string(saga.Running), string(saga.Compensating), string(saga.Completed), string(saga.Compensated), string(saga.Stuck)})
	}
}

// oneOf refuses words that something can't be.
func (c *compiler) oneOf(at, name string, said, words []string) {
	for _, text := range said {
		if !slices.Contains(words, text) {
			c.bad(at, "%s %q: expected one of %s", name, text, strings.Join(words, ", "))
		}
	}
}

// statusWords are the texts that an expression compares the status with.
func statusWords(p *vm.Program) (words []string) {
	node := p.Node()
	ast.Find(node, func(n ast.Node) bool {
		b, ok := n.(*ast.BinaryNode)
		if !ok || !comparison(b) {
			return false
		}
		for _, side := range [][2]ast.Node{{b.Left, b.Right}, {b.Right, b.Left}} {
			if id, ok := side[0].(*ast.IdentifierNode); ok && id.Value == "status" {
				words = append(words, textsOf(side[1])...)
			}
		}
		return false
	})
	return words
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
