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
	s := results.Source{Scenario: scenario, File: results.InRepository(path)}
	s.Line, s.Steps = yamlfile.Places(b)
	return append(all, s)
}
