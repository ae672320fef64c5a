package wire

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/Shopify/toxiproxy/v2"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/proxy"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// exchange is one connection of the system under test: one attempt of an
// operation, with its own chain of toxics.
//
//	first byte ─→ head ─→ planned ─┬─→ forwarding ─┬─→ delivered
//	   │           │               │               ├─→ left
//	   │           │               │               ├─→ broken
//	   │           │               │               └─→ stopped
//	   │           │               ├─→ cut
//	   │           │               └─→ unreachable
//	   │           └─→ a stray: 410
//	   └─→ half a head: no attempt; no HTTP: trouble of ours
//
// The attempt is counted at its first byte, and gives its number back if it turns
// out to be none. Its faults are chosen when the head is known; from then on bytes
// are passed on as they come. Everything from the first byte to the end lies inside
// the fence of its cell.
type exchange struct {
	number uint64
	script *script
	call   participants.Call
	began  time.Time // when the kernel had its first bytes
	remote string    // address of the orchestrator's side
	head   *http.Request
	req    *message
	read   bool                 // it only asks: nothing of it is an attempt
	seen   *history.Message     // the request, where it is recorded
	key    string               // its idempotency key
	handle participants.Handler // of a stand-in service of the user's own; nil: the world's
	late   func()               // called where its cell is over before it begins; nil: nobody is told
	near   *near
	far    *far // nil: never reached

	hits     []int         // faults of the plan on this attempt
	heldUp   bool          // toxics act on the request
	heldDown bool          // toxics act on the answer
	inWait   []int         // faults of the plan that strike when it has ended
	waited   time.Duration // before it, since the attempt before; 0: there was none

	mu       sync.Mutex
	over     bool          // nothing may be recorded any more
	told     bool          // response faults fire once
	answered bool          // the participant has given its answer to the connection
	found    []string      // what it told of, if it was only asked
	handled  chan struct{} // closed when the participant has decided
	decided  sync.Once
}

// end is how an exchange ended.
type end int

const (
	delivered   end = iota // the orchestrator's kernel was given the whole answer
	left                   // the orchestrator went away before that
	broken                 // the answer never came, or ended early, by the plan or by the participant
	cut                    // the plan reset the connection in front of the participant
	unreachable            // nobody listens behind the endpoint: the orchestrator of a submit is away
	stopped                // the cell ended first
)

func (e end) String() string {
	return [...]string{"delivered", "left", "broken", "cut", "unreachable", "stopped"}[e]
}

// handlingLimit bounds the wait for a participant that has the whole request. A
// hook may hold it while the orchestrator is killed and started.
const handlingLimit = 2 * time.Minute

// lingerAfterAnswer bounds the wait for the orchestrator to close its side after
// it has been given the whole answer.
const lingerAfterAnswer = 2 * time.Second

// run forwards the connection through its chain, and records its beginning and
// its end.
func (x *exchange) run(w *Wire, conn *client) {
	s := x.script
	x.near = newNear(conn, x.req)
	x.record(history.CallSent, func(e *history.Event) {
		// The kernel counts in milliseconds.
		if waited := time.Since(x.began).Truncate(time.Millisecond); waited > time.Millisecond {
			e.Waited = waited
		}
		h := x.head.Header
		e.Request = x.seen
		e.Key, e.SagaID, e.StepID, e.Trace = x.key, h.Get("Saga-Id"), h.Get("Saga-Step"), h.Get("Traceparent")
	})
	x.waited = s.in.waits.Before(x.call.Op, x.began)
	chain, reset := s.in.chain(x)
	switch {
	case reset:
		x.refuse(cut)
		return
	case s.inbound() && s.in.Away(): // while the orchestrator is dead
		x.refuse(unreachable)
		return
	}
	c, err := s.upstream.dial(s.in.ctx)
	if err != nil {
		if s.world != nil && s.in.ctx.Err() == nil {
			s.in.trouble(fmt.Errorf("the participants can't be reached: %w", err))
		}
		x.refuse(unreachable) // the orchestrator (of submit) is down: its client sees a reset
		return
	}
	x.far = newFar(c)
	x.forward(w, chain)
	x.end(x.outcome())
}

// refuse resets the connection before anything was forwarded.
func (x *exchange) refuse(e end) {
	x.near.reset.Store(true)
	x.near.kill()
	x.end(e)
}

