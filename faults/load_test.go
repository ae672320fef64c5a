package faults

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/saga"
)

func TestParsePlan(t *testing.T) {
	p, err := ParsePlan([]byte("faults:\n  - {kind: lose, at: charge#1@response}\n  - {kind: outage, steps: [charge], for_ms: 80}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.String(), "lose charge#1@response, outage of [charge] from 0ms for 80ms"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for text, want := range map[string]string{
		"faults:\n  - {kind: loose, at: charge#1@response}":          `faults[0].kind: "loose": expected one of`,
		"faults:\n  - {kind: lose, at: charge@response}":             `bad failure point "charge@response"`,
		"faults:\n  - {kind: lose, at: charge#1@commit}":             "lose cannot happen at commit",
		"faults:\n  - {kind: lose, at: charge#1@request, bytes: 3}":  "bytes: lose does not use it",
		"faults:\n  - {kind: delay, at: charge#1@request}":           "delay_ms: 0: expected more than 0",
		"faults:\n  - {kind: error, at: submit#1@receive}":           "inside the orchestrator",
		"faults:\n  - {kind: outage, steps: [charge]}":               "for_ms: 0: expected more than 0",
		"faults:\n  - {kind: lose, at: charge#1@request, when: now}": `2:40: faults[0]: unknown field "when"`,
		"plan: []": "unknown field",
		"":         "faults: expected a list",
	} {
		if _, err := ParsePlan([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got error %v, want %q in it", text, err, want)
		}
	}
}

// JSON is read as YAML is, also with tabs, and its mistakes have a place too.
func TestParsePlanOfJSON(t *testing.T) {
	plan := Plan{Faults: []Fault{
		{Kind: "lose", At: saga.FailurePoint{Step: "charge", Direction: saga.Action, Attempt: 1, Phase: saga.Response}},
		{Kind: "error-rate", Steps: []string{"charge"}, ForMS: 50, Calls: []bool{true, false}},
	}}
	for _, indent := range []string{"", "  ", "\t"} {
		b, err := json.MarshalIndent(plan, "", indent)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParsePlan(b); err != nil || got.ID() != plan.ID() {
			t.Errorf("%s: got %v, %v", b, got, err)
		}
	}
	for text, want := range map[string]string{
		`{"plan": []}`: "1:2: plan: unknown field",
		"{\"faults\": [{\"kind\": \"lose\",\n \"at\": \"x\"}]}": "2:8: faults[0].at: bad failure point",
	} {
		if _, err := ParsePlan([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got error %v, want %q in it", text, err, want)
		}
	}
}

func FuzzParsePlan(f *testing.F) {
	f.Add("faults:\n  - {kind: lose, at: charge#1@response}\n")
	f.Fuzz(func(_ *testing.T, text string) {
		if p, err := ParsePlan([]byte(text)); err == nil {
			_ = p.ID()
		}
	})
}

func TestLoadPlanNamesThePlace(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "plan.yaml: faults: expected a list of faults",
		"faults: 3\n":                          "plan.yaml:1:7: faults: expected a list of faults",
		"falts: []\n":                          "plan.yaml:1:1: falts: unknown field",
		"faults:\n  - at: charge#1@response\n": `plan.yaml:2:7: faults[0].kind: "": expected one of`,
		"faults:\n  - kind: lose\n    at: charge#0@response\n":               `plan.yaml:3:9: faults[0].at: bad failure point "charge#0@response": expected step[.undo]#attempt@phase`,
		"faults:\n  - kind: lose\n    at: charge#1@receive\n":                "plan.yaml:3:9: faults[0].at: lose cannot happen at receive",
		"faults:\n  - kind: lose\n    att: charge#1@receive\n":               `plan.yaml:3:5: faults[0]: unknown field "att"`,
		"faults:\n  - kind: loose\n    at: charge#1@response\n":              `plan.yaml:2:11: faults[0].kind: "loose": expected one of`,
		"faults:\n  - kind: lose\n    at: charge#1@response\n    bytes: 3\n": "plan.yaml:4:12: faults[0].bytes: lose does not use it",
		"faults: [\n":    "plan.yaml:1:",
		"faults:\n  -\n": "plan.yaml:2:5: faults[0].kind: must be given",
	} {
		path := filepath.Join(t.TempDir(), "plan.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := LoadPlan(path)
		if err == nil {
			t.Errorf("%q: expected an error", text)
			continue
		}
		if got := strings.TrimPrefix(err.Error(), filepath.Dir(path)+"/"); !strings.HasPrefix(got, want) {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
}
