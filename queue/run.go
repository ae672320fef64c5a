package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Run is what workers are told of a run.
type Run struct {
	Name      string          `json:"run"` // letters, digits, - and _
	Version   string          `json:"version"`
	Catalogue string          `json:"catalogue"`
	Command   string          `json:"command"`
	Settings  json.RawMessage `json:"settings"` // whatever the workers need
}

// Cell is one cell to run; only its id means something here, and it is unique in the run.
type Cell struct {
	ID   string          `json:"id"`
	Work json.RawMessage `json:"work"`
}

// Chunk is some cells that one worker takes at once.
type Chunk struct {
	Number int    `json:"chunk"`
	Try    int    `json:"try,omitempty"` // how often its cells were given up before
	Cells  []Cell `json:"cells"`
}

// Result is what became of a cell, and which worker says so.
type Result struct {
	Cell, Worker string
	Body         []byte
}

// goneAfter is how long a run is known after whoever runs it was heard last; keep is how long
// the rest stays if they never clean up.
const (
	goneAfter = time.Minute
	keep      = 24 * time.Hour
)

const (
	runsBucket = "SAGACHECK_RUNS"
	consumer   = "workers"
)

func streamOf(run string) string    { return "SAGACHECK_" + run }
func chunksOf(run string) string    { return "sagacheck." + run + ".chunks" }
func resultsOf(run string) string   { return "SAGACHECK_RESULTS_" + run }
func keysOf(run string) string      { return "$KV." + resultsOf(run) + "." }
func historiesOf(run string) string { return "SAGACHECK_HISTORIES_" + run }

var runName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// Job is a run as whoever runs it sees it.
type Job struct {
	conn    *Conn
	run     Run
	chunks  jetstream.Stream
	workers jetstream.Consumer
	results jetstream.Consumer
	objects jetstream.ObjectStore
	cancel  context.CancelFunc
	beating chan struct{}
}

// Open makes what a run needs on the server, and lets workers see it. Close must be called.
func (c *Conn) Open(ctx context.Context, run Run) (*Job, error) {
	if !runName.MatchString(run.Name) {
		return nil, fmt.Errorf("run %q: expected a name of letters, digits, - and _", run.Name)
	}
	run.Version, run.Catalogue = c.o.Version, c.o.Catalogue
	j := &Job{conn: c, run: run}
	if err := j.make(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("NATS server %s: it needs JetStream: %w", Bare(c.o.URL), err), j.remove(context.WithoutCancel(ctx)))
	}
	ctx, j.cancel = context.WithCancel(context.WithoutCancel(ctx))
	j.beating = make(chan struct{})
	go j.beat(ctx)
	return j, nil
}

func (j *Job) make(ctx context.Context) (err error) {
	js, name := j.conn.js, j.run.Name
	if j.chunks, err = js.CreateStream(ctx, jetstream.StreamConfig{
		Name: streamOf(name), Subjects: []string{chunksOf(name)}, Retention: jetstream.WorkQueuePolicy, Storage: jetstream.FileStorage,
		MaxAge: keep, Description: "chunks of cells of a run of sagacheck", Duplicates: time.Hour,
	}); err != nil {
		return err
	}
	if j.workers, err = j.chunks.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: consumer, AckPolicy: jetstream.AckExplicitPolicy, AckWait: j.conn.o.AckWait, MaxDeliver: j.conn.o.MaxDeliver,
		MaxAckPending: -1,
	}); err != nil {
		return err
	}
	if _, err = js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: resultsOf(name), History: 1, TTL: keep, Storage: jetstream.FileStorage, Description: "what became of each cell",
	}); err != nil {
		return err
	}
	if j.results, err = js.CreateConsumer(ctx, "KV_"+resultsOf(name), jetstream.ConsumerConfig{
		Durable: "coordinator", AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Minute, MaxAckPending: -1,
	}); err != nil {
		return err
	}
	if j.objects, err = js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{
		Bucket: historiesOf(name), TTL: keep, Storage: jetstream.FileStorage, Description: "histories that are too long for a message",
	}); err != nil {
		return err
	}
	return j.announce(ctx)
}

