package orchestrators

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	neturl "net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// poll asks again and again, a little less often each time, until ask succeeds,
// dead has an error, or the time is over.
func poll(ctx context.Context, limit time.Duration, ask func(context.Context) error, dead func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	wait := 10 * time.Millisecond
	for {
		err := ask(ctx)
		if err == nil {
			return nil
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
		wait = min(wait*3/2, 250*time.Millisecond)
	}
}

// listening tells whether something listens on host:port, without connecting: a
// refused connection would be counted by the kernel, and that count is a fault's
// evidence (see faults, refuse). Where the kernel has no table to read, it says
// yes.
func listening(hostport string) bool {
	_, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return true
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return true
	}
	const listen = "0A" // TCP_LISTEN
	local := fmt.Sprintf(":%04X", n)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		b, err := os.ReadFile(table)
		if err != nil {
			return true
		}
		for line := range strings.Lines(string(b)) {
			f := strings.Fields(line)
			if len(f) > 3 && f[3] == listen && strings.HasSuffix(f[1], local) {
				return true
			}
		}
	}
	return false
}

var errNotListening = errors.New("nothing listens on its port yet")

// check asks once whether the check is met.
func (r Ready) check(ctx context.Context, v vars, w *wire) error {
	switch {
	case r.URL != "":
		return r.checkURL(ctx, v.fill(r.URL), w)
	case r.TCP != "":
		if !listening(v.fill(r.TCP)) {
			return errNotListening
		}
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", v.fill(r.TCP))
		if err != nil {
			return err
		}
		return c.Close()
	}
	return nil
}

func (r Ready) checkURL(ctx context.Context, url string, w *wire) error {
	if u, err := neturl.Parse(url); err == nil && !listening(u.Host) {
		return errNotListening
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
