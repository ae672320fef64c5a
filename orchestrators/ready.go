package orchestrators

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	neturl "net/url"
	"strconv"
	"time"

	"github.com/sagacheck/sagacheck/internal/sockdiag"
)

// poll asks again and again, a little less often each time, until ask succeeds or
// its answers are hopeless, dead has an error, or the time is over.
func poll(ctx context.Context, limit time.Duration, ask func(context.Context) error, dead func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	wait := 5 * time.Millisecond
	var answers Puzzle
	for {
		err := ask(ctx)
		if err == nil || answers.Hopeless(err) {
			return err
		}
		if err := dead(); err != nil {
			return err
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return fmt.Errorf("not ready after %v: %w", limit, err)
		}
		wait = min(wait*5/4, 250*time.Millisecond)
	}
}

// listening tells whether something listens on host:port, without connecting: a
// refused connection would be counted by the kernel, and that count is a fault's
// evidence (see faults, refuse). Where the kernel does not tell, it says yes.
func listening(hostport string) bool {
	_, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return true
	}
	sockets, err := sockdiag.Listeners(uint16(n))
	return len(sockets) > 0 || err != nil
}

// ErrNotListening is why a process is not ready as long as its port is closed.
var ErrNotListening = errors.New("nothing listens on its port yet")

// check asks once whether the check is met.
func (r Ready) check(ctx context.Context, v vars, w *sender) error {
	switch {
	case r.URL != "":
		return r.checkURL(ctx, v.fill(r.URL), w)
	case r.TCP != "":
		if !listening(v.fill(r.TCP)) {
			return ErrNotListening
		}
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", v.fill(r.TCP))
		if err != nil {
			return err
		}
		return c.Close()
	}
	return nil
}

func (r Ready) checkURL(ctx context.Context, url string, w *sender) error {
	if u, err := neturl.Parse(url); err == nil && !listening(u.Host) {
		return ErrNotListening
	}
	want := r.Code
	if want == 0 {
		want = http.StatusOK
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	code, body, err := w.do(ctx, http.MethodGet, url, nil, nil)
	if err == nil && code != want {
		err = answered(http.MethodGet, url, code, body, fmt.Sprintf("expected %d", want))
	}
	return err
}
