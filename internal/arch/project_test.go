package arch

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../..", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Each direct dependency has a reason in CONTRIBUTING.md, and each reason its dependency.
func TestDependenciesHaveReasons(t *testing.T) {
	_, table, _ := strings.Cut(read(t, "CONTRIBUTING.md"), "| module | what for |")
	var direct, reasons []string
	for line := range strings.Lines(read(t, "go.mod")) {
		if words := strings.Fields(line); strings.HasPrefix(line, "\t") && len(words) == 2 {
			direct = append(direct, words[0])
		}
	}
	for row := range strings.Lines(table) {
		for i, word := range strings.Split(strings.SplitN(row+"||", "|", 3)[1], "`") {
			if i%2 == 1 {
				reasons = append(reasons, word)
			}
		}
	}
	slices.Sort(direct)
	slices.Sort(reasons)
	if len(direct) == 0 || !slices.Equal(direct, reasons) {
		t.Errorf("go.mod requires\n%q, and CONTRIBUTING.md has reasons for\n%q", direct, reasons)
	}
}

// Files for the place where the code is kept are YAML, and the workflow does what everybody does.
func TestWorkflowRunsTheCommonScript(t *testing.T) {
	err := filepath.WalkDir("../../.github", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var content map[string]any
		if err := yaml.UnmarshalWithOptions(b, &content, yaml.Strict()); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var workflow struct {
		Jobs map[string]struct{ Steps []struct{ Run string } }
	}
	if err := yaml.Unmarshal([]byte(read(t, ".github/workflows/ci.yml")), &workflow); err != nil {
		t.Fatal(err)
	}
	var commands []string
	for _, job := range workflow.Jobs {
		for _, s := range job.Steps {
			if s.Run != "" {
				commands = append(commands, s.Run)
			}
		}
	}
	if !slices.Equal(commands, []string{".ci/run"}) {
		t.Errorf("the workflow runs %q: expected .ci/run and nothing else", commands)
	}
}

// A release is made of what the common script has passed, by the script that anybody can try.
func TestReleaseIsCheckedFirst(t *testing.T) {
	var workflow struct {
		Jobs map[string]struct {
			Uses  string
			Needs string
			Steps []struct{ Run string }
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, ".github/workflows/release.yml")), &workflow); err != nil {
		t.Fatal(err)
	}
	release := workflow.Jobs["release"]
	if checked := workflow.Jobs[release.Needs].Uses; checked != "./.github/workflows/ci.yml" {
		t.Errorf("the release needs the job %q, which uses %q: expected ci.yml", release.Needs, checked)
	}
	var commands []string
	for _, s := range release.Steps {
		if s.Run != "" {
			commands = append(commands, s.Run)
		}
	}
	if !slices.Equal(commands, []string{"scripts/release.sh"}) {
		t.Errorf("the release runs %q: expected scripts/release.sh, as make release-check does", commands)
	}
	if target := read(t, "Makefile"); !strings.Contains(target, "scripts/release.sh --snapshot") {
		t.Error("make release-check does not try scripts/release.sh")
	}
}

// Every folder with dependencies of its own is among those whose updates are looked for.
func TestUpdatesAreLookedForEverywhere(t *testing.T) {
	var config struct {
		Updates []struct {
			Ecosystem   string `yaml:"package-ecosystem"`
			Directory   string
			Directories []string
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, ".github/dependabot.yml")), &config); err != nil {
		t.Fatal(err)
	}
	for file, ecosystem := range map[string]string{"go.mod": "gomod", "package.json": "npm"} {
		var want, got []string
		for _, pattern := range []string{"../../", "../../deploy/", "../../engines/*/"} {
			found, err := filepath.Glob(pattern + file)
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range found {
				want = append(want, "/"+strings.Trim(strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), "../.."), "/"))
			}
		}
		for _, u := range config.Updates {
			if u.Ecosystem == ecosystem {
				got = append(got, u.Directories...)
				if u.Directory != "" {
					got = append(got, u.Directory)
				}
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: updates are looked for in %q, and it lies in %q", file, got, want)
		}
	}
}
