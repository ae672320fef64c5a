package wire

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// process counts what is done to it.
type process struct{ touched atomic.Int64 }

func (p *process) Kill(context.Context) error    { p.touched.Add(1); return nil }
func (p *process) Restart(context.Context) error { p.touched.Add(1); return nil }
func (p *process) Pause(context.Context) error   { p.touched.Add(1); return nil }
func (p *process) Resume(context.Context) error  { p.touched.Add(1); return nil }

func pointAt(t *testing.T, s string) saga.FailurePoint {
	t.Helper()
	p, err := saga.ParseFailurePoint(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Calls that arrive while a cell ends, and after it: nothing of them is recorded
// after its end, and no process is touched.
func TestNothingPassesTheFence(t *testing.T) {
	r := newRig(t)
	for _, at := range []string{"pay#1@receive", "pay#2@commit", "pay#2@response"} {
		target := &process{}
		plan := faults.Plan{Faults: []faults.Fault{{Kind: "crash-orchestrator", At: pointAt(t, at), DelayMS: 1}}}
		in, ep, rec := r.cell(t, plan, target)
		over := make(chan struct{})
		var work sync.WaitGroup
		for range 4 {
			work.Go(func() {
				for {
					select {
					case <-over:
						return
					default:
						_, _ = habit{}.call(straight(ep.Addr()), payPath, "{}", nil) // whatever comes of it
					}
				}
			})
		}
		time.Sleep(time.Duration(len(at)) * time.Millisecond) // any moment will do
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		touched := target.touched.Load()
		events, _ := rec.Since(0)
		time.Sleep(30 * time.Millisecond) // for what is not there to show itself
		if now := target.touched.Load(); now != touched {
			t.Errorf("%s: the process was touched after the end: %d, %d", at, touched, now)
		}
		if now, _ := rec.Since(0); len(now) != len(events) {
			t.Errorf("%s: recorded after the end: %+v", at, now[len(events):])
		}
		close(over)
		work.Wait()
		r.wire.Release([]*Endpoint{ep})
	}
}

// A connection that stops in the middle does not keep the cell.
func TestEndOfACellCutsWhatIsStillOpen(t *testing.T) {
	r := newRig(t)
	for _, sent := range []string{"P", "POST " + payPath + " HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"} {
		in, ep, rec := r.cell(t, faults.Plan{}, nil)
		c, err := net.Dial("tcp", ep.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, sent); err != nil {
			t.Fatal(err)
		}
		for in.Pending() == 0 {
			time.Sleep(time.Millisecond)
		}
		if err := in.Close(); err != nil {
			t.Errorf("half a request is no trouble: %v", err)
		}
		for _, e := range rec.Close().Events {
			if e.Kind == history.CallReceived || e.Kind == history.CallStray {
				t.Errorf("half a request became %+v", e)
			}
		}
	}
}

// Half a head is no attempt: the number is free for the next one.
func TestHalfAHeadIsNoAttempt(t *testing.T) {
	r := newRig(t)
	in, ep, rec := r.cell(t, faults.Plan{}, nil)
	c, err := net.Dial("tcp", ep.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "POST / HT"); err != nil {
		t.Fatal(err)
	}
	for in.Pending() == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	quiet(t, in)
	if code, err := (habit{}).call(straight(ep.Addr()), payPath, "{}", nil); err != nil {
		t.Fatal(code, err)
	}
	quiet(t, in)
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	for _, e := range rec.Close().Events {
		if e.Kind == history.CallSent && e.Attempt != 1 {
			t.Errorf("attempt %d", e.Attempt)
		}
	}
}

// What is no HTTP is trouble of ours, and said.
func TestUnreadableRequestsAreTrouble(t *testing.T) {
	r := newRig(t)
	for name, sent := range map[string]string{
		"TLS":         "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
		"a bad head":  "POST\r\n\r\n",
		"a bad chunk": "POST " + payPath + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			in, ep, rec := r.cell(t, faults.Plan{}, nil)
			c, err := net.Dial("tcp", ep.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := io.WriteString(c, sent); err != nil {
				t.Fatal(err)
			}
			answer, _ := io.ReadAll(c) // or a reset
			quiet(t, in)
			if err := in.Close(); err == nil || !strings.Contains(err.Error(), "can't be read") {
				t.Errorf("not told: %v", err)
			}
			if strings.Contains(string(answer), "410") {
				t.Errorf("answered %q", answer)
			}
			for _, e := range rec.Close().Events {
				if e.Kind == history.CallStray {
					t.Errorf("charged to the orchestrator: %+v", e)
				}
			}
		})
	}
}

// An answer that no fault touched and that does not arrive is trouble of ours.
func TestLostAnswerWithoutAFaultIsTrouble(t *testing.T) {
	r := newRig(t)
	in, ep, _ := r.cell(t, faults.Plan{}, nil)
	// A participant that dies in the middle of its answer, as ours never does.
	bad, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer bad.Close()
	go func() {
		c, err := bad.Accept()
		if err != nil {
			return
		}
		if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
			t.Error(err)
		}
		if s, ok := r.wire.Resolve(c.RemoteAddr().String()); ok {
			s.Answered(participants.Answer{Code: http.StatusOK})
			s.Done()
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")
		_ = c.Close()
	}()
	ep.script.Load().upstream = Upstream{Addr: bad.Addr().String()}
	if code, err := (habit{}).call(straight(ep.Addr()), payPath, "{}", nil); err == nil {
		t.Errorf("answered %d", code)
	}
	quiet(t, in)
	if err := in.Close(); err == nil || !strings.Contains(err.Error(), "was lost on our own wire") {
		t.Errorf("not told: %v", err)
	}
}

// A second copy that meets an orchestrator that is away is neither a fault that
// fired nor anybody's mistake.
func TestCopyForAnOrchestratorThatIsAway(t *testing.T) {
	r := newRig(t)
	at := pointAt(t, "submit#1@request")
	in, _, rec := r.cell(t, faults.Plan{Faults: []faults.Fault{{Kind: "duplicate", At: at, DelayMS: 200}}}, nil)
	front := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go front.Serve(ln) //nolint:errcheck // ends with Close
	ep := lease(t, r.wire)
	in.Script(ep, saga.Operation{Saga: "c-1", Step: saga.SubmitStep, Direction: saga.Action}, "", Upstream{Addr: ln.Addr().String()}, 0, nil)
	if code, err := (habit{}).call(straight(ep.Addr()), "/sagas", "{}", nil); code != http.StatusAccepted {
		t.Errorf("the first copy: %d, %v", code, err)
	}
	if err := front.Close(); err != nil {
		t.Fatal(err)
	}
	quiet(t, in)
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	for _, e := range rec.Close().Events {
		if e.Kind == history.FaultFired || e.Kind == history.CallStray {
			t.Errorf("recorded %+v", e)
		}
	}
}

// Two wires on one machine, whose endpoints are shut and opened again and again, never
// take each other's ports.
func TestTwoWiresAtOnce(t *testing.T) {
	var work sync.WaitGroup
	errs := make(chan error, 1000)
	first := newNarrowWire(t, 12)
	for _, w := range []*Wire{first, newWireOn(t, first.ports[0], 12)} {
		endpoints, err := w.Lease(4)
		if err != nil {
			t.Fatal(err)
		}
		for _, ep := range endpoints {
			work.Go(func() {
				for range 50 {
					errs <- errors.Join(ep.shut(), ep.reopen())
				}
			})
		}
		work.Go(func() { // and opens more meanwhile, which must not take those
			more, err := w.Lease(1)
			errs <- err
			w.Release(more)
		})
	}
	work.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
}
