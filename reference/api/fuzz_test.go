package api

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/definitions"
)

// FuzzSubmit sends any body to the contract. Whatever it is, the answer is one of the
// contract's, comes at once, and what is accepted can be asked for.
func FuzzSubmit(f *testing.F) {
	gone := httptest.NewServer(http.NotFoundHandler())
	defer gone.Close()
	p := &testparticipant.Participant{Server: gone}
	for _, words := range [][]string{{"a compensatable"}, {"a compensatable", "b pivot", "c retriable", "d deferrable -"}} {
		text := testparticipant.JSON(f, p.Define("s", words...))
		f.Add([]byte(text))
	}
	f.Add([]byte(`{"id":"x","steps":[` + goodStep + `]}`))
	e, err := reference.Open(f.Context(), reference.Options{StoreDSN: filepath.Join(f.TempDir(), "s.db?synchronous=off")})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := e.Close(); err != nil {
			f.Error(err)
		}
	})
	h := Handler(e)
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest("POST", "http://localhost/sagas", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		switch w.Code {
		case 202:
		case 400, 409, 413, 503:
			return
		default:
			t.Fatal(w.Code, w.Body)
		}
		def, err := definitions.Decode(bytes.NewReader(body))
		if err != nil {
			t.Fatal("accepted:", err)
		}
		if _, err := e.Status(def.ID); err != nil {
			t.Fatal(err)
		}
		_ = e.Compensate(t.Context(), def.ID) // so that it does not stay open for long
	})
}
