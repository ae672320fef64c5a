package orchestrators

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"syscall"
	"time"
)

// watchEvery is how often a server that somebody else started is asked whether it
// is still the same one.
const watchEvery = time.Second

// lookout looks after a server that somebody else started, and tells when it goes
// away: when the process that listens on its port ends, where that can be seen, or
// when what is asked every second says so.
type lookout struct {
	departure
	base string
	look func(ctx context.Context) (gone error) // nil: it is a system of ours

	once     sync.Once // it begins with the first who watches
	ctx      context.Context
	cancel   context.CancelFunc
	watching sync.WaitGroup
}

// over says what a lookout looks after, and until when.
func (l *lookout) over(ctx context.Context, base string, look func(ctx context.Context) (gone error)) {
	l.base, l.look = base, look
	l.ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
}

// end ends what over began, if anything.
func (l *lookout) end() {
	if l.cancel != nil {
		l.cancel()
		l.watching.Wait()
	}
}

// Watch is that of Watched.
func (l *lookout) Watch(gone func(how error)) (stop func()) {
	if l.look != nil {
		l.once.Do(l.begin)
	}
	return l.departure.Watch(gone)
}

func (l *lookout) begin() {
	if u, err := url.Parse(l.base); err == nil {
		if pid := listener(u); pid > 0 {
			l.watching.Go(func() {
				if exited(l.ctx, pid) {
					l.tell(fmt.Errorf("process %d, which listened on %s, is gone", pid, u.Host))
				}
			})
		}
	}
	l.watching.Go(func() {
		t := time.NewTicker(watchEvery)
		defer t.Stop()
		for {
			select {
			case <-l.ctx.Done():
				return
			case <-t.C:
			}
			if how := l.look(l.ctx); how != nil && l.ctx.Err() == nil {
				l.tell(how)
				return
			}
		}
	})
}

// notListening tells, without a call, that nothing listens any more where a URL leads
// to on this machine.
func notListening(base string) error {
	u, err := url.Parse(base)
	if err != nil {
		return nil //nolint:nilerr // it was called by it before
	}
	if port, here := portOf(u); here && !listening(net.JoinHostPort(u.Hostname(), port)) {
		return fmt.Errorf("nothing listens on %s any more", u.Host)
	}
	return nil
}

// lookAfter asks once whether the server is the one that was attached. A refused
// connection, and a time of its start that differs from the one before, tell that it
// went away. An answer that is late tells nothing.
func (a *attached) lookAfter(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	body, err := a.client.health(ctx)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("GET %s/healthz: connection refused", a.client.base)
	}
	if err != nil {
		return nil //nolint:nilerr // busy, or paused: the cells say what became of their sagas
	}
	if now := startOf(body); now != a.started {
		return fmt.Errorf("GET %s/healthz: started %q, before it said %q: it was started again", a.client.base, now, a.started)
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
