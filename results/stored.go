package results

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/words"
)

// Stored is what can be judged again: the cells that the records of runs name, and
// histories that belong to no run.
type Stored struct {
	Cells []StoredCell
	runs  []storedRun
	loose int // histories of no run
	notes []string
}

// Properties are those that the runs were to judge; nil: there are histories of no run, or of runs that differ.
func (s *Stored) Properties() []string {
	if s.loose > 0 || len(s.runs) == 0 {
		return nil
	}
	first := s.runs[0].manifest.Properties
	if slices.ContainsFunc(s.runs, func(r storedRun) bool { return !slices.Equal(r.manifest.Properties, first) }) {
		return nil
	}
	return first
}

// StoredCell is a history, or the trouble in its place. Its CellInfo is empty if it
// belongs to no run.
type StoredCell struct {
	Info   CellInfo
	File   string
	Failed string
	record string // file and line that name it
}

// storedRun is the folder of a run.
type storedRun struct {
	dir      string
	manifest *Manifest
	counted  int      // cells, but for repeated tries
	gone     []string // histories that the record names and that are not there
	notKept  int      // cells that passed, whose histories were let go
	apart    int      // histories that belong to no cell of the run
	failed   bool     // a cell did
}

// FindStored finds the runs and the histories under the given files and folders.
func FindStored(paths []string) (*Stored, error) {
	s := &Stored{}
	for _, path := range paths {
		real, err := filepath.EvalSymlinks(path)
		if errors.Is(err, fs.ErrNotExist) && filepath.Base(path) == LatestLink {
			return nil, fmt.Errorf("%s: no run has come to its end there: expected the folder of one%s", path, lastUnended(filepath.Dir(path)))
		}
		if err != nil {
			return nil, err
		}
		info, err := os.Stat(real)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			if err := s.addLoose(real); err != nil {
				return nil, err
			}
			continue
		}
		if err := Overtaken(path); err != nil {
			s.notes = append(s.notes, "not judged: "+err.Error())
		}
		before, runs := len(s.Cells), len(s.runs)
		if err := s.walk(real, map[string]bool{}); err != nil {
			return nil, err
		}
		if len(s.Cells) == before && len(s.runs) == runs {
			return nil, fmt.Errorf("%s: no history in it: expected files that end in %s", path, history.Extension)
		}
	}
	return s, nil
}

// lastUnended names the last run of a folder that has not come to its end; empty: there is none.
func lastUnended(out string) string {
	runs, err := filepath.Glob(filepath.Join(out, "*-*", ManifestFile))
	if err != nil || len(runs) == 0 {
		return ""
	}
	return ", such as " + filepath.Dir(slices.Max(runs))
}

// addRun takes the cells that a run's record names.
func (s *Stored) addRun(dir string) error {
	m, err := LoadManifest(dir)
	if err != nil {
		return err
	}
	cells, err := LoadCells(dir)
	if err != nil {
		return err
	}
	run := storedRun{dir: dir, manifest: m}
	named, record := map[string]bool{}, filepath.Join(dir, CellsFile)
	if err := eachOnce(record, cells); err != nil {
		return err
	}
	for i, c := range cells {
		if c.NotKept {
			run.notKept++
			if !c.Again {
				run.counted++
			}
			continue
		}
		file := c.History
		if file != "" && !filepath.IsAbs(file) {
			file = filepath.Join(dir, file)
		}
		named[file] = true
		run.failed = run.failed || c.Error != ""
		info, err := os.Stat(file)
		switch {
		case c.Error == "" && err == nil && !info.Mode().IsRegular():
			return irregular(file)
		case c.Error == "" && errors.Is(err, fs.ErrNotExist):
			run.gone = append(run.gone, file)
			continue
		case c.Error == "" && err != nil:
			return err
		case !c.Again:
			run.counted++
		}
		s.Cells = append(s.Cells, StoredCell{File: file, Failed: c.Error, record: fmt.Sprintf("%s:%d", record, i+1), Info: CellInfo{
			ID: c.ID, Scenario: c.Scenario, PlanID: c.PlanID, Plan: c.Plan, Faults: c.PlanFaults, Probe: c.Probe, Again: c.Again, Alone: c.Alone,
		}})
	}
	stored, err := filepath.Glob(filepath.Join(dir, HistoriesDir, "*"+history.Extension))
	if err != nil {
		return err
	}
	run.apart = len(slices.DeleteFunc(stored, func(file string) bool { return named[file] }))
	s.runs = append(s.runs, run)
	return nil
}

// Meta is what all the runs have in common; what differs is left empty.
func (s *Stored) Meta() Meta {
	if len(s.runs) == 0 || s.loose > 0 {
		return Meta{}
	}
	first := s.runs[0].manifest
	m := Meta{Seed: first.Seed, System: first.System, Sources: first.Sources, Clause: first.Clause}
	for _, r := range s.runs[1:] {
		if r.manifest.Seed != m.Seed {
			m.Seed = 0
		}
		if r.manifest.System != m.System {
			m.System = System{}
		}
		if r.manifest.Clause != m.Clause {
			m.Clause = ""
		}
	}
	return m
}

// Tell tells a collector what the runs were to do, what of it is missing, and what went wrong outside
// of their cells. What lies beside them, or beside their cells, and is not counted is returned, a note each.
func (s *Stored) Tell(c *Collector) []string {
	notes := slices.Clone(s.notes)
	for _, r := range s.runs {
		c.Planned(r.manifest.Planned - r.manifest.Alone)
		c.PlannedAlone(r.manifest.Alone)
		if why := r.manifest.Unfinished(r.counted); why != "" {
			c.Unfinished(r.dir + ": " + why)
		} else {
			r.tellEnd(c)
		}
		if n := len(r.gone); n > 0 {
			c.Unfinished(fmt.Sprintf("%s: %d of the histories that its record names are gone, the first: %s", r.dir, n, r.gone[0]))
		}
		if r.notKept > 0 {
			c.Unfinished(fmt.Sprintf("%s: %s that passed can't be judged again: their histories were not kept (--keep)", r.dir, words.Plural(r.notKept, "cell")))
		}
		if r.apart > 0 {
			notes = append(notes, fmt.Sprintf("%s: %d more histories belong to no planned cell (replays while shrinking, speeds, cells cut off at the end): not counted", r.dir, r.apart))
		}
	}
	if s.loose > 0 && len(s.runs) > 0 {
		c.Planned(s.loose)
	}
	return notes
}

// tellEnd tells what kept a run that has ended from being whole.
func (r storedRun) tellEnd(c *Collector) {
	end := r.manifest.Ended
	for _, n := range end.LeftOut {
		c.LeftOut(n.Reason, n.Plans)
	}
	if end.Outcome == Interrupted {
		c.Unfinished(r.dir + ": it was interrupted: only what had run is there")
	}
	for _, why := range end.troubles(r.failed) {
		c.AddError(CellInfo{}, fmt.Errorf("%s: %s", r.dir, why))
	}
}

// Histories are the cells that have one.
func (s *Stored) Histories() []StoredCell {
	return slices.DeleteFunc(slices.Clone(s.Cells), func(c StoredCell) bool { return c.Failed != "" })
}
