package orchestrators

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
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
	for _, d := range []saga.Definition{one, placeholder} {
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
	}
}

// The file is where the manifest says; where it says nothing there is none.
func TestDefine(t *testing.T) {
	s := &started{manifest: &Manifest{}, vars: vars{"dir": t.TempDir()}}
	if err := s.Define(placeholder); !errors.Is(err, ErrNoDefinitions) {
		t.Errorf("without a file: %v", err)
	}
	s.manifest.Definitions = "${dir}/sagas.json"
	if err := s.Define(placeholder); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(s.vars["dir"], "sagas.json")); err != nil || len(b) == 0 {
		t.Errorf("%q, %v", b, err)
	}
}
