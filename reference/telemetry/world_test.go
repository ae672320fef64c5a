package telemetry

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

// world is a participant that remembers who called, and a collector that remembers what
// it was told.
type world struct {
	*httptest.Server
	mu     sync.Mutex
	calls  []call
	answer func(op string, n int) int // 0: 200; -1: the connection breaks
	spans  map[string]*tracepb.Span   // by id
	deaf   map[string]bool            // lives whose collector takes nothing any more
}

type call struct {
	saga, op, trace, span string
}

func newWorld(t *testing.T, answer func(op string, n int) int) *world {
	w := &world{answer: answer, spans: map[string]*tracepb.Span{}, deaf: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /call/{op}", w.serveCall)
	mux.HandleFunc("POST /collector/{life}/v1/traces", func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var data tracepb.TracesData
		if err == nil {
			err = proto.Unmarshal(body, &data)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if err != nil || w.deaf[r.PathValue("life")] {
			rw.WriteHeader(http.StatusBadRequest)
			return
		}
		for _, rs := range data.ResourceSpans {
			for _, ss := range rs.ScopeSpans {
				for _, s := range ss.Spans {
					w.spans[hex.EncodeToString(s.SpanId)] = s
				}
			}
		}
	})
	w.Server = httptest.NewServer(mux)
	t.Cleanup(w.Server.Close)
	return w
}

func (w *world) serveCall(rw http.ResponseWriter, r *http.Request) {
	c := call{saga: r.Header.Get("Saga-Id"), op: r.PathValue("op")}
	if parts := strings.Split(r.Header.Get("Traceparent"), "-"); len(parts) == 4 {
		c.trace, c.span = parts[1], parts[2]
	}
	w.mu.Lock()
	n := 1
	for _, other := range w.calls {
		if other.saga == c.saga && other.op == c.op {
			n++
		}
	}
	w.calls = append(w.calls, c)
	code := w.answer(c.op, n)
	w.mu.Unlock()
	switch code {
	case 0:
	case -1:
		panic(http.ErrAbortHandler)
	default:
		rw.WriteHeader(code)
	}
}

func (w *world) deafen(life string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deaf[life] = true
}

// define is a saga of three steps, the last a pivot.
func (w *world) define(id string) saga.Definition {
	policy := saga.RetryPolicy{MaxAttempts: 4, InitialIntervalMS: 1, Multiplier: 2, MaxIntervalMS: 5, AttemptTimeoutMS: 500}
	d := saga.Definition{ID: id, Name: "order"}
	for _, name := range []string{"a", "b", "c"} {
		s := saga.Step{Name: name, Kind: saga.Compensatable, Action: saga.Call{URL: w.URL + "/call/" + name, Retry: policy}}
		if name == "c" {
			s.Kind = saga.Pivot
		}
		undo := saga.Call{URL: w.URL + "/call/" + name + ".undo", Retry: policy}
		undo.Retry.MaxAttempts = 0
		s.Compensation = &undo
		d.Steps = append(d.Steps, s)
	}
	return d
}

// life is an executor with its telemetry.
type lived struct {
	*reference.Executor
	t *Telemetry
}

func (w *world) open(t *testing.T, name string, o reference.Options) lived {
	t.Helper()
	tele, err := New(Options{OTLP: w.URL + "/collector/" + name})
	if err != nil {
		t.Fatal(err)
	}
	o.Observer = tele
	e, err := reference.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	l := lived{e, tele}
	t.Cleanup(l.crash)
	return l
}

// crash ends it as a kill would: nothing of what it has not exported is.
func (l lived) crash() {
	_ = l.Executor.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = l.t.Close(ctx)
}

// end waits until a saga has ended.
func (l lived) end(t *testing.T, id string) saga.Status {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		r, err := l.Status(id)
		if err == nil && (r.Status.Ended() || r.Status == saga.Stuck) {
			return r.Status
		}
	}
	t.Fatalf("saga %s has not ended", id)
	return ""
}

// metric sums the samples of a metric whose labels match "name=value" pairs.
func (l lived) metric(t *testing.T, name string, labels ...string) float64 {
	t.Helper()
	rec := httptest.NewRecorder()
	l.t.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(rec.Body)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, m := range families[name].GetMetric() {
		var has []string
		for _, pair := range m.GetLabel() {
			has = append(has, pair.GetName()+"="+pair.GetValue())
		}
		if !slices.ContainsFunc(labels, func(want string) bool { return !slices.Contains(has, want) }) {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

// unsteady answers by a die: done, unavailable, a broken connection, refused.
func unsteady(seed uint64) func(op string, n int) int {
	die := rand.New(rand.NewPCG(seed, 1))
	return func(op string, _ int) int {
		switch undo := strings.HasSuffix(op, ".undo"); die.IntN(10) {
		case 0, 1:
			return 503
		case 2:
			return -1
		case 3:
			if !undo {
				return 422
			}
		}
		return 0
	}
}

func ids(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprint("s", i))
	}
	return list
}

// asked is a request and its answer.
type asked struct {
	r *http.Request
	w *httptest.ResponseRecorder
}

func newRequest(t *testing.T, d saga.Definition, trace string) asked {
	t.Helper()
	body, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/sagas", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Traceparent", trace)
	return asked{r, httptest.NewRecorder()}
}
