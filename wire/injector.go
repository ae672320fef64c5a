package wire

import (
	"context"
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

// Target is what process faults need of the orchestrator under test.
type Target interface {
	Kill(ctx context.Context) error
	Restart(ctx context.Context) error
	Pause(ctx context.Context) error
	Resume(ctx context.Context) error
}

// Store is what cutting off a store needs: a way to cut the orchestrator off from where
// it keeps its sagas.
type Store interface {
	Down() error
	Up() error
}

// Setup is what an injector needs to know of its cell.
type Setup struct {
	Plan    faults.Plan
	Sagas   []string                 // ids, in the order of their numbers
	Service func(step string) string // the participant behind a step
	Rec     *history.Recorder
	Target  Target // nil: process faults can't fire
	Store   Store  // nil: store outages can't fire
	// Rounds: the sagas may be run forward again, at the same addresses: the header Saga-Step says in which
	// round a call is made.
	Rounds bool
	// Endpoint is the address that a step shares with others; nil: each has one of its own.
	Endpoint func(step string) *Endpoint
	// Answered is told what the orchestrator answered to a submission, whether or not the
	// client got to know; nil: nobody wants to know.
	Answered func(saga string, code int, header http.Header, body []byte)
	// AwaitNames waits, not for long, until it is known what the process calls its sagas: before it
	// is killed at one of their calls; nil: nothing is waited for.
	AwaitNames func(ctx context.Context)
	// Forget makes a service forget the keys that it has answered; nil: none ever does.
	Forget func(service string)
	// Drift changes what a participant holds of an action; nil: nobody can.
	Drift func(op saga.Operation, how string, fault int) error
	// Redefine submits a saga of the next version of the definition, and returns when it was accepted; nil: nobody can.
	Redefine func(ctx context.Context) error
	// Operator asks the orchestrator for a saga's rollback; nil: nobody can.
	Operator func(ctx context.Context, id string) (code int, err error)
	// Governor changes what governs the orchestrator; nil: nobody can.
	Governor Governor
	// Console is how operators ask the orchestrator for something; nil: nobody can.
	Console Operator
	// Patience is for how long the orchestrator is asked again for what it has to do, and gives no answer.
	Patience time.Duration
}

// Governor changes what governs an orchestrator while it runs. The codes are those of its
// answers.
type Governor interface {
	// Waits puts policies in force by which steps that begin from then on wait so long
	// before each further attempt; 0: none at all, as it was before.
	Waits(ctx context.Context, d time.Duration) (code int, err error)
	// Throw sets a flag, with the participants of steps, for so long at the most.
	Throw(ctx context.Context, flag string, steps []string, most time.Duration) (code int, err error)
	// TakeBack ends it.
	TakeBack(ctx context.Context, flag string) (code int, err error)
}

// Injector carries out the plan of one cell.
type Injector struct {
	Setup
	rec       *history.Recorder
	strikes   *striking.Strikes
	waits     striking.Waits
	ends      striking.Ends
	pending   atomic.Int64 // attempts under way, copies, timers
	wire      *Wire
	endpoints map[saga.Operation]*Endpoint
	ctx       context.Context
	cancel    context.CancelFunc
	alive     context.Context // ends with Abort: the orchestrator is not brought back any more
	abort     context.CancelFunc
	work      sync.WaitGroup
	fence     fence
	traffic   traffic
	started   []sync.Once // of each fault: the clock of a window
	process   sync.Mutex  // one kill or pause at a time
	away      atomic.Bool // the orchestrator is killed or paused right now

	mu      sync.Mutex
	open    map[int]int                                       // window → attempts that have met it
	down    map[string]int                                    // service → crashes it has not recovered from
	answers map[participants.Call]func() *participants.Answer // of windows, at receive
	changed bool                                              // the policies are not what they were before
	errs    []error
}

// NewInjector compiles a valid plan.
func NewInjector(w *Wire, s Setup) (*Injector, error) {
	in := &Injector{
		Setup: s, rec: s.Rec, wire: w, strikes: striking.New(s.Plan, s.Sagas, s.Rec), endpoints: map[saga.Operation]*Endpoint{},
		open: map[int]int{}, down: map[string]int{},
		answers: map[participants.Call]func() *participants.Answer{},
	}
	in.started = make([]sync.Once, len(s.Plan.Faults))
	in.alive, in.abort = context.WithCancel(w.ctx)
	in.ctx, in.cancel = context.WithCancel(in.alive)
	for i, f := range s.Plan.Faults {
		if _, err := faults.KindByName(f.Kind); err != nil {
			return nil, fmt.Errorf("faults[%d].%w", i, err)
		}
	}
	return in, nil
}

// Script gives an endpoint its operation. path is what the operation's URL says.
func (in *Injector) Script(ep *Endpoint, op saga.Operation, path string, upstream Upstream, timeout time.Duration, world *participants.World) {
	in.endpoints[op] = ep
	ep.script.Store(&script{op: op, path: path, upstream: upstream, timeout: timeout, world: world, in: in})
}

// Begin arms the faults.
func (in *Injector) Begin() {
	for i, f := range in.Plan.Faults {
		in.rec.Add(history.Event{Kind: history.FaultArmed, Fault: &i, Detail: f.String()})
		if f.At.Phase == saga.Connect && f.At.Attempt == 1 && f.After.IsZero() {
			in.refuse(i)
		}
	}
}

// startWindows starts the clocks of windows, at a call to a step: how long an
// orchestrator takes to get there does not matter then. A window with a time to
// begin counts from the first call of the cell, others from the first that they
// can meet.
func (in *Injector) startWindows(step string) {
	for i, f := range in.Plan.Faults {
		if !f.Window() || f.FromMS == 0 && len(f.Steps) > 0 && !in.meets(f, step) {
			continue
		}
		in.started[i].Do(func() { in.startWindow(i, f) })
	}
}

func (in *Injector) startWindow(i int, f faults.Fault) {
	switch e := f.Injection(0); {
	case e.Victim == faults.StoreCutOff:
		in.window(f, func() { in.storeDown(i) }, func() { in.storeUp(i) })
	case e.Victim != "":
		in.struckLater(i, f, e)
	default:
		in.window(f, func() { in.setOpen(i, true) }, func() { in.setOpen(i, false) })
	}
}

// window opens and shuts a window at its times; the end of the cell shuts it too.
func (in *Injector) window(f faults.Fault, open, shut func()) {
	if f.FromMS == 0 {
		open()
	}
	in.background(func() {
		if f.FromMS > 0 {
			if !in.wait(f.From()) {
				return
			}
			open()
		}
		in.wait(f.For())
		shut()
	})
}

func (in *Injector) setOpen(i int, open bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if open {
		in.open[i] = 0
		return
	}
	met := in.open[i]
	delete(in.open, i)
	in.rec.Add(history.Event{Kind: history.FaultHealed, Fault: &i, Detail: fmt.Sprintf("met by %d attempts", met)})
}

// wait sleeps for a time of the plan; false means that the cell is over.
func (in *Injector) wait(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-in.ctx.Done():
		return false
	}
}

