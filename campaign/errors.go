package campaign

import (
	"context"
	"errors"
	"fmt"

	"github.com/sagacheck/sagacheck/results"
)

// Error is why a campaign has no result.
type Error struct {
	// Exit says whose matter it is, as an exit code: results.ExitUsage, ExitSystem,
	// ExitUnproven (its time was over before it had begun) or ExitInterrupted.
	Exit int
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// usage marks a mistake in the options.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return &Error{results.ExitUsage, err}
}

// badInput marks what came of reading the user's input: a mistake of theirs, unless
// it is marked already.
func badInput(err error) error {
	var marked *Error
	if errors.As(err, &marked) {
		return err
	}
	return usage(err)
}

// trouble marks an error of the system under test or of the infrastructure.
func trouble(err error) error {
	if err == nil {
		return nil
	}
	return &Error{results.ExitSystem, err}
}

// interruptible runs what may wait for a file for ever, a pipe for example, and gives
// up when the context ends.
func interruptible[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		v, err := read()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		if why, byUser := cutBy(ctx, nil); !byUser {
			return none, &Error{results.ExitUnproven, fmt.Errorf("%s: still reading a file", why)}
		}
		return none, &Error{results.ExitInterrupted, errors.New("interrupted while reading a file")}
	}
}
