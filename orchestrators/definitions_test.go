package orchestrators

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/reference/catalogue"
	"github.com/sagacheck/sagacheck/saga"
)

// What the file says is what a client would have submitted, byte by byte, and an executor takes it; so does it the one that is there
// before anything is defined.
func TestDefinitionsFile(t *testing.T) {
	body := json.RawMessage("{\"note\" :  \"caf\\u00e9\"}")
	one := placeholder
	one.Name, one.Steps = "trip \"x\"", append([]saga.Step{}, placeholder.Steps...)
	one.Steps[0].Action.Body = body
	again := placeholder
	again.Steps = []saga.Step{placeholder.Steps[0]}
	again.Steps[0].Kind, again.Steps[0].Action.Retry.MaxAttempts = saga.Compensatable, 3
	again.Steps[0].Compensation = &again.Steps[0].Action
	again.Rounds, again.RoundDelayMS, again.Budget = 3, 2000, saga.Budget{Attempts: 20, TimeMS: 60_000}
	for _, d := range []saga.Definition{one, placeholder, again} {
		b, err := definitionsFile(d)
		if err != nil {
			t.Fatal(err)
		}
		c, err := catalogue.Parse("sagas.json", b)
		if err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		got, err := c.Choose(saga.Definition{ID: "s-1", Name: d.Name})
		if err != nil || got.Version != d.Version || string(got.Steps[0].Action.Body) != string(d.Steps[0].Action.Body) {
			t.Errorf("%s: %+v, %v", b, got, err)
		}
		if got.Rounds != d.Rounds || got.RoundDelayMS != d.RoundDelayMS || got.Budget != d.Budget {
			t.Errorf("%s: %d rounds, %d ms apart, budget %+v", b, got.Rounds, got.RoundDelayMS, got.Budget)
		}
	}
}

// The file is where the manifest says; where it says nothing there is none.
func TestDefine(t *testing.T) {
	s := &started{manifest: &Manifest{}, vars: vars{"dir": t.TempDir()}}
	if err := s.Define(placeholder); !errors.Is(err, ErrNoDefinitions) {
		t.Errorf("without a file: %v", err)
	}
	s.manifest.Definitions = "${dir}/defined/sagas.json"
	if err := s.Define(placeholder); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.vars["dir"], "defined", "sagas.json")
	if b, err := os.ReadFile(file); err != nil || len(b) == 0 {
		t.Errorf("%q, %v", b, err)
	}
	// Another user, in a container, reads it, and never one that is half written: it is another file.
	before, err := os.Stat(file)
	if err != nil || before.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", before.Mode(), err)
	}
	if err := s.Define(placeholder); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(file); err != nil || os.SameFile(before, after) {
		t.Errorf("it was written over where it stands: %v", err)
	}
}

// What the seed brings may be the file, and its folder: it is written over before the first start.
func TestDefineOverSeed(t *testing.T) {
	engine := t.TempDir()
	if err := os.MkdirAll(filepath.Join(engine, "seed"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(engine, "seed", "sagas.json"), []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := ParseManifest("m.yaml", []byte(strings.Replace(small, "- name: engine", "- name: engine\n    crashable: true", 1)+"seed: seed\ndefinitions: ${dir}/sagas.json\n"))
	if err != nil {
		t.Fatal(err)
	}
	s := &started{manifest: m}
	if err := s.prepare(engine, Options{Dir: t.TempDir(), Self: "self"}); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(s.vars["dir"], "sagas.json")); err != nil || !strings.Contains(string(b), `"none"`) {
		t.Errorf("%q, %v", b, err)
	}
}
