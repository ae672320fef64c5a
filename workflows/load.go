package workflows

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"

	"github.com/goccy/go-yaml"

	"github.com/sagacheck/sagacheck/internal/yamlfile"
)

// maxFile bounds the bytes of a file.
const maxFile = 1 << 20

// Load reads and checks a workflow's file. An error names every mistake with its file,
// line and field.
func Load(file string) (*Workflow, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: there is no such file: sagacheck init writes a first one", file)
	}
	if err != nil {
		return nil, err
	}
	return Parse(file, b)
}

// Parse is Load of a text; its paths are relative to the file.
func Parse(file string, b []byte) (*Workflow, error) {
	w, ps := decode(b)
	if len(ps) > 0 {
		return nil, ps.Of(file).InOrder().Err()
	}
	abs, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b)
	w.dir, w.digest = filepath.Dir(abs), hex.EncodeToString(sum[:8])
	return w, nil
}

func decode(b []byte) (*Workflow, yamlfile.Problems) {
	root, ps := yamlfile.Document(b, maxFile, "a workflow")
	if len(ps) > 0 {
		return nil, ps
	}
	sh := yamlfile.NewShape(root, reflect.TypeFor[Workflow](), nil)
	if len(sh.Problems) > 0 {
		return nil, sh.Problems
	}
	var w Workflow
	text, _ := yamlfile.Text(b)
	if err := yaml.UnmarshalWithOptions(text, &w, yaml.Strict()); err != nil {
		return nil, yamlfile.Problems{yamlfile.NotYAML(err)}
	}
	c := compiler{w: &w}
	c.compile()
	for _, p := range c.problems {
		p.At(sh.Place(p.Field))
	}
	return &w, c.problems
}
