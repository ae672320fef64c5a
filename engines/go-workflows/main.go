// Command worker runs sagas on go-workflows and speaks Sagacheck's contract.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net/http"
	"path/filepath"
	"time"

	"github.com/cschleiden/go-workflows/backend"
	"github.com/cschleiden/go-workflows/backend/sqlite"
	"github.com/cschleiden/go-workflows/client"
	"github.com/cschleiden/go-workflows/worker"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sagacheck/sagacheck/engines/facade"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where the contract is served")
	dir := flag.String("store", ".", "the folder of the databases")
	flag.Parse()
	if err := run(*addr, *dir); err != nil {
		log.Fatal(err)
	}
}

// How soon the work of a process that died is taken up again.
const (
	lock      = 2 * time.Second
	heartbeat = lock / 4
	polling   = 20 * time.Millisecond
)

func run(addr, dir string) error {
	t, err := openTable(filepath.Join(dir, "sagas.db"))
	if err != nil {
		return err
	}
	defer t.db.Close()
	c := newCounts()
	options, err := traced(context.Background())
	if err != nil {
		return err
	}
	options = append(options, backend.WithStickyTimeout(0), backend.WithWorkflowLockTimeout(lock), backend.WithActivityLockTimeout(lock), backend.WithMetrics(c))
	b := sqlite.NewSqliteBackend(filepath.Join(dir, "workflows.db"), sqlite.WithBackendOptions(options...))
	defer b.Close()
	o := worker.DefaultOptions
	o.WorkflowPollingInterval, o.ActivityPollingInterval = polling, polling
	o.WorkflowHeartbeatInterval, o.ActivityHeartbeatInterval = heartbeat, heartbeat
	w := worker.New(b, &o)
	if err := errors.Join(w.RegisterWorkflow(Saga), w.RegisterActivity(CallService), w.RegisterActivity(t)); err != nil {
		return err
	}
	if err := w.Start(context.Background()); err != nil {
		return err
	}
	http.Handle("/", facade.Handler(engine{client.New(b), t}))
	http.Handle("GET /metrics", promhttp.HandlerFor(c.all.registry, promhttp.HandlerOpts{}))
	return http.ListenAndServe(addr, nil)
}

// engine is a facade.Engine: the saga's id is the workflow instance's id.
type engine struct {
	c *client.Client
	t *table
}

// Start notes the saga, then creates its workflow. A saga that was noted and has
// done nothing yet may lack its workflow (the process died between the two): it
// is created again, which the library refuses while there is one.
func (e engine) Start(ctx context.Context, d facade.Definition) error {
	first, err := e.t.Insert(ctx, facade.NewProgress(d).Report())
	if err != nil {
		return err
	}
	if !first {
		r, err := e.t.Get(ctx, d.ID)
		if err != nil || r.Status != facade.Running {
			return err
		}
	}
	_, err = e.c.CreateWorkflowInstance(ctx, client.WorkflowInstanceOptions{InstanceID: d.ID}, Saga, d)
	if errors.Is(err, backend.ErrInstanceAlreadyExists) {
		return nil
	}
	return err
}

func (e engine) Report(ctx context.Context, id string) (facade.Report, error) {
	return e.t.Get(ctx, id)
}

// Operate asks for the rollback: noted first, so that it holds over a kill, then signalled, so
// that no wait between two attempts delays it. Who asks again signals again: whoever was first may
// have been killed in between.
func (e engine) Operate(ctx context.Context, id, act string) (bool, error) {
	if act != facade.Rollback {
		return false, facade.ErrTooLate
	}
	first, by, err := e.t.shut(ctx, id, asked)
	switch {
	case err != nil:
		return false, err
	case by != asked:
		return false, facade.ErrTooLate
	}
	err = e.c.SignalWorkflow(ctx, id, rollback, nil)
	if errors.Is(err, backend.ErrInstanceNotFound) { // it has ended, or has not begun: then it will see the note
		err = nil
	}
	return first, err
}
