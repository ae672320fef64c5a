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
	s := &ownSystem{wire: w, router: newRouter(flow)}
	if err := s.lease(); err != nil {
		w.Release(s.gates)
		return nil, err
	}
	o.Vars = map[string]string{}
	for name, g := range s.router.gates {
		o.Vars["service."+name] = "http://" + g.Addr()
	}
	o.Speak = s.router.client
	o.Supplied = []string{history.SagaHeaders, history.CallBody}
	system, err := flow.Manifest().Start(ctx, o)
	if err != nil {
		w.Release(s.gates)
		return nil, fmt.Errorf("workflow %s: %w", flow.Name, err)
	}
	s.System = system
	return s, nil
}

// lease gets an address for each service.
func (s *ownSystem) lease() error {
	for _, name := range slices.Sorted(maps.Keys(s.router.flow.Services)) {
		var gates []*wire.Gate
		var err error
		if at := s.router.flow.Services[name].Listen; at != "" {
			gates = make([]*wire.Gate, 1)
			gates[0], err = s.wire.LeaseAt(at)
		} else {
			gates, err = s.wire.Lease(1)
		}
		if err != nil {
			return fmt.Errorf("an address for services.%s: %w", name, err)
		}
		gates[0].Serve(name, s.router)
		s.router.gates[name], s.gates = gates[0], append(s.gates, gates[0])
	}
	return nil
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
