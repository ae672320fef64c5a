package harness

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/wire"
	"github.com/sagacheck/sagacheck/workflows"
)

// ownSystem is a process (or several) that runs the user's own workflow, with an
// address for each service that it calls.
type ownSystem struct {
	orchestrators.System
	wire      *wire.Wire
	endpoints []*wire.Endpoint
	router    *router
	dir       string // of the authority's file; empty: there is none
}

var (
	_ orchestrators.Paced   = (*ownSystem)(nil)
	_ orchestrators.Watched = (*ownSystem)(nil)
)

// StartWorkflow starts the system of a workflow, with the addresses of its services.
func StartWorkflow(ctx context.Context, w *wire.Wire, flow *workflows.Workflow, o orchestrators.Options) (orchestrators.System, error) {
	s := &ownSystem{wire: w, router: newRouter(flow)}
	if err := s.router.reach(ctx); err != nil {
		return nil, fmt.Errorf("workflow %s: %w", flow.Name, err)
	}
	if err := s.lease(); err != nil {
		w.Release(s.endpoints)
		return nil, err
	}
	o.Vars, o.Env = map[string]string{}, map[string]string{}
	err := s.forward(&o)
	if err == nil {
		err = installed(flow, o.Vars)
	}
	if err != nil {
		s.giveBack()
		return nil, fmt.Errorf("workflow %s: %w", flow.Name, err)
	}
	for name, ep := range s.router.endpoints {
		o.Vars["service."+name] = "http://" + ep.Addr()
	}
	for name := range s.router.flow.Services {
		if ttl := s.router.flow.TTL(name); ttl > 0 {
			o.Vars["ttl."+name] = fmt.Sprint(ttl.Milliseconds())
		}
	}
	o.Speak = s.router.client
	o.Supplied = []string{history.SagaHeaders, history.CallBody}
	system, err := flow.Manifest().Start(ctx, o)
	if err != nil {
		s.giveBack()
		return nil, fmt.Errorf("workflow %s: %w", flow.Name, err)
	}
	s.System = system
	return s, nil
}

// servesOne tells whether a system's calls say nothing of their saga.
func servesOne(s orchestrators.System) bool {
	own, ok := s.(*ownSystem)
	return ok && own.router.flow.Alone()
}

// installed tells where the engine is that the workflow runs on.
func installed(flow *workflows.Workflow, vars map[string]string) error {
	if flow.System.Engine == "" {
		return nil
	}
	m, err := orchestrators.FindManifest(flow.System.Engine)
	if err != nil {
		return fmt.Errorf("system.engine: %w", err)
	}
	dir, ok, err := m.Installed()
	if err == nil && !ok {
		err = fmt.Errorf("system.engine: %s is not installed: run sagacheck orchestrators install %s", m.Name, m.Name)
	}
	vars["engine"], vars["bin"] = dir, filepath.Join(dir, "bin")
	return err
}

// forward makes a proxy in front of the hosts that the workflow calls, and tells the
// processes of it.
func (s *ownSystem) forward(o *orchestrators.Options) error {
	hosts := map[string]string{}
	for name, service := range s.router.flow.Services {
		if service.Host != "" {
			hosts[strings.ToLower(service.Host)] = name
		}
	}
	if len(hosts) == 0 {
		return nil
	}
	authority, err := wire.NewAuthority()
	if err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp(o.Dir, "sagacheck-authority-*"); err != nil {
		return err
	}
	file := filepath.Join(s.dir, "ca.pem")
	if err := os.WriteFile(file, authority.PEM(), 0o644); err != nil {
		return err
	}
	endpoints, err := s.wire.Lease(1)
	if err != nil {
		return err
	}
	s.endpoints = append(s.endpoints, endpoints...)
	endpoints[0].Forward(&wire.Proxy{Hosts: hosts, Authority: authority, Router: s.router})
	o.Vars["proxy"], o.Vars["ca.file"] = "http://"+endpoints[0].Addr(), file
	o.Env, o.Files = wire.ProxyEnv(endpoints[0].Addr(), file), []string{file}
	return nil
}

// giveBack gives back what is not the system's own.
func (s *ownSystem) giveBack() {
	s.wire.Release(s.endpoints)
	s.endpoints = nil
	if s.dir != "" {
		_ = os.RemoveAll(s.dir) // it is a temporary file
	}
}

// lease gets an address for each service.
func (s *ownSystem) lease() error {
	for _, name := range slices.Sorted(maps.Keys(s.router.flow.Services)) {
		var endpoints []*wire.Endpoint
		var err error
		if at := s.router.flow.Services[name].Listen; at != "" {
			endpoints = make([]*wire.Endpoint, 1)
			endpoints[0], err = s.wire.LeaseAt(at)
		} else {
			endpoints, err = s.wire.Lease(1)
		}
		if err != nil {
			return fmt.Errorf("an address for services.%s: %w", name, err)
		}
		endpoints[0].Serve(name, s.router)
		s.router.endpoints[name], s.endpoints = endpoints[0], append(s.endpoints, endpoints[0])
	}
	return nil
}

// Stop ends the system and gives its addresses back.
func (s *ownSystem) Stop(ctx context.Context) error {
	err := s.System.Stop(ctx)
	s.giveBack()
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
