package campaign

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/sagacheck/sagacheck/internal/yamlfile"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/scenarios"
)

// sources are the files of the user's that say what runs: the workflow, or the scenarios and the
// manifest that were given by their paths. What can't be read any more is left out.
func (x *session) sources() []results.Source {
	if x.flow != nil {
		return source(nil, x.flow.file.Name, x.s.Workflow)
	}
	var all []results.Source
	for _, p := range x.s.Scenarios {
		if !isPath(p) {
			continue
		}
		if s, err := scenarios.Load(p); err == nil {
			all = source(all, s.Name, p)
		}
	}
	if o := x.s.Orchestrator; !isURL(o) && (strings.ContainsRune(o, filepath.Separator) || strings.HasSuffix(o, ".yaml")) {
		all = source(all, "", o)
	}
	return all
}

// source adds the file of a scenario.
func source(all []results.Source, scenario, path string) []results.Source {
	b, err := os.ReadFile(path)
	if err != nil {
		return all
	}
	s := results.Source{Scenario: scenario, File: inRepository(path)}
	s.Line, s.Steps = yamlfile.Places(b)
	return append(all, s)
}

// inRepository is a path with slashes, relative to the root of the repository that it lies in, or else to
// the working directory; whole, if it lies in neither.
func inRepository(path string) string {
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
