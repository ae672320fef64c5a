package simulation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/striking"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// Called is what a request was found to be.
type Called struct {
	Op     saga.Operation
	Seen   *history.Message // the request, as the history keeps it
	Key    string           // its idempotency key, as its service reads it
	Read   bool             // it only asks: nothing of it is an attempt
	Handle participants.Handler
	// Answer is given as it is to what belongs to no operation; nil: it belongs to Op.
	Answer *participants.Answer
	// Pass gives the answer in place of Answer, where it has to be asked for.
	Pass func() participants.Answer
}

// Process is what kills need of the process that runs the saga's code.
type Process interface {
	// Kill ends it where it stands: its calls never return.
	Kill()
	// Start starts it again on the same store.
	Start()
}

// Setup is what a cell needs to know.
type Setup struct {
	Plan    faults.Plan
	Sagas   []string                 // ids, in the order of their numbers
	Service func(step string) string // the participant behind a step
	Rec     *history.Recorder
	// Route finds out what a request is. An error is trouble: the cell has no verdict.
	Route func(r *http.Request, body []byte) (Called, error)
	// Process may be killed; nil: kills can't fire.
	Process Process
	// Forget makes a service forget the keys that it has answered; nil: none ever does.
	Forget func(service string)
	// Operator asks for a saga's rollback; nil: nobody can.
	Operator func(ctx context.Context, id string) (code int, err error)
}

// Ability says what may be done in a cell besides striking calls.
type Ability struct {
	Kills     bool // there is a process that may be killed, and started again on its store
	Submits   bool // sagas are submitted by calls, too
	Rollbacks bool // somebody may ask for a saga's rollback
}

// Cell carries out the plan of one cell.
type Cell struct {
	Setup
	World *participants.World // set by who made it, with the Hook of the cell

	ctx     context.Context // ends with the cell
	cancel  context.CancelFunc
	pending atomic.Int64 // calls, copies and timers under way
	work    sync.WaitGroup
	started []sync.Once // of each fault: the clock of a window
	strikes *striking.Strikes
	waits   striking.Waits
	process chan struct{} // one kill at a time: it holds a token while the process is away

	mu      sync.Mutex
	calls   int
	counted map[saga.Operation]int
	open    map[int]int    // window → attempts that have met it
	down    map[string]int // service → crashes it has not recovered from
	answers map[participants.Call]func() *participants.Answer
	refused map[int]time.Time // faults that refuse → since when
	over    time.Time
	errs    []error
}

// New makes a cell for a valid plan.
func New(s Setup) *Cell {
	c := &Cell{
		Setup: s, strikes: striking.New(s.Plan, s.Sagas, s.Rec), counted: map[saga.Operation]int{}, open: map[int]int{}, down: map[string]int{},
		answers: map[participants.Call]func() *participants.Answer{}, refused: map[int]time.Time{},
		started: make([]sync.Once, len(s.Plan.Faults)), process: make(chan struct{}, 1),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// Impossible says why a plan can't be carried out in memory; empty: it can.
func Impossible(p faults.Plan, a Ability) string {
	for _, f := range p.Faults {
		switch e := f.Injection(0); {
		case saga.Inbound(f.At.Step) && !a.Submits:
			return "the start of a saga is a call of a function, which no network carries"
		case e.AtEnd:
			return "what is left of a saga that has ended is what its function returned"
		case e.Victim == faults.ProcessPaused:
			return "a pause needs a process of its own"
		case e.Victim == faults.StoreCutOff:
			return "a store is cut off on its socket"
		case e.Asked && !a.Rollbacks, len(e.Acts) > 0, e.Waits > 0, e.Flag != "", e.Drifts != "", e.Redefined:
			return "nobody operates a saga in memory"
		case e.Victim == faults.ProcessKilled && !a.Kills:
			return "a kill needs a store that outlives it"
		}
	}
	return ""
}

// Begin records what is planned. Impossible has said that it can be done.
func (c *Cell) Begin() {
	for i, f := range c.Plan.Faults {
		c.Rec.Add(history.Event{Kind: history.FaultArmed, Fault: &i, Detail: f.String()})
	}
}

// Pending is the number of calls, copies, windows and process faults under way. While it
// is not 0, something may still happen by itself.
func (c *Cell) Pending() int { return int(c.pending.Load()) }

// Trouble is what makes a cell no evidence of anything.
func (c *Cell) Trouble(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.errs = append(c.errs, err)
}

// Broken is the trouble so far; nil: there is none.
func (c *Cell) Broken() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return errors.Join(c.errs...)
}

// Over ends the cell: what still calls is told so, and nothing is recorded any more when it
// returns.
func (c *Cell) Over() error {
	time.Sleep(askSoon) // what ends with the cell ends after what was seen of it
	c.mu.Lock()
	c.over = time.Now()
	c.mu.Unlock()
	c.cancel()
	c.work.Wait()
	return c.Broken()
}

// Settle waits until nothing is pending and all was silent for a while, or until nothing
// has moved for limit, and records which. What is pending besides is said by its caller, who
// is asked after each event, and every so often; empty: nothing.
func (c *Cell) Settle(quiet, limit, every time.Duration, more func() string) {
	for {
		now, said := c.Rec.Activity(), more()
		if n := c.Pending(); n > 0 {
			said = join(said, fmt.Sprintf("%d calls or faults under way", n))
		}
		silent := time.Since(now.Last)
		left := min(limit-min(time.Since(now.LastFault), time.Since(now.LastMove)), longest*limit-time.Since(now.LastFault))
		switch {
		case c.Broken() != nil:
			c.Rec.Add(history.Event{Kind: history.Settled, Detail: "trouble"})
			return
		case said == "" && silent >= quiet:
			c.Rec.Add(history.Event{Kind: history.Settled})
			return
		case left <= 0:
			c.Rec.Add(history.Event{Kind: history.Settled, Detail: said})
			return
		}
		if said == "" {
			left = min(left, quiet-silent)
		} else {
			left = min(left, every)
		}
		t := time.NewTimer(left)
		select {
		case <-c.Rec.Changed():
			time.Sleep(askSoon) // its caller may record what it finds: the clock has to go on
		case <-t.C:
		}
		t.Stop()
	}
}

// askSoon is how long after an event the caller of Settle is asked what is pending.
const askSoon = time.Millisecond

// longest bounds how long after the last fault a cell may go on moving, in limits.
const longest = 3

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// background begins something that the end of the cell waits for. When that has come, nothing is begun.
func (c *Cell) background(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over.IsZero() {
		return
	}
	c.pending.Add(1)
	c.work.Go(func() {
		defer c.pending.Add(-1)
		f()
	})
}

// wait sleeps; false means that the cell is over.
func (c *Cell) wait(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.ctx.Done():
		return false
	}
}

// mostCalls is how many calls a cell may see: code that makes more makes them without end.
const mostCalls = 10_000

// count counts a call, whatever becomes of it.
func (c *Cell) count(r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls++; c.calls == mostCalls {
		c.errs = append(c.errs, fmt.Errorf("there were %d calls, the last of %s %s: expected code that waits longer before it calls again", mostCalls, r.Method, r.URL))
		c.over = time.Now()
		c.cancel()
	}
}

// number numbers an attempt.
func (c *Cell) number(op saga.Operation) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counted[op]++
	return c.counted[op]
}
