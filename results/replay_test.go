package results_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

// replayFile is the text of a replay file, with a comment above it.
func replayFile(t testing.TB) []byte {
	t.Helper()
	b, err := samples.Red().Failures[0].Replay.Encode("profile: naive\nscenario: order\n")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReplayRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "replay.yaml")
	if err := results.WriteFile(path, replayFile(t)); err != nil {
		t.Fatal(err)
	}
	r, err := results.LoadReplay(path)
	if err != nil {
		t.Fatal(err)
	}
	h := samples.LostAnswer().Header
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
		h := samples.LostAnswer().Header
		h.Definitions[0].Steps[0].Action.Body = json.RawMessage(body)
		b, err := results.NewReplay(h).Encode("")
		if err != nil {
			t.Fatal(err)
		}
		r, err := results.DecodeReplay(b)
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

// Other files of a run are no replay files; the error says what opens them.
func TestOtherFilesAreNoReplays(t *testing.T) {
	for file, want := range map[string]string{
		"report.html":      "a run's page is opened by sagacheck report open DIR",
		"c1.history.jsonl": "a history is judged by sagacheck check FILE",
		"report.json":      "a run's report is shown by sagacheck report open DIR",
		"plan.yaml":        "a plan is run by sagacheck run --plan FILE",
	} {
		for _, text := range []string{"<!doctype html>\n<p>sagacheck_replay: 1", `{"a": 1}`, "", "a: [", "\xff"} {
			path := filepath.Join(t.TempDir(), file)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := results.LoadReplay(path)
			if err == nil || !strings.Contains(err.Error(), "expected a replay file") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s, %q: got %v, want %q", file, text, err, want)
			}
		}
	}
}

// TestAFolderIsNoReplay: of a folder is said which of its files is one, and a plan is none.
func TestAFolderIsNoReplay(t *testing.T) {
	dir := t.TempDir()
	refused := func(want string) {
		t.Helper()
		if _, err := results.LoadReplay(dir); err == nil || err.Error() != dir+": is a folder: expected a replay file, "+want {
			t.Errorf("%v\nexpected %q", err, want)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, results.FailuresDir), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name string, text []byte) (path string) {
		path = filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("plan.yaml", []byte("faults: []\n"))
	refused("as they are in the folder failures of a run that found something")
	inRun := write(filepath.Join(results.FailuresDir, "lost.yaml"), replayFile(t))
	refused("such as " + inRun)
	refused("such as " + write("saved.yaml", replayFile(t)))
}

func TestBadReplays(t *testing.T) {
	b := replayFile(t)
	from := strings.Index(string(b), "plan:\n")
	plan := string(b[from : from+strings.Index(string(b[from:]), "registers:")])
	for name, tc := range map[string]struct{ old, new, want string }{
		"another version":  {"sagacheck_replay: 1", "sagacheck_replay: 2", "version 2: this sagacheck reads version 1"},
		"no version":       {"sagacheck_replay: 1\n", "", "sagacheck_replay: missing"},
		"an unknown field": {"profile: naive", "profile: naive\nprofil: keyed", `unknown field "profil"`},
		"a bad point":      {"charge#1@response", "charge@response", `bad failure point "charge@response"`},
		"a wrong kind":     {"seed: 7", "seed: many", `seed: "many": expected a whole number`},
		"no definition":    {"definitions:", "definitions: []\nx:", "unknown field"},
		"a bad definition": {"name: ship", "name: Ship", `steps[2].name: "Ship"`},
		"not YAML":         {"plan:", "plan: {", ":1: not YAML: ',' or '}' must be specified"},
		"a text":           {string(b), "<!doctype html>", "expected a replay file"},
		"no scenario":      {"scenario: order", `scenario: ""`, ": scenario: must be given"},
		"an empty plan":    {plan, "plan:\n", "plan: nothing: expected a mapping with faults: a cell without a fault has faults: []"},
		"a plan left out":  {plan, "", "plan: is missing: expected a mapping: a cell without a fault has faults: []"},
		"a second one":     {plan, "---\n" + plan, "the file has 2 documents: expected one replay file"},
		"a negative wait":  {"settle_ms: 500", "settle_ms: -5", ": settle_ms: -5: expected 0 (the default) or more"},
		"a bad profile":    {"profile: naive", "profile: naiv", `: profile: "naiv": expected one of naive, keyed, fenced`},
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
		_, err := results.LoadReplay(path)
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want the path and %q", name, err, tc.want)
		}
	}
}

func FuzzReplay(f *testing.F) {
	f.Add([]byte("sagacheck_replay: 1\nscenario: a\nprofile: naive\ndefinitions: []\n"))
	f.Add(replayFile(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := results.DecodeReplay(b)
		if err != nil {
			return
		}
		out, err := r.Encode("")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := results.DecodeReplay(out); err != nil {
			t.Fatalf("what was written can't be read: %v\n%s", err, out)
		}
	})
}

func TestReplaySystem(t *testing.T) {
	h := samples.LostAnswer().Header
	for _, tc := range []struct {
		system results.System
		want   string
	}{
		{results.System{}, ""},
		{results.System{By: results.ByManifest, Name: "/my orchestrator/orchestrator.yaml", Digest: "d1"}, ""},
		{results.System{By: results.ByURL}, "system.name: must be given"},
		{results.System{By: "phone", Name: "x"}, `system.by: "phone": expected built-in, manifest, url or workflow`},
	} {
		r := results.NewReplay(h)
		r.System = tc.system
		b, err := r.Encode("")
		if err != nil {
			t.Fatal(err)
		}
		got, err := results.DecodeReplay(b)
		switch {
		case tc.want == "" && (err != nil || got.System != tc.system):
			t.Errorf("%+v became %+v, %v", tc.system, got, err)
		case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%+v: got %v, want %q", tc.system, err, tc.want)
		}
	}
}
