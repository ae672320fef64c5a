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
// another version is an *OtherVersionError.
func (c *Conn) Find(ctx context.Context, name string) (Run, error) {
	for {
		run, err := c.look(ctx, name)
		switch {
		case err != nil || run != nil:
			return deref(run), err
		case c.nats.IsClosed():
			return Run{}, fmt.Errorf("the NATS server %s did not come back", Bare(c.o.URL))
		}
		if !pause(ctx, 200*time.Millisecond) {
			return Run{}, ctx.Err()
		}
	}
}

func deref(r *Run) Run {
	if r == nil {
		return Run{}
	}
	return *r
}

// look is the first run of the list; nil: there is none now.
func (c *Conn) look(ctx context.Context, name string) (*Run, error) {
	once, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	runs, err := c.js.KeyValue(once, runsBucket)
	if err != nil {
		return nil, unlessPassing(ctx, err)
	}
	keys := []string{name}
	if name == "" {
		keys, err = runs.Keys(once)
		if err != nil {
			return nil, unlessPassing(ctx, err)
		}
	}
	for _, key := range keys {
		entry, err := runs.Get(once, key)
		if err != nil {
			if err := unlessPassing(ctx, err); err != nil {
				return nil, err
			}
			continue
		}
		var run Run
		if err := json.Unmarshal(entry.Value(), &run); err != nil {
			return nil, fmt.Errorf("run %q in bucket %s: %w", key, runsBucket, err)
		}
		return &run, c.same("run "+run.Name, run.Version, run.Catalogue)
	}
	return nil, nil
}

// unlessPassing drops errors after which one looks again.
func unlessPassing(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case passing(err), errors.Is(err, jetstream.ErrBucketNotFound), errors.Is(err, jetstream.ErrKeyNotFound), errors.Is(err, jetstream.ErrNoKeysFound):
		return nil
	}
	return err
}

// Crew is a run as a worker sees it.
type Crew struct {
	conn    *Conn
	run     string
	worker  string
	chunks  jetstream.Consumer
	runs    jetstream.KeyValue
	results jetstream.KeyValue
	objects jetstream.ObjectStore

	ackWait    time.Duration // of the run
	maxDeliver int

	mu   sync.Mutex
	mine map[*Taken]bool
}

// Join takes part in a run under the name of a worker.
func (c *Conn) Join(ctx context.Context, run Run, worker string) (*Crew, error) {
	w := &Crew{conn: c, run: run.Name, worker: worker, mine: map[*Taken]bool{}}
	err := persist(ctx, func(ctx context.Context) (err error) {
		if w.chunks, err = c.js.Consumer(ctx, streamOf(run.Name), consumer); err != nil {
			return err
		}
		config := w.chunks.CachedInfo().Config
		w.ackWait, w.maxDeliver = config.AckWait, config.MaxDeliver
		if w.runs, err = c.js.KeyValue(ctx, runsBucket); err != nil {
			return err
		}
		if w.results, err = c.js.KeyValue(ctx, resultsOf(run.Name)); err != nil {
			return err
		}
		w.objects, err = c.js.ObjectStore(ctx, historiesOf(run.Name))
		return err
	})
	if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil, ErrOver // just now
	}
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

// Take waits for a chunk. ErrOver: there will be none.
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
		switch {
		case w.over(ctx):
			return nil, ErrOver
		case w.conn.nats.IsClosed():
			return nil, fmt.Errorf("the NATS server %s did not come back", Bare(w.conn.o.URL))
		}
		if err != nil {
			pause(ctx, 200*time.Millisecond)
		}
	}
}

// over tells whether nobody runs the run any more. As long as the server does not answer it is not.
func (w *Crew) over(ctx context.Context) bool {
	once, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	_, err := w.runs.Get(once, w.run)
	return errors.Is(err, jetstream.ErrKeyNotFound)
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
	for pause(ctx, every) {
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
func (w *Crew) Known(ctx context.Context, cell string) (known bool) {
	err := persist(ctx, func(ctx context.Context) error {
		_, err := w.results.Get(ctx, cell)
		known = err == nil
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			return nil
		}
		return err
	})
	return err == nil && known
}

// mostInMessage is how long a body may be before it is kept apart: servers take messages of
// up to 1 MiB by default.
const mostInMessage = 512 << 10

// Give tells what became of a cell, unless somebody has: then it is dropped.
func (w *Crew) Give(ctx context.Context, cell string, body []byte) error {
	m := w.conn.message(keysOf(w.run)+cell, body)
	m.Header.Set(workerHeader, w.worker)
	if len(body) > mostInMessage {
		object := cell + "." + w.worker
		if err := persist(ctx, func(ctx context.Context) error {
			_, err := w.objects.Put(ctx, jetstream.ObjectMeta{Name: object}, bytes.NewReader(body))
			return err
		}); err != nil {
			return err
		}
		m.Data = nil
		m.Header.Set(objectHeader, object)
	}
	err := persist(ctx, func(ctx context.Context) error { // as a bucket creates a key, but with the headers
		_, err := w.conn.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(0), jetstream.WithRetryAttempts(0))
		return err
	})
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		return nil
	}
	return err
}
