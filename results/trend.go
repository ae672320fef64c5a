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
	past := make([]followed, len(runs))
	for i, r := range runs {
		past[i] = followed{r, r.Shown(), r.struck()}
		all = append(all, past[i].shown...)
	}
	list := smallest(all)
	for more := untold(past, list); len(more) > 0; more = untold(past, list) {
		list = append(list, smallest(more)...)
	}
	for _, f := range list {
		x := TrendFinding{Key: f.Key, Orchestrator: orchestrator, ID: f.ID()}
		for _, run := range past {
			seen := slices.ContainsFunc(run.shown, func(o Finding) bool { return run.tells(f, o) })
			if !seen && !run.asks(f) {
				continue
			}
			if x.Open = seen; seen {
				if x.Runs == 0 {
					x.First = run.Started
				}
				x.Last = run.Started
				x.Runs++
			}
			if x.Runs > 0 {
				x.Asked++
			}
		}
		t.Findings = append(t.Findings, x)
	}
}

// followed is a run with what it showed.
type followed struct {
	*Run
	shown []Finding
	ran   struck
}

// asks tells whether the run could show a finding by its own plan.
func (r followed) asks(f Finding) bool {
	return r.Profile == f.Participants && r.ran.unasked(f, []string{f.Property}) == ""
}

// tells tells whether f is seen where the run showed o: that broke f's property too, with f's plan, or with one that holds
// it, unless the run tried f's own plan as well.
func (r followed) tells(f, o Finding) bool {
	return slices.Contains(o.broken(), f.Property) && f.beside(o) && (f.Plan == o.Plan || !r.asks(f))
}

// untold are the properties that runs showed broken and of which none of a list of findings that are seen there says
// anything: what was once broken beside another property may outlast that.
func untold(runs []followed, list []Finding) (out []Finding) {
	for _, r := range runs {
		for _, o := range r.shown {
			open := o.broken()
			for _, f := range list {
				if r.tells(f, o) {
					open = without(open, f.broken())
				}
			}
			if len(open) > 0 {
				o.Property, o.Also = open[0], open[1:]
				out = append(out, o)
			}
		}
	}
	return out
}
