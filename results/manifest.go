package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/words"
)

// The record of a run in its folder: what it is to do, and what it has done.
const (
	ManifestFile = "run.json"    // written before the first cell, and marked at the end
	CellsFile    = "cells.jsonl" // a line for each cell as soon as it is judged
)

// ManifestVersion is the version of run.json. Another version is refused.
const ManifestVersion = 1

// Manifest says what a run was to do. Without Ended it was killed, or still runs.
type Manifest struct {
	Version      int                  `json:"sagacheck_run"`
	Tool         string               `json:"tool"`
	Command      string               `json:"command"`
	Started      time.Time            `json:"started"`
	Seed         uint64               `json:"seed"`
	Orchestrator history.Orchestrator `json:"orchestrator"`
	System       System               `json:"system"`
	Profile      string               `json:"profile"`
	Shard        *Shard               `json:"shard,omitempty"`
	Sources      []Source             `json:"sources,omitempty"`
	Clause       string               `json:"clause,omitempty"`
	Properties   []string             `json:"properties"`
	Content      Content              `json:"content"`
	// Planned is the cells to run as far as they were known: an exploration plans
	// more as it goes on.
	Planned int  `json:"planned"`
	Alone   int  `json:"alone,omitempty"` // of them, once more and alone
	Ended   *End `json:"ended,omitempty"`
}

// End marks that a run has ended by itself.
type End struct {
	At      time.Time `json:"at"`
	Outcome State     `json:"outcome"`
	Exit    int       `json:"exit"`
	Cells   int       `json:"cells"`
	LeftOut []NotRun  `json:"left_out,omitempty"`
	// Errors are troubles of the run as a whole, which no history shows.
	Errors []string `json:"errors,omitempty"`
}

// troubles are those of the run as a whole; failed: a cell of it did, and says so itself.
func (e *End) troubles(failed bool) []string {
	if e.Outcome == Errored && len(e.Errors) == 0 && !failed {
		return []string{"it ended with an error that its record does not tell"}
	}
	return e.Errors
}

// LoadManifest reads the manifest in a run's folder, strictly; a folder without one
// is fs.ErrNotExist.
func LoadManifest(dir string) (*Manifest, error) {
	path := filepath.Join(dir, ManifestFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var head struct {
		Version int `json:"sagacheck_run"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if head.Version != ManifestVersion {
		return nil, fmt.Errorf("%s: sagacheck_run: version %d: this sagacheck reads version %d", path, head.Version, ManifestVersion)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var m Manifest
	if err := dec.Decode(&m); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &m, nil
}

// Unfinished says what is missing of a run without an end mark, which has so many
// cells; empty: it has ended.
func (m *Manifest) Unfinished(cells int) string {
	if m.Ended != nil {
		return ""
	}
	return fmt.Sprintf("unfinished: the run was killed, or still runs: %d of %s are there", cells, words.Plural(m.Planned, "planned cell"))
}

// ErrUnfinished is a run without a report that counts, since it never ended.
var ErrUnfinished = errors.New("no report")

// unfinished says that the run of a folder never ended, by its record, whatever reports lie beside that: they are
// written before the end is marked. A folder without a record, such as that of check, has nothing to mark.
func unfinished(dir string) error {
	m, err := LoadManifest(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && m.Ended != nil {
		return nil
	}
	if err != nil {
		return err
	}
	n := 0
	cells, err := LoadCells(dir)
	for _, c := range cells {
		if !c.Again {
			n++
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fmt.Errorf("%s: %s: %w; sagacheck check judges what is there", dir, m.Unfinished(n), ErrUnfinished)
}
