package yamlfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"syscall"

	"github.com/goccy/go-yaml"
)

// Read reads a file, and no more of it than shows that it is too large.
func Read(path string, most int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	var b bytes.Buffer
	_, err = b.ReadFrom(io.LimitReader(f, int64(most)+1))
	if errors.Is(err, syscall.EISDIR) {
		err = fmt.Errorf("%s: is a folder: expected a file", path)
	}
	return b.Bytes(), err
}

// Decode reads the only document of a file into a value, strictly; what says what the file
// should hold. Where it has not the shape that is expected, the value gets what has, so that
// its other mistakes can be named at once (Besides). The shape is nil where it is so far off
// that the problems say all.
func Decode(b []byte, most int, what string, into any, unions map[reflect.Type]Union) (*Shape, Problems) {
	root, ps := Document(b, most, what)
	if len(ps) > 0 {
		return nil, ps
	}
	sh := NewShape(root, reflect.TypeOf(into).Elem(), unions)
	if len(sh.Problems) > 0 {
		rest, err := json.Marshal(sh.Value(root))
		if err != nil || json.Unmarshal(rest, into) != nil {
			return nil, sh.Problems
		}
		return sh, sh.Problems
	}
	text, _ := Text(b)
	if err := yaml.UnmarshalWithOptions(text, into, yaml.Strict()); err != nil {
		return nil, Problems{NotYAML(err)}
	}
	return sh, nil
}

// Besides adds to the problems of the shape what else is wrong, in its place. What fields of
// another shape should have said is not known.
func (sh *Shape) Besides(ps Problems) Problems {
	all := sh.Problems
	for _, p := range ps {
		if !sh.Problems.Touches(p.Field) {
			p.At(sh.Place(p.Field))
			all = append(all, p)
		}
	}
	return all
}
