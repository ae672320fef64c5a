package alerts_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/sagacheck/sagacheck/reference/alerts"
)

// ruleFile is the part of a file of rules that the tests look at.
type ruleFile struct {
	Groups []struct {
		Name  string
		Rules []rule
	}
}

type rule struct {
	Alert       string
	For         string
	Labels      map[string]string
	Annotations map[string]string
}

// shipped are the rules as they are printed.
func shipped(t *testing.T) (all []rule) {
	t.Helper()
	var f ruleFile
	if err := yaml.Unmarshal([]byte(alerts.Rules("")), &f); err != nil {
		t.Fatal(err)
	}
	for _, g := range f.Groups {
		all = append(all, g.Rules...)
	}
	if len(all) == 0 {
		t.Fatal("no rules")
	}
	return all
}

// promtool runs Prometheus' own tool on files.
func promtool(t *testing.T, args ...string) (output string, err error) {
	t.Helper()
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Fatalf("%v: scripts/setup.sh installs it", err)
	}
	var b bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "promtool", args...)
	cmd.Stdout, cmd.Stderr = &b, &b
	err = cmd.Run()
	return b.String(), err
}

// write puts a file into a folder.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// changed is the path of a file with other rules.
func changed(t *testing.T, changes func(rule map[string]any)) string {
	t.Helper()
	var f struct {
		Groups []struct {
			Name  string           `yaml:"name"`
			Rules []map[string]any `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.Unmarshal([]byte(alerts.Rules("")), &f); err != nil {
		t.Fatal(err)
	}
	for _, g := range f.Groups {
		for _, r := range g.Rules {
			changes(r)
		}
	}
	text, err := yaml.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, t.TempDir(), "rules.yaml", string(text))
}
