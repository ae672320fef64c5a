package reference

import (
	"bytes"
	"testing"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/reference/definitions"
	"github.com/sagacheck/sagacheck/saga"
)

// FuzzStored stores whatever is taken in, and reads it again: it is the same saga, at its
// beginning.
func FuzzStored(f *testing.F) {
	p := NewParticipant(f, nil)
	for _, words := range [][]string{{"a compensatable"}, {"a compensatable", "b pivot", "c retriable", "d deferrable -"}} {
		f.Add([]byte(testparticipant.JSON(f, p.Define("s", words...))))
	}
	d := p.Define("s", "a compensatable")
	d.Steps[0].Action.Body = []byte(oddBody)
	f.Add([]byte(testparticipant.JSON(f, d)))
	f.Fuzz(func(t *testing.T, body []byte) {
		def, err := definitions.Decode(bytes.NewReader(body))
		if err != nil || definitions.Validate(def) != nil {
			return
		}
		stored, err := entry{saga: def.ID, n: 1, records: []Record{{Kind: recAccepted, Definition: &def}}}.encode()
		if err != nil {
			t.Fatal(err)
		}
		s, err := replay([]entry{decodeEntry(stored)}, nil)
		if err != nil || sameDefinition(s.Def, def) != nil {
			t.Fatal("stored and read again:", err)
		}
		if s.status() != saga.Running && s.status() != saga.Completed {
			t.Fatal(s.status())
		}
	})
}
