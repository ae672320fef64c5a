package wire

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"
)

// second sends a whole request again, on a connection of its own; of a part there
// is no second copy.
func (in *Injector) second(i int, x *exchange, after time.Duration) {
	in.traffic.enter()
	in.background(func() {
		defer in.traffic.leave()
		select {
		case <-x.req.ended:
		case <-in.ctx.Done():
		}
		if !x.req.whole() || !in.wait(after) {
			return
		}
		if err := in.copy(i, x); err != nil && in.ctx.Err() == nil {
			in.fail(i, fmt.Errorf("second copy: %w", err))
		}
		in.strikes.Heal(i, x.call.Op)
	})
}

// copy delivers the request once more and reads the answer to its end, which is
// nobody's. The fault has fired when the copy is on its way: one that meets an
// orchestrator that is away has not. The copy is over when it was handled.
func (in *Injector) copy(i int, x *exchange) error {
	s := x.script
	c, err := s.upstream.dial(in.ctx)
	if err != nil {
		return s.ours(err)
	}
	defer c.Close() //nolint:errcheck // nothing is left to lose
	defer context.AfterFunc(in.ctx, func() { _ = c.Close() })()
	raw := x.req.bytes()
	fire := func() {
		in.strikes.Fire(i, x.call, fmt.Sprintf("a second copy of %d bytes from %s", len(raw), c.LocalAddr()))
	}
	if s.world == nil {
		began := time.Now()
		if _, err := c.Write(raw); err != nil {
			return nil // the orchestrator went away meanwhile
		}
		fire()
		if s.callback != nil {
			e := s.callback.event(x.call.Attempt)
			e.Copy, e.Passed = 1, in.rec.Clock(began)
			in.rec.Add(e)
		}
		_, _ = io.Copy(io.Discard, c) // its end is the end, however it comes
		return nil
	}
	second := &exchange{
		number: in.wire.exchanges.Add(1), script: s, req: x.req, head: x.head, call: x.call, read: x.read, handle: x.handle, handled: make(chan struct{}),
	}
	second.call.Copy = 1
	local := c.LocalAddr().String()
	in.wire.upstreams.Store(local, second)
	defer in.wire.upstreams.CompareAndDelete(local, second)
	fire()
	if _, err := c.Write(raw); err != nil {
		return err
	}
	if err := c.SetReadDeadline(time.Now().Add(handlingLimit)); err != nil {
		return err
	}
	return second.readAnswer(c)
}

// readAnswer waits until the participant has handled a copy and ended its answer.
func (x *exchange) readAnswer(c net.Conn) error {
	_, err := io.Copy(io.Discard, c)
	select {
	case <-x.handled: // how the connection ended then is the participant's own affair
		return nil
	default:
	}
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("the participant has not handled it: %w", err)
}

// ours is trouble with the participants, which are always there; an orchestrator
// may be away.
func (s *script) ours(err error) error {
	if s.world == nil {
		return nil
	}
	return err
}
