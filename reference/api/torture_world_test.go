package api

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/saga"
)

// surroundings is everything around the tortured executor: fenced participants that also
// fail, clients that submit sagas without end, and what both have seen.
type surroundings struct {
	srv   *httptest.Server
	bases []string
	seed  uint64
	stop  context.CancelFunc
	work  sync.WaitGroup

	mu       sync.Mutex
	calls    int
	changed  chan struct{}
	ends     int                // disturbances so far
	ops      map[string]*seenOp // by saga/step or saga/step.undo
	accepted []string
}

// seenOp is one operation as the participant saw it.
type seenOp struct {
	calls, effects int
	key            string
	fenced         bool
	endsAtFirst    int // disturbances before the first call
	endsAtLast     int
}

const (
	tortureClients  = 4
	tortureAttempts = 4
)

func newSurroundings(t *testing.T, bases []string, seed uint64) *surroundings {
	w := &surroundings{bases: bases, seed: seed, changed: make(chan struct{}), ops: map[string]*seenOp{}}
	w.srv = httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(w.srv.Close)
	ctx, stop := context.WithCancel(t.Context())
	w.stop = stop
	for c := range tortureClients {
		w.work.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				w.submit(ctx, t, fmt.Sprintf("c%d-%d", c, i))
			}
		})
	}
	t.Cleanup(func() { stop(); w.work.Wait() })
	return w
}

// luck is a number for a name, the same in each run of a seed.
func (w *surroundings) luck(name string, n uint64) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, w.seed, name)
	return h.Sum64() >> 7 % n
}

// refused: every fourth saga has a step that its participant refuses for good.
func (w *surroundings) refused(id, step string) bool {
	return w.luck(id, 4) == 0 && step == []string{"b", "c", "d"}[w.luck(id+"which", 3)]
}

func (w *surroundings) define(id string) saga.Definition {
	p := &testparticipant.Participant{Server: w.srv}
	d := p.Define(id, "a compensatable", "b compensatable a", "c compensatable a", "d pivot b,c", "e retriable d")
	for i := range d.Steps {
		s := &d.Steps[i]
		s.Action.Retry.AttemptTimeoutMS = 10_000 // a busy machine is no participant that fails
		if s.Kind != saga.Retriable {
			s.Action.Retry.MaxAttempts = tortureAttempts
		}
	}
	return d
}

// submit sends a saga until it is accepted, to whoever accepts.
func (w *surroundings) submit(ctx context.Context, t *testing.T, id string) {
	text := testparticipant.JSON(t, w.define(id))
	for n := 0; ctx.Err() == nil; n++ {
		req, err := http.NewRequestWithContext(ctx, "POST", w.bases[n%len(w.bases)]+"/sagas", strings.NewReader(text))
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		resp.Body.Close()
		switch resp.StatusCode {
		case 202:
			w.mu.Lock()
			w.accepted = append(w.accepted, id)
			w.mu.Unlock()
			return
		case 503:
			time.Sleep(5 * time.Millisecond)
		default:
			t.Errorf("%s: %s", id, resp.Status)
			return
		}
	}
}

// serve is a participant: fenced, with a memory, and moody.
func (w *surroundings) serve(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Connection", "close")
	op := r.Header.Get("Saga-Id") + r.URL.Path
	w.mu.Lock()
	w.calls++
	close(w.changed)
	w.changed = make(chan struct{})
	o := w.of(op)
	if o.calls++; o.calls == 1 {
		o.key, o.endsAtFirst = r.Header.Get("Idempotency-Key"), w.ends
	}
	o.endsAtLast = w.ends
	mood := w.luck(op+strconv.Itoa(o.calls), 8)
	var code int
	switch {
	case r.Header.Get("Idempotency-Key") != o.key:
		code = http.StatusTeapot // judged below: it has no effect
		o.effects = -1000
	case o.calls <= 2 && mood == 0:
		code = http.StatusServiceUnavailable
	case w.refused(r.Header.Get("Saga-Id"), r.Header.Get("Saga-Step")) && !strings.HasSuffix(op, ".undo"):
		code = http.StatusUnprocessableEntity
	default:
		code = w.apply(op, o)
	}
	w.mu.Unlock()
	if o.calls <= 2 && mood == 1 {
		panic(http.ErrAbortHandler) // whatever it did
	}
	rw.WriteHeader(code)
}

func (w *surroundings) of(op string) *seenOp {
	if w.ops[op] == nil {
		w.ops[op] = &seenOp{}
	}
	return w.ops[op]
}

func (w *surroundings) apply(op string, o *seenOp) int {
	step, undo := strings.CutSuffix(op, ".undo")
	switch {
	case o.effects > 0:
	case undo && w.of(step).effects == 0:
		w.of(step).fenced = true
	case o.fenced:
		return http.StatusGone
	default:
		if o.effects++; undo {
			w.of(step).fenced = true
		}
	}
	return http.StatusOK
}

// disturbed counts a moment at which a call may have been cut short.
func (w *surroundings) disturbed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ends++
}

// awaitCalls waits for some more calls.
func (w *surroundings) awaitCalls(t *testing.T, n int) {
	t.Helper()
	deadline := time.After(60 * time.Second)
	w.mu.Lock()
	want := w.calls + n
	for w.calls < want {
		changed := w.changed
		w.mu.Unlock()
		select {
		case <-changed:
		case <-deadline:
			t.Fatal("no calls for a minute")
		}
		w.mu.Lock()
	}
	w.mu.Unlock()
}

// settle ends the clients, and waits until every accepted saga has ended.
func (w *surroundings) settle(t *testing.T) {
	t.Helper()
	w.stop()
	w.work.Wait()
	deadline := time.Now().Add(2 * time.Minute)
	for _, id := range w.accepted {
		for n := 0; ; n++ {
			code, body, err := tryRequest(t, "GET", w.bases[n%len(w.bases)]+"/sagas/"+id, "")
			var report saga.Report
			if code == 200 && json.Unmarshal([]byte(body), &report) == nil && report.Status.Ended() {
				w.checkReport(t, report, body)
				break
			}
			if code == 404 || time.Now().After(deadline) {
				t.Errorf("%s: %d %s %v", id, code, body, err)
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// checkReport compares a report with what the participants have seen.
func (w *surroundings) checkReport(t *testing.T, report saga.Report, body string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id, completed := report.ID, report.Status == saga.Completed
	if healthy := w.luck(id, 4) != 0; completed != healthy {
		t.Errorf("%s: healthy %v, but %s", id, healthy, body)
	}
	for _, step := range []string{"a", "b", "c", "d", "e"} {
		left := w.of(id+"/"+step).effects - w.of(id+"/"+step+".undo").effects
		if completed && left != 1 || !completed && left != 0 {
			t.Errorf("%s: %d effects of %s left: %s", id, left, step, body)
		}
	}
}

// judge looks at each operation.
func (w *surroundings) judge(t *testing.T) (sagas, calls int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, o := range w.ops {
		if o.effects < 0 || o.effects > 1 {
			t.Errorf("%s: %d effects (below 0: another key)", name, o.effects)
		}
		if spared := o.endsAtLast - o.endsAtFirst + 1; !strings.HasSuffix(name, ".undo") && !strings.HasSuffix(name, "/e") && !strings.HasSuffix(name, "/d") && o.calls > tortureAttempts+spared {
			t.Errorf("%s: %d calls, and the policy allows %d; %d were cut short", name, o.calls, tortureAttempts, spared)
		}
	}
	return len(w.accepted), w.calls
}
