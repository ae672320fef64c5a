package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/internal/words"
)

// UnendedError says that cells did not end when their run was cut short. They go on, whatever they wait for: nothing
// of them is told, and nobody waits for them.
type UnendedError struct {
	Cells []string      // their ids
	After time.Duration // that they had
}

func (e *UnendedError) Error() string {
	return fmt.Sprintf("%s did not end within %v when the run was cut short: %s", words.Plural(len(e.Cells), "cell"), e.After, strings.Join(e.Cells, ", "))
}

// underWay are the ids of the cells of a run that have begun and not ended.
type underWay struct {
	mu  sync.Mutex
	ids map[string]bool
}

func (u *underWay) begin(id string) (end func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ids[id] = true
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.ids, id)
	}
}

func (u *underWay) all() (ids []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for id := range u.ids {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// cutLimit is how long cells under way have to end when their run is cut short. Where the orchestrator has gone away
// they have as long as it takes to say so; else somebody waits for the report.
func cutLimit(ctx context.Context) time.Duration {
	if gone(ctx) != nil {
		return stopLimit
	}
	return hurriedLimit
}

// collect calls each for the results of cells until there are no more, or until the run was cut short and those under
// way have had their time.
func (h *Harness) collect(ctx context.Context, results <-chan Result, under *underWay, each func(Result)) error {
	cut, late := ctx.Done(), (<-chan time.Time)(nil)
	for {
		select {
		case r, more := <-results:
			if !more {
				return nil
			}
			if !dropped(ctx, r) {
				each(r)
			}
		case <-cut:
			h.Hurry()
			cut, late = nil, time.After(cutLimit(ctx))
		case <-late:
			return &UnendedError{under.all(), cutLimit(ctx)}
		}
	}
}

// within ends something that has to be over soon; what takes longer goes on without us.
func within(limit time.Duration, what string, end func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- end() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(limit):
		return fmt.Errorf("%s did not end within %v", what, limit)
	}
}

// Cut tells that a run was cut short.
func (h *Harness) Cut() bool { return h.hurry.Load() }

// Hurry says that a run was cut short.
func (h *Harness) Hurry() { h.hurry.Store(true) }

// stopLimit bounds the end of an orchestrator.
func (h *Harness) stopLimit() time.Duration {
	if h.hurry.Load() {
		return hurriedLimit
	}
	return stopLimit
}

// Close ends everything that the harness started.
func (h *Harness) Close() error {
	if h.Cut() {
		return within(hurriedLimit, "what ran the cells", h.close)
	}
	return h.close()
}

func (h *Harness) close() error {
	h.pacer.close()
	return errors.Join(h.owned.close(h.stopLimit()), h.wire.Close(), h.server.Close(), h.readBacks.Close())
}
