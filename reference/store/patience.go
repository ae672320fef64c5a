package store

import (
	"context"
	"time"
)

// storePatience is how long opening and reading try again with a store that is out
// of reach, or on a full disk; writing does so without end (the journal of package reference).
// What goes on is not cut off: a busy disk may take its time.
const storePatience = 10 * time.Second

// patiently tries again while an error may pass, and tells the health what is not
// possible meanwhile.
func patiently(ctx context.Context, h *Health, what string, passes func(error) bool, f func(context.Context) error) error {
	over := time.After(storePatience)
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		err := f(ctx)
		if err == nil {
			h.Well(what)
			return nil
		}
		if !passes(err) {
			return err
		}
		h.Trouble(what, err)
		select {
		case <-time.After(wait):
		case <-over:
			return err
		case <-ctx.Done():
			return err
		}
	}
}
