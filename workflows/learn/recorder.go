package learn

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"syscall"
	"time"
)

// maxBody bounds a body that is kept, in bytes.
const maxBody = 10 << 20

// answerLimit is how long a service may take for an answer.
const answerLimit = 30 * time.Second

// Recorder stands in front of the services, and keeps what passes.
type Recorder struct {
	addrs     map[string]string
	behind    map[string]*url.URL     // the services themselves
	handlers  map[string]http.Handler // by service
	forwarder *forward                // nil: no service has a host
	servers   []*http.Server
	stop      context.CancelFunc
	client    *http.Client

	mu      sync.Mutex
	calls   []Call
	open    int // calls that have no answer yet
	last    time.Time
	strike  func(Call) Fate
	ask     func(context.Context) json.RawMessage
	slowest time.Duration // of the answers about where it stands
	err     error
}

// NewRecorder listens on 127.0.0.1 in front of each service. listen holds addresses that
// were given; the others are free ones. hosts are the names by which the workflow calls
// services through a forward proxy.
func NewRecorder(services, listen, hosts map[string]string) (*Recorder, error) {
	t := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	ctx, stop := context.WithCancel(context.Background())
	r := &Recorder{addrs: map[string]string{}, behind: map[string]*url.URL{}, handlers: map[string]http.Handler{}, stop: stop, client: &http.Client{
		Transport: t, Timeout: answerLimit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	for _, name := range slices.Sorted(maps.Keys(services)) {
		behind, err := url.Parse(services[name])
		if err != nil || behind.Scheme != "http" && behind.Scheme != "https" || behind.Host == "" {
			return nil, errors.Join(fmt.Errorf("service %s: %q: expected the URL of the service, or of a stub of it: http://127.0.0.1:9001", name, services[name]), r.Close())
		}
		at := listen[name]
		if at == "" {
			at = "127.0.0.1:0"
		}
		l, err := net.Listen("tcp", at)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("service %s: an address to listen on: %w", name, err), r.Close())
		}
		r.addrs[name] = "http://" + l.Addr().String()
		r.behind[name], r.handlers[name] = behind, r.handler(name, behind)
		r.serve(l, r.handlers[name])
	}
	if err := r.proxy(ctx, hosts); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// serve serves what comes to an address until Close.
func (r *Recorder) serve(l net.Listener, h http.Handler) {
	s := &http.Server{Handler: h, ReadHeaderTimeout: answerLimit}
	r.servers = append(r.servers, s)
	go func() { _ = s.Serve(l) }() // ends with Close
}

// Addr is the URL that the workflow is told for a service.
func (r *Recorder) Addr(service string) string { return r.addrs[service] }

// Close ends it.
func (r *Recorder) Close() error {
	r.stop()
	var errs []error
	for _, s := range r.servers {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// Begin starts to keep the calls of another run. strike is asked for the fate of each;
// ask tells where the workflow stands.
func (r *Recorder) Begin(strike func(Call) Fate, ask func(context.Context) json.RawMessage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls, r.strike, r.ask, r.last, r.err = nil, strike, ask, time.Now(), nil
}

// Silent is how long no call has been under way.
func (r *Recorder) Silent() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open > 0 {
		return 0
	}
	return time.Since(r.last)
}

// End gives the calls of the run, and why a service could not be reached.
func (r *Recorder) End() ([]Call, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls), r.err
}

func (r *Recorder) handler(service string, behind *url.URL) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(io.LimitReader(req.Body, maxBody))
		if err != nil {
			panic(http.ErrAbortHandler) // the client has left
		}
		c := Call{Service: service, Method: req.Method, Path: req.URL.EscapedPath(), Query: req.URL.Query(), Header: req.Header, Body: requestBody(req.Header.Get("Content-Type"), body)}
		place := r.begin(&c)
		answer := &http.Response{StatusCode: http.StatusUnprocessableEntity, Header: http.Header{"Content-Type": {"application/problem+json"}}}
		said := []byte(`{"title":"refused","status":422}`)
		if c.Fate != Refused {
			answer, said, err = r.forward(req, behind, body)
			if err == nil {
				err = r.relocate(req, answer, behind)
			}
		}
		c.Code, c.Answer = answer.StatusCode, JSON(said)
		r.answered(place, c, err)
		if c.Fate == Lost || err != nil {
			panic(http.ErrAbortHandler)
		}
		maps.Copy(w.Header(), answer.Header)
		w.Header().Del("Content-Length")
		w.Header().Set("Connection", "close") // a kept connection lets clients repeat calls by themselves
		w.WriteHeader(answer.StatusCode)
		_, _ = w.Write(said) // a client that left needs no answer
	})
}

