package harness

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/orchestrators"
)

// pool holds orchestrators that cells may kill: one cell at a time has one.
type pool struct {
	start func(ctx context.Context) (orchestrators.System, error)
	mu    sync.Mutex
	idle  []orchestrators.System
	cells map[orchestrators.System]int // that those which were not replaced have had
	errs  []error
}

// stopLimit bounds the end of an orchestrator, hurriedLimit that after a run was cut
// short.
const (
	stopLimit    = 30 * time.Second
	hurriedLimit = time.Second
)

func newPool(start func(context.Context) (orchestrators.System, error)) *pool {
	return &pool{start: start, cells: map[orchestrators.System]int{}}
}

// take gives an idle orchestrator, or starts one.
func (p *pool) take(ctx context.Context) (orchestrators.System, error) {
	if p.start == nil {
		return nil, orchestrators.ErrCannotKill
	}
	for {
		p.mu.Lock()
		n := len(p.idle)
		if n == 0 {
			p.mu.Unlock()
			return p.start(ctx)
		}
		s := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		how := s.Alive()
		if how == nil {
			return s, nil
		}
		p.fail(fmt.Errorf("an orchestrator went away while no cell had it: %w", how))
		p.fail(stop(s, hurriedLimit))
	}
}

func (p *pool) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.errs = append(p.errs, err)
}

// give takes an orchestrator back; one that is not sound, or has had its share of cells, is stopped, within a limit.
func (p *pool) give(s orchestrators.System, sound bool, limit time.Duration) {
	if sound && s.Alive() == nil && p.keep(s) {
		return
	}
	p.fail(stop(s, limit))
}

// keep keeps an orchestrator for another cell, unless it has had its share.
func (p *pool) keep(s orchestrators.System) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cells[s]++
	if most := orchestrators.PaceOf(s).Cells; most > 0 && p.cells[s] >= most {
		delete(p.cells, s)
		return false
	}
	p.idle = append(p.idle, s)
	return true
}

func stop(s orchestrators.System, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return s.Stop(ctx)
}

// close stops all orchestrators of the pool, side by side. No cell may be running.
func (p *pool) close(limit time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	errs := make([]error, len(p.idle))
	var work sync.WaitGroup
	for i, s := range p.idle {
		work.Go(func() { errs[i] = stop(s, limit) })
	}
	work.Wait()
	p.idle = nil
	return errors.Join(append(p.errs, errs...)...)
}
