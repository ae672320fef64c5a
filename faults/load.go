package faults

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// LoadPlan reads a plan from a YAML or JSON file, strictly: errors name the file,
// the line and the field.
func LoadPlan(path string) (*Plan, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p, err := ParsePlan(b)
	if err == nil {
		return p, nil
	}
	var at *placed
	if errors.As(err, &at) && at.pos != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	return nil, fmt.Errorf("%s: %w", path, err)
}

// placed is an error with its place in a file.
type placed struct {
	pos *token.Position // nil: not known
	err error
}

func (p *placed) Error() string {
	if p.pos == nil {
		return p.err.Error()
	}
	return fmt.Sprintf("%d:%d: %v", p.pos.Line, p.pos.Column, p.err)
}

func (p *placed) Unwrap() error { return p.err }

// ParsePlan reads the text of a plan. An error begins with line and column,
// where they are known.
func ParsePlan(b []byte) (*Plan, error) {
	f, err := parser.ParseBytes(b, 0)
	if err != nil {
		return nil, locate(err, "", nil)
	}
	list, err := faultList(f)
	if err != nil {
		return nil, err
	}
	p := &Plan{Faults: []Fault{}}
	for i, node := range list.Values {
		fault, err := parseFault(node)
		if err != nil {
			return nil, locate(err, fmt.Sprintf("faults[%d].", i), node)
		}
		p.Faults = append(p.Faults, fault)
	}
	return p, nil
}

// faultList finds the only thing that a plan has.
func faultList(f *ast.File) (*ast.SequenceNode, error) {
	const want = "faults: expected a list of faults, for example: faults: [{kind: lose, at: charge#1@response}]"
	if len(f.Docs) != 1 || f.Docs[0].Body == nil {
		return nil, errors.New(want)
	}
	for _, field := range fields(f.Docs[0].Body) {
		if key := keyOf(field); key != "faults" {
			return nil, &placed{field.Key.GetToken().Position, fmt.Errorf("%s: unknown field: a plan has faults only", key)}
		}
		if list, ok := field.Value.(*ast.SequenceNode); ok {
			return list, nil
		}
	}
	return nil, &placed{f.Docs[0].Body.GetToken().Position, errors.New(want)}
}

// keyOf is a field's name, also where it is quoted, as in JSON.
func keyOf(field *ast.MappingValueNode) string { return field.Key.GetToken().Value }

func fields(n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}

func parseFault(n ast.Node) (Fault, error) {
	var f Fault
	if len(fields(n)) == 0 {
		return f, errors.New("kind: must be given")
	}
	if err := yaml.NodeToValue(n, &f, yaml.Strict()); err != nil {
		return f, err
	}
	return f, f.Validate()
}

// locate finds the line of an error: where the YAML library saw it, or where the
// field stands that the error names, or else where its fault begins.
func locate(err error, prefix string, n ast.Node) error {
	var ye yaml.Error
	if errors.As(err, &ye) && ye.GetToken() != nil {
		return &placed{ye.GetToken().Position, fmt.Errorf("%s%s", strings.TrimSuffix(prefix, "."), sep(prefix)+ye.GetMessage())}
	}
	at := &placed{err: fmt.Errorf("%s%w", prefix, err)}
	if n == nil {
		return at
	}
	at.pos = n.GetToken().Position
	name, _, _ := strings.Cut(err.Error(), ":")
	if strings.HasPrefix(err.Error(), "bad failure point") {
		name, at.err = "at", fmt.Errorf("%sat: %w", prefix, err)
	}
	for _, field := range fields(n) {
		if keyOf(field) == name {
			at.pos = field.Value.GetToken().Position
		}
	}
	return at
}

func sep(prefix string) string {
	if prefix == "" {
		return ""
	}
	return ": "
}
