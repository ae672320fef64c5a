package harness

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
)

// noted is what a watcher is told, and what happens besides.
type noted []string

func (n *noted) Began(Cell, *history.Recorder) {}
func (n *noted) Over(c Cell)                   { *n = append(*n, c.ID+" is over") }

// A cell that must go on alone is over before it begins there under another name: else who watches
// would see both run.
func TestACellIsOverBeforeItGoesOnAlone(t *testing.T) {
	told := &noted{}
	h, err := New(Options{Alone: true, Watch: told, Start: func(context.Context) (orchestrators.System, error) {
		*told = append(*told, "start")
		return nil, &anybodysError{errors.New("whose call it was is not known")}
	}})
	if err != nil {
		t.Fatal(err)
	}
	h.RunCell(t.Context(), Cell{ID: "c"})
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	want := []string{"start", "c is over", "start", "c.alone is over"}
	if !slices.Equal(*told, want) {
		t.Errorf("%q: expected %q", *told, want)
	}
}
