package reference

import (
	"errors"
	"testing"

	"github.com/sagacheck/sagacheck/saga"
)

// What a saga takes while it is open grows with what may be under way at once.
func TestOpenSize(t *testing.T) {
	p := NewParticipant(t, nil)
	apart := p.Chain(100)
	for i := range apart.Steps {
		apart.Steps[i].After = []string{}
	}
	for want, d := range map[int]saga.Definition{
		1:   p.Chain(100),
		100: apart,
		2:   p.Define("s", "a compensatable", "b compensatable a", "c compensatable a", "d pivot b,c"),
	} {
		if got := width(d); got != want {
			t.Errorf("%d at once, want %d", got, want)
		}
	}
	e := OpenTest(t, Options{})
	e.open = maxOpenBytes - openSize(apart) + 1
	if err := e.Submit(t.Context(), apart); !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
	e.open = 0
}
