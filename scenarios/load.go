package scenarios

import (
	"fmt"
	"reflect"

	"github.com/goccy/go-yaml"

	"github.com/sagacheck/sagacheck/internal/yamlfile"
)

// maxFile is how large a scenario file may be, in bytes.
const maxFile = 1 << 20

// Load reads a scenario file of a user. See Parse.
func Load(path string) (*Scenario, error) {
	b, err := yamlfile.Read(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	return Parse(path, b)
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
	s := &Scenario{Sagas: 1}
	sh, ps := yamlfile.Decode(b, maxFile, "a scenario", s, unions)
	if sh == nil {
		return nil, ps
	}
	return s, sh.Besides(s.problems())
}

// YAML is the scenario as a file; Parse reads it back.
func (s *Scenario) YAML() ([]byte, error) {
	return yaml.MarshalWithOptions(s, yaml.IndentSequence(true))
}
