package workflows

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
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
		return nil, fmt.Errorf("%s: there is no such file: sagacheck init writes a first one, sagacheck learn one from what a workflow does", file)
	}
	if err != nil {
		return nil, err
	}
	return Parse(file, b)
}

// Parse is Load of a text; its paths are relative to the file.
func Parse(file string, b []byte) (*Workflow, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	w, ps := decode(b, filepath.Dir(abs))
	if len(ps) > 0 {
		return nil, ps.Of(file).InOrder().Err()
	}
	return w, nil
}

// decode reads a file whose paths are relative to a folder.
func decode(b []byte, dir string) (*Workflow, yamlfile.Problems) {
	root, ps := yamlfile.Document(b, maxFile, "a workflow")
	if len(ps) > 0 {
		return nil, ps
	}
	sh := yamlfile.NewShape(root, reflect.TypeFor[Workflow](), nil)
	var w Workflow
	if len(sh.Problems) > 0 {
		// What has the shape expected is checked too, so that all mistakes are named at once.
		rest, err := json.Marshal(sh.Value(root))
		if err != nil || json.Unmarshal(rest, &w) != nil {
			return nil, sh.Problems // so far off that the shape says all
		}
	} else {
		text, _ := yamlfile.Text(b)
		if err := yaml.UnmarshalWithOptions(text, &w, yaml.Strict()); err != nil {
			return nil, yamlfile.Problems{yamlfile.NotYAML(err)}
		}
	}
	w.dir = dir
	c := compiler{w: &w, shape: sh.Problems, digest: sha256.New()}
	c.digest.Write(b)
	c.compile()
	w.digest = hex.EncodeToString(c.digest.Sum(nil)[:8])
	all := sh.Problems
	for _, p := range c.problems {
		if !sh.Problems.Touches(p.Field) {
			p.At(sh.Place(p.Field))
			all = append(all, p)
		}
	}
	return &w, all
}
