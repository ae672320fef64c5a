package campaign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/queue"
	"github.com/sagacheck/sagacheck/results"
)

// WorkOptions are those of [Work].
type WorkOptions struct {
	Server, Creds, NKey, CA string // see Workers
	Run                     string // take part in this run only, and end with it; empty: in all that there are
	Parallel, Processes     int    // see Settings
}

// serverLimit is how long a worker of one run waits for a server that is gone, or not there yet.
const serverLimit = 2 * time.Minute

// Work runs cells of campaigns of other processes, until the context ends.
func Work(ctx context.Context, host Host, o WorkOptions) error {
	switch {
	case o.Server == "":
		return usage(errors.New("--server: expected the URL of a NATS server, such as nats://127.0.0.1:4222"))
	case o.Parallel < 0:
		return usage(fmt.Errorf("--parallel: %d: expected 0 (the default) or more", o.Parallel))
	case o.Processes < 0:
		return usage(fmt.Errorf("--processes: %d: expected 0 (the default) or more", o.Processes))
	}
	patience := time.Duration(0)
	if o.Run != "" { // whose server may end with it
		patience = serverLimit
	}
	content, err := catalogue(host.Tool)
	if err != nil {
		return trouble(err)
	}
	conn, err := queue.Connect(ctx, queue.Options{
		Patience: patience,
		URL:      o.Server, Creds: o.Creds, NKey: o.NKey, CA: o.CA, Version: host.Tool, Catalogue: content,
		Say: func(line string) { host.say("%s", line) },
	})
	if err != nil {
		return whyWorkEnds(ctx, err)
	}
	defer conn.Close()
	for {
		run, err := conn.Find(ctx, o.Run)
		if err == nil {
			err = takePart(ctx, host, o, conn, run)
		}
		over := errors.Is(err, queue.ErrOver)
		switch {
		case over && o.Run != "":
			host.say("run %s is over", o.Run)
			return nil
		case over, err == nil:
		case ctx.Err() == nil && o.Run == "" && isGone(err): // it is for whoever ran it; there are other runs
			host.say("%v", err)
		default:
			return whyWorkEnds(ctx, err)
		}
	}
}

func isGone(err error) bool {
	var gone *queue.GoneError
	return errors.As(err, &gone)
}

// whyWorkEnds says whose matter it is that a worker ends.
func whyWorkEnds(ctx context.Context, err error) error {
	var other *queue.OtherVersionError
	var marked *Error
	switch {
	case ctx.Err() != nil:
		return &Error{results.ExitInterrupted, errors.New("the worker was ended")}
	case errors.As(err, &other):
		return &Error{results.ExitUnproven, err}
	case errors.As(err, &marked):
		return err
	}
	return trouble(err)
}

// takesPart is how a worker begins to say that it works.
const takesPart = "takes part in run"

// worker is who runs cells of one run.
type worker struct {
	*session
	crew *queue.Crew
	room chan struct{} // one place for each cell under way

	mu    sync.Mutex
	under map[string]*task // by the cell that was asked for
	tells errgroup.Group
	stop  context.CancelCauseFunc // ends the work
}

// task is a cell of a chunk.
type task struct {
	id    string // in the run
	chunk *chunk
	tries []harness.Result
}

// chunk is one that is done when its cells are.
type chunk struct {
	*queue.Taken
	left int
}

