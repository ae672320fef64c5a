package harness

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/wire"
	"github.com/sagacheck/sagacheck/workflows"
)

// ownSystem is a process (or several) that runs the user's own workflow, with an
// address for each service that it calls.
type ownSystem struct {
	orchestrators.System
	wire   *wire.Wire
	gates  []*wire.Gate
	router *router
}

var (
	_ orchestrators.Paced   = (*ownSystem)(nil)
	_ orchestrators.Watched = (*ownSystem)(nil)
)

// StartWorkflow starts the system of a workflow, with the addresses of its services.
func StartWorkflow(ctx context.Context, w *wire.Wire, flow *workflows.Workflow, o orchestrators.Options) (orchestrators.System, error) {
	names := slices.Sorted(maps.Keys(flow.Services))
	gates, err := w.Lease(len(names))
	if err != nil {
		return nil, err
	}
	s := &ownSystem{wire: w, gates: gates, router: newRouter(flow)}
	o.Vars = map[string]string{}
	for i, name := range names {
		gates[i].Serve(name, s.router)
		s.router.gates[name] = gates[i]
		o.Vars["service."+name] = "http://" + gates[i].Addr()
	}
	o.Speak = s.router.client
	o.Supplied = []string{history.SagaHeaders, history.CallBody}
	s.System, err = flow.Manifest().Start(ctx, o)
	if err != nil {
		w.Release(gates)
		return nil, fmt.Errorf("workflow %s: %w", flow.Name, err)
	}
	return s, nil
}

// Stop ends the system and gives its addresses back.
func (s *ownSystem) Stop(ctx context.Context) error {
	err := s.System.Stop(ctx)
	s.wire.Release(s.gates)
	s.gates = nil
	return err
}

// Pace is that of the system.
func (s *ownSystem) Pace() orchestrators.Pace { return orchestrators.PaceOf(s.System) }

// Watch tells when the system goes away.
func (s *ownSystem) Watch(gone func(error)) (stop func()) {
	if w, ok := s.System.(orchestrators.Watched); ok {
		return w.Watch(gone)
	}
	return func() {}
}
