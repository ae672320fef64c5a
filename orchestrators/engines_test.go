//go:build engines || docker

package orchestrators

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// participant answers 200 to everything unless told otherwise, and writes down
// what it was asked.
type participant struct {
	server *httptest.Server
	mu     sync.Mutex
	calls  []string // "step.undo"
	keys   map[string][]string
	answer func(path string, n int) int // the n-th call of a path; 0: 200, -1: no answer
	asked  chan string
}

func newParticipant(t *testing.T) *participant {
	p := &participant{keys: map[string][]string{}, asked: make(chan string, 100)}
	p.server = httptest.NewServer(p)
	t.Cleanup(p.server.Close)
	return p
}

func (p *participant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Connection", "close")
	path := strings.TrimPrefix(r.URL.Path, "/")
	p.mu.Lock()
	p.calls = append(p.calls, path)
	key := cmp.Or(r.Header.Get("Idempotency-Key"), r.URL.Query().Get("gid")+r.URL.Query().Get("branch_id")+r.URL.Query().Get("op"))
	p.keys[path] = append(p.keys[path], key)
	n := len(p.keys[path])
	answer := p.answer
	p.mu.Unlock()
	p.asked <- path
	code := 0
	if answer != nil {
		code = answer(path, n)
	}
	if code < 0 {
		panic(http.ErrAbortHandler) // the connection breaks
	}
	if code >= 400 {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(code)
		if code == http.StatusUnprocessableEntity {
			fmt.Fprintf(w, `{"title":"refused","status":422,"outcome":"FAILURE"}`)
		}
		return
	}
	fmt.Fprint(w, `{"ok":true}`)
}

func (p *participant) log() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.calls)
}

// trip is a saga of three steps at the participant, its durations multiplied.
func (p *participant) trip(id string, scale float64) saga.Definition {
	d := saga.Definition{ID: id, Name: "trip"}
	policy := saga.RetryPolicy{MaxAttempts: 4, InitialIntervalMS: int(20 * scale), Multiplier: 2, MaxIntervalMS: int(200 * scale), Jitter: 0.2, AttemptTimeoutMS: int(400 * scale)}
	forever := policy
	forever.MaxAttempts = 0
	for _, name := range []string{"flight", "hotel", "car"} {
		d.Steps = append(d.Steps, saga.Step{
			Name: name, Kind: saga.Compensatable,
			Action:       saga.Call{URL: p.server.URL + "/" + name, Body: json.RawMessage(`{"postings":[]}`), Retry: policy},
			Compensation: &saga.Call{URL: p.server.URL + "/" + name + ".undo", Body: json.RawMessage(`{"postings":[]}`), Retry: forever},
		})
	}
	return d
}

// engines are those to test: SAGACHECK_TEST_ENGINES, or all that are installed by
// their manifests.
func engines(t *testing.T) (found []string) {
	if s := os.Getenv("SAGACHECK_TEST_ENGINES"); s != "" {
		return strings.Split(s, ",")
	}
	ms, err := List()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range ms {
		if m.Install != nil {
			found = append(found, m.Name)
		}
	}
	return found
}

// rig is one engine that runs, and its participant.
type rig struct {
	t *testing.T
	p *participant
	s System
	c Client
	n int
}

func (r *rig) submit(answer func(path string, n int) int) string {
	r.t.Helper()
	r.n++
	r.p.mu.Lock()
	r.p.calls, r.p.keys, r.p.answer = nil, map[string][]string{}, answer
	r.p.mu.Unlock()
	for len(r.p.asked) > 0 {
		<-r.p.asked
	}
	id := fmt.Sprintf("t%d-%d", time.Now().UnixMilli(), r.n)
	if code, err := r.c.Submit(r.t.Context(), r.p.trip(id, PaceOf(r.s).Scale)); code != 202 || err != nil {
		r.t.Fatalf("Submit = %d, %v", code, err)
	}
	return id
}

