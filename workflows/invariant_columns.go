package workflows

import (
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm"
)

// columnsOf are the columns that an expression looks at in rows: a name that no row has
// gives nil, which would pass for what was found.
func columnsOf(p *vm.Program) []string { return namesOf(p, "rows") }

// namesOf are the names that an expression looks at in the mappings of a list.
func namesOf(p *vm.Program, list string) []string {
	names := looksAtList(p, list).names
	slices.Sort(names)
	return slices.Compact(names)
}

func looksAtList(p *vm.Program, list string) looks {
	l := looks{list: list, words: map[string][]string{}}
	l.at(p.Node(), false)
	return l
}

// looks are what an expression looks at in a list, here called rows. Throughout, inRows tells
// that # is a row.
type looks struct {
	list  string
	names []string
	words map[string][]string // the texts that a name is compared with
}

func (l *looks) at(n ast.Node, inRows bool) {
	switch n := n.(type) {
	case *ast.MemberNode:
		if name, ok := n.Property.(*ast.StringNode); ok && !n.Optional && l.isRow(n.Node, inRows) {
			l.names = append(l.names, name.Value)
		}
		l.all(inRows, n.Node, n.Property)
	case *ast.BuiltinNode:
		l.builtin(n, inRows)
	case *ast.PredicateNode:
		l.at(n.Node, inRows)
	case *ast.ChainNode:
		l.at(n.Node, inRows)
	case *ast.UnaryNode:
		l.at(n.Node, inRows)
	case *ast.BinaryNode:
		l.compares(n, n.Left, n.Right, inRows)
		l.compares(n, n.Right, n.Left, inRows)
		l.all(inRows, n.Left, n.Right)
	case *ast.ConditionalNode:
		l.all(inRows, n.Cond, n.Exp1, n.Exp2)
	case *ast.SliceNode:
		l.all(inRows, n.Node, n.From, n.To)
	case *ast.CallNode:
		l.all(inRows, n.Arguments...)
	case *ast.ArrayNode:
		l.all(inRows, n.Nodes...)
	case *ast.SequenceNode:
		l.all(inRows, n.Nodes...)
	case *ast.MapNode:
		l.all(inRows, n.Pairs...)
	case *ast.PairNode:
		l.all(inRows, n.Key, n.Value)
	case *ast.VariableDeclaratorNode:
		l.all(inRows, n.Value, n.Expr)
	}
}

// compares notes x.name == "text" and x.name in ["text"] of a row x.
func (l *looks) compares(n *ast.BinaryNode, one, other ast.Node, inRows bool) {
	m, ok := one.(*ast.MemberNode)
	if !ok || !comparison(n) || !l.isRow(m.Node, inRows) {
		return
	}
	if name, ok := m.Property.(*ast.StringNode); ok {
		l.words[name.Value] = append(l.words[name.Value], textsOf(other)...)
	}
}

func comparison(n *ast.BinaryNode) bool {
	return slices.Contains([]string{"==", "!=", "in"}, n.Operator)
}

func (l *looks) all(inRows bool, nodes ...ast.Node) {
	for _, n := range nodes {
		l.at(n, inRows)
	}
}

// builtin looks at filter(rows, .x > 0) and the like: in the predicate, # is one of the first
// argument's.
func (l *looks) builtin(n *ast.BuiltinNode, inRows bool) {
	within := len(n.Arguments) > 0 && l.isRows(n.Arguments[0], inRows)
	for _, a := range n.Arguments {
		_, predicate := a.(*ast.PredicateNode)
		l.at(a, predicate && within || !predicate && inRows)
	}
	l.at(n.Map, within)
}

// isRow tells that a node is a row, for sure.
func (l *looks) isRow(n ast.Node, inRows bool) bool {
	switch n := n.(type) {
	case *ast.PointerNode:
		return n.Name == "" && inRows
	case *ast.MemberNode:
		_, named := n.Property.(*ast.StringNode)
		return !named && l.isRows(n.Node, inRows)
	case *ast.BuiltinNode:
		return slices.Contains([]string{"find", "findLast", "first", "last"}, n.Name) && n.Map == nil && l.isRows(n.Arguments[0], inRows)
	}
	return false
}

// isRows tells that a node is some of the rows, for sure.
func (l *looks) isRows(n ast.Node, inRows bool) bool {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return n.Value == l.list
	case *ast.SliceNode:
		return l.isRows(n.Node, inRows)
	case *ast.BuiltinNode:
		return slices.Contains([]string{"filter", "sortBy", "reverse", "take"}, n.Name) && n.Map == nil && l.isRows(n.Arguments[0], inRows)
	}
	return false
}
