package harness

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
)

// GoneError says that the system under test went away although no plan asked for
// it. What its cells show after that is no behaviour of an orchestrator.
type GoneError struct {
	How error
	// Shared: it was the one that all cells without process faults share. Nothing can
	// be run without it.
	Shared bool
}

func (e *GoneError) Error() string { return "the system under test went away: " + e.How.Error() }

func (e *GoneError) Unwrap() error { return e.How }

// gone is the departure that ended a context; nil: it goes on, or ended otherwise.
func gone(ctx context.Context) *GoneError {
	var g *GoneError
	if errors.As(context.Cause(ctx), &g) {
		return g
	}
	return nil
}

// watched drives the cell as long as its orchestrator is there. A departure is
// recorded when it is seen, and ends the cell.
func (r *cellRun) watched(ctx context.Context) error {
	w, ok := r.sys.(orchestrators.Watched)
	if !ok {
		return r.drive(ctx)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var once sync.Once
	record := func(how error) {
		once.Do(func() { r.rec.Add(history.Event{Kind: history.ProcessGone, Detail: firstLine(how)}) })
	}
	stop := w.Watch(func(how error) {
		record(how)
		cancel(&GoneError{How: how, Shared: r.sys == r.h.System})
	})
	err := r.drive(ctx)
	stop()
	g := gone(ctx)
	if g == nil || g.Shared && r.sys != r.h.System { // it has one of its own
		return err
	}
	record(g.How) // another cell saw it first
	r.rec.Add(history.Event{Kind: history.Settled, Detail: "not waited for: the system under test went away"})
	return g
}

// firstLine is an error without the log that may follow it.
func firstLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	text, _, _ = strings.Cut(text, "; the end of ")
	return text
}

// dropped tells that a result shows only that its run was over.
func dropped(ctx context.Context, r Result) bool {
	var g *GoneError
	return ctx.Err() != nil && r.Err != nil && !errors.As(r.Err, &g)
}

// outcome is what a run of cells ended with: nil, the departure of the shared
// orchestrator, or the context's error.
func outcome(ctx context.Context) error {
	if g := gone(ctx); g != nil {
		return g
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return nil
}
