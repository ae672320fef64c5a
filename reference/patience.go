package reference

import (
	"context"
	"time"
)

const (
	// storePatience is how long opening and reading wait for a store that is out of
	// reach, or on a full disk; writing waits without end (see journal.persist).
	storePatience = 10 * time.Second
	// statementTimeout ends a statement whose connection has fallen silent.
	statementTimeout = 2 * time.Second
)

// patiently tries again while an error may pass.
func patiently(ctx context.Context, passes func(error) bool, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		one, done := context.WithTimeout(ctx, statementTimeout)
		err := f(one)
		done()
		if err == nil || !passes(err) {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}
