package workflows

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// pairs refuses a which that looks for what the answer to the action never has: it would
// name nothing, and the workflow would be blamed for it.
func (c *compiler) pairs() {
	for _, op := range c.w.Operations() {
		done := cmp.Or(op.undone, op.read)
		if op.whichOf == nil || done == nil || c.w.Services[op.Service].Upstream != "" || done.Async != nil {
			continue
		}
		said, ok := done.Answer.Body.(map[string]any)
		if !ok {
			continue
		}
		for _, name := range answered(op.whichOf.Node()) {
			if _, ok := said[name]; !ok {
				c.bad(fmt.Sprintf("services.%s.operations.%s.which", op.Service, op.Name), "the answer of %s has no %s: expected one of %s",
					done.Name, name, strings.Join(slices.Sorted(maps.Keys(said)), ", "))
			}
		}
	}
}

// answered are the fields of action.answer.body that an expression looks at, but for one that
// says itself what counts where there is none.
func answered(node ast.Node) (names []string) {
	alternative := ast.Find(node, func(n ast.Node) bool {
		b, ok := n.(*ast.BinaryNode)
		return ok && b.Operator == "??"
	})
	if alternative != nil {
		return nil
	}
	ast.Find(node, func(n ast.Node) bool {
		m, ok := n.(*ast.MemberNode)
		if !ok || m.Node.String() != "action.answer.body" {
			return false
		}
		if name, ok := m.Property.(*ast.StringNode); ok {
			names = append(names, name.Value)
		}
		return false
	})
	return names
}
