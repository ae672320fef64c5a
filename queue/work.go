package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Find waits for a run that wants workers: the one of that name, or whichever there is. One of
// another version is an *OtherVersionError; one that has a name and is over is ErrOver, or a *GoneError
// if nobody has said so. A server that is reached and does not say is a *MuteError.
func (c *Conn) Find(ctx context.Context, name string) (Run, error) {
	var absent, mute absence
	for {
		run, err := c.look(ctx, name)
		switch {
		case errors.Is(err, ErrAway):
			absent = absence{}
			if why := c.away(&mute, c.o.MuteFor, err); !errors.Is(why, ErrAway) {
				return Run{}, why
			}
		case !errors.Is(err, errNone):
			return run, err
		case name != "" && absent.longer(c.silence()):
			return Run{}, &GoneError{Bare(c.o.URL), name, c.silence()}
		}
		if errors.Is(err, errNone) {
			mute = absence{}
		}
		if !pause(ctx, 200*time.Millisecond) {
			return Run{}, ctx.Err()
		}
	}
}

// silence is how long a run may be unknown to a server that answers: two beats of whoever runs it, who
// may have to say it anew to a server that was gone.
func (c *Conn) silence() time.Duration { return c.o.GoneAfter / 3 }

// errNone says that nobody wants workers now.
var errNone = errors.New("no run")

// look is the run of that name, or the first one of the list. errNone: there is none now; ErrOver: it
// is over; ErrAway, in the words of the server: it does not answer.
func (c *Conn) look(ctx context.Context, name string) (Run, error) {
	once, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	runs, err := c.js.KeyValue(once, runsBucket)
	if err != nil {
		return Run{}, c.none(ctx, err)
	}
	keys := []string{name}
	if name == "" {
		keys, err = runs.Keys(once)
		if err != nil {
			return Run{}, c.none(ctx, err)
		}
	}
	for _, key := range keys {
		entry, err := runs.Get(once, key)
		if err := c.none(ctx, err); errors.Is(err, errNone) {
			continue
		} else if err != nil {
			return Run{}, err
		}
		var run Run
		switch err := json.Unmarshal(entry.Value(), &run); {
		case err != nil:
			return Run{}, fmt.Errorf("run %q in bucket %s: %w", key, runsBucket, err)
		case run.Over && name != "":
			return run, ErrOver
		case !run.Over:
			return run, c.same("run "+run.Name, run.Version, run.Catalogue)
		}
	}
	return Run{}, errNone
}

// none is what an answer of the bucket of runs comes to; nil for none.
func (c *Conn) none(ctx context.Context, err error) error {
	hopeless := c.hopeless()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case hopeless != nil:
		return hopeless
	case errors.Is(err, jetstream.ErrBucketNotFound), errors.Is(err, jetstream.ErrKeyNotFound), errors.Is(err, jetstream.ErrNoKeysFound):
		return errNone
	case passing(err):
		return awayError{err}
	}
	return err
}

// Crew is a run as a worker sees it.
type Crew struct {
	conn    *Conn
	run     string
	worker  string
	chunks  jetstream.Consumer
	results jetstream.KeyValue
	objects jetstream.ObjectStore

	ackWait    time.Duration // of the run
	maxDeliver int

	asking sync.Mutex
	absent absence // of the run
	waiting

	mu   sync.Mutex
	mine map[*Taken]bool
}

// Join takes part in a run under the name of a worker. It fails as Take does.
func (c *Conn) Join(ctx context.Context, run Run, worker string) (*Crew, error) {
	w := &Crew{conn: c, run: run.Name, worker: worker, mine: map[*Taken]bool{}}
	err := c.persist(ctx, 0, w.stands, func(ctx context.Context) (err error) {
		if w.chunks, err = c.js.Consumer(ctx, streamOf(run.Name), consumer); err != nil {
			return err
		}
		config := w.chunks.CachedInfo().Config
		w.ackWait, w.maxDeliver = config.AckWait, config.MaxDeliver
		if w.results, err = c.js.KeyValue(ctx, resultsOf(run.Name)); err != nil {
			return err
		}
		w.objects, err = c.js.ObjectStore(ctx, historiesOf(run.Name))
		return err
	})
	return w, err
}

// Taken is a chunk that this worker has.
type Taken struct {
	Chunk
	crew *Crew
	msg  jetstream.Msg
	lost bool // somebody else has it by now
	// Times is how often its cells were given to workers, this time too: an orchestrator that has seen
	// a cell must not see it again under the same id.
	Times int
}

// ErrOver is the end of a run.
var ErrOver = errors.New("the run is over")

// takeLimit is how long one question for a chunk stays: what comes to a worker that was
// stopped meanwhile is lost to the others until AckWait is over.
const takeLimit = 2 * time.Second

// Take waits for a chunk. ErrOver: there will be none, and so says a *GoneError, *LostError or *ForbiddenError.
func (w *Crew) Take(ctx context.Context) (*Taken, error) {
	for {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		batch, err := w.chunks.Fetch(1, jetstream.FetchMaxWait(takeLimit))
		if err == nil {
			for m := range batch.Messages() {
				return w.taken(m)
			}
			err = batch.Error()
		}
		if why := w.stands(ctx); why != nil && !errors.Is(why, ErrAway) {
			return nil, why
		}
		if err != nil {
			pause(ctx, 200*time.Millisecond)
		}
	}
}

