package packs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/packs"
	"github.com/sagacheck/sagacheck/saga"
)

// TestShipped: the packs that come with Sagacheck are right, and one of them has policies that
// its scenarios follow.
func TestShipped(t *testing.T) {
	for _, name := range packs.Shipped() {
		p, err := packs.Open(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if p.Name != name || len(p.Sagas()) != len(p.Scenarios) || len(p.Plans) == 0 || len(p.Plans[0].Faults().Faults) == 0 {
			t.Errorf("%+v", p)
		}
	}
	p, err := packs.Open(t.Context(), "payments")
	if err != nil {
		t.Fatal(err)
	}
	defs, _ := p.Sagas()[0].Build([]string{"s"}, func(int, saga.StepRef) string { return "" })
	authorise, book := defs[0].Steps[0], defs[0].Steps[1]
	if authorise.Action.Retry.InitialIntervalMS != 20 || authorise.Compensation.Retry.MaxAttempts != 0 || book.Action.Retry.InitialIntervalMS != 5 {
		t.Errorf("%+v, %+v: expected the pack's policies for the acquirer only", authorise.Action.Retry, book.Action.Retry)
	}
}

const scenario = `name: two
description: Two steps.
steps:
  - {name: reserve, participant: stock, kind: compensatable, do: [{create: {record: held}}]}
  - {name: pay, participant: bank, kind: pivot, do: [{create: {record: paid}}]}
`

// folder writes the files of a pack.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestMistakes(t *testing.T) {
	dir := folder(t, map[string]string{
		"two.yaml": scenario, "same.yaml": scenario, "wrong.yaml": strings.Replace(scenario, "pivot", "pivto", 1),
		"plan.yaml": "faults: [{kind: lose, at: charge#1@response}]", "noplan.yaml": "faults: [{kind: loose, at: pay#1@response}]",
		"policies.yaml": "templates: {a: {retry: {jitter: 7}}}",
		packs.File: `name: My Pack
version: "1"
description: " "
scenarios: [two.yaml, same.yaml, wrong.yaml, gone.yaml, ../two.yaml]
plans:
  - {file: plan.yaml, scenario: two}
  - {file: noplan.yaml, scenario: two}
policies: policies.yaml
`,
	})
	_, err := packs.Open(t.Context(), dir)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`pack.yaml:1:7: name: "My Pack": expected lower-case`, `pack.yaml:2:10: version: `,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: expected %q", err, want)
		}
	}
	fixed := strings.NewReplacer("My Pack", "mine", "version: \"1\"\n", "version: 1.0.0\n", `" "`, "Mine.")
	text, _ := os.ReadFile(filepath.Join(dir, packs.File))
	if err := os.WriteFile(filepath.Join(dir, packs.File), []byte(fixed.Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = packs.Open(t.Context(), dir)
	for _, want := range []string{
		`scenarios[1]: same.yaml: expected a name of its own: there is a scenario "two" already`,
		"scenarios[3]: gone.yaml: no such file in the folder", `scenarios[4]: "../two.yaml": expected a file of the folder`,
		`wrong.yaml:5:42: steps[1].kind: "pivto"`, "plan.yaml:1:27: faults[0].at: ", "noplan.yaml:1:", "policies.yaml:1:",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nexpected %q", err, want)
		}
	}
	for what, want := range map[string]string{
		"nothing":   "expected the folder of a pack, the URL of a git repository, or one of bookings, payments",
		t.TempDir(): "no pack.yaml in it", "file:///nowhere/at-all": "git clone",
	} {
		if _, err := packs.Open(t.Context(), what); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v: expected %q", what, err, want)
		}
	}
}

// TestRepository: a pack is fetched by git, at a tag.
func TestRepository(t *testing.T) {
	dir := folder(t, map[string]string{
		"two.yaml": scenario, packs.File: "name: mine\nversion: 1.0.0\ndescription: Mine.\nscenarios: [two.yaml]\n",
	})
	git := func(args ...string) {
		t.Helper()
		c := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=x", "-c", "user.email=x@example.com"}, args...)...)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("init", "--quiet")
	git("add", ".")
	git("commit", "--quiet", "-m", "first")
	git("tag", "v1.0.0")
	if err := os.Remove(filepath.Join(dir, packs.File)); err != nil {
		t.Fatal(err)
	}
	git("commit", "--quiet", "-a", "-m", "second")
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	p, err := packs.Open(t.Context(), "file://"+dir+"#v1.0.0")
	if err != nil || p.String() != "mine 1.0.0" {
		t.Errorf("%v, %v", p, err)
	}
	if _, err := packs.Open(t.Context(), "file://"+dir); err == nil || !strings.Contains(err.Error(), "no pack.yaml") {
		t.Errorf("%v", err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