// begin notes a call, decides its fate and asks where the workflow stands meanwhile.
func (r *Recorder) begin(c *Call) (place int) {
	r.mu.Lock()
	r.open++
	if r.strike != nil {
		c.Fate = r.strike(*c)
	}
	place, ask, hold := len(r.calls), r.ask, min(max(leastHold, 2*r.slowest), mostHold)
	r.calls = append(r.calls, *c)
	r.mu.Unlock()
	if ask != nil {
		ctx, cancel := context.WithTimeout(context.Background(), hold)
		defer cancel()
		c.Outcome = ask(ctx)
	}
	return place
}

// A call is held while the workflow is asked where it stands, twice as long as that has taken
// at the most, within these bounds: it must not take the call for lost.
const (
	leastHold = 50 * time.Millisecond
	mostHold  = 250 * time.Millisecond
)

// Told notes how long the workflow took to tell where it stands.
func (r *Recorder) Told(took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slowest = max(r.slowest, took)
}

// startPause is the wait before a service that does not listen yet is asked again.
const startPause = 20 * time.Millisecond

// Await gives services that were started just now some time to listen. Of those that don't
// by then the calls tell.
func (r *Recorder) Await(ctx context.Context, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for _, behind := range r.behind {
		for !listens(ctx, behind) && ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-time.After(startPause):
			}
		}
	}
}

// listens tells whether a connection to a service is not refused.
func listens(ctx context.Context, behind *url.URL) bool {
	port := cmp.Or(behind.Port(), "80")
	c, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(behind.Hostname(), port))
	if err != nil {
		return !errors.Is(err, syscall.ECONNREFUSED)
	}
	_ = c.Close() // nothing was said
	return true
}

func (r *Recorder) answered(place int, c Call, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open--
	r.last = time.Now()
	if place < len(r.calls) { // otherwise it belongs to a run that is over
		r.calls[place] = c
	}
	if err != nil && r.err == nil {
		r.err = unanswered(c, err)
	}
}

// unanswered is the error of a call that the service did not answer.
func unanswered(c Call, err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("service %s, %s %s: %w: nothing listens there: start the service, or a stub of it", c.Service, c.Method, c.Path, err)
	}
	return fmt.Errorf("service %s, %s %s: %w", c.Service, c.Method, c.Path, err)
}

// trouble keeps the first thing that went wrong in a run.
func (r *Recorder) trouble(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
}

// forward sends a call on to the service.
func (r *Recorder) forward(req *http.Request, behind *url.URL, body []byte) (*http.Response, []byte, error) {
	to := *behind
	to.Path = behind.Path + req.URL.Path
	if req.URL.RawPath != "" {
		to.RawPath = behind.EscapedPath() + req.URL.EscapedPath()
	}
	to.RawQuery = req.URL.RawQuery
	// Its client may leave; what it asked for is done all the same, as on a network.
	out, err := http.NewRequestWithContext(context.WithoutCancel(req.Context()), req.Method, to.String(), bytes.NewReader(body))
	if err != nil {
		return &http.Response{}, nil, err
	}
	out.Header = req.Header.Clone()
	for _, h := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect", "Content-Length", "Accept-Encoding"} {
		out.Header.Del(h)
	}
	res, err := r.client.Do(out)
	if err != nil {
		return &http.Response{}, nil, err
	}
	defer res.Body.Close()
	said, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	return res, said, err
}
