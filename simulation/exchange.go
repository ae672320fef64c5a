package simulation

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// exchange is one call of the saga's code: one attempt of an operation. It goes on when its
// caller has given up.
type exchange struct {
	cell    *Cell
	port    *Port
	called  Called
	call    participants.Call
	request *http.Request
	body    []byte
	arrived chan reply

	hits   []int         // faults of the plan on this attempt
	inWait []int         // those that strike when it has ended
	waited time.Duration // before it, since the attempt before; 0: there was none
	whole  atomic.Bool   // the participant has the request
	ended  sync.Once     // what reached the caller is recorded
	gone   chan struct{} // closed then
}

// reply is what reaches the caller: an answer, as far as it comes, or the end of the
// connection.
type reply struct {
	answer  *answer // nil: none
	missing int     // bytes of its body that do not come
	stalled bool    // nor does its end
	told    []string
	err     error
}

// exchange counts an attempt and records it.
func (c *Cell) exchange(p *Port, r *http.Request, body []byte, called Called) *exchange {
	x := &exchange{
		cell: c, port: p, called: called, request: r, body: body, arrived: make(chan reply, 1), gone: make(chan struct{}),
		call: participants.Call{Op: called.Op, Attempt: c.number(called.Op)},
	}
	x.waited = c.waits.Before(called.Op, time.Now())
	h := r.Header
	x.record(history.CallSent, func(e *history.Event) {
		e.Request = called.Seen
		e.Key, e.SagaID, e.StepID, e.Trace = called.Key, h.Get("Saga-Id"), h.Get("Saga-Step"), h.Get("Traceparent")
	})
	return x
}

// record adds an event of this attempt. A call that only asks is none; of submissions their
// client records its own.
func (x *exchange) record(k history.Kind, fill func(*history.Event)) {
	if x.called.Read || saga.Inbound(x.call.Op.Step) {
		return
	}
	op := x.call.Op
	e := history.Event{Kind: k, Saga: op.Saga, Step: op.Step, Direction: op.Direction, Part: op.Part, Attempt: x.call.Attempt}
	fill(&e)
	x.cell.Rec.Add(e)
}

// atParticipant tells whether it asks a participant to do something.
func (x *exchange) atParticipant() bool { return !x.called.Read && !saga.Inbound(x.call.Op.Step) }

// evidence is what a fault at request saw of it.
func (x *exchange) evidence() string {
	return fmt.Sprintf("request with a body of %d bytes", len(x.body))
}

// run carries the attempt to its end: when its caller has an answer, or has given up.
func (x *exchange) run() {
	x.carryOut()
	select {
	case <-x.gone:
	case <-x.cell.ctx.Done():
	}
	for _, i := range x.hits {
		x.cell.strikes.Heal(i, x.call.Op)
	}
	for _, i := range x.inWait {
		x.cell.strikeInWait(i, x)
	}
}

// travel is how long a request takes to its participant, and an answer back. Without it, code
// that calls again at once would stop the clock of a bubble.
const travel = 500 * time.Microsecond

// carryOut carries the attempt from its request to its answer.
func (x *exchange) carryOut() {
	c := x.cell
	bends, cut := x.plan()
	if !c.wait(travel) {
		return
	}
	if cut {
		x.arrived <- reset()
		return
	}
	if !x.carry(bends) {
		return
	}
	x.whole.Store(true)
	a := x.called.Handle(x.call, x.request.Header, x.body)
	if a.Amiss != nil {
		c.Trouble(fmt.Errorf("the answer to attempt %d of %s: %w", x.call.Attempt, x.call.Op, a.Amiss))
	}
	if x.atParticipant() {
		c.World.Answered(x.call, a)
	}
	for _, i := range c.strikes.On(x.call, saga.Response) {
		e := c.Plan.Faults[i].Injection(0)
		if e.InWait {
			x.inWait = append(x.inWait, i)
			continue // it comes when the attempt has ended
		}
		c.strikes.Fire(i, x.call, "the answer had left the participant")
		c.strike(i, e, x.call.Op.Step)
	}
	c.wait(travel)
	if a.Hangup {
		x.arrived <- reset()
		return
	}
	x.deliver(whole(x.request, a), a.Told, bends)
}

func reset() reply {
	return reply{err: netError("read", os.NewSyscallError("read", syscall.ECONNRESET))}
}

// plan finds what happens to the bytes of the attempt, and fires its faults at request.
func (x *exchange) plan() (bends []faults.Bend, cut bool) {
	c := x.cell
	if !saga.Inbound(x.call.Op.Step) {
		c.startWindows(x.call.Op.Step)
	}
	if c.isDown(x.call.Op.Step) {
		return nil, true
	}
	for i, f := range c.Plan.Faults {
		met := c.meet(i, f, x)
		if met.Cut {
			return nil, true
		}
		bends = append(bends, met.Bends...)
	}
	for _, i := range c.strikes.On(x.call, saga.Request, saga.Response) {
		f := c.Plan.Faults[i]
		e := f.Injection(0)
		if e.Copied {
			c.background(func() { x.second(i, e.For) })
			continue
		}
		x.hits = append(x.hits, i)
		if f.At.Phase == saga.Request {
			c.strikes.Fire(i, x.call, x.evidence())
		}
		bends = append(bends, e.Bends...)
	}
	return bends, false
}

