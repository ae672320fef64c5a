package scenarios

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"reflect"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/sagacheck/sagacheck/internal/yamlfile"
)

// maxFile is how large a scenario file may be, in bytes.
const maxFile = 1 << 20

// Load reads a scenario file of a user. See Parse.
func Load(path string) (*Scenario, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	var b bytes.Buffer
	if _, err := b.ReadFrom(io.LimitReader(f, maxFile+1)); err != nil {
		return nil, fmt.Errorf("scenario %q: %w", path, err)
	}
	return Parse(path, b.Bytes())
}

// Parse reads a scenario. It is strict: unknown, missing and doubled fields,
// values of another type and everything that Validate refuses are errors. The
// error joins a yamlfile.Problem for each, with file, line, column and field; file is the
// name that they show.
func Parse(file string, b []byte) (*Scenario, error) {
	s, ps := parse(b)
	if len(ps) > 0 {
		return nil, ps.Of(file).InOrder().Err()
	}
	return s, nil
}

// unions are the types that are a word or a list in a file.
var unions = map[reflect.Type]yamlfile.Union{
	reflect.TypeFor[Undo](): {List: reflect.TypeFor[[]Change](), Want: "inverse, none or a list of changes"},
}

func parse(b []byte) (*Scenario, yamlfile.Problems) {
	root, ps := yamlfile.Document(b, maxFile, "a scenario")
	if len(ps) > 0 {
		return nil, ps
	}
	sh := yamlfile.NewShape(root, reflect.TypeFor[Scenario](), unions)
	s := &Scenario{Sagas: 1}
	if len(sh.Problems) > 0 {
		return nil, append(sh.Problems, s.rest(sh, root)...)
	}
	text, _ := yamlfile.Text(b)
	if err := yaml.UnmarshalWithOptions(text, s, yaml.Strict()); err != nil {
		return nil, yamlfile.Problems{yamlfile.NotYAML(err)}
	}
	ps = s.problems()
	for _, p := range ps {
		p.At(sh.Place(p.Field))
	}
	return s, ps
}

// rest is what is wrong with a scenario besides its shape, as far as that can be
// told: what fields of another shape should have said is not known.
func (s *Scenario) rest(sh *yamlfile.Shape, root ast.Node) (ps yamlfile.Problems) {
	b, err := json.Marshal(sh.Value(root))
	if err != nil || json.Unmarshal(b, s) != nil {
		return nil // so far off that the shape says all
	}
	for _, p := range s.problems() {
		if p.Field != "" && !sh.Problems.Touches(p.Field) {
			p.At(sh.Place(p.Field))
			ps = append(ps, p)
		}
	}
	return ps
}

// YAML is the scenario as a file; Parse reads it back.
func (s *Scenario) YAML() ([]byte, error) {
	return yaml.MarshalWithOptions(s, yaml.IndentSequence(true))
}