func (in *Injector) background(f func()) {
	in.enter()
	in.work.Go(func() {
		defer in.leave()
		f()
	})
}

func (in *Injector) enter() { in.pending.Add(1) }
func (in *Injector) leave() { in.pending.Add(-1) }

// Pending is the number of attempts, copies, windows and process faults under
// way. While it is not 0, something may still happen by itself.
func (in *Injector) Pending() int { return int(in.pending.Load()) }

// Away tells that the orchestrator is killed or paused right now: nobody should
// ask it anything. A connection that is refused would pass for the evidence of
// another cell's fault.
func (in *Injector) Away() bool { return in.away.Load() }

// Close ends the cell: it cuts the connections that are still open, heals
// everything that is still on, waits for what was started, and returns what could
// not be carried out. When it returns, nothing of the cell is recorded any more and
// no process is touched for it, whatever still comes.
func (in *Injector) Close() error {
	in.cancel()
	in.fence.close()
	in.work.Wait()
	in.restore()
	in.abort()
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.troubles()
}

// Abort gives up what Close would wait for, the orchestrator's way back above all:
// the run is over, or the orchestrator is gone.
func (in *Injector) Abort() { in.abort() }

// chain chooses the toxics of an attempt that has arrived, fires its faults at
// request, and does what has to be done before the next attempt comes.
func (in *Injector) chain(x *exchange) (chain []toxic, cut bool) {
	if !x.script.inbound() {
		in.startWindows(x.call.Op.Step)
	}
	next := x.call
	next.Attempt++
	for _, i := range in.strikes.On(next, saga.Connect) {
		if in.Plan.Faults[i].After.IsZero() {
			in.refuse(i)
		}
	}
	if in.isDown(x.call.Op.Step) {
		return nil, true
	}
	for i, f := range in.Plan.Faults {
		met, ok := in.meet(i, f, x)
		if !ok {
			continue
		}
		if met.Cut {
			in.strikes.Fire(i, x.call, "connection reset, request not delivered")
			return nil, true
		}
		chain = append(chain, toxicsOf(met)...)
	}
	for _, i := range in.strikes.On(x.call, saga.Request, saga.Response) {
		chain = append(chain, in.begin(i, x)...)
	}
	return chain, false
}

// begin puts a point fault of the wire on an attempt.
func (in *Injector) begin(i int, x *exchange) []toxic {
	f := in.Plan.Faults[i]
	e := f.Injection(0)
	if e.Copied {
		in.second(i, x, e.For)
		return nil
	}
	x.hits = append(x.hits, i)
	if f.At.Phase == saga.Request {
		in.strikes.Fire(i, x.call, x.evidence())
	}
	return toxicsOf(e)
}

// meet tells what an open window does to an attempt; not ok: it lets it pass.
func (in *Injector) meet(i int, f faults.Fault, x *exchange) (e faults.Injection, ok bool) {
	if !f.Window() || !in.meets(f, x.call.Op.Step) {
		return faults.Injection{}, false
	}
	in.mu.Lock()
	nth, open := in.open[i]
	if open {
		in.open[i]++
		e = f.Injection(nth)
	}
	if e.Answer != nil {
		in.answers[x.call] = func() *participants.Answer {
			in.strikes.Fire(i, x.call, fmt.Sprintf("answered %d", e.Answer.Code))
			return striking.Given(e.Answer)
		}
	}
	in.mu.Unlock()
	if len(e.Bends) > 0 {
		in.strikes.Fire(i, x.call, x.evidence())
	}
	return e, !e.Passes()
}

// onResponse fires the faults of an attempt whose answer is on its way.
func (in *Injector) onResponse(x *exchange) {
	for i, f := range in.Plan.Faults {
		op := x.call.Op
		if !f.After.IsZero() && f.After.Ref() == op.Ref() && f.After.Attempt == x.call.Attempt && in.strikes.Claims(i, op.Saga) {
			in.refuse(i)
		}
	}
	for _, i := range in.strikes.On(x.call, saga.Response) {
		e := in.Plan.Faults[i].Injection(0)
		if e.InWait {
			x.inWait = append(x.inWait, i)
			continue // it comes when the attempt has ended
		}
		in.strikes.Fire(i, x.call, "the answer had left the participant")
		in.strike(i, e, x.call.Op.Step)
	}
}
