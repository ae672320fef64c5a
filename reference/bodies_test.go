package reference

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/reference/definitions"
	"github.com/sagacheck/sagacheck/reference/store"
	"github.com/sagacheck/sagacheck/saga"
)

// What JSON writers like to change: blanks, the order and repetition of fields,
// numbers beyond a float, characters that HTML or JavaScript would trip over.
const oddBody = "{ \"b\" : 1e400,\t\"a\":\"<&>\u2028\\u003c\\ud800\\u0000\", \"a\":12345678901234567890.10 }"

// A body is sent as it came: at once, from the store, and with a compensation.
func TestBodiesAreSentAsTheyCame(t *testing.T) {
	for _, restart := range []bool{false, true} {
		hold := make(chan struct{})
		p := NewParticipant(t, func(c SeenCall) int {
			if c.Op == "a" {
				<-hold
				return 422
			}
			return 0
		})
		file := filepath.Join(t.TempDir(), "sagas.db")
		e := OpenTest(t, Options{StoreDSN: file})
		d := p.Define("s", "first compensatable", "a compensatable")
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		odd := strings.ReplaceAll(strings.ReplaceAll(string(text), `{"do":true}`, oddBody), `{"do":false}`, "["+oddBody+" ]")
		if d, err = definitions.Decode(strings.NewReader(odd)); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the same again is the same saga
			SubmitTest(t, e, d)
		}
		p.AwaitCall(t, "a", 1)
		if restart {
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			e = OpenTest(t, Options{StoreDSN: file})
		}
		close(hold)
		AwaitStatus(t, e, "s", saga.Compensated)
		for op, want := range map[string]string{"first": oddBody, "a": oddBody, "first.undo": "[" + oddBody + " ]"} {
			for _, c := range p.Of(op) {
				if c.Body != want {
					t.Errorf("restart %v: %s was sent %q, want %q", restart, op, c.Body, want)
				}
			}
		}
	}
}

// Another spelling of the same value is another body: the participant would see it.
func TestBodiesAreComparedByteForByte(t *testing.T) {
	p := NewParticipant(t, nil)
	e := OpenTest(t, Options{})
	d := p.Define("s", "a compensatable")
	SubmitTest(t, e, p.Define("s", "a compensatable"))
	d.Steps[0].Action.Body = json.RawMessage(`{"do": true}`)
	if err := e.Submit(t.Context(), d); !errors.Is(err, ErrConflict) {
		t.Error(err)
	}
	d.Steps[0].Action.Body = json.RawMessage(`{"do":`)
	var invalid *definitions.InvalidError
	if err := e.Submit(t.Context(), d); !errors.As(err, &invalid) || invalid.Field != "steps[0].action.body" {
		t.Error(err)
	}
}

// Stores of earlier versions keep bodies inside of the definition.
func TestOldRecordsAreRead(t *testing.T) {
	en := decodeEntry(store.Entry{Saga: "s", N: 1, Text: `[{"kind":"accepted","definition":{"id":"s","name":"","steps":[{"name":"a","kind":"pivot","action":{"url":"http://x","body":{"x":1}}}]}}]`})
	if en.damage != nil || string(en.records[0].Definition.Steps[0].Action.Body) != `{"x":1}` {
		t.Error(en)
	}
	en = decodeEntry(store.Entry{Saga: "s", N: 1, Text: `[{"kind":"accepted","bodies":["1"],"definition":{"id":"s","steps":[{"name":"a"}]}}]`})
	if en.damage == nil || !strings.Contains(en.damage.Error(), "bodies: 1") {
		t.Error(en.damage)
	}
}
