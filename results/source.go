package results

import (
	"cmp"
	"os"
	"path/filepath"

	"github.com/sagacheck/sagacheck/saga"
)

// Source is a file of the user's that says what ran: a scenario, a workflow, or the manifest of
// an orchestrator. What is found is shown at its lines, where a reader has it before them.
type Source struct {
	Scenario string         `json:"scenario,omitempty"` // empty: all that have no file of their own
	File     string         `json:"file"`               // with slashes, relative to the root of its repository, or to where the run began
	Line     int            `json:"line"`               // where it begins, from 1
	Steps    map[string]int `json:"steps,omitempty"`    // the line of each step
}

// Place is where a reader finds what is wrong with a step of a scenario, in either direction (empty: with the
// scenario). An empty file: it is none of the user's.
func (r *Run) Place(scenario, step string) (file string, line int) {
	var general Source
	for _, s := range r.Sources {
		switch s.Scenario {
		case scenario:
			name, _ := saga.CutCallback(saga.CutRef(step).Step)
			name, _ = saga.CutInstance(name)
			return s.File, cmp.Or(s.Steps[name], s.Line, 1)
		case "":
			general = s
		}
	}
	return general.File, cmp.Or(general.Line, 1)
}

// InRepository is a path with slashes, relative to the root of the repository that it lies in, or else to
// the working directory; whole, if it lies in neither.
func InRepository(path string) string {
	whole, err := filepath.Abs(path)
	if err != nil {
		return filepath.ToSlash(path)
	}
	for root := filepath.Dir(whole); ; root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, ".git")); err == nil {
			return below(root, whole)
		}
		if root == filepath.Dir(root) {
			break
		}
	}
	if wd, err := os.Getwd(); err == nil {
		return below(wd, whole)
	}
	return filepath.ToSlash(whole)
}

// below is a whole path, relative to a folder if it lies in it.
func below(root, whole string) string {
	if rel, err := filepath.Rel(root, whole); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return filepath.ToSlash(whole)
}
