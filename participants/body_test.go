package participants

import (
	"net/http"
	"testing"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// TestBodiesAreRecordedWhereTheyDiffer from the definition, in a single byte or
// altogether; a note is no part of the effect.
func TestBodiesAreRecordedWhereTheyDiffer(t *testing.T) {
	asked := `{ "postings":[{"account":"p/a","amount":-1,"unit":"EUR"},{"account":"p/b","amount":1,"unit":"EUR"}],"note":{"n":9007199254740993}}`
	rec := history.NewRecorder(history.Header{})
	w := NewWorld(Naive, nil, rec, nil, nil)
	w.Expect([]saga.Definition{{ID: "s", Steps: []saga.Step{{Name: "one", Action: saga.Call{Body: []byte(asked)}}}}})
	op := saga.Operation{Saga: "s", Step: "one", Direction: saga.Action}
	bodies := []string{asked, asked + " ", "", `{"postings":[],"extra":1}`}
	codes := []int{200, 200, 400, 400}
	for i, body := range bodies {
		if a := w.Handle(Call{Op: op, Attempt: i + 1}, http.Header{}, []byte(body)); a.Code != codes[i] {
			t.Errorf("%q: answered %+v", body, a)
		}
	}
	for _, e := range rec.Close().Events {
		if e.Kind != history.CallReceived {
			continue
		}
		body := bodies[e.Attempt-1]
		if (e.Body == nil) != (body == asked) || e.Body != nil && *e.Body != body {
			t.Errorf("%q is recorded as %v", body, e.Body)
		}
	}
}