// second delivers the request once more; nobody reads the answer.
func (x *exchange) second(i int, after time.Duration) {
	c := x.cell
	if !c.wait(after) {
		return
	}
	c.strikes.Fire(i, x.call, fmt.Sprintf("a second copy of a request with a body of %d bytes", len(x.body)))
	again := x.call
	again.Copy = 1
	if a := x.called.Handle(again, x.request.Header, x.body); x.atParticipant() {
		c.World.Answered(again, a)
	}
	c.strikes.Heal(i, x.call.Op)
}

// trickle is how long bytes take that trickle.
func trickle(bytes, kbps int) time.Duration {
	return time.Duration(bytes) * time.Second / time.Duration(max(kbps, 1)*1024)
}

// carry brings the request to the participant; false: it never arrives.
func (x *exchange) carry(bends []faults.Bend) bool {
	for _, b := range bends {
		if b.Answer {
			continue
		}
		switch b.How {
		case faults.Late:
			if !x.cell.wait(time.Duration(b.N) * time.Millisecond) {
				return false
			}
		case faults.Trickling:
			if !x.cell.wait(trickle(len(x.body), b.N)) {
				return false
			}
		case faults.Reset:
			x.arrived <- reset()
			return false
		case faults.Ended:
			x.arrived <- reply{err: io.ErrUnexpectedEOF}
			return false
		default: // silence
			return false
		}
	}
	return true
}

// deliver brings the answer to the caller, as far as it comes.
func (x *exchange) deliver(a answer, told []string, bends []faults.Bend) {
	got := reply{answer: &a, told: told}
	for _, b := range bends {
		if !b.Answer {
			continue
		}
		switch b.How {
		case faults.Late:
			x.cell.wait(time.Duration(b.N) * time.Millisecond)
		case faults.Trickling:
			x.cell.wait(trickle(a.size(), b.N))
		case faults.Reset:
			got = reset()
		case faults.Swallowed:
			return
		case faults.BrokenOff, faults.Stalled:
			got.missing, got.stalled = max(len(a.body)-1, 0), b.How == faults.Stalled
		case faults.Ended:
			switch {
			case b.N < a.head:
				got = reply{err: io.ErrUnexpectedEOF}
			case b.N < a.size():
				got.missing = a.size() - b.N
			}
		}
	}
	x.arrived <- got
}

// take gives the caller what has arrived.
func (x *exchange) take(got reply) (*http.Response, error) {
	if got.err != nil {
		x.end(got)
		return nil, got.err
	}
	if !got.stalled {
		x.end(got)
	}
	if t := httptrace.ContextClientTrace(x.request.Context()); t != nil && t.GotFirstResponseByte != nil {
		t.GotFirstResponseByte()
	}
	var tail io.ReadCloser
	switch {
	case got.stalled && got.missing > 0:
		tail = &stall{x, got}
	case got.missing > 0:
		tail = io.NopCloser(brokenOff{})
	}
	return got.answer.response(got.missing, tail), nil
}

type brokenOff struct{}

func (brokenOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// stall is the rest of a body that never comes.
type stall struct {
	x   *exchange
	got reply
}

func (s *stall) Read([]byte) (int, error) {
	select {
	case <-s.x.request.Context().Done():
		s.x.end(s.got)
		return 0, s.x.port.given(s.x.request)
	case <-s.x.port.killed:
	case <-s.x.cell.ctx.Done():
	}
	s.x.end(s.got)
	return 0, s.x.port.silence()
}

func (s *stall) Close() error {
	s.x.end(s.got)
	return nil
}

// end records what has reached the caller, once.
func (x *exchange) end(got reply) {
	x.ended.Do(func() {
		defer close(x.gone)
		x.cell.waits.Ended(x.call.Op, time.Now())
		code, partial := 0, got.missing > 0
		if got.answer != nil {
			code = got.answer.code
		}
		now := x.cell.Rec.Clock(time.Now())
		if x.called.Read {
			op := x.call.Op
			e := history.Event{
				Kind: history.CallRead, Saga: op.Saga, Step: op.Step, Direction: op.Direction, Part: op.Part, Attempt: x.call.Attempt,
				Request: x.called.Seen, Told: got.told,
			}
			if code > 0 {
				e.Code, e.Partial, e.Passed = code, partial, now
			}
			x.cell.Rec.Add(e)
			return
		}
		x.record(history.CallEnded, func(e *history.Event) {
			if x.whole.Load() {
				e.Up = int64(max(len(x.body), 1)) // its head at the least
			}
			if got.answer == nil {
				return
			}
			e.Code, e.Partial, e.Passed = code, partial, now
			e.Down = int64(got.answer.size() - got.missing)
			if !partial {
				e.Acked, e.Certain = now, true
			}
		})
	})
}
