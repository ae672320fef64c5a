package harness

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/history"
)

// A machine with more cells than it can carry makes time-outs fire that no plan
// asked for. So the room for cells follows how late timers of ours fire, and how long the disk takes, as the
// window of a TCP connection follows its losses (RFC 5681): it shrinks by a factor
// when they are late, and grows step by step while they are not.
const (
	lagTick  = 5 * time.Millisecond
	lagLimit = 4 * time.Millisecond
	shrink   = 0.8
	growth   = 0.5 // cells a tick
)

// pacer measures how late timers fire, and the disk is, and keeps cells waiting for room.
type pacer struct {
	disk      *disk
	recorders sync.Map // *history.Recorder of each running cell
	stop      context.CancelFunc
	done      sync.WaitGroup
	queues    queues

	mu      sync.Mutex
	held    Held
	running int
	least   float64
	room    float64 // cells that the machine carries at once
	freed   chan struct{}
}

// record notes in a cell's history how late the machine is, until the end is called.
func (p *pacer) record(r *history.Recorder) (end func()) {
	p.recorders.Store(r, nil)
	return func() { p.recorders.Delete(r) }
}

func newPacer(d *disk) *pacer {
	ctx, stop := context.WithCancel(context.Background())
	least := 2 * float64(runtime.GOMAXPROCS(0))
	p := &pacer{disk: d, stop: stop, least: least, room: least, freed: make(chan struct{})}
	p.done.Go(func() { p.measure(ctx) })
	p.done.Go(func() { d.watch(ctx) })
	return p
}

func (p *pacer) measure(ctx context.Context) {
	t := time.NewTicker(lagTick)
	defer t.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		now := time.Now()
		while := now.Sub(last)
		late := max(while-lagTick, 0)
		last = now
		behind := p.disk.late()
		if late > lagLimit || behind > diskLimit {
			p.late(max(late, behind))
		}
		p.adapt(late > lagLimit || behind > diskLimit, while)
	}
}

// late notes in each running cell how late the machine was.
func (p *pacer) late(d time.Duration) {
	p.recorders.Range(func(r, _ any) bool { r.(*history.Recorder).Late(d); return true })
}

func (p *pacer) close() {
	p.stop()
	p.done.Wait()
}

// adapt makes the room smaller, or larger if it is in use, after a while.
func (p *pacer) adapt(late bool, while time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running > 0 {
		p.held.note(&p.queues, while)
	}
	used := float64(p.running)
	switch {
	case late:
		p.room = max(p.least, min(p.room, used)*shrink)
	case used+1 > p.room:
		p.room += growth
		p.wake()
	}
}

// admit waits until there is room for one more cell. Leave must be called.
func (p *pacer) admit(ctx context.Context) (leave func(), err error) {
	defer in(&p.queues.late)()
	for {
		p.mu.Lock()
		if float64(p.running+1) <= p.room {
			p.running++
			p.mu.Unlock()
			return p.leave, nil
		}
		freed := p.freed
		p.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (p *pacer) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	p.wake()
}

func (p *pacer) wake() {
	close(p.freed)
	p.freed = make(chan struct{})
}
