package reference

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/sagacheck/sagacheck/saga"
)

// FuzzSubmit sends any body to the contract. Whatever it is, the answer is one of the
// contract's, comes at once, and what is accepted can be asked for, and read again.
func FuzzSubmit(f *testing.F) {
	gone := httptest.NewServer(http.NotFoundHandler())
	defer gone.Close()
	p := &Participant{Server: gone}
	for _, words := range [][]string{{"a compensatable"}, {"a compensatable", "b pivot", "c retriable", "d deferrable -"}} {
		text, err := jsonOf(p.Define("s", words...))
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(text))
	}
	f.Add([]byte(`{"id":"x","steps":[` + goodStep + `]}`))
	f.Add([]byte(oddBody))
	e, err := Open(f.Context(), Options{StoreDSN: filepath.Join(f.TempDir(), "s.db?synchronous=off")})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := e.Close(); err != nil {
			f.Error(err)
		}
	})
	h := e.Handler()
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
		def, err := decodeDefinition(bytes.NewReader(body))
		if err != nil {
			t.Fatal("accepted:", err)
		}
		if _, err := e.Status(def.ID); err != nil {
			t.Fatal(err)
		}
		en := entry{saga: def.ID, n: 1, records: []Record{{Kind: recAccepted, Definition: &def}}}
		if err := en.encode(); err != nil {
			t.Fatal(err)
		}
		s, err := replay([]entry{decodeEntry(def.ID, 1, en.text)}, nil)
		if err != nil || sameDefinition(s.Def, def) != nil {
			t.Fatal("stored and read again:", err)
		}
		if s.status() != saga.Running && s.status() != saga.Completed {
			t.Fatal(s.status())
		}
		_ = e.Compensate(t.Context(), def.ID) // so that it does not stay open for long
	})
}
