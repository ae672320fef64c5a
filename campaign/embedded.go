package campaign

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/api"
	"github.com/sagacheck/sagacheck/reference/defects"
)

// embedded is the reference executor inside this process, spoken to over a real
// socket like any other orchestrator. It can't be killed: cells that do that get
// a process of their own.
type embedded struct {
	exec *reference.Executor
	http *http.Server
	base string
	dir  string
	info history.Orchestrator
	once sync.Once
	err  error
}

var _ orchestrators.System = (*embedded)(nil)

// sparingFlushes leaves out the flush to disk: what is stored survives the death
// of a process, which is all that the harness inflicts, not that of the machine.
const sparingFlushes = "?synchronous=off"

// How often, and for how long after their end, sagas of cells are compared with what participants hold.
const (
	reconcileEvery = 250 * time.Millisecond
	reconcileFor   = 10 * time.Second
)

func startEmbedded(ctx context.Context, tool string, names []string) (*embedded, error) {
	rules, err := defects.Rules(names...)
	if err != nil {
		return nil, err
	}
	m, err := orchestrators.FindManifest(Reference)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "sagacheck-reference-*")
	if err != nil {
		return nil, fmt.Errorf("folder for the reference executor's store: %w", err)
	}
	exec, err := reference.Open(ctx, reference.Options{
		StoreDSN: filepath.Join(dir, "saga.db") + sparingFlushes, Rules: rules, ReconcileEvery: reconcileEvery, ReconcileFor: reconcileFor, ReconcileRepair: true,
	})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, exec.Close(), os.RemoveAll(dir))
	}
	e := &embedded{
		exec: exec, http: &http.Server{Handler: api.Handler(exec)}, base: "http://" + ln.Addr().String(), dir: dir,
		info: history.Orchestrator{Name: Reference, Version: tool, Capabilities: m.Capabilities},
	}
	go func() { _ = e.http.Serve(ln) }() // ends with Stop, whose error counts
	return e, nil
}

func (e *embedded) Info() history.Orchestrator              { return e.info }
func (e *embedded) Base() string                            { return e.base }
func (e *embedded) Client(base string) orchestrators.Client { return orchestrators.NewContract(base) }

func (e *embedded) Kill(context.Context) error { return orchestrators.ErrCannotKill }

func (e *embedded) Restart(context.Context) error { return orchestrators.ErrCannotKill }

func (e *embedded) Pause(context.Context) error { return orchestrators.ErrCannotKill }

func (e *embedded) Resume(context.Context) error { return orchestrators.ErrCannotKill }
func (e *embedded) Alive() error                 { return nil }

// Stop ends the executor and removes its store.
func (e *embedded) Stop(context.Context) error {
	e.once.Do(func() { e.err = errors.Join(e.http.Close(), e.exec.Close(), os.RemoveAll(e.dir)) })
	return e.err
}