// await polls until the saga has ended, and says how; limit is the time given.
func (r *rig) await(id string, limit time.Duration) saga.Status {
	r.t.Helper()
	var last saga.Status
	err := poll(r.t.Context(), limit, func(ctx context.Context) error {
		rep, code, err := r.c.Report(ctx, id)
		if err != nil || code != 200 {
			return fmt.Errorf("report %d: %w", code, err)
		}
		last = rep.Status
		if !last.Ended() && last != saga.Stuck {
			return fmt.Errorf("is %s", last)
		}
		return nil
	}, r.s.Alive)
	if err != nil {
		r.t.Logf("saga %s: %v", id, err)
	}
	return last
}

func (r *rig) expect(what string, id string, want saga.Status, calls ...string) {
	r.t.Helper()
	start := time.Now()
	got := r.await(id, 30*time.Second)
	r.t.Logf("%s: %s after %v: %v", what, got, time.Since(start).Round(time.Millisecond), r.p.log())
	if got != want || !slices.Equal(r.p.log(), calls) {
		r.t.Fatalf("%s: %s %v: expected %s %v", what, got, r.p.log(), want, calls)
	}
	r.p.mu.Lock()
	defer r.p.mu.Unlock()
	for path, keys := range r.p.keys {
		if slices.Contains(r.s.Info().Capabilities, "idempotency-key") && (keys[0] == "" || len(slices.Compact(slices.Clone(keys))) != 1) {
			r.t.Errorf("%s: keys of %s: %q", what, path, keys)
		}
	}
}

func TestEngines(t *testing.T) {
	for _, name := range engines(t) {
		t.Run(name, func(t *testing.T) {
			if err := Install(t.Context(), name, t.Output()); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			s, err := Start(t.Context(), name, Options{Dir: t.TempDir(), Log: t.Output(), Keep: os.Getenv("KEEP") != ""})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("ready after %v", time.Since(start).Round(time.Millisecond))
			defer func() {
				if t.Failed() {
					showLogs(t, s)
				}
				if err := s.Stop(context.Background()); err != nil {
					t.Error(err)
				}
			}()
			r := &rig{t: t, p: newParticipant(t), s: s, c: s.Client(s.Base())}
			r.run()
		})
	}
}

func showLogs(t *testing.T, s System) {
	files, err := filepath.Glob(filepath.Join(s.(*started).dir, "logs", "*"))
	if err != nil {
		t.Error(err)
	}
	for _, f := range files {
		t.Logf("%s:\n%s", f, logTail(f))
	}
}

func (r *rig) run() {
	if _, code, err := r.c.Report(r.t.Context(), "nobody"); code != 404 || err != nil {
		r.t.Errorf("unknown saga: %d, %v: expected 404", code, err)
	}
	r.expect("fault-free", r.submit(nil), saga.Completed, "flight", "hotel", "car")
	r.expect("one error 503", r.submit(func(path string, n int) int {
		if path == "hotel" && n == 1 {
			return 503
		}
		return 0
	}), saga.Completed, "flight", "hotel", "hotel", "car")
	r.expect("a lost answer", r.submit(func(path string, n int) int {
		if path == "hotel" && n == 1 {
			return -1
		}
		return 0
	}), saga.Completed, "flight", "hotel", "hotel", "car")
	refused := []string{"flight", "hotel", "flight.undo"}
	if r.noted("empty-compensation") {
		refused = []string{"flight", "hotel", "hotel.undo", "flight.undo"}
	}
	if !slices.Contains(r.s.Info().Capabilities, "permanent-errors") {
		refused = nil // it tries again, as often as it is set to
	}
	id := r.submit(func(path string, _ int) int {
		if path == "hotel" {
			return 422
		}
		return 0
	})
	if refused != nil {
		r.expect("refused", id, saga.Compensated, refused...)
	} else if got := r.await(id, 30*time.Second); got != saga.Compensated || !slices.Contains(r.p.log(), "flight.undo") {
		r.t.Errorf("refused: %s %v", got, r.p.log())
	} else {
		r.t.Logf("refused: %s %v", got, r.p.log())
	}
	r.twice()
	r.throughput()
	r.crash()
	r.pause()
}

