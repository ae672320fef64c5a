package orchestrators

import (
	"bufio"
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

// poll asks again and again, a little less often each time, until ask succeeds or
// its answers are hopeless, dead has an error, or the time is over.
func poll(ctx context.Context, limit time.Duration, ask func(context.Context) error, dead func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	wait := 10 * time.Millisecond
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
	sockets, err := listeners(n)
	return len(sockets) > 0 || err != nil
}

// listeners are the sockets that listen on a port, by the names that they have in
// /proc/PID/fd.
func listeners(port int) ([]string, error) {
	v4, err4 := listed("/proc/net/tcp", port)
	v6, err6 := listed("/proc/net/tcp6", port)
	return append(v4, v6...), errors.Join(err4, err6)
}

// listed looks a port up in a table of the kernel's. Listening sockets stand
// first; what comes after them, tens of thousands of closed connections maybe, is
// not read.
func listed(table string, port int) (sockets []string, err error) {
	f, err := os.Open(table)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	const listen = "0A"
	local := fmt.Sprintf(":%04X", port)
	lines := bufio.NewScanner(f)
	lines.Scan() // the header
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 || fields[3] != listen {
			break
		}
		if strings.HasSuffix(fields[1], local) {
			sockets = append(sockets, "socket:["+fields[9]+"]")
		}
	}
	return sockets, lines.Err()
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
