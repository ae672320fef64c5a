package store

import (
	"errors"
	"testing"
	"time"
)

// Only what sagas can't be accepted without is serious, and only after a while.
func TestSeriousTrouble(t *testing.T) {
	for what, serious := range map[string]bool{Opening: true, Writing: true, Renewing: true, Reading: true, Removing: false} {
		h := NewHealth(nil)
		if !h.Trouble(what, errors.New("away")) || h.Trouble(what, errors.New("still away")) || h.Any() != what || h.Serious() != "" {
			t.Errorf("%s: %q now, %q serious at once", what, h.Any(), h.Serious())
		}
		h.since[what] = time.Now().Add(-time.Hour)
		if got := h.Serious(); (got == what) != serious {
			t.Errorf("%s: %q serious after an hour", what, got)
		}
		h.Well(what)
		if h.Any() != "" || h.Serious() != "" {
			t.Errorf("%s: %q now, %q serious when it is over", what, h.Any(), h.Serious())
		}
	}
}
