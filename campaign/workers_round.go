package campaign

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/queue"
)

// awaited is a cell that workers have, or are to have.
type awaited struct {
	cell  harness.Cell
	alone int // how often it was given away by itself, while nothing else was
	ended int // how many workers had ended before the last time
}

// alones is how often a cell is given away by itself while workers end that did not have it.
const alones = 5

// round is one Run.
type round struct {
	*remote
	next    func() (harness.Cell, bool)
	each    func(harness.Result)
	more    bool // there may be more cells to give away
	awaited map[string]awaited
	quiet   time.Time // since when nobody has a cell, though some are awaited; zero: somebody has
	reading int       // results that are being read and stored
	read    chan outcomes
	rescue  bool // what is awaited is given away again, one cell after the other
}

// outcomes are what became of a cell, each time that it ran.
type outcomes struct {
	tries  []harness.Result
	worker string
	late   harness.Late // what its worker had heard too late by then
}

// readAtOnce is how many results are read and stored at once.
const readAtOnce = 16

// The times of a round.
const (
	lookEvery = 100 * time.Millisecond
	quietFor  = 2 * time.Second // until what nobody has is given up
	sayEvery  = 30 * time.Second
)

// Run gives cells to workers, few at a time, so that none has to wait and little is lost with one,
// and hands over what becomes of them, one call at a time. It ends early when the context does.
func (m *remote) Run(ctx context.Context, cells iter.Seq[harness.Cell], each func(harness.Result)) error {
	next, stop := iter.Pull(cells)
	defer stop()
	r := &round{remote: m, next: next, each: each, more: true, awaited: map[string]awaited{}, read: make(chan outcomes, readAtOnce)}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var work sync.WaitGroup
	defer work.Wait()
	came := make(chan queue.Result)
	taking, end := context.WithCancel(ctx)
	defer end()
	work.Go(func() {
		m.job.Take(taking, func(got queue.Result) {
			select {
			case came <- got:
			case <-taking.Done():
			}
		})
	})
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	defer r.drain()
	for r.more || len(r.awaited)+r.reading > 0 {
		next := came
		if r.reading == readAtOnce {
			next = nil // whoever tells more waits
		}
		select {
		case got := <-next:
			r.take(got)
		case o := <-r.read:
			r.reading--
			r.hand(o)
		case <-tick.C:
			if err := r.feed(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		case <-m.staff.gone():
			return limitReached("no worker is left: " + m.staff.last())
		case <-ctx.Done():
			m.x.harness.Hurry()
			return ctx.Err()
		}
	}
	return nil
}

// drain judges what has been read when the run is cut short.
func (r *round) drain() {
	for ; r.reading > 0; r.reading-- {
		r.hand(<-r.read)
	}
}

// hand passes on what became of a cell.
func (r *round) hand(o outcomes) {
	if o.late.Calls > r.late[o.worker].Calls {
		r.late[o.worker] = o.late
	}
	for _, t := range o.tries {
		r.each(t)
	}
}

// take reads what became of a cell, once, beside others: it is stored, and disks are slow.
func (r *round) take(got queue.Result) {
	a, ok := r.awaited[got.Cell]
	if !ok { // somebody told it before
		return
	}
	delete(r.awaited, got.Cell)
	r.quiet = time.Time{}
	r.speed.note(got.Worker)
	r.reading++
	go func() {
		o := outcomes{worker: got.Worker}
		err := got.Err
		if err == nil {
			o.tries, o.late, err = unpack(got.Body, a.cell, r.dir)
		}
		if err != nil {
			o.tries = []harness.Result{{Cell: a.cell, Asked: a.cell.ID, Err: fmt.Errorf("what worker %s tells of it: %w", got.Worker, err)}}
		}
		r.read <- o // there is room for all
	}()
}

// heardLate is what all workers have heard too late.
func (m *remote) heardLate() (all harness.Late) {
	for _, l := range m.late {
		all = all.Plus(l)
	}
	return all
}

// feed gives away as many chunks as workers wait for, and a few more.
func (r *round) feed(ctx context.Context) error {
	d, err := r.job.Depth(ctx)
	if errors.Is(err, queue.ErrAway) {
		return nil // it is asked again
	}
	if err != nil {
		return err
	}
	for n := d.Idle + 2 + d.Running/4 - d.Waiting; n > 0 && r.more; n-- {
		if err := r.put(ctx, r.batch(r.speed.chunk()), 0); err != nil {
			return err
		}
	}
	r.sayWaiting(d)
	if d.Waiting+d.Running+d.Told+r.reading > 0 || len(r.awaited) == 0 {
		r.quiet = time.Time{}
		return nil
	}
	if r.quiet.IsZero() {
		r.quiet = time.Now()
	}
	if time.Since(r.quiet) >= quietFor {
		r.quiet, r.rescue = time.Time{}, true
		if err := r.giveUp(ctx); err != nil {
			return err
		}
	}
	return r.giveAgain(ctx)
}

// batch is the next cells.
func (r *round) batch(n int) (cells []harness.Cell) {
	for len(cells) < n {
		c, ok := r.next()
		if !ok {
			r.more = false
			break
		}
		if c.Skip != nil {
			if why := c.Skip(c); why != "" {
				r.each(harness.Result{Cell: c, Asked: c.ID, Skipped: why})
				continue
			}
		}
		cells = append(cells, c)
	}
	return cells
}

func (r *round) put(ctx context.Context, cells []harness.Cell, alone int) error {
	if len(cells) == 0 {
		return nil
	}
	r.chunks++
	chunk := queue.Chunk{Number: r.chunks, Try: alone}
	for _, c := range cells {
		work, err := orderOf(c)
		if err != nil {
			return err
		}
		chunk.Cells = append(chunk.Cells, queue.Cell{ID: c.ID, Work: work})
		r.awaited[c.ID] = awaited{c, alone, r.staff.ended()}
	}
	return r.job.Put(ctx, chunk)
}

// giveUp leaves out, by its name, the cell of which every worker went away that had it, though it
// had nothing else. Where more workers ended meanwhile than had it, they end of something else, and it is given away again.
func (r *round) giveUp(ctx context.Context) error {
	for id, a := range r.awaited {
		switch others := r.staff.ended()-a.ended > r.conn.MaxDeliver(); {
		case a.alone == 0:
		case others && a.alone < alones:
			return r.put(ctx, []harness.Cell{a.cell}, a.alone+1)
		default:
			delete(r.awaited, id)
			r.each(harness.Result{Cell: a.cell, Asked: id, Skipped: fmt.Sprintf(
				"no worker that had cell %s came to its end (%s under %s, plan %s)", id, a.cell.Scenario, a.cell.Plan, a.cell.Plan.ID())})
		}
	}
	return nil
}

// giveAgain gives away a cell whose chunk was given away as often as it may be: by itself, so
// that it does not suffer from another of which workers die.
func (r *round) giveAgain(ctx context.Context) error {
	if !r.rescue || len(r.awaited) == 0 {
		return nil
	}
	for _, a := range r.awaited {
		if a.alone > 0 {
			return nil
		}
	}
	first := r.awaited[slices.Min(slices.Collect(maps.Keys(r.awaited)))]
	return r.put(ctx, []harness.Cell{first.cell}, 1)
}

// sayWaiting says now and then that nobody works on what is there. What a worker had in hand that died
// counts as running until another one asks.
func (r *round) sayWaiting(d queue.Depth) {
	if d.Alive > 0 || r.lastSaid.IsZero() {
		r.lastSaid = time.Now()
		return
	}
	if time.Since(r.lastSaid) >= sayEvery {
		r.lastSaid = time.Now()
		r.x.host.say("%s wait, and no worker is there who would run them", cells(len(r.awaited)))
	}
}
