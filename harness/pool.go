package harness

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/orchestrators"
)

// pool holds orchestrators that cells may kill: one cell at a time has one.
type pool struct {
	start func(ctx context.Context) (orchestrators.System, error)
	mu    sync.Mutex
	idle  []orchestrators.System
	errs  []error
}

// stopLimit bounds the end of an orchestrator.
const stopLimit = 30 * time.Second

func newPool(start func(context.Context) (orchestrators.System, error)) *pool {
	return &pool{start: start}
}

// take gives an idle orchestrator, or starts one.
func (p *pool) take(ctx context.Context) (orchestrators.System, error) {
	if p.start == nil {
		return nil, orchestrators.ErrCannotKill
	}
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		s := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return s, nil
	}
	p.mu.Unlock()
	return p.start(ctx)
}

// give takes an orchestrator back; one that is not sound is stopped.
func (p *pool) give(s orchestrators.System, sound bool) {
	if sound && s.Alive() == nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.idle = append(p.idle, s)
		return
	}
	if err := stop(s); err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.errs = append(p.errs, err)
	}
}

func stop(s orchestrators.System) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopLimit)
	defer cancel()
	return s.Stop(ctx)
}

// close stops all orchestrators of the pool. No cell may be running.
func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	errs := p.errs
	for _, s := range p.idle {
		errs = append(errs, stop(s))
	}
	p.idle = nil
	return errors.Join(errs...)
}
