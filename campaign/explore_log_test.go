package campaign

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/planning"
)

func logLines(t *testing.T, lines ...logLine) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), ExploreLog)
	l, err := newExploreLog(path, testHead)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if err := l.add(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	return path
}

var (
	testHead = logHead{Version: exploreLogVersion, Tool: "dev", Orchestrator: "mine", Profile: "keyed", Seed: 3, Defects: []string{"b", "a"}}
	testLine = logLine{
		Scenario: "order", Definitions: "d1", PlanID: "p-1", Plan: "lose charge#1@response", Violated: []string{"duplicate-effect"}, History: "/h",
		Trace: planning.Trace{Visits: []planning.Visit{{Saga: 2, Seq: 4}}, Fired: []bool{true}, Last: 3, Outcome: "x"},
	}
)

func TestExploreLogRoundTrip(t *testing.T) {
	path := logLines(t, testLine)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(b, `{"scenario":"ord`...), 0o600); err != nil { // interrupted while writing
		t.Fatal(err)
	}
	done, err := loadExploreLog(path, testHead)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := done[logKey{"order", "d1", "p-1"}]
	if !ok || fingerprint(got) != fingerprint(testLine) {
		t.Errorf("got %+v, want %+v", got, testLine)
	}
}

func TestExploreLogIsRefused(t *testing.T) {
	other := testHead
	other.Profile, other.Seed = "fenced", 4
	for name, c := range map[string]struct {
		text string // in place of the file; empty: a good one
		head logHead
		want []string
	}{
		"of another exploration": {"", other, []string{`profile is "keyed": this exploration has "fenced"`, "seed"}},
		"of another version":     {`{"sagacheck_explore":9}` + "\n", testHead, []string{"version 9"}},
		"empty":                  {" ", testHead, []string{"expected the head"}},
		"damaged":                {`{"sagacheck_explore":1,"tool":"dev","orchestrator":"mine","profile":"keyed","seed":3,"defects":["a","b"]}` + "\n{\n{}\n", testHead, []string{":2:"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := logLines(t, testLine)
			if c.text != "" {
				if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := loadExploreLog(path, c.head)
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want an error with %q", err, want)
				}
			}
		})
	}
}
