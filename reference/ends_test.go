package reference

import (
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// shortTransport has no descriptors for some calls.
type shortTransport struct {
	http.RoundTripper
	left atomic.Int32
}

func (s *shortTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.left.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.EMFILE)}
	}
	return s.RoundTripper.RoundTrip(r)
}

// A call that could not leave was no attempt, and no failure of its participant.
func TestOwnShortageIsNobodysFailure(t *testing.T) {
	p := NewParticipant(t, Scripted("b * 422"))
	e := OpenTest(t, Options{})
	short := &shortTransport{RoundTripper: e.client.Transport}
	short.left.Store(10)
	e.client.Transport = short
	b := &saga.Breaker{Name: "bank", Failures: 1, OpenMS: 3_600_000, Probes: 1}
	for i := range 5 {
		d := p.Define("s"+strconv.Itoa(i), "a compensatable")
		d.Steps[0].Action.Breaker, d.Steps[0].Action.Retry.MaxAttempts = b, 1
		SubmitTest(t, e, d)
	}
	for i := range 5 {
		if got := steps(AwaitStatus(t, e, "s"+strconv.Itoa(i), saga.Completed)); got != "a:succeeded/1" {
			t.Error(got)
		}
	}
}

// Calls beyond the room there is wait, and are attempts only when they leave.
func TestCallsAreBounded(t *testing.T) {
	var now, most atomic.Int32
	p := NewParticipant(t, func(SeenCall) int {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(2 * time.Millisecond) // so that they overlap
		now.Add(-1)
		return 0
	})
	e := OpenTest(t, Options{calls: 3})
	for i := range 30 {
		SubmitTest(t, e, p.Define("s"+strconv.Itoa(i), "a compensatable -", "b compensatable -"))
	}
	for i := range 30 {
		if got := steps(AwaitStatus(t, e, "s"+strconv.Itoa(i), saga.Completed)); got != "a:succeeded/1 b:succeeded/1" {
			t.Error(got)
		}
	}
	if m := most.Load(); m > 3 {
		t.Error(m, "calls at once")
	}
}