// stands is nil while somebody runs the run and the server has what belongs to it; ErrAway: that
// can't be told now. Any other error is final.
func (w *Crew) stands(ctx context.Context) error {
	w.asking.Lock()
	defer w.asking.Unlock()
	_, err := w.conn.look(ctx, w.run)
	switch {
	case errors.Is(err, ErrAway):
		w.absent, w.missing = absence{}, absence{}
		return w.conn.away(&w.mute, w.conn.o.MuteFor, err)
	case !errors.Is(err, errNone):
		w.absent = absence{}
	case w.absent.longer(w.conn.silence()):
		return &GoneError{Bare(w.conn.o.URL), w.run, w.conn.silence()}
	default:
		return ErrAway
	}
	var other *OtherVersionError // says so with its first chunk
	if err != nil && !errors.As(err, &other) {
		return err
	}
	once, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	_, err = w.conn.js.Consumer(once, streamOf(w.run), consumer)
	return w.conn.judge(w.run, &w.waiting, err)
}

func (w *Crew) taken(m jetstream.Msg) (*Taken, error) {
	if err := w.conn.sameHeader("a chunk of run "+w.run, m.Headers()); err != nil {
		return nil, errors.Join(err, m.Nak())
	}
	t := &Taken{crew: w, msg: m}
	if err := json.Unmarshal(m.Data(), &t.Chunk); err != nil {
		return nil, errors.Join(fmt.Errorf("a chunk of run %s: %w", w.run, err), m.Term())
	}
	info, err := m.Metadata()
	if err != nil {
		return nil, err
	}
	t.Times = t.Try*w.maxDeliver + int(info.NumDelivered)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mine[t] = true
	return t, nil
}

// Lost tells that the chunk may have been given to another worker, since this one was silent for
// too long: what it saw meanwhile is not told.
func (t *Taken) Lost() bool {
	t.crew.mu.Lock()
	defer t.crew.mu.Unlock()
	return t.lost
}

// Done: there is a result of each cell.
func (t *Taken) Done() {
	t.crew.mu.Lock()
	defer t.crew.mu.Unlock()
	delete(t.crew.mine, t)
	if !t.lost {
		_ = t.msg.Ack() // it comes again, and its cells are known
	}
}

// Return gives all chunks back, for others.
func (w *Crew) Return() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for t := range w.mine {
		if !t.lost {
			_ = t.msg.Nak()
		}
	}
	clear(w.mine)
}

// Beat says, until the context ends, that the chunks are worked on. Where it was kept from
// saying so for longer than the server waits, they are lost.
func (w *Crew) Beat(ctx context.Context) {
	every := w.ackWait / 5
	last := time.Now()
	for w.sayAlive(); pause(ctx, every); w.sayAlive() {
		silent := time.Since(last)
		last = time.Now()
		w.mu.Lock()
		for t := range w.mine {
			if silent >= w.ackWait {
				t.lost = true
			}
			if !t.lost {
				_ = t.msg.InProgress() // the next one is soon
			}
		}
		w.mu.Unlock()
	}
}

// Known tells whether there is a result of a cell already.
func (w *Crew) Known(ctx context.Context, cell string) (known bool, err error) {
	err = w.conn.persist(ctx, 0, w.stands, func(ctx context.Context) error {
		_, err := w.results.Get(ctx, cell)
		known = err == nil
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			return nil
		}
		return err
	})
	return known, err
}

// mostInMessage is how long a body may be before it is kept apart: servers take messages of
// up to 1 MiB by default. mostInPart is how long the parts are then.
const (
	mostInMessage = 512 << 10
	mostInPart    = 128 << 10
)

// fits is how much goes into one message: so much, or less where the server takes less, with its headers.
func (c *Conn) fits(most int) int { return min(most, int(c.nats.MaxPayload()/2)) }

// Give tells what became of a cell, unless somebody has: then it is dropped.
func (w *Crew) Give(ctx context.Context, cell string, body []byte) error {
	m := w.conn.message(keysOf(w.run)+cell, body)
	m.Header.Set(workerHeader, w.worker)
	if len(body) > w.conn.fits(mostInMessage) {
		object, parts := cell+"."+w.worker, &jetstream.ObjectMetaOptions{ChunkSize: uint32(w.conn.fits(mostInPart))}
		if err := w.conn.persist(ctx, len(body), w.stands, func(ctx context.Context) error {
			_, err := w.objects.Put(ctx, jetstream.ObjectMeta{Name: object, Opts: parts}, bytes.NewReader(body))
			return err
		}); err != nil {
			return err
		}
		m.Data = nil
		m.Header.Set(objectHeader, object)
	}
	err := w.conn.persist(ctx, len(m.Data), w.stands, func(ctx context.Context) error { // as a bucket creates a key, but with the headers
		_, err := w.conn.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(0), jetstream.WithRetryAttempts(0))
		return err
	})
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		return nil
	}
	return err
}
