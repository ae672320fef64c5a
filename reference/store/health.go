package store

import (
	"log/slog"
	"sync"
	"time"
)

// Health is what is wrong with the executor's surroundings, and since when. Trouble
// is logged when it begins and when it ends, not at each try in between.
type Health struct {
	log   *slog.Logger
	mu    sync.Mutex
	since map[string]time.Time // by what is not possible
}

// NewHealth is that of an executor with which nothing is wrong yet; log nil: nothing is
// logged.
func NewHealth(log *slog.Logger) *Health {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Health{log: log}
}

// What may not be possible. All but the last are serious: no saga can be accepted
// without them. Each is tried again until it is possible, whether or not anybody asks.
const (
	Opening  = "open the store"
	Writing  = "write to the store"
	Renewing = "renew the lease of the store"
	Reading  = "read from the store"
	Removing = "remove old sagas from the store"
)

// troubleIsSerious is how long trouble with the store lasts before sagas are refused
// at once: what passes sooner only delays them.
const troubleIsSerious = time.Second

// Trouble notes that something is not possible; news: it was until now. A nil health
// notes nothing.
func (h *Health) Trouble(what string, err error) (news bool) {
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

// Well notes that it is possible, again or still.
func (h *Health) Well(what string) {
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

// Serious says what has not been possible for a while so that no saga can be
// accepted; "" if there is nothing.
func (h *Health) Serious() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, what := range []string{Opening, Writing, Renewing, Reading} {
		if since, known := h.since[what]; known && time.Since(since) >= troubleIsSerious {
			return what
		}
	}
	return ""
}

// Any says what is not possible just now; "" if all is well.
func (h *Health) Any() string {
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
