package results

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Schema is the JSON Schema of report.json, generated from the types of this
// package (go test ./results -update).
//
//go:embed report.schema.json
var Schema []byte

// WriteJSON writes report.json; LoadRun reads it.
func (r *Run) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// LoadRun is LoadReport with the replay files of the failures.
func LoadRun(path string) (*Run, error) {
	r, err := LoadReport(path)
	if err != nil {
		return nil, err
	}
	if err := r.loadReplays("failures", r.Failures); err != nil {
		return nil, err
	}
	return r, r.loadReplays("beside", r.Beside)
}

// loadReplays reads the replay files of a list of the report.
func (r *Run) loadReplays(name string, list []Failure) (err error) {
	for i := range list {
		f := &list[i]
		if f.File == "" {
			continue
		}
		if f.Replay, err = LoadReplay(filepath.Join(r.Dir, f.File)); err != nil {
			return fmt.Errorf("%s: %s[%d]: %w", filepath.Join(r.Dir, JSONFile), name, i, err)
		}
	}
	return nil
}

// LoadReport reads the report.json in a run's folder, in the last run of a folder of
// --out, or that file itself, strictly. A run that never ended is ErrUnfinished, and so is the
// last one of a folder where a later one did not. A report that lacks a field or contradicts itself is refused.
func LoadReport(path string) (*Run, error) {
	dir := filepath.Dir(path)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if dir, err = reportDir(path); err != nil {
			return nil, err
		}
		path = filepath.Join(dir, JSONFile)
	}
	if err := errors.Join(Overtaken(dir), unfinished(dir)); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("no report there: %w", err)
	}
	r, err := decodeRun(b)
	if err == nil {
		err = cmp.Or(complete(b), r.consistent())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r.Dir = dir
	return r, nil
}

// reportDir is the folder with the report: dir, or the last run in it.
func reportDir(dir string) (string, error) {
	for _, d := range []string{dir, filepath.Join(dir, LatestLink)} {
		if _, err := os.Stat(filepath.Join(d, JSONFile)); err == nil {
			return d, nil
		}
		if err := unfinished(d); err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("%s: no report there: expected the folder of a run, with %s, or a folder of --out, with %s/%s",
		dir, JSONFile, LatestLink, JSONFile)
}

func decodeRun(b []byte) (*Run, error) {
	var head struct {
		Version int `json:"sagacheck_report"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, fmt.Errorf("expected %s, or the folder of a run, which has it: %w", JSONFile, err)
	}
	if head.Version != Version {
		return nil, fmt.Errorf("sagacheck_report: version %d: this sagacheck reads version %d", head.Version, Version)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var r Run
	if err := dec.Decode(&r); err != nil {
		return nil, err
	}
	return &r, nil
}
