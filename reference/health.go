package reference

import (
	"errors"
	"log/slog"
	"sync"
	"time"
)

// health is what is wrong with the executor's surroundings, and since when. Trouble
// is logged when it begins and when it ends, not at each try in between.
type health struct {
	log   *slog.Logger
	mu    sync.Mutex
	since map[string]time.Time // by what is not possible
}

// troubleIsSerious is how long trouble with the store lasts before sagas are refused
// at once: what passes sooner only delays them.
const troubleIsSerious = time.Second

func (h *health) trouble(what string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, known := h.since[what]; known {
		return
	}
	if h.since == nil {
		h.since = map[string]time.Time{}
	}
	h.since[what] = time.Now()
	h.log.Error("can't "+what+", trying again", "error", err)
}

func (h *health) well(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if since, known := h.since[what]; known {
		delete(h.since, what)
		h.log.Info("can "+what+" again", "after", time.Since(since).Round(time.Millisecond).String())
	}
}

// serious says what has not been possible for a while; "" if all is well.
func (h *health) serious() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	for what, since := range h.since {
		if time.Since(since) >= troubleIsSerious {
			return what
		}
	}
	return ""
}

// any says what is not possible just now; "" if all is well.
func (h *health) any() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	for what := range h.since {
		return what
	}
	return ""
}

// ErrUnavailable is what unavailable errors are: the same request may succeed later.
var ErrUnavailable = errors.New("the executor can't do that now")

// unavailableError says why in words that may leave the house; the log has the rest.
type unavailableError struct{ reason string }

func unavailable(reason string) error { return &unavailableError{reason} }

func (e *unavailableError) Error() string        { return ErrUnavailable.Error() + ": " + e.reason }
func (e *unavailableError) Is(target error) bool { return target == ErrUnavailable }
