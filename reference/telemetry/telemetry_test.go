package telemetry

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/api"
	"github.com/sagacheck/sagacheck/saga"
)

// After many crashes at any moment every counter is what the participants saw, and what
// the executor says of each saga; and every call has its span, in its place.
func TestTrueAfterCrashes(t *testing.T) {
	const sagas, crashes = 60, 12
	w := newWorld(t, unsteady(7))
	o := reference.Options{StoreDSN: filepath.Join(t.TempDir(), "s.db") + "?synchronous=off"}
	die := rand.New(rand.NewPCG(3, 3))
	all := ids(sagas)
	var l lived
	for life := range crashes {
		name := fmt.Sprint(life)
		l = w.open(t, name, o)
		for i := range all {
			if i%crashes == life {
				if err := l.Submit(t.Context(), w.define(all[i])); err != nil {
					t.Fatal(err)
				}
			}
		}
		time.Sleep(time.Duration(die.IntN(40)) * time.Millisecond) // any moment will do
		w.deafen(name)
		l.crash()
	}
	l = w.open(t, "last", o)
	ended := map[saga.Status]int{}
	attempted := 0
	for _, id := range all {
		ended[l.end(t, id)]++
	}
	for _, id := range all {
		r, err := l.Status(id)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range r.Steps {
			attempted += s.Attempts
		}
	}
	if ended[saga.Completed] == 0 || ended[saga.Compensated] == 0 || ended[saga.Stuck] != 0 {
		t.Fatal("the die shows too little:", ended)
	}
	w.mu.Lock()
	calls := len(w.calls)
	first := map[string]bool{}
	for _, c := range w.calls {
		first[c.saga+c.op] = true
	}
	w.mu.Unlock()
	// Of those that a crash cut short nobody knows whether they arrived.
	cut := l.metric(t, "saga_step_attempts_total", "outcome=interrupted")
	if got := l.metric(t, "saga_step_attempts_total"); got < float64(calls) || got-cut > float64(calls) {
		t.Errorf("%v attempts counted, %v of them cut short; the participants saw %d", got, cut, calls)
	}
	if got := l.metric(t, "saga_retries_total"); got < float64(calls-len(first)) || got-cut > float64(calls-len(first)) {
		t.Errorf("%v retries counted; the participants saw %d", got, calls-len(first))
	}
	if cut == 0 {
		t.Error("no crash cut anything short")
	}
	for _, want := range []struct {
		n    int
		name string
		with []string
	}{
		{sagas, "saga_started_total", nil},
		{ended[saga.Completed], "saga_ended_total", []string{"status=completed"}},
		{ended[saga.Compensated], "saga_ended_total", []string{"status=compensated"}},
		{sagas, "saga_duration_seconds", nil},
		{attempted, "saga_step_attempts_total", []string{"direction=action"}},
		{0, "saga_unknown_outcomes", nil},
		{0, "saga_stuck", nil},
		{0, "saga_deferred_pending", nil},
		{0, "saga_compensations_total", []string{"outcome=failed"}},
	} {
		if got := l.metric(t, want.name, want.with...); got != float64(want.n) {
			t.Errorf("%s%v is %v, expected %d", want.name, want.with, got, want.n)
		}
	}
	if err := l.t.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	judgeSpans(t, w)
}

// judgeSpans judges that each call has its span, below that of its operation, below that
// of its saga, and each compensation its link.
func judgeSpans(t *testing.T, w *world) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	undone := 0
	for _, c := range w.calls {
		s := w.spans[c.span]
		if s == nil {
			t.Errorf("call %v has no span", c)
			continue
		}
		op := w.spans[hex.EncodeToString(s.ParentSpanId)]
		if s.Name != "POST "+c.op || s.Kind != tracepb.Span_SPAN_KIND_CLIENT || hex.EncodeToString(s.TraceId) != c.trace || op == nil || op.Name != c.op {
			t.Errorf("call %v has span %v below %v", c, s, op)
			continue
		}
		if root := w.spans[hex.EncodeToString(op.ParentSpanId)]; root == nil || root.Name != "saga order" || len(root.ParentSpanId) != 0 {
			t.Errorf("operation %v is below %v", op, root)
		}
		if step, undo := strings.CutSuffix(c.op, ".undo"); undo {
			undone++
			if len(op.Links) != 1 || w.spans[hex.EncodeToString(op.Links[0].SpanId)].GetName() != step {
				t.Errorf("compensation %v links to %v", op, op.Links)
			}
		}
	}
	if undone == 0 {
		t.Error("nothing was compensated")
	}
}

// What the store forgets is still counted, over restarts.
func TestForgottenSagasStayCounted(t *testing.T) {
	w := newWorld(t, func(op string, _ int) int {
		if op == "c" {
			return 422
		}
		return 0
	})
	o := reference.Options{StoreDSN: filepath.Join(t.TempDir(), "s.db")}
	l := w.open(t, "1", o)
	for _, id := range ids(5) {
		if err := l.Submit(t.Context(), w.define(id)); err != nil {
			t.Fatal(err)
		}
		l.end(t, id)
	}
	l.crash()
	o.Retain = time.Nanosecond
	l = w.open(t, "2", o) // it forgets them at once
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if _, err := l.Status("s0"); err != nil {
			break
		}
	}
	if _, err := l.Status("s0"); err == nil {
		t.Fatal("nothing was forgotten")
	}
	l.crash()
	o.Retain = 0
	l = w.open(t, "3", o)
	if err := l.Submit(t.Context(), w.define("one-more")); err != nil {
		t.Fatal(err)
	}
	l.end(t, "one-more")
	for name, want := range map[string]float64{"saga_started_total": 6, "saga_ended_total": 6, "saga_compensations_total": 12, "saga_step_attempts_total": 30, "saga_duration_seconds": 6} {
		if got := l.metric(t, name); got != want {
			t.Errorf("%s is %v, expected %v", name, got, want)
		}
	}
}

