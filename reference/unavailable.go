package reference

import "errors"

// ErrUnavailable is what unavailable errors are: the same request may succeed later.
var ErrUnavailable = errors.New("the executor can't do that now")

// unavailableError says why in words that may leave the house; the log has the rest.
type unavailableError struct{ reason string }

func unavailable(reason string) error { return &unavailableError{reason} }

func (e *unavailableError) Error() string        { return ErrUnavailable.Error() + ": " + e.reason }
func (e *unavailableError) Is(target error) bool { return target == ErrUnavailable }
