package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// What is waited for, and what is not: a server that is gone comes back, and what it has lost does not.

// ErrAway says that the server does not answer now.
var ErrAway = errors.New("the NATS server does not answer now")

// awayError is ErrAway in the words of the server.
type awayError struct{ error }

func (awayError) Is(target error) bool { return target == ErrAway }

func (e awayError) Unwrap() error { return e.error }

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

// FullError says that the server has no room for what it is given.
type FullError struct {
	Server string
	Err    error // in the words of the server
}

func (e *FullError) Error() string {
	return fmt.Sprintf("NATS server %s takes no more (%v): make room on its disk, or raise the limits of its JetStream or of this account, and begin the run again",
		e.Server, e.Err)
}

func (e *FullError) Unwrap() error { return e.Err }

// MuteError says that the server is reached, and does not do what it is asked.
type MuteError struct {
	Server string
	For    time.Duration
	Err    error // its last answer, or that there was none; not to be unwrapped, as it is one that passes
}

func (e *MuteError) Error() string {
	return fmt.Sprintf("NATS server %s is reached, and for %v has not done what it was asked (%v): see in its log whether its JetStream runs, and whether this account may use it",
		e.Server, e.For.Round(time.Second), e.Err)
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

// atFault tells whether an error is a matter of the server, and not of what it was asked for.
func (c *Conn) atFault(err error) bool {
	var (
		lost *LostError
		mute *MuteError
	)
	return err != nil && (c.hopeless() != nil || errors.As(err, &lost) || errors.As(err, &mute))
}

// waiting is since when the server lacks what belongs to a run, and since when it does not do what it is asked.
type waiting struct{ missing, mute absence }

// muteSaid is after how long it is said that the server does not do what it is asked, and how often.
const (
	muteSaid      = 5 * time.Second
	muteSaidEvery = 30 * time.Second
)

// away is ErrAway while the server that gave a passing answer is waited for: one that is gone comes back or is
// given up elsewhere, one that is reached has so long. After that it is a *MuteError.
func (c *Conn) away(mute *absence, limit time.Duration, err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) {
		err = errors.New("no answer in time")
	}
	switch {
	case c.Away():
		*mute = absence{}
	case mute.longer(limit):
		return &MuteError{Bare(c.o.URL), limit, err}
	case mute.longer(min(muteSaid, limit/2)):
		c.sayMute(limit, err)
	}
	return ErrAway
}

// sayMute says, now and then, what the server answers.
func (c *Conn) sayMute(limit time.Duration, err error) {
	last, now := c.saidMute.Load(), time.Now().UnixNano()
	if last+int64(muteSaidEvery) < now && c.saidMute.CompareAndSwap(last, now) {
		c.o.Say(fmt.Sprintf("the NATS server %s is reached, and does not do what it is asked (%v): waiting for it, %v at most", Bare(c.o.URL), err, limit))
	}
}

// noteFull keeps an answer that says that there is no room, and is what it comes to; nil if it says something else.
func (c *Conn) noteFull(err error) error {
	if !full(err) {
		return nil
	}
	e := &FullError{Bare(c.o.URL), err}
	c.full.CompareAndSwap(nil, e)
	return e
}

// hopeless is what no waiting mends; nil: nothing.
func (c *Conn) hopeless() error {
	if e := c.forbidden.Load(); e != nil {
		return e
	}
	if e := c.full.Load(); e != nil {
		return e
	}
	if c.nats.IsClosed() {
		if last := c.nats.LastError(); refused(last) {
			return c.o.explain(last)
		}
		return errors.Join(fmt.Errorf("the NATS server %s did not come back", Bare(c.o.URL)), c.nats.LastError())
	}
	return nil
}

// judge is what an answer about the things of a run comes to: ErrAway if one asks again, or why not.
func (c *Conn) judge(run string, w *waiting, err error) error {
	hopeless := c.hopeless() // whatever else is answered
	switch {
	case hopeless != nil:
		return hopeless
	case err == nil:
		*w = waiting{}
		return nil
	case notFound(err):
		w.mute = absence{}
		if w.missing.longer(lostLimit) {
			return &LostError{Bare(c.o.URL), run, err}
		}
		return ErrAway
	case passing(err):
		w.missing = absence{}
		return c.away(&w.mute, c.o.MuteFor, err)
	}
	return err
}

// slowest is how many bytes a second a link carries at least.
const slowest = 32 << 10

// persist asks the server until it answers, as long as the run stands: a server that is gone comes back. So many
// bytes pass with one question.
func (c *Conn) persist(ctx context.Context, size int, stands, ask func(context.Context) error) error {
	var mute absence
	limit := askLimit + time.Duration(size)*time.Second/slowest
	for {
		once, cancel := context.WithTimeout(ctx, limit)
		err := ask(once)
		cancel()
		if err == nil || ctx.Err() != nil {
			return err
		}
		if why := c.hopeless(); why != nil && errors.Is(err, nats.ErrConnectionClosed) {
			return why
		}
		if full := c.noteFull(err); full != nil {
			return full
		}
		if !passing(err) && !notFound(err) {
			return err
		}
		if why := stands(ctx); why != nil && !errors.Is(why, ErrAway) {
			return why
		}
		if why := c.away(&mute, max(c.o.MuteFor, 3*limit), err); !errors.Is(why, ErrAway) {
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
	return errors.As(err, &api) && api.Code == 503 && !full(err) // it is back, and not yet ready
}

// The codes with which a server says that there is no room: of the account, of the server (and of its memory or
// disk), of the stream.
var fullCodes = []jetstream.ErrorCode{10002, 10023, 10028, 10047, streamStoreFailed}

// streamStoreFailed is also the code of a store that is being closed, as its server is.
const streamStoreFailed jetstream.ErrorCode = 10077

// full tells whether an error says that there is no room.
func full(err error) bool {
	var api *jetstream.APIError
	if !errors.As(err, &api) || !slices.Contains(fullCodes, api.ErrorCode) {
		return false
	}
	return api.ErrorCode != streamStoreFailed || !strings.Contains(api.Description, "closed")
}
