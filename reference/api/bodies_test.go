package api

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

// Bodies that are there at once are bounded in bytes, and leave room again.
func TestBodiesAreBounded(t *testing.T) {
	e := openTest(t, reference.Options{})
	f := newFront(Access{}, e, nil)
	f.bodies.Store(maxBodies - 100)
	p := testparticipant.New(t, nil)
	text := testparticipant.JSON(t, p.Define("s", "a compensatable"))
	for _, want := range []int{503, 202} {
		r := httptest.NewRequest("POST", "http://localhost/sagas", strings.NewReader(text))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		if f.ServeHTTP(w, r); w.Code != want {
			t.Error(w.Code, w.Body)
		}
		if want == 503 && f.bodies.Load() != maxBodies-100 {
			t.Error(f.bodies.Load())
		}
		f.bodies.Store(0)
	}
	awaitStatus(t, e, "s", saga.Completed)
}
