package orchestrators

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"
)

// watchEvery is how often a server that somebody else started is asked whether it
// is still the same one.
const watchEvery = time.Second

// watch looks after an attached server until ctx ends: the process that listens on
// its port, where that can be seen, and in any case its health answer. A refused
// connection, and a time of its start that differs from the one before, tell that it
// went away. An answer that is late tells nothing.
func (a *attached) watch(ctx context.Context, started string) {
	if u, err := url.Parse(a.client.base); err == nil {
		if pid := listener(u); pid > 0 {
			a.watching.Go(func() {
				if exited(ctx, pid) {
					a.departure.tell(fmt.Errorf("process %d, which listened on %s, is gone", pid, u.Host))
				}
			})
		}
	}
	a.watching.Go(func() {
		t := time.NewTicker(watchEvery)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			}
			if how := a.lookAfter(ctx, started); how != nil && ctx.Err() == nil {
				a.departure.tell(how)
				return
			}
		}
	})
}

// lookAfter asks once whether the server is the one that was attached.
func (a *attached) lookAfter(ctx context.Context, started string) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	body, err := a.client.health(ctx)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("GET %s/healthz: connection refused", a.client.base)
	}
	if err != nil {
		return nil //nolint:nilerr // busy, or paused: the cells say what became of their sagas
	}
	if now := startOf(body); now != started {
		return fmt.Errorf("GET %s/healthz: started %q, before it said %q: it was started again", a.client.base, now, started)
	}
	return nil
}

// startOf is when a server says that it started; empty: it does not say.
func startOf(health []byte) string {
	var h struct {
		Started string `json:"started"`
	}
	if json.Unmarshal(health, &h) != nil {
		return ""
	}
	return h.Started
}

// portOf is the port of a URL on this machine; false: it is elsewhere.
func portOf(u *url.URL) (port string, here bool) {
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	ip := net.ParseIP(host)
	return port, host == "localhost" || ip != nil && ip.IsLoopback()
}

// AwaitURL waits until a GET of the URL is answered, by anything but a server error,
// or until the limit is over.
func AwaitURL(ctx context.Context, address string, limit time.Duration) error {
	w := newSender()
	defer w.close()
	err := poll(ctx, limit, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, watchEvery)
		defer cancel()
		code, _, err := w.do(ctx, http.MethodGet, address, nil, nil)
		if err == nil && code >= http.StatusInternalServerError {
			err = fmt.Errorf("answered %d", code)
		}
		return err
	}, func() error { return nil })
	if err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	return nil
}
