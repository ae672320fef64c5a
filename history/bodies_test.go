package history

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/saga"
)

// TestBodiesSurvive: a stored history has the bodies of its calls byte for byte.
func TestBodiesSurvive(t *testing.T) {
	h, err := ParseText(strings.NewReader("saga s1\nstep charge do=alice-42EUR,shop+42EUR\nstep ship pivot\n\n0ms settled\n1ms ledger-read none\n"))
	if err != nil {
		t.Fatal(err)
	}
	odd := "{ \"note\" :\n \"<\\u00e9\\/>\",\t\"n\": 1.50e+2 }"
	steps := h.Header.Definitions[0].Steps
	steps[0].Compensation.Body, steps[1].Action.Body = json.RawMessage(odd), json.RawMessage(strings.Join(strings.Fields(odd), ""))
	steps[0].Action.Body = json.RawMessage(`{ "first": 1.0 }`)
	var file bytes.Buffer
	if _, err := h.WriteTo(&file); err != nil {
		t.Fatal(err)
	}
	if string(steps[0].Compensation.Body) != odd || h.Header.Bodies != nil {
		t.Error("writing has changed the history")
	}
	back, err := Read(bytes.NewReader(file.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range back.Header.Definitions[0].Steps {
		for _, c := range []*saga.Call{&s.Action, s.Compensation} {
			if c == nil {
				continue
			}
			want := steps[i].Action.Body
			if c != &s.Action {
				want = steps[i].Compensation.Body
			}
			if !bytes.Equal(c.Body, want) {
				t.Errorf("step %s: %q, want %q", s.Name, c.Body, want)
			}
		}
	}
	for from, want := range map[string]string{
		`"s1/charge.undo":`: `"s1/nothing" is no operation of a definition: expected SAGA/STEP or SAGA/STEP.undo`,
		`1.50e+2 `:          "bodies: s1/charge.undo: \"{ \\\"note\\\"",
		`1.0 }`:             `bodies: s1/charge: "{ \"first\": 1 }": expected the body of its definition with white space, and else the same bytes: "{\"first\":1.0}"`,
	} {
		to := map[string]string{`"s1/charge.undo":`: `"s1/nothing":`, `1.50e+2 `: `150 `, `1.0 }`: `1 }`}[from]
		if !strings.Contains(file.String(), from) {
			t.Fatalf("%s is not in %s", from, file.String())
		}
		if _, err := Read(strings.NewReader(strings.Replace(file.String(), from, to, 1))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", to, err)
		}
	}
}