// forward starts the two links and waits until both sides are gone.
func (x *exchange) forward(w *Wire, chain []toxic) {
	near, far, s := x.near, x.far, x.script
	near.answer, far.req, far.to, far.keep = far.answer, x.req, x.head, !s.inbound()
	far.onAnswer = func() {
		if s.world == nil {
			x.answering()
		}
	}
	// The kernel may give the port away again before this exchange has ended: then
	// the address is another's. And one port may serve two connections to different
	// servers at once: only those to the participants are found by it.
	local := far.conn.LocalAddr().String()
	if s.world == nil {
		local += " to " + s.upstream.Addr
	}
	collection, withheld := x.collect(w, chain)
	w.upstreams.Store(local, x)
	defer w.upstreams.CompareAndDelete(local, x)
	defer x.abort()
	if x.heldDown {
		gone.Store(x.number, (<-chan struct{})(near.gone))
		defer gone.Delete(x.number)
	} else {
		near.onTaken = func() { s.in.rec.Late(time.Since(far.answer.at)) }
	}
	if expects(x.head) && !x.req.whole() && !withheld {
		near.goOn()
	}
	w.links.Join(collection, proxy.End{Reader: near, WriteCloser: near}, proxy.End{Reader: far, WriteCloser: far})
	select {
	case <-near.over:
	case <-s.in.ctx.Done():
		return
	}
	linger := time.NewTimer(lingerAfterAnswer)
	defer linger.Stop()
	select {
	case <-near.gone:
	case <-linger.C:
	case <-s.in.ctx.Done():
		return
	}
	if s.world != nil && far.gotAll() {
		x.awaitHandled()
	}
}

// awaitHandled waits for the participant, also when the orchestrator has left: a
// late arrival.
func (x *exchange) awaitHandled() {
	limit := time.NewTimer(handlingLimit)
	defer limit.Stop()
	select {
	case <-x.handled:
	case <-x.script.in.ctx.Done():
	case <-limit.C:
	}
}

// collect puts the chain together. withheld: nothing of it lets a whole request
// through.
func (x *exchange) collect(w *Wire, chain []toxic) (c *toxiproxy.ToxicCollection, withheld bool) {
	c = w.links.Chain()
	for i, t := range chain {
		t.Name = fmt.Sprintf("%s-%d", t.Type, i)
		switch t.Type {
		case swallowType, bodyType:
			t.Attributes["exchange"] = x.number
		case resetType:
			x.near.reset.Store(true)
		}
		if t.Stream == upstream {
			x.heldUp = true
			withheld = withheld || slices.Contains([]string{timeoutType, resetType, limitType}, t.Type)
		} else {
			x.heldDown = true
		}
		if err := t.addTo(c); err != nil { // a chain of ours that toxiproxy refuses
			panic(fmt.Sprintf("toxic %+v: %v", t, err))
		}
	}
	return c, withheld
}

// evidence is what a fault at request saw of it.
func (x *exchange) evidence() string {
	return fmt.Sprintf("request of %s from %s", x.req.about(), x.remote)
}

// outcome tells how the exchange ended.
func (x *exchange) outcome() end {
	n := x.near
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.delivered():
		return delivered
	case x.script.in.ctx.Err() != nil:
		return stopped
	case n.left || n.lost:
		return left
	}
	return broken
}

// answering is called when the answer is on its way: by the participant, or when
// its first bytes come from the orchestrator.
func (x *exchange) answering() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over || x.told || x.call.Copy > 0 { // nobody reads the answer to a copy
		return
	}
	x.told = true
	x.script.in.onResponse(x)
}

// setReceived is told by the participant when it has read the request: what that
// took is our own lateness, unless a fault held the request up.
func (x *exchange) setReceived() {
	if !x.heldUp && x.call.Copy == 0 && x.req.whole() {
		x.script.in.rec.Late(time.Since(x.req.at))
	}
}

// setAnswered is told by the participant just before its answer leaves.
func (x *exchange) setAnswered(a participants.Answer) {
	x.answering()
	if a.Amiss != nil {
		x.script.in.trouble(fmt.Errorf("the answer to attempt %d of %s: %w", x.call.Attempt, x.call.Op, a.Amiss))
	}
	x.mu.Lock()
	x.answered, x.found = !a.Hangup, a.Told
	x.mu.Unlock()
	x.decided.Do(func() { close(x.handled) })
}

