package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// What is waited for, and what is not: a server that is gone comes back, and what it has lost does not.

// ErrAway says that the server does not answer now.
var ErrAway = errors.New("the NATS server does not answer now")

// ForbiddenError says that the server does not let this user do what runs and workers need.
type ForbiddenError struct {
	Server string
	Err    error // with the subject
}

func (e *ForbiddenError) Error() string {
	return fmt.Sprintf("NATS server %s: %v: give this user the rights that docs/many-machines.md lists", e.Server, e.Err)
}

func (e *ForbiddenError) Unwrap() error { return e.Err }

// LostError says that the server has no longer what belongs to a run that goes on.
type LostError struct {
	Server, Run string
	Err         error // what is missing
}

func (e *LostError) Error() string {
	return fmt.Sprintf("NATS server %s has lost run %s (%v): it came back without what it had stored, or somebody removed it: "+
		"keep its store on a disk that lasts, and begin the run again", e.Server, e.Run, e.Err)
}

func (e *LostError) Unwrap() error { return e.Err }

// GoneError says that nobody runs a run any more who could end it.
type GoneError struct {
	Server, Run string
	After       time.Duration // of silence
}

func (e *GoneError) Error() string {
	return fmt.Sprintf("nobody runs %s: NATS server %s has not heard of it for %v: whoever ran it was killed or has lost the server, "+
		"it ended long ago, or its name is another", e.Run, e.Server, e.After)
}

// lostLimit is how long what is missing may be missing: a server that has come back finds its things.
const lostLimit = 5 * time.Second

// absence is since when something is not there. The zero value: it is.
type absence struct{ since time.Time }

// longer notes that it is not there, and tells whether that has lasted so long.
func (a *absence) longer(limit time.Duration) bool {
	if a.since.IsZero() {
		a.since = time.Now()
	}
	return time.Since(a.since) >= limit
}

// hopeless is what no waiting mends; nil: nothing.
func (c *Conn) hopeless() error {
	if e := c.forbidden.Load(); e != nil {
		return e
	}
	if c.nats.IsClosed() {
		return errors.Join(fmt.Errorf("the NATS server %s did not come back", Bare(c.o.URL)), c.nats.LastError())
	}
	return nil
}

// judge is what an answer about the things of a run comes to: ErrAway if one asks again, or why not.
func (c *Conn) judge(run string, missing *absence, err error) error {
	hopeless := c.hopeless() // whatever else is answered
	switch {
	case hopeless != nil:
		return hopeless
	case err == nil:
		*missing = absence{}
		return nil
	case notFound(err):
		if missing.longer(lostLimit) {
			return &LostError{Bare(c.o.URL), run, err}
		}
		return ErrAway
	case passing(err):
		*missing = absence{}
		return ErrAway
	}
	return err
}

// persist asks the server until it answers, as long as the run stands: a server that is gone comes back.
func persist(ctx context.Context, stands func(context.Context) error, ask func(context.Context) error) error {
	for {
		once, cancel := context.WithTimeout(ctx, askLimit)
		err := ask(once)
		cancel()
		if err == nil || ctx.Err() != nil || !passing(err) && !notFound(err) {
			return err
		}
		if why := stands(ctx); why != nil && !errors.Is(why, ErrAway) {
			return why
		}
		if !pause(ctx, 200*time.Millisecond) {
			return ctx.Err()
		}
	}
}

// notFound tells whether an error says that a thing of a run is not there.
func notFound(err error) bool {
	return errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrBucketNotFound)
}

// passing tells whether an error says that the server is not there now.
func passing(err error) bool {
	for _, e := range []error{
		context.DeadlineExceeded, nats.ErrTimeout, nats.ErrNoResponders, nats.ErrDisconnected, nats.ErrConnectionReconnecting,
		nats.ErrReconnectBufExceeded, nats.ErrStaleConnection, jetstream.ErrNoStreamResponse,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	var api *jetstream.APIError
	return errors.As(err, &api) && api.Code == 503 // it is back, and not yet ready
}
