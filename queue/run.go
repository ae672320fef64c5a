package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
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
	Over      bool            `json:"over,omitempty"`
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
	Err          error // why there is no body; nil: there is
}

const (
	runsBucket = "SAGACHECK_RUNS"
	consumer   = "workers"
)

func streamOf(run string) string    { return "SAGACHECK_" + run }
func chunksOf(run string) string    { return "sagacheck." + run + ".chunks" }
func resultsOf(run string) string   { return "SAGACHECK_RESULTS_" + run }
func keysOf(run string) string      { return "$KV." + resultsOf(run) + "." }
func aliveOf(run string) string     { return "sagacheck." + run + ".alive" }
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

	asking sync.Mutex
	waiting
	alive alive
}

// Open makes what a run needs on the server, and lets workers see it. Close must be called.
func (c *Conn) Open(ctx context.Context, run Run) (*Job, error) {
	if !runName.MatchString(run.Name) {
		return nil, fmt.Errorf("run %q: expected a name of letters, digits, - and _", run.Name)
	}
	run.Version, run.Catalogue = c.o.Version, c.o.Catalogue
	j := &Job{conn: c, run: run}
	err := c.sweep(ctx)
	if err == nil {
		err = j.make(ctx)
	}
	if err != nil {
		if hopeless := c.hopeless(); hopeless != nil {
			return nil, hopeless
		}
		why := c.noteFull(err)
		if why == nil {
			why = fmt.Errorf("NATS server %s: it needs JetStream: %w", Bare(c.o.URL), err)
		}
		return nil, errors.Join(why, j.remove(context.WithoutCancel(ctx)))
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
		MaxAge: j.conn.o.Keep, Description: chunkStream.description, Duplicates: min(time.Hour, j.conn.o.Keep),
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
		Bucket: resultsOf(name), History: 1, TTL: j.conn.o.Keep, Storage: jetstream.FileStorage, Description: resultStream.description,
	}); err != nil {
		return err
	}
	if j.results, err = js.CreateConsumer(ctx, "KV_"+resultsOf(name), jetstream.ConsumerConfig{
		Durable: "coordinator", AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Minute, MaxAckPending: -1,
	}); err != nil {
		return err
	}
	if j.objects, err = js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{
		Bucket: historiesOf(name), TTL: j.conn.o.Keep, Storage: jetstream.FileStorage, Description: historyStream.description,
	}); err != nil {
		return err
	}
	if err = j.alive.listen(j.conn, name); err != nil {
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
			Bucket: runsBucket, TTL: j.conn.o.GoneAfter, Storage: jetstream.FileStorage, Description: "runs of sagacheck that want workers",
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
	for pause(ctx, j.conn.o.GoneAfter/6) {
		once, cancel := context.WithTimeout(ctx, askLimit)
		_ = j.conn.noteFull(j.announce(once)) // there is a next time, unless there is no room
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
	return j.conn.persist(ctx, len(body), j.stands, func(ctx context.Context) error {
		_, err := j.conn.js.PublishMsg(ctx, m, jetstream.WithMsgID(fmt.Sprint(c.Number)), jetstream.WithRetryAttempts(0))
		return err
	})
}

// Depth is how much waits.
type Depth struct {
	Alive   int // workers that were heard lately
	Idle    int // places of workers that would take a chunk now
	Waiting int // chunks that nobody has
	Running int // chunks that somebody has
	Told    int // results that have not been taken
}

// Depth asks the server. ErrAway: it does not answer now; any other error is final.
func (j *Job) Depth(ctx context.Context) (Depth, error) {
	j.asking.Lock()
	defer j.asking.Unlock()
	info, err := j.workers.Info(ctx)
	var told *jetstream.ConsumerInfo
	if err == nil {
		told, err = j.results.Info(ctx)
	}
	if err := j.conn.judge(j.run.Name, &j.waiting, err); err != nil {
		return Depth{}, err
	}
	return Depth{j.alive.within(j.conn.o.AckWait), info.NumWaiting, int(info.NumPending), info.NumAckPending, int(told.NumPending) + told.NumAckPending}, nil
}

// stands is nil while the server has what belongs to the run, or as Depth.
func (j *Job) stands(ctx context.Context) error {
	_, err := j.Depth(ctx)
	return err
}

// Take hands over results as they come, one call at a time, until the context ends. What
// is of another version is not handed over; what can't be read any more is, with why.
func (j *Job) Take(ctx context.Context, each func(Result)) {
	for ctx.Err() == nil {
		batch, err := j.results.Fetch(100, jetstream.FetchMaxWait(time.Second))
		if err != nil {
			pause(ctx, 200*time.Millisecond)
			continue
		}
		for m := range batch.Messages() {
			j.hand(ctx, m, each)
		}
		if batch.Error() != nil {
			pause(ctx, 200*time.Millisecond)
		}
	}
}

// hand hands one result over; one that is not, as we are ended or the server is no good any more, comes again.
func (j *Job) hand(ctx context.Context, m jetstream.Msg, each func(Result)) {
	r, err := j.result(ctx, m)
	if ctx.Err() != nil || j.conn.atFault(err) {
		_ = m.NakWithDelay(time.Second)
		return
	}
	var other *OtherVersionError
	if !errors.As(err, &other) {
		r.Err = err
		each(r)
	}
	_ = m.Ack() // if that is lost, it comes again, and is known
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
	var info *jetstream.ObjectInfo
	err := j.conn.persist(ctx, 0, j.stands, func(ctx context.Context) (err error) {
		info, err = j.objects.GetInfo(ctx, object)
		return err
	})
	if err == nil {
		err = j.conn.persist(ctx, int(info.Size), j.stands, func(ctx context.Context) (err error) {
			r.Body, err = j.objects.GetBytes(ctx, object)
			return err
		})
	}
	return r, err
}

// Close takes the run off the server: workers leave it.
func (j *Job) Close() error {
	j.cancel()
	<-j.beating
	ctx, cancel := context.WithTimeout(context.Background(), askLimit)
	defer cancel()
	j.run.Over = true // as long as it is known, its end is, too
	err := errors.Join(j.announce(ctx), j.remove(ctx))
	if hopeless := j.conn.hopeless(); err != nil && hopeless != nil {
		return hopeless
	}
	return err
}

// remove takes what the run had off the server.
func (j *Job) remove(ctx context.Context) error {
	errs := []error{j.alive.end()}
	for _, stream := range streamsOf(j.run.Name) {
		if err := j.conn.js.DeleteStream(ctx, stream); !errors.Is(err, jetstream.ErrStreamNotFound) { // was never made
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
