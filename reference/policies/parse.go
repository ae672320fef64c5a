package policies

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

// MaxFile is how large a file may be, in bytes.
const MaxFile = 1 << 20

// Load reads a file. See Parse.
func Load(path string) (*File, []byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("policies: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	var b bytes.Buffer
	if _, err := b.ReadFrom(io.LimitReader(f, MaxFile+1)); err != nil {
		return nil, nil, fmt.Errorf("policies %q: %w", path, err)
	}
	file, err := Parse(path, b.Bytes())
	return file, b.Bytes(), err
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
	root, ps := yamlfile.Document(text, MaxFile, "a file of policies")
	if len(ps) > 0 {
		return nil, ps
	}
	sh := yamlfile.NewShape(root, reflect.TypeFor[File](), nil)
	f := &File{}
	if len(sh.Problems) > 0 {
		return nil, append(sh.Problems, f.rest(sh, root)...)
	}
	text, _ = yamlfile.Text(text)
	if err := yaml.UnmarshalWithOptions(text, f, yaml.Strict()); err != nil {
		return nil, yamlfile.Problems{yamlfile.NotYAML(err)}
	}
	ps = f.problems(sh)
	for _, p := range ps {
		p.At(sh.Place(p.Field))
	}
	return f, ps
}

// rest is what is wrong besides the shape, as far as that can be told.
func (f *File) rest(sh *yamlfile.Shape, root ast.Node) (ps yamlfile.Problems) {
	b, err := json.Marshal(sh.Value(root))
	if err != nil || json.Unmarshal(b, f) != nil {
		return nil // so far off that the shape says all
	}
	for _, p := range f.problems(sh) {
		if p.Field != "" && !sh.Problems.Touches(p.Field) {
			p.At(sh.Place(p.Field))
			ps = append(ps, p)
		}
	}
	return ps
}
