package campaign

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/results"
)

// content is what a session is to run, by what it holds: shards of one run have the
// same, whatever their files are called.
func (x *session) content() results.Content {
	c := results.Content{Scenarios: map[string]string{}, Settings: map[string]string{
		"scale":  fmt.Sprint(x.s.Scale),
		"settle": x.s.Settle.String(),
		"quiet":  x.s.Quiet.String(),
		"defect": strings.Join(slices.Sorted(slices.Values(x.s.Defects)), ","),
	}}
	for _, s := range x.subjects() {
		c.Scenarios[s.Name] = s.digest()
	}
	if x.flow != nil {
		for _, s := range x.flow.steps {
			c.Settings["wait for "+s.Name] = s.Action.Retry.AttemptTimeout().String()
		}
	}
	return c
}

// reached says how the system under test is reached.
func (x *session) reached() (results.System, error) {
	if x.flow == nil {
		return reached(x.s.Orchestrator)
	}
	name, err := filepath.Abs(x.s.Workflow)
	return results.System{By: results.ByWorkflow, Name: name, Digest: x.flow.file.Digest()}, err
}

// reached says how --orchestrator reaches the system under test. A manifest by path
// is named by its whole path, so that a replay finds it from any folder.
func reached(name string) (results.System, error) {
	switch {
	case name == Reference:
		return results.System{By: results.BuiltIn, Name: name}, nil
	case isURL(name):
		return results.System{By: results.ByURL, Name: name}, nil
	}
	m, err := orchestrators.FindManifest(name)
	if err != nil {
		return results.System{}, err
	}
	s := results.System{By: results.ByManifest, Name: name, Digest: fingerprint(m)}
	if strings.ContainsRune(name, filepath.Separator) || strings.HasSuffix(name, ".yaml") {
		s.Name, err = filepath.Abs(name)
	}
	return s, err
}

// checkOrchestrator says what is wrong with a value of --orchestrator, before
// anything is started.
func checkOrchestrator(name string) error {
	err := orchestrators.CheckName(name)
	if err == nil && name != Reference && !isURL(name) {
		_, err = orchestrators.FindManifest(name)
	}
	if err != nil {
		return usage(fmt.Errorf("--orchestrator: %w", err))
	}
	return nil
}

func isURL(name string) bool {
	return strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://")
}
