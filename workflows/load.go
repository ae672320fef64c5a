package workflows

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/sagacheck/sagacheck/internal/yamlfile"
)

// maxFile bounds the bytes of a file.
const maxFile = 1 << 20

// Load reads and checks a workflow's file. An error names every mistake with its file,
// line and field.
func Load(file string) (*Workflow, error) {
	b, err := yamlfile.Read(file, maxFile)
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
	var w Workflow
	sh, ps := yamlfile.Decode(b, maxFile, "a workflow", &w, nil)
	if sh == nil {
		return nil, ps
	}
	w.dir = dir
	c := compiler{w: &w, shape: sh.Problems, digest: sha256.New()}
	c.digest.Write(b)
	c.compile()
	w.digest = hex.EncodeToString(c.digest.Sum(nil)[:8])
	return &w, sh.Besides(c.problems)
}
