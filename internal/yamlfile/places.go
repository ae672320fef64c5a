package yamlfile

import (
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Places are the lines of what has a name in a file: the name of the whole, 1 if it has none, and each step,
// where its name stands in the list of steps or, where there is no such list, as an operation of
// a service. A file that can't be read has none.
func Places(b []byte) (line int, steps map[string]int) {
	steps = map[string]int{}
	f, err := parser.ParseBytes(b, 0)
	if err != nil || len(f.Docs) == 0 {
		return 1, steps
	}
	root := fields(f.Docs[0].Body)
	line = 1
	if name := root["name"]; name != nil {
		line = name.Key.GetToken().Position.Line
	}
	if services := root["services"]; services != nil {
		for _, service := range fields(services.Value) {
			if operations := fields(service.Value)["operations"]; operations != nil {
				for name, operation := range fields(operations.Value) {
					steps[name] = operation.Key.GetToken().Position.Line
				}
			}
		}
	}
	if list := root["steps"]; list != nil {
		if items, ok := list.Value.(*ast.SequenceNode); ok {
			for _, item := range items.Values {
				if name := fields(item)["name"]; name != nil {
					steps[name.Value.GetToken().Value] = name.Key.GetToken().Position.Line
				}
			}
		}
	}
	return line, steps
}

// fields are those of a mapping; nil: it is none.
func fields(n ast.Node) map[string]*ast.MappingValueNode {
	all := map[string]*ast.MappingValueNode{}
	switch m := n.(type) {
	case *ast.MappingNode:
		for _, v := range m.Values {
			all[v.Key.GetToken().Value] = v
		}
	case *ast.MappingValueNode:
		all[m.Key.GetToken().Value] = m
	}
	return all
}
