package scenarios

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxFile is how large a scenario file may be, in bytes.
const maxFile = 1 << 20

// Load reads a scenario file of a user. See Parse.
func Load(path string) (*Scenario, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	defer f.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(io.LimitReader(f, maxFile+1)); err != nil {
		return nil, fmt.Errorf("scenario %q: %w", path, err)
	}
	return Parse(path, b.Bytes())
}

// Parse reads a scenario. It is strict: unknown, missing and doubled fields,
// values of another type and everything that Validate refuses are errors. The
// error joins a Problem for each, with file, line, column and field; file is the
// name that they show.
func Parse(file string, b []byte) (*Scenario, error) {
	s, ps := parse(b)
	for _, p := range ps {
		p.File = file
	}
	if len(ps) > 0 {
		return nil, ps.err()
	}
	return s, nil
}

func parse(b []byte) (*Scenario, problems) {
	root, ps := document(b)
	if len(ps) > 0 {
		return nil, ps
	}
	sh := &shape{places: map[string]*token.Position{}}
	sh.check(root, reflect.TypeFor[Scenario](), "")
	if len(sh.problems) > 0 {
		return nil, inOrder(sh.problems)
	}
	s := &Scenario{Sagas: 1}
	if err := yaml.UnmarshalWithOptions(b, s, yaml.Strict()); err != nil {
		return nil, problems{yamlProblem(err)}
	}
	ps = s.problems()
	for _, p := range ps {
		p.at(sh.place(p.Field))
	}
	return s, inOrder(ps)
}

// document is the root of the only document of a file.
func document(b []byte) (ast.Node, problems) {
	if len(b) > maxFile {
		return nil, problems{{Reason: fmt.Sprintf("the file is too large: expected at most %d bytes", maxFile)}}
	}
	f, err := parser.ParseBytes(b, 0)
	if err != nil {
		return nil, problems{yamlProblem(err)}
	}
	switch {
	case len(f.Docs) == 0 || f.Docs[0].Body == nil:
		return nil, problems{{Line: 1, Column: 1, Reason: "the file is empty: expected a scenario"}}
	case len(f.Docs) > 1:
		return nil, problems{{Line: 1, Column: 1, Reason: fmt.Sprintf("the file has %d documents: expected one scenario", len(f.Docs))}}
	}
	return f.Docs[0].Body, nil
}

// yamlProblem takes the place from an error of the YAML library.
func yamlProblem(err error) *Problem {
	var ye yaml.Error
	if !errors.As(err, &ye) {
		return &Problem{Reason: err.Error()}
	}
	p := &Problem{Reason: "not YAML: " + ye.GetMessage()}
	if t := ye.GetToken(); t != nil {
		p.at(t.Position)
	}
	return p
}

// inOrder sorts problems by their place in the file.
func inOrder(ps problems) problems {
	slices.SortStableFunc(ps, func(a, b *Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return ps
}

// YAML is the scenario as a file; Parse reads it back.
func (s *Scenario) YAML() ([]byte, error) {
	return yaml.MarshalWithOptions(s, yaml.IndentSequence(true))
}
