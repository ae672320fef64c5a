package results

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Trend is what runs found over time.
type Trend struct {
	Runs     []TrendRun     `json:"runs"`     // the oldest first
	Findings []TrendFinding `json:"findings"` // those of the last runs first
	// LeftOut are folders that are no part of it, and why.
	LeftOut []string `json:"left_out"`
}

// TrendRun is a run, or the trouble in its place.
type TrendRun struct {
	RunLine
	Trouble string `json:"trouble,omitempty"` // why its report can't be read
}

// TrendFinding is a finding over time.
type TrendFinding struct {
	Key
	Orchestrator string    `json:"orchestrator"`
	ID           string    `json:"id"`
	First        time.Time `json:"first_seen"`
	Last         time.Time `json:"last_seen"`
	Runs         int       `json:"runs"` // that showed it
	// Asked are the runs since it was first seen that could show it: they ran its plan, without other faults, and
	// judged the property there.
	Asked int `json:"asked"`
	// Open: the last run that asked for it showed it.
	Open bool `json:"open"`
}

// LoadTrend reads the runs in a folder, at any depth. Replays and runs that were judged again are
// left out, since their cells are those of other runs, and so are kill matrices and comparisons. A
// run that never ended, or whose report can't be read, is listed with the trouble. No run at all is an error.
func LoadTrend(dir string) (*Trend, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, err
	}
	t := &Trend{Runs: []TrendRun{}, Findings: []TrendFinding{}, LeftOut: []string{}}
	var runs []*Run
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() != JSONFile && e.Name() != ManifestFile {
			return err
		}
		if r := t.take(filepath.Dir(path), e.Name()); r != nil {
			runs = append(runs, r)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(t.Runs) == 0 {
		return nil, fmt.Errorf("%s: no run in it: expected folders with %s%s", dir, JSONFile, because(t.LeftOut))
	}
	slices.SortStableFunc(t.Runs, func(a, b TrendRun) int { return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.Dir, b.Dir)) })
	slices.SortStableFunc(runs, func(a, b *Run) int { return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.Dir, b.Dir)) })
	t.follow(runs)
	return t, nil
}

func because(leftOut []string) string {
	if len(leftOut) == 0 {
		return ""
	}
	return "; left out: " + strings.Join(leftOut, ", ")
}

// take reads one run by its report, or says of its record that it has none.
func (t *Trend) take(dir, file string) *Run {
	if file == ManifestFile {
		m, err := LoadManifest(dir)
		if _, missing := os.Stat(filepath.Join(dir, JSONFile)); missing == nil {
			return nil // told by its report
		}
		line := TrendRun{RunLine: RunLine{Dir: dir}, Trouble: "never ended: killed, or it still runs"}
		if err != nil {
			line.Trouble = err.Error()
		} else {
			line.Started, line.Command, line.Participants, line.Seed = m.Started, m.Command, m.Profile, m.Seed
			line.Orchestrator = strings.TrimSpace(m.Orchestrator.Name + " " + m.Orchestrator.Version)
		}
		t.Runs = append(t.Runs, line)
		return nil
	}
	r, err := LoadReport(filepath.Join(dir, file))
	if err != nil {
		t.Runs = append(t.Runs, TrendRun{RunLine: RunLine{Dir: dir}, Trouble: err.Error()})
		return nil
	}
	why := ""
	switch command, _, _ := strings.Cut(r.Command, " "); {
	case command == "replay" || command == "check":
		why = "cells of another run"
	case r.Mutants != nil:
		why = "a kill matrix"
	case r.Comparison != nil:
		why = "a comparison of engines"
	}
	if why != "" {
		t.LeftOut = append(t.LeftOut, dir+" ("+why+")")
		return nil
	}
	t.Runs = append(t.Runs, TrendRun{RunLine: r.Line()})
	return r
}

// follow gathers the findings of runs in order of time, each by its smallest plan over all runs of the same
// orchestrator: what another one does says nothing of it.
func (t *Trend) follow(runs []*Run) {
	of := map[string][]*Run{}
	for _, r := range runs {
		of[r.Orchestrator.Name] = append(of[r.Orchestrator.Name], r)
	}
	for name, own := range of {
		t.followOne(name, own)
	}
	slices.SortStableFunc(t.Findings, func(a, b TrendFinding) int {
		return cmp.Or(b.Last.Compare(a.Last), a.First.Compare(b.First), cmp.Compare(a.Orchestrator, b.Orchestrator), a.Compare(b.Key))
	})
}

func (t *Trend) followOne(orchestrator string, runs []*Run) {
	var all []Finding
	shown, ran := make([][]Finding, len(runs)), make([]struck, len(runs))
	for i, r := range runs {
		shown[i], ran[i] = r.Shown(), r.struck()
		all = append(all, shown[i]...)
	}
	for _, f := range smallest(all) {
		x := TrendFinding{Key: f.Key, Orchestrator: orchestrator, ID: f.ID()}
		for i, r := range runs {
			seen := slices.ContainsFunc(shown[i], f.Explains)
			if !seen && (r.Profile != f.Participants || ran[i].unasked(f, []string{f.Property}) != "") {
				continue // it did not ask
			}
			if x.Open = seen; seen {
				if x.Runs == 0 {
					x.First = r.Started
				}
				x.Last = r.Started
				x.Runs++
			}
			if x.Runs > 0 {
				x.Asked++
			}
		}
		t.Findings = append(t.Findings, x)
	}
}