// abort ends both sides.
func (x *exchange) abort() {
	x.near.kill()
	x.far.kill(x.near.reset.Load())
}

// statusEnd is how much of an answer has come when its status is there: clients there are that
// want no more of a head.
const statusEnd = int64(len("HTTP/1.1 200"))

// end records what reached the orchestrator.
func (x *exchange) end(e end) {
	x.mu.Lock()
	x.over = true
	x.mu.Unlock()
	x.req.giveUp() // if it is not whole by now, it never will be
	in := x.script.in
	x.check(e)
	if in.Answered != nil && x.call.Op.Step == saga.SubmitStep && x.far != nil && x.far.answer.whole() {
		x.tellAnswer()
	}
	if x.read {
		x.recordRead(e)
	}
	if x.script.callback != nil {
		x.recordCallback()
	}
	x.record(history.CallEnded, func(ev *history.Event) {
		if x.far == nil {
			return
		}
		n := x.near
		n.mu.Lock()
		defer n.mu.Unlock()
		ev.Up, ev.Down = x.far.written.Load(), n.written.Load()
		if !n.passed.IsZero() {
			ev.Passed = in.rec.Clock(n.passed)
		}
		if ev.Code, ev.Partial = x.reached(e); e != delivered {
			return
		}
		if !n.acked.IsZero() {
			ev.Acked = in.rec.Clock(n.acked)
		}
		limit := x.script.timeout / 2
		ev.Certain = !n.finished.IsZero() && (limit == 0 || n.finished.Sub(x.began) < limit)
	})
	in.ended(x)
}

// recordRead records a read-back when it is over. It is no attempt at anything.
func (x *exchange) recordRead(e end) {
	x.mu.Lock()
	found := x.found
	x.mu.Unlock()
	op, in := x.call.Op, x.script.in
	ev := history.Event{
		Kind: history.CallRead, Saga: op.Saga, Step: op.Step, Direction: op.Direction, Part: op.Part, Attempt: x.call.Attempt,
		Request: x.seen, Told: found,
	}
	ev.Code, ev.Partial = x.reached(e)
	x.near.mu.Lock()
	passed := x.near.passed
	x.near.mu.Unlock()
	if !passed.IsZero() {
		ev.Passed = in.rec.Clock(passed)
	}
	in.rec.Add(ev)
}

// tellAnswer tells what the orchestrator answered to a submission.
func (x *exchange) tellAnswer() {
	answer, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(x.far.answer.bytes())), x.head)
	if err != nil {
		return // it was no HTTP: its client says so
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err == nil {
		x.script.in.Answered(x.call.Op.Saga, answer.StatusCode, answer.Header, body)
	}
}

// reached is the status of the answer that reached the orchestrator; 0: not even that did. partial: not
// all of the rest did.
func (x *exchange) reached(e end) (code int, partial bool) {
	if e != delivered && (x.far == nil || x.far.answer.head.Load() == 0 || x.near.written.Load() < statusEnd) {
		return 0, false
	}
	return int(x.far.code.Load()), e != delivered
}

// check guards every exchange: what no fault touched, and the orchestrator waited
// for, must have reached it, or it is trouble of ours that nobody else is judged by.
func (x *exchange) check(e end) {
	in := x.script.in
	if err := x.req.wrong.Load(); err != nil {
		in.trouble(fmt.Errorf("the body of a request for %s on the wire can't be read: %w", x.call.Op, *err))
		return
	}
	x.mu.Lock()
	answered := x.answered
	x.mu.Unlock()
	if e != broken || x.heldDown || x.far == nil {
		return
	}
	if answered || x.far.answer.whole() {
		in.trouble(fmt.Errorf("the answer to attempt %d of %s was lost on our own wire, %d of %d bytes, and no fault was the reason",
			x.call.Attempt, x.call.Op, x.near.written.Load(), x.far.answer.size.Load()))
	}
}

// record adds an event of this attempt. Of calls to the orchestrator the harness records the
// client's own, and the end of a callback is all that there is of it.
func (x *exchange) record(k history.Kind, fill func(*history.Event)) {
	if x.read || x.script.inbound() {
		return
	}
	op := x.call.Op
	e := history.Event{Kind: k, Saga: op.Saga, Step: op.Step, Direction: op.Direction, Part: op.Part, Attempt: x.call.Attempt}
	fill(&e)
	x.script.in.rec.Add(e)
}