// What is so now: a saga that waits for a person, an outcome that nobody knows, a step
// that is deferred, a breaker that is open; also after a restart.
func TestWhatIsSoNow(t *testing.T) {
	w := newWorld(t, func(op string, _ int) int {
		switch op {
		case "b", "c.undo":
			return 422
		case "c":
			return 503
		}
		return 0
	})
	o := reference.Options{StoreDSN: filepath.Join(t.TempDir(), "s.db")}
	l := w.open(t, "1", o)
	stuck := w.define("stuck") // c may have been done, and can't be undone
	stuck.Steps = []saga.Step{stuck.Steps[0], stuck.Steps[2]}
	stuck.Steps[1].Action.Breaker = &saga.Breaker{Name: "till", Failures: 4, OpenMS: 60_000, Probes: 1}
	later := w.define("later")
	later.Steps = []saga.Step{later.Steps[0], later.Steps[2]}
	later.Steps[1].Kind, later.Steps[1].Compensation = saga.Deferrable, nil
	later.Steps[1].Action.Retry.MaxIntervalMS, later.Steps[1].Action.Retry.InitialIntervalMS = 60_000, 60_000
	later.Steps[1].Action.Retry.MaxAttempts = 1
	for _, d := range []saga.Definition{stuck, later} {
		if err := l.Submit(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	l.end(t, "stuck")
	l.end(t, "later")
	look := func(when string) {
		t.Helper()
		for name, want := range map[string]float64{
			"saga_stuck": 1, "saga_unknown_outcomes": 1, "saga_deferred_pending": 1, "saga_breaker_state": 2, "saga_started_total": 2, "saga_ended_total": 1,
		} {
			if got := l.metric(t, name); got != want {
				t.Errorf("%s: %s is %v, expected %v", when, name, got, want)
			}
		}
		if got := l.metric(t, "saga_compensations_total", "outcome=failed"); got != 1 {
			t.Errorf("%s: %v compensations failed, expected 1", when, got)
		}
	}
	look("live")
	l.crash()
	l = w.open(t, "2", o)
	look("after a restart")
}

// A client that does not want its trace kept gets no spans, and one that does gets them
// below its own.
func TestTraceOfTheClient(t *testing.T) {
	w := newWorld(t, func(string, int) int { return 0 })
	l := w.open(t, "1", reference.Options{StoreDSN: filepath.Join(t.TempDir(), "s.db")})
	const wanted = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	submit(t, l, w.define("wanted"), wanted)
	submit(t, l, w.define("unwanted"), strings.Replace(wanted[:54], "0af7", "1af7", 1)+"0")
	l.end(t, "wanted")
	l.end(t, "unwanted")
	if err := l.t.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.spans) != 7 {
		t.Errorf("%d spans, expected those of one saga with three steps", len(w.spans))
	}
	for _, s := range w.spans {
		if hex.EncodeToString(s.TraceId) != wanted[3:35] {
			t.Error("a span in another trace:", s)
		}
		if s.Name == "saga order" && hex.EncodeToString(s.ParentSpanId) != wanted[36:52] {
			t.Error("the saga is not below the client's span:", s)
		}
	}
}

func submit(t *testing.T, l lived, d saga.Definition, trace string) {
	t.Helper()
	rec := newRequest(t, d, trace)
	api.Handler(l.Executor).ServeHTTP(rec.w, rec.r)
	if rec.w.Code != http.StatusAccepted {
		t.Fatal(rec.w.Code, rec.w.Body)
	}
}

// Names of steps come from clients: how many are told apart is bounded.
func TestStepsAreBounded(t *testing.T) {
	c := NewCounts()
	for i := range 2 * mostSteps {
		c.Take(Fact{Kind: Attempt, Step: fmt.Sprint("step", i), Direction: saga.Action, N: 2, Outcome: "done"})
	}
	if len(c.Attempts) != mostSteps+1 || len(c.Retries) != mostSteps+1 {
		t.Errorf("%d and %d series, expected %d", len(c.Attempts), len(c.Retries), mostSteps+1)
	}
	text, err := c.text()
	if err != nil {
		t.Fatal(err)
	}
	again, err := countsOf(text)
	if err != nil || again.Attempts[outcome{operation{otherSteps, saga.Action}, "done"}] != mostSteps {
		t.Error(err, again.Attempts[outcome{operation{otherSteps, saga.Action}, "done"}])
	}
}

// A base URL that can't be one is refused.
func TestCollectorURL(t *testing.T) {
	for _, bad := range []string{"127.0.0.1:4318", "ftp://x", "http://", "grpc://127.0.0.1:4317"} {
		if _, err := New(Options{OTLP: bad}); err == nil || !strings.Contains(err.Error(), "expected the base URL of a collector") {
			t.Error(bad, err)
		}
	}
}
