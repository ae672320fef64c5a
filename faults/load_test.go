package faults

import (
	"fmt"
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
		"faults:\n  - {kind: loose, at: charge#1@response}":                         `faults[0].kind: "loose": expected one of`,
		"faults:\n  - {kind: lose, at: charge@response}":                            `bad failure point "charge@response"`,
		"faults:\n  - {kind: lose, at: charge#1@commit}":                            "lose cannot happen at commit",
		"faults:\n  - {kind: lose, at: charge#1@request, bytes: 3}":                 "bytes: lose does not use it",
		"faults:\n  - {kind: delay, at: charge#1@request}":                          "delay_ms: is missing: expected more than 0",
		"faults:\n  - {kind: crash-orchestrator, at: charge#1@commit, as: waiting}": `as: "waiting" at commit: expected response`,
		"faults:\n  - {kind: crash-orchestrator, at: charge#1@response, as: idle}":  `as: "idle": expected waiting, ended, or nothing`,
		"faults:\n  - {kind: crash-orchestrator, at: charge#1@response, as: ended}": `as: "ended" at charge#1@response: expected submit#1@response`,
		"faults:\n  - {kind: error, at: submit#1@receive}":                          "inside the orchestrator",
		"faults:\n  - {kind: outage, steps: [charge]}":                              "for_ms: is missing: expected more than 0",
		"faults:\n  - {kind: lose, at: charge#1@request, when: now}":                `2:40: faults[0].when: unknown field "when": expected one of kind, saga, at, after, delay_ms`,
		"plan: []": "unknown field",
		"":         "the file is empty: expected a plan, for example: faults: [{kind: lose",
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
		"":                                     "plan.yaml:1:1: the file is empty: expected a plan",
		"faults: 3\n":                          `plan.yaml:1:9: faults: "3": expected a list`,
		"falts: []\n":                          `plan.yaml:1:1: falts: unknown field "falts": expected one of faults`,
		"faults:\n  - at: charge#1@response\n": `plan.yaml:2:5: faults[0].kind: is missing: expected a text`,
		"faults:\n  - kind: lose\n    at: charge#0@response\n":               `plan.yaml:3:9: faults[0].at: bad failure point "charge#0@response": expected step[.undo][.callback]#attempt@phase`,
		"faults:\n  - kind: lose\n    at: charge#1@receive\n":                "plan.yaml:3:9: faults[0].at: lose cannot happen at receive",
		"faults:\n  - kind: lose\n    att: charge#1@receive\n":               "plan.yaml:2:5: faults[0].at: must be given",
		"faults:\n  - kind: loose\n    at: charge#1@response\n":              `plan.yaml:2:11: faults[0].kind: "loose": expected one of`,
		"faults:\n  - kind: lose\n    at: charge#1@response\n    bytes: 3\n": "plan.yaml:4:12: faults[0].bytes: lose does not use it",
		"faults: [\n":    "plan.yaml:1:",
		"faults:\n  -\n": `plan.yaml:2:5: faults[0]: nothing: expected a mapping with kind`,
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

// What people write as JSON is read too, and a byte order mark is no mistake.
func TestPlansAreReadAsJSON(t *testing.T) {
	text := "\ufeff" + `{
	"faults": [
		{"kind": "lose", "at": "charge#1@response"},
		{"kind": "error-rate", "steps": ["charge"], "for_ms": 80, "calls": [true, false]}
	]
}`
	p, err := ParsePlan([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.String(), "lose charge#1@response, error-rate of [charge] from 0ms for 80ms"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// All mistakes of a plan are named at once, and no more of its text than a line.
func TestEveryMistakeOfAPlan(t *testing.T) {
	long := strings.Repeat("x", 1<<19)
	for text, want := range map[string]string{
		"faults:\n  - {kind: lose, at: charge#1@commit}\n  - {kind: slow, at: charge#1@request, delay_ms: a}\n": `2:22: faults[0].at: lose cannot happen at commit: expected a phase of [request response]` + "\n" +
			`3:5: faults[1].kbps: is missing: expected more than 0` + "\n" +
			`3:50: faults[1].delay_ms: "a": expected a whole number`,
		"faults:\n  - {kind: lose, at: " + long + "}\n":                       `2:22: faults[0].at: bad failure point "xxx`,
		"faults:\n  - {kind: lose, at: charge#1@response, " + long + ": 1}\n": `2:41: faults[0].xxx`,
		"faults: [{kind: lose, at: charge#1@response, bytes: " + long + "\n":  `1:`,
	} {
		_, err := ParsePlan([]byte(text))
		if err == nil {
			t.Errorf("%.80q: no error", text)
			continue
		}
		for _, line := range strings.Split(err.Error(), "\n") {
			if len(line) > 400 {
				t.Errorf("%.80q: a line of %d characters: %.200s…", text, len(line), line)
			}
		}
		if !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.80q:\n got %.400s\nwant %s", text, err, want)
		}
	}
}

// Ten times as many faults take ten times the work, by what is allocated: each was looked for from the file's
// beginning, and 2000 took ten seconds.
func TestLongPlansTakeNoMoreThanTheirLength(t *testing.T) {
	work := func(faults int) float64 {
		var b strings.Builder
		b.WriteString("faults:\n")
		for n := range faults {
			fmt.Fprintf(&b, "  - {kind: delay, at: charge#%d@response, delay_ms: 5}\n", n+1)
		}
		return testing.AllocsPerRun(1, func() {
			if _, err := ParsePlan([]byte(b.String())); err != nil {
				t.Error(err)
			}
		})
	}
	if short, long := work(200), work(2000); long > 15*short {
		t.Errorf("200 faults are %.0f allocations, and 2000 are %.0f", short, long)
	} else {
		t.Logf("200 faults are %.0f allocations, and 2000 are %.0f", short, long)
	}
}

// ofTwoSteps is a saga of the steps a and b.
func ofTwoSteps(id string) saga.Definition {
	d := saga.Definition{ID: id, Name: "chain"}
	for _, name := range []string{"a", "b"} {
		d.Steps = append(d.Steps, saga.Step{
			Name: name, Kind: saga.Compensatable, Action: saga.Call{Retry: saga.RetryPolicy{MaxAttempts: 2}}, Compensation: &saga.Call{},
		})
	}
	return d
}

// What can't hit anything, or only one of which can, is said where the saga is known.
func TestFits(t *testing.T) {
	one := []saga.Definition{ofTwoSteps("s-1")}
	one[0].Steps[1].Compensation = nil
	inParts := []saga.Definition{ofTwoSteps("s-1")}
	inParts[0].Steps[0].Parts = []saga.Call{}
	two := []saga.Definition{ofTwoSteps("s-1"), ofTwoSteps("s-2")}
	late := []saga.Definition{ofTwoSteps("s-1")}
	late[0].Callbacks = []string{"a", "a.undo"}
	again := []saga.Definition{ofTwoSteps("s-1")}
	again[0].Rounds = 3
	for _, tt := range []struct {
		defs []saga.Definition
		text string
		want string // empty: it fits
	}{
		{one, "{kind: lose, at: a#2@response}, {kind: reject, at: b#1@receive}", ""},
		{one, "{kind: lose, at: submit#7@response}", ""},
		{one, "{kind: lose, at: a.undo#9@response}", ""},
		{one, "{kind: lose, at: a.undo(2)#1@response}", "1:27: faults[0].at: a.undo(2)#1@response: the step a is not undone part by part"},
		{inParts, "{kind: lose, at: a.undo(2)#1@response}", ""},
		{one, "{kind: lose, at: nosuch#1@response}", "1:27: faults[0].at: nosuch#1@response: expected a step of the saga chain: one of a, b"},
		{one, "{kind: lose, at: b.undo#1@response}", "1:27: faults[0].at: b.undo#1@response: the step b has no compensation"},
		{one, "{kind: lose, at: a.callback#1@request}", "1:27: faults[0].at: a.callback#1@request: no service of this saga calls back"},
		{late, "{kind: lose, at: a.callback#1@request}, {kind: reset, at: a.undo.callback#2@response}", ""},
		{late, "{kind: lose, at: b.callback#1@request}", "1:27: faults[0].at: b.callback#1@request: no service calls back after b: expected the callback of one of a, a.undo"},
		{one, "{kind: lose, at: submit.undo#1@response}", "1:27: faults[0].at: submit.undo#1@response: the client's call has no compensation"},
		{one, "{kind: lose, at: a#3@response}", "1:27: faults[0].at: a#3@response: expected an attempt of 1 to 2: the policy of a allows no more"},
		{one, "{kind: lose, at: a#3@response}, {kind: crash-orchestrator, at: a#1@receive}", ""},
		{one, "{kind: lose, saga: 5, at: a#1@response}", "1:29: faults[0].saga: 5: expected a saga of the cell: 1 to 1"},
		{one, "{kind: outage, steps: [a, c], for_ms: 5}", `1:36: faults[0].steps[1]: "c": expected a step of the saga chain: one of a, b`},
		{one, "{kind: lose, at: a#1@response}, {kind: lose, saga: 1, at: a#1@response}", "1:68: faults[1].at: lose at a#1@response is there already: faults[0]: only one of the two can strike"},
		{again, "{kind: lose, at: a(3)#1@response}, {kind: outage, steps: ['b(2)'], for_ms: 5}, {kind: refuse, at: a#1@connect, delay_ms: 3}", ""},
		{one, "{kind: lose, at: a(2)#1@response}", "1:27: faults[0].at: a(2)#1@response: expected a step of the saga chain: one of a, b"},
		{again, "{kind: lose, at: a(4)#1@response}", "1:27: faults[0].at: a(4)#1@response: expected a round of 1 to 3: the saga chain is run forward no more often"},
		{again, "{kind: lose, at: a(4).undo#1@response}", "1:27: faults[0].at: a(4).undo#1@response: expected a round of 1 to 3: the saga chain is run forward no more often"},
		{again, "{kind: outage, steps: [a, 'b(4)'], for_ms: 5}", `1:36: faults[0].steps[1]: "b(4)": expected a round of 1 to 3: the saga chain is run forward no more often`},
		{again, "{kind: refuse, at: b(2).undo#1@connect, delay_ms: 3}", "1:29: faults[0].at: b(2).undo#1@connect: all rounds of the saga chain call the same addresses: expected a point of the first one, of the step b"},
		{again, "{kind: refuse, at: b#1@connect, after: a(4)#1@response, delay_ms: 3}", "1:49: faults[0].after: a(4)#1@response: expected a round of 1 to 3: the saga chain is run forward no more often"},
		{one, "{kind: refuse, at: b#1@connect, after: nosuch#1@response, delay_ms: 3}", "1:49: faults[0].after: nosuch#1@response: expected a step of the saga chain: one of a, b"},
		{two, "{kind: lose, at: a#1@response}, {kind: lose, saga: 2, at: a#1@response}", ""},
	} {
		p, ps := parsePlan([]byte("faults: [" + tt.text + "]"))
		if len(ps) > 0 {
			t.Errorf("%s: %v", tt.text, ps.Err())
			continue
		}
		if err := p.Fits(tt.defs); (err == nil) != (tt.want == "") || err != nil && err.Error() != tt.want {
			t.Errorf("%s:\n got %v\nwant %s", tt.text, err, tt.want)
		}
	}
	for text, want := range map[string]string{
		"{kind: lose, at: a#1@response}, {kind: lose, at: a#1@response}":               "lose at a#1@response is there already: faults[0]",
		"{kind: reject, at: a#1@receive}, {kind: unavailable, at: a#1@receive}":        "an answer at a#1@receive is there already: faults[0]",
		"{kind: outage, steps: [a], for_ms: 5}, {kind: outage, steps: [a], for_ms: 5}": "faults[1].kind: this window is there already: faults[0]",
	} {
		if _, err := ParsePlan([]byte("faults: [" + text + "]")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
