package policies

import (
	"fmt"

	"github.com/sagacheck/sagacheck/internal/yamlfile"
)

// MaxFile is how large a file may be, in bytes.
const MaxFile = 1 << 20

// Load reads a file. See Parse.
func Load(path string) (*File, []byte, error) {
	b, err := yamlfile.Read(path, MaxFile)
	if err != nil {
		return nil, nil, fmt.Errorf("policies: %w", err)
	}
	file, err := Parse(path, b)
	return file, b, err
}

// Parse reads a file of policies, YAML or JSON. It is strict: unknown, missing and doubled
// fields, values of another type, numbers out of bounds, names of templates that are not
// there and bindings that disagree are errors. The error joins a yamlfile.Problem for
// each, with file, line, column and field; name is what they call the file.
func Parse(name string, text []byte) (*File, error) {
	f, ps := parse(text)
	if len(ps) > 0 {
		return nil, ps.Of(name).InOrder().Err()
	}
	return f, nil
}

func parse(text []byte) (*File, yamlfile.Problems) {
	f := &File{}
	sh, ps := yamlfile.Decode(text, MaxFile, "a file of policies", f, nil)
	if sh == nil {
		return nil, ps
	}
	return f, sh.Besides(f.problems(sh))
}