// takePart works for one run, until it is over (queue.ErrOver), or the system under test went
// away (nil).
func takePart(ctx context.Context, host Host, o WorkOptions, conn *queue.Conn, run queue.Run) (err error) {
	var told orders
	if err := json.Unmarshal(run.Settings, &told); err != nil {
		return trouble(fmt.Errorf("run %s: %w", run.Name, err))
	}
	tmp, err := os.MkdirTemp("", "sagacheck-worker-")
	if err != nil {
		return trouble(err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	s := told.Settings
	s.Out, s.Parallel, s.Processes = tmp, o.Parallel, o.Processes
	x, err := open(ctx, Host{Tool: host.Tool, Output: host.Output, Watch: host.Watch}, s, "worker", nil)
	if err != nil {
		return err
	}
	gone := false
	defer func() {
		if closing := x.close(); !gone {
			err = errors.Join(err, closing)
		}
	}()
	if err := x.obeys(run.Name, told); err != nil {
		return err
	}
	x.harness.Again, x.harness.Dir = told.Again, "" // who judges stores
	name, err := os.Hostname()
	if err != nil {
		return trouble(err)
	}
	crew, err := conn.Join(ctx, run, name+"-"+strconv.Itoa(os.Getpid()))
	if err != nil {
		return err
	}
	host.say("%s %s: %s", takesPart, run.Name, run.Command)
	w := &worker{session: x, crew: crew, room: make(chan struct{}, 2*(x.s.Parallel+x.s.Processes)), under: map[string]*task{}}
	err = w.work(ctx)
	x.tellHeld(host)
	var how *harness.GoneError
	if gone = errors.As(err, &how); gone { // what its cells saw is told; another one begins
		host.say("%v", err)
		return nil
	}
	return err
}

// obeys refuses a run of which this machine would make something else.
func (x *session) obeys(run string, o orders) error {
	mine, theirs := x.system.Info(), o.Orchestrator
	all := x.content().Differences(o.Content)
	if a, b := fmt.Sprintf("%+v", mine), fmt.Sprintf("%+v", theirs); a != b {
		all = append(all, fmt.Sprintf("the orchestrator is %s, not %s", a, b))
	}
	if reached, err := x.reached(); err != nil {
		return usage(err)
	} else if reached.Digest != o.System.Digest {
		all = append(all, fmt.Sprintf("what starts the orchestrator differs: %s here is not the file that the run has", x.s.Orchestrator))
	}
	if len(all) == 0 {
		return nil
	}
	return &Error{results.ExitUnproven, fmt.Errorf("run %s is another one on this machine: %s", run, strings.Join(all, "; "))}
}

// work runs chunk after chunk.
func (w *worker) work(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w.stop = cancel
	var beat sync.WaitGroup
	defer beat.Wait()
	beating, end := context.WithCancel(ctx)
	defer end()
	beat.Go(func() { w.crew.Beat(beating) })
	w.tells.SetLimit(8)
	subjects := map[string]*subject{}
	for _, s := range w.subjects() {
		subjects[s.Name] = s
	}
	err := w.harness.Run(ctx, func(yield func(harness.Cell) bool) {
		cancel(w.deal(ctx, subjects, yield))
	}, func(r harness.Result) { w.note(ctx, r) })
	told := w.tells.Wait()
	w.crew.Return()
	if told != nil { // it ended the rest
		return told
	}
	var gone *harness.GoneError
	if cause := context.Cause(ctx); cause != nil && !errors.As(err, &gone) {
		err = cause
	}
	return err
}

// deal takes chunks as long as there is room, and hands out their cells. It returns why it ends.
func (w *worker) deal(ctx context.Context, subjects map[string]*subject, yield func(harness.Cell) bool) error {
	for {
		select {
		case w.room <- struct{}{}: // there is room for one at least
			<-w.room
		case <-ctx.Done():
			return ctx.Err()
		}
		taken, err := w.crew.Take(ctx)
		if err != nil {
			return err
		}
		cells, err := w.fresh(ctx, taken, subjects)
		if err != nil {
			return err
		}
		for _, c := range cells {
			select {
			case w.room <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
			if !yield(c) {
				return ctx.Err()
			}
		}
	}
}

// fresh are those of a chunk of which nothing is known yet.
func (w *worker) fresh(ctx context.Context, taken *queue.Taken, subjects map[string]*subject) ([]harness.Cell, error) {
	ch := &chunk{Taken: taken}
	var cells []harness.Cell
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range taken.Cells {
		if taken.Times > 1 {
			if known, err := w.crew.Known(ctx, c.ID); err != nil {
				return nil, err
			} else if known {
				continue
			}
		}
		var o order
		if err := json.Unmarshal(c.Work, &o); err != nil {
			return nil, fmt.Errorf("cell %s: %w", c.ID, err)
		}
		s := subjects[o.Scenario]
		if s == nil || o.Plan.ID() != o.PlanID {
			return nil, &Error{results.ExitUnproven, fmt.Errorf("cell %s: scenario %q, plan %s (here %s): they are others on this machine", c.ID, o.Scenario, o.PlanID, o.Plan.ID())}
		}
		cell := w.cell(s, o.Plan, o.Seed)
		cell.ID = c.ID
		if taken.Times > 1 { // another worker has had it
			cell.ID = fmt.Sprintf("%s.w%d", c.ID, taken.Times)
		}
		cells = append(cells, cell)
		w.under[cell.ID] = &task{id: c.ID, chunk: ch}
	}
	if ch.left = len(cells); ch.left == 0 {
		taken.Done()
	}
	return cells, nil
}

// note takes one run of a cell, and tells what became of it when that was the last.
func (w *worker) note(ctx context.Context, r harness.Result) {
	w.mu.Lock()
	t := w.under[r.Asked]
	t.tries = append(t.tries, r)
	if !r.Spoilt {
		delete(w.under, r.Asked)
		<-w.room
	}
	w.mu.Unlock()
	if r.Spoilt {
		return
	}
	w.tells.Go(func() error {
		err := w.tell(ctx, t)
		if err != nil && ctx.Err() != nil { // the work was ended, which is why
			return nil
		}
		if err != nil { // whoever keeps a chunk that will never be done keeps the run from its end
			w.stop(err)
		}
		return err
	})
}

// tell says what became of a cell; a chunk is done with its last one.
func (w *worker) tell(ctx context.Context, t *task) error {
	if t.chunk.Lost() { // it is run again elsewhere
		return nil
	}
	body, err := pack(t.tries, w.harness.Late())
	if err == nil {
		err = w.crew.Give(ctx, t.id, body)
	}
	if err != nil {
		return fmt.Errorf("what became of cell %s can't be told, and its chunk is given back: %w", t.id, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.chunk.left--; t.chunk.left == 0 {
		t.chunk.Done()
	}
	return nil
}