// twice submits the same saga several times at once, and again after its end: there
// must be one.
func (r *rig) twice() {
	r.t.Helper()
	id := r.submit(nil)
	d := r.p.trip(id, PaceOf(r.s).Scale)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if code, err := r.c.Submit(r.t.Context(), d); code != 202 && code != 503 {
				r.t.Errorf("submitted again: %d, %v: expected 202, or 503 for a moment", code, err)
			}
		})
	}
	wg.Wait()
	if r.noted("duplicate-effect") {
		r.t.Logf("submitted five times: %s %v", r.await(id, 30*time.Second), r.p.log())
		return
	}
	r.expect("submitted five times", id, saga.Completed, "flight", "hotel", "car")
	if code, err := r.c.Submit(r.t.Context(), d); code != 202 {
		r.t.Errorf("submitted after its end: %d, %v: expected 202", code, err)
	}
	r.expect("submitted after its end", id, saga.Completed, "flight", "hotel", "car")
}

// noted tells whether the manifest has a note on the property.
func (r *rig) noted(property string) bool {
	return slices.ContainsFunc(r.s.(*started).manifest.Notes, func(n Note) bool { return n.Property == property })
}

// throughput runs sagas side by side without a fault.
func (r *rig) throughput() {
	const sagas, parallel = 48, 8
	r.p.mu.Lock()
	r.p.answer = nil
	r.p.mu.Unlock()
	stop := make(chan bool)
	go func() {
		for {
			select {
			case <-r.p.asked:
			case <-stop:
				return
			}
		}
	}()
	defer close(stop)
	start := time.Now()
	var wg sync.WaitGroup
	slots := make(chan bool, parallel)
	for i := range sagas {
		slots <- true
		wg.Go(func() {
			defer func() { <-slots }()
			id := fmt.Sprintf("p%d-%d", start.UnixMilli(), i)
			if code, err := r.c.Submit(r.t.Context(), r.p.trip(id, PaceOf(r.s).Scale)); code != 202 || err != nil {
				r.t.Errorf("Submit = %d, %v", code, err)
				return
			}
			if got := r.await(id, time.Minute); got != saga.Completed {
				r.t.Errorf("saga %s: %s", id, got)
			}
		})
	}
	wg.Wait()
	r.t.Logf("%d sagas, %d side by side: %.1f sagas/s", sagas, parallel, sagas/time.Since(start).Seconds())
}

// hold submits a saga whose hotel call is held until let go, and returns when the
// call has arrived.
func (r *rig) hold() (id string, letGo func()) {
	gate := make(chan bool)
	id = r.submit(func(path string, n int) int {
		if path == "hotel" && n == 1 {
			<-gate
		}
		return 0
	})
	for p := range r.p.asked {
		if p == "hotel" {
			break
		}
	}
	return id, func() { close(gate) }
}

// crash kills the engine in the middle of a call. An engine whose manifest notes
// stuck-saga need not finish the saga.
func (r *rig) crash() {
	id, letGo := r.hold()
	if err := r.s.Kill(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	letGo()
	start := time.Now()
	if err := r.s.Restart(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	ready := time.Since(start)
	known := r.noted("stuck-saga")
	limit := 90 * time.Second
	if known {
		limit = 5 * time.Second
	}
	got := r.await(id, limit)
	r.t.Logf("killed and restarted: ready after %v, %s after %v: %v", ready.Round(time.Millisecond), got, time.Since(start).Round(time.Millisecond), r.p.log())
	if !got.Ended() && !known {
		r.t.Errorf("killed and restarted: %s: expected an end", got)
	}
	r.expect("fault-free after the crash", r.submit(nil), saga.Completed, "flight", "hotel", "car")
}

func (r *rig) pause() {
	id, letGo := r.hold()
	if err := r.s.Pause(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	letGo()
	if err := r.s.Resume(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	if got := r.await(id, 30*time.Second); !got.Ended() {
		r.t.Errorf("paused and resumed: %s: expected an end", got)
	}
}
