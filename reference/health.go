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

// What may not be possible. All but the last are serious: no saga can be accepted
// without them. Each is tried again until it is possible, whether or not anybody asks.
const (
	opening  = "open the store"
	writing  = "write to the store"
	renewing = "renew the lease of the store"
	reading  = "read from the store"
	removing = "remove old sagas from the store"
)

// troubleIsSerious is how long trouble with the store lasts before sagas are refused
// at once: what passes sooner only delays them.
const troubleIsSerious = time.Second

// trouble notes that something is not possible; news: it was until now. A nil health
// notes nothing.
func (h *health) trouble(what string, err error) (news bool) {
	if h == nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, known := h.since[what]; known {
		return false
	}
	if h.since == nil {
		h.since = map[string]time.Time{}
	}
	h.since[what] = time.Now()
	h.log.Error("can't "+what+", trying again", "error", err)
	return true
}

func (h *health) well(what string) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if since, known := h.since[what]; known {
		delete(h.since, what)
		h.log.Info("can "+what+" again", "after", time.Since(since).Round(time.Millisecond).String())
	}
}

// serious says what has not been possible for a while so that no saga can be
// accepted; "" if there is nothing.
func (h *health) serious() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, what := range []string{opening, writing, renewing, reading} {
		if since, known := h.since[what]; known && time.Since(since) >= troubleIsSerious {
			return what
		}
	}
	return ""
}

// any says what is not possible just now; "" if all is well.
func (h *health) any() string {
	if h == nil {
		return ""
	}
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
