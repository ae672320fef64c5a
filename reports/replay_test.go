package reports_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/reports"
)

func replayFile(t *testing.T) (string, []byte) {
	t.Helper()
	dir := t.TempDir()
	if err := redRun(t).Save(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, reports.FailuresDir, "duplicate-effect-order-c2.yaml")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, b
}

func TestReplayRoundTrip(t *testing.T) {
	path, b := replayFile(t)
	golden(t, "replay.yaml", b)
	r, err := reports.LoadReplay(path)
	if err != nil {
		t.Fatal(err)
	}
	h := lostAnswer(t).Header
	want, _ := json.Marshal(h.Definitions)
	got, _ := json.Marshal(r.Definitions)
	if string(got) != string(want) {
		t.Errorf("definitions:\ngot  %s\nwant %s", got, want)
	}
	plan, _ := json.Marshal(r.Plan)
	if string(plan) != string(h.Plan) {
		t.Errorf("plan: got %s, want %s", plan, h.Plan)
	}
	if r.Seed != 7 || r.Profile != "naive" || r.Registers["order"] != "new" || r.SettleMS != 500 || r.Orchestrator.Name != "mine" {
		t.Errorf("got %+v", r)
	}
}

func TestReplayKeepsBodies(t *testing.T) {
	for _, body := range []string{
		`{"x":1.50,"y":12345678901234567890123,"z":1e3}`, `{"s":"a\"b\\c\n\u0001 é 😀","t":": # - 'x'"}`, `[]`, `null`, `"text"`, `" \t"`, `{"yes":"no","1":null}`,
		"{\"del\":\"\x7f\"}", `{"":{"deep":[[1,[2,{"a":[]}]]]}}`, `{"e":{},"tilde":"~","date":"2026-01-01","hex":"0x10"}`,
		"{\n\t\"note\" :  {\"text\":\"R\\u00e9 \\/ Müller 🚲\"} ,\r\n\"n\" :  [ 1.50E+2 ] }", `{ "line":"a\u2028b\tc" }`,
	} {
		h := lostAnswer(t).Header
		h.Definitions[0].Steps[0].Action.Body = json.RawMessage(body)
		b, err := reports.NewReplay(h).Encode("")
		if err != nil {
			t.Fatal(err)
		}
		r, err := reports.DecodeReplay(b)
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		want := strings.ReplaceAll(body, "\x7f", `\u007f`) // YAML can't hold it
		if got := string(r.Definitions[0].Steps[0].Action.Body); got != want {
			t.Errorf("%s became %s", body, got)
		}
	}
}

func TestBadReplays(t *testing.T) {
	_, b := replayFile(t)
	for name, tc := range map[string]struct{ old, new, want string }{
		"another version":  {"sagacheck_replay: 1", "sagacheck_replay: 2", "version 2: this sagacheck reads version 1"},
		"no version":       {"sagacheck_replay: 1\n", "", "sagacheck_replay: missing"},
		"an unknown field": {"profile: naive", "profile: naive\nprofil: keyed", `unknown field "profil"`},
		"a bad point":      {"charge#1@response", "charge@response", `bad failure point "charge@response"`},
		"a wrong kind":     {"seed: 7", "seed: many", "cannot unmarshal"},
		"no definition":    {"definitions:", "definitions: []\nx:", "unknown field"},
		"a bad definition": {"name: ship", "name: Ship", `steps[2].name: "Ship"`},
		"not YAML":         {"plan:", "plan: {", "["},
		"no scenario":      {"scenario: order", `scenario: ""`, "scenario: must be given"},
	} {
		if !strings.Contains(string(b), tc.old) {
			t.Fatalf("%s: no %q in the file", name, tc.old)
		}
		i := strings.LastIndex(string(b), tc.old) // not the comment
		text := string(b[:i]) + tc.new + string(b[i+len(tc.old):])
		path := filepath.Join(t.TempDir(), "bad.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := reports.LoadReplay(path)
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want the path and %q", name, err, tc.want)
		}
	}
}

func FuzzReplay(f *testing.F) {
	f.Add([]byte("sagacheck_replay: 1\nscenario: a\nprofile: naive\ndefinitions: []\n"))
	if b, err := os.ReadFile("testdata/replay.yaml"); err == nil {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := reports.DecodeReplay(b)
		if err != nil {
			return
		}
		out, err := r.Encode("")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := reports.DecodeReplay(out); err != nil {
			t.Fatalf("what was written can't be read: %v\n%s", err, out)
		}
	})
}

func TestReplaySystem(t *testing.T) {
	h := lostAnswer(t).Header
	for _, tc := range []struct {
		system reports.System
		want   string
	}{
		{reports.System{}, ""},
		{reports.System{By: reports.ByManifest, Name: "/my orchestrator/orchestrator.yaml", Digest: "d1"}, ""},
		{reports.System{By: reports.ByURL}, "system.name: must be given"},
		{reports.System{By: "phone", Name: "x"}, `system.by: "phone": expected built-in, manifest or url`},
	} {
		r := reports.NewReplay(h)
		r.System = tc.system
		b, err := r.Encode("")
		if err != nil {
			t.Fatal(err)
		}
		got, err := reports.DecodeReplay(b)
		switch {
		case tc.want == "" && (err != nil || got.System != tc.system):
			t.Errorf("%+v became %+v, %v", tc.system, got, err)
		case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%+v: got %v, want %q", tc.system, err, tc.want)
		}
	}
}
