package history_test

import (
	"testing"

	"github.com/sagacheck/sagacheck/history"
)

func TestFromMemory(t *testing.T) {
	for detail, want := range map[string]bool{history.Replayed: true, history.TooLate: true, history.KeyReused: true, history.InProgress: true, "": false, "no-op: the action never happened": false} {
		e := history.Event{Kind: history.CallAnswered, Detail: detail}
		if e.FromMemory() != want {
			t.Errorf("%q: got %v, want %v", detail, !want, want)
		}
		if e.Kind = history.CallEnded; e.FromMemory() {
			t.Errorf("%q: nobody answers at the end of a call", detail)
		}
	}
}