// announce writes the run where workers look for runs.
func (j *Job) announce(ctx context.Context) error {
	body, err := json.Marshal(j.run)
	if err != nil {
		return err
	}
	runs, err := j.conn.js.KeyValue(ctx, runsBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		runs, err = j.conn.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: runsBucket, TTL: goneAfter, Storage: jetstream.FileStorage, Description: "runs of sagacheck that want workers",
		})
	}
	if err == nil {
		_, err = runs.Put(ctx, j.run.Name, body)
	}
	return err
}

// beat keeps the run known as long as we are here.
func (j *Job) beat(ctx context.Context) {
	defer close(j.beating)
	for pause(ctx, goneAfter/6) {
		once, cancel := context.WithTimeout(ctx, askLimit)
		_ = j.announce(once) // there is a next time
		cancel()
	}
}

// Put adds a chunk. The same number counts once.
func (j *Job) Put(ctx context.Context, c Chunk) error {
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	m := j.conn.message(chunksOf(j.run.Name), body)
	return persist(ctx, func(ctx context.Context) error {
		_, err := j.conn.js.PublishMsg(ctx, m, jetstream.WithMsgID(fmt.Sprint(c.Number)), jetstream.WithRetryAttempts(0))
		return err
	})
}

// Depth is how much waits.
type Depth struct {
	Idle    int // workers that would take a chunk now
	Waiting int // chunks that nobody has
	Running int // chunks that somebody has
	Told    int // results that have not been taken
}

// Depth asks the server.
func (j *Job) Depth(ctx context.Context) (Depth, error) {
	info, err := j.workers.Info(ctx)
	if err != nil {
		return Depth{}, err
	}
	told, err := j.results.Info(ctx)
	if err != nil {
		return Depth{}, err
	}
	return Depth{info.NumWaiting, int(info.NumPending), info.NumAckPending, int(told.NumPending) + told.NumAckPending}, nil
}

// Take hands over results as they come, one call at a time, until the context ends. What
// is of another version is not handed over.
func (j *Job) Take(ctx context.Context, each func(Result)) {
	for ctx.Err() == nil {
		batch, err := j.results.Fetch(100, jetstream.FetchMaxWait(time.Second))
		if err != nil {
			pause(ctx, 200*time.Millisecond)
			continue
		}
		for m := range batch.Messages() {
			if r, err := j.result(ctx, m); err == nil {
				each(r)
			}
			_ = m.Ack() // it comes again, and is known
		}
		if batch.Error() != nil {
			pause(ctx, 200*time.Millisecond)
		}
	}
}

// result reads a message, with the body that may be kept apart.
func (j *Job) result(ctx context.Context, m jetstream.Msg) (Result, error) {
	r := Result{Cell: strings.TrimPrefix(m.Subject(), keysOf(j.run.Name)), Worker: m.Headers().Get(workerHeader), Body: m.Data()}
	if err := j.conn.sameHeader("a result", m.Headers()); err != nil {
		return r, err
	}
	object := m.Headers().Get(objectHeader)
	if object == "" {
		return r, nil
	}
	err := persist(ctx, func(ctx context.Context) (err error) {
		r.Body, err = j.objects.GetBytes(ctx, object)
		return err
	})
	return r, err
}

// Close takes the run off the server: workers leave it.
func (j *Job) Close() error {
	j.cancel()
	<-j.beating
	ctx, cancel := context.WithTimeout(context.Background(), askLimit)
	defer cancel()
	return j.remove(ctx)
}

func (j *Job) remove(ctx context.Context) error {
	js, name := j.conn.js, j.run.Name
	var errs []error
	if runs, err := js.KeyValue(ctx, runsBucket); err == nil {
		errs = append(errs, runs.Purge(ctx, name))
	}
	errs = append(errs, js.DeleteStream(ctx, streamOf(name)), js.DeleteKeyValue(ctx, resultsOf(name)), js.DeleteObjectStore(ctx, historiesOf(name)))
	for i, err := range errs {
		if errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrBucketNotFound) { // was never made
			errs[i] = nil
		}
	}
	return errors.Join(errs...)
}
