package harness

import (
	"errors"
	"strings"
	"testing"
)

// Eighteen sagas that nobody accepts are one sentence, with their number; what each failed of can still be found.
func TestManySagasThatWereNotAcceptedAreOneSentence(t *testing.T) {
	first, last := errors.New("the orchestrator did not accept saga a"), errors.New("the orchestrator did not accept saga c")
	err := unsubmitted([]error{nil, first, errors.New("the orchestrator did not accept saga b"), last})
	if want := "3 of 4 sagas were not accepted, the first: " + first.Error(); err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if !errors.Is(err, last) || strings.Contains(err.Error(), "saga c") {
		t.Errorf("got %q", err)
	}
	if err := unsubmitted([]error{nil, first}); !errors.Is(err, first) {
		t.Errorf("one: got %v", err)
	}
	if err := unsubmitted([]error{nil, nil}); err != nil {
		t.Errorf("none: got %v", err)
	}
}
