package harness_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/tinyorch"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// deaf is an orchestrator that claims everything, and does something else with what it is asked where asked fits.
func deaf(t *testing.T, asked string, instead http.HandlerFunc) (sys orchestrators.System, times *atomic.Int64) {
	t.Helper()
	o := tinyorch.New(tinyorch.Bugs{})
	t.Cleanup(o.Close)
	fits := regexp.MustCompile(asked)
	times = new(atomic.Int64)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch what := r.Method + " " + r.URL.Path; {
		case what == "GET /healthz":
			w.WriteHeader(http.StatusOK)
		case fits.MatchString(what) && !strings.Contains(what, "probe"):
			times.Add(1)
			instead(w, r)
		default:
			o.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	sys, err := orchestrators.Attach(t.Context(), srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	return sys, times
}

func hangUp(w http.ResponseWriter, _ *http.Request) {
	if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = c.Close()
	}
}

func busy(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }

// silent answers nothing as long as somebody waits.
func silent(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // else nobody notices that the client leaves
	<-r.Context().Done()
}

func pausedAt(point string) faults.Plan {
	return faults.Plan{Faults: []faults.Fault{{Kind: "operate", At: mustPoint(point), As: "pause", DelayMS: 1}}}
}

// Whatever an orchestrator leaves without an answer, its cell comes to an end, which says what was asked and what came of it.
func TestUnansweredRequestsEnd(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, asked string
		instead     http.HandlerFunc
		plan        faults.Plan
		most        int64 // times
		says        []string
	}{
		{"resume, hung up", "POST .*/resume", hangUp, pausedAt("reserve#1@receive"), 20, []string{"operate pause", "to let saga", "go on", "EOF"}},
		{"resume, busy", "POST .*/resume", busy, pausedAt("reserve#1@receive"), 20, []string{"operate pause", "to let saga", "go on", "503"}},
		{"status, silent", "GET /sagas/", silent, faults.Plan{}, 20, []string{"gives no status of saga", "deadline exceeded"}},
		{"status, hung up", "GET /sagas/", hangUp, faults.Plan{}, 1000, []string{"gives no status of saga", "EOF"}},
		{"submission, silent", "POST /sagas$", silent, faults.Plan{}, 20, []string{"did not accept saga", "deadline exceeded"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			sys, times := deaf(t, c.asked, c.instead)
			h, err := harness.New(harness.Options{System: sys, Settle: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			s := scenario(t, "order")
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r := h.RunCell(ctx, harness.Cell{ID: nextID(), Scenario: s.Name, Source: s, Sagas: 1, Plan: c.plan, Profile: participants.Fenced})
			if err := errors.Join(h.Close(), sys.Stop(t.Context())); err != nil {
				t.Error(err)
			}
			if ctx.Err() != nil {
				t.Fatalf("the cell did not end: it was asked %d times", times.Load())
			}
			if n := times.Load(); n < 1 || n > c.most {
				t.Errorf("asked %d times, want 1 to %d", n, c.most)
			}
			if r.Err == nil {
				t.Fatal("no trouble is told")
			}
			for _, s := range c.says {
				if !strings.Contains(r.Err.Error(), s) {
					t.Errorf("%q does not say %q", r.Err, s)
				}
			}
		})
	}
}

// Who tells nothing for a while after each of two faults, as one that waits for its lease, has not been silent for the sum of both.
func TestSilencesAfterFaultsAreNotAdded(t *testing.T) {
	t.Parallel()
	o := tinyorch.New(tinyorch.Bugs{})
	t.Cleanup(o.Close)
	began := time.Now()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/sagas/") && !strings.Contains(r.URL.Path, "probe") && time.Since(began) < 6500*time.Millisecond {
			busy(w, r)
			return
		}
		o.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	sys, err := orchestrators.Attach(t.Context(), srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	h, err := harness.New(harness.Options{System: sys, Settle: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	s := scenario(t, "order")
	plan := faults.Plan{Faults: []faults.Fault{{Kind: "outage", Steps: []string{"ship"}, FromMS: 3500, ForMS: 50}}}
	r := h.RunCell(t.Context(), harness.Cell{ID: nextID(), Scenario: s.Name, Source: s, Sagas: 1, Plan: plan, Profile: participants.Fenced})
	if err := errors.Join(r.Err, h.Close(), sys.Stop(t.Context())); err != nil {
		t.Error(err)
	}
}

// neverBack is an orchestrator that can be killed, and then comes back for nobody.
type neverBack struct{ orchestrators.System }

func (neverBack) Kill(context.Context) error        { return nil }
func (neverBack) Restart(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
func (neverBack) Stop(context.Context) error        { return nil }

// recorders are those of cells that began.
type recorders chan *history.Recorder

func (r recorders) Began(_ harness.Cell, rec *history.Recorder) { r <- rec }
func (r recorders) Over(harness.Cell)                           {}

// A run that is cut short ends at once, also when a cell only waits for its faults to heal.
func TestInterruptedWhileFaultsHeal(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sys := neverBack{startLocal(t)}
	h, err := harness.New(harness.Options{System: sys, Settle: 100 * time.Millisecond, Start: func(context.Context) (orchestrators.System, error) { return sys, nil }})
	if err != nil {
		t.Fatal(err)
	}
	plan := faults.Plan{Faults: []faults.Fault{{Kind: "crash-orchestrator", At: mustPoint("reserve#1@receive"), DelayMS: 1}}}
	s := scenario(t, "order")
	cell := harness.Cell{ID: nextID(), Scenario: s.Name, Source: s, Sagas: 1, Plan: plan, Profile: participants.Fenced}
	began := make(recorders, 1)
	h.Watch = began
	ended := make(chan harness.Result, 1)
	go func() { ended <- h.RunCell(ctx, cell) }()
	for rec := <-began; ; {
		events, _ := rec.Since(0)
		if slices.ContainsFunc(events, func(e history.Event) bool { return e.Kind == history.Settled }) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	select {
	case r := <-ended:
		if r.Err == nil {
			t.Error("no trouble is told")
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the cell did not end")
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

// hung is an orchestrator whose client never comes back from a question for the status of one cell's sagas.
type hung struct {
	orchestrators.System
	cell string
	back chan struct{}
}

func (h hung) Client(base string) orchestrators.Client { return hungClient{h.System.Client(base), h} }

type hungClient struct {
	orchestrators.Client
	hung
}

func (c hungClient) Report(ctx context.Context, id string) (saga.Report, int, error) {
	if strings.HasPrefix(id, c.cell) {
		<-c.back
	}
	return c.Client.Report(ctx, id)
}

// A run that is cut short comes to its end, whatever one of its cells hangs on: the others were told by then.
func TestInterruptedWhileACellHangs(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sys := hung{startLocal(t), nextID(), make(chan struct{})}
	h, err := harness.New(harness.Options{System: sys, Parallel: 2})
	if err != nil {
		t.Fatal(err)
	}
	s := scenario(t, "order")
	told := 0
	ended := make(chan error, 1)
	go func() {
		ended <- h.Run(ctx, func(yield func(harness.Cell) bool) {
			for _, id := range []string{sys.cell, nextID()} {
				yield(harness.Cell{ID: id, Scenario: s.Name, Source: s, Sagas: 1, Profile: participants.Fenced})
			}
		}, func(harness.Result) { told++; cancel() })
	}()
	select {
	case err := <-ended:
		unended := new(harness.UnendedError)
		if !errors.Is(err, context.Canceled) || !errors.As(err, &unended) || !slices.Equal(unended.Cells, []string{sys.cell}) || told != 1 {
			t.Errorf("the run ended with %v, and %d cells were told", err, told)
		}
	case <-time.After(30 * time.Second):
		t.Error("the run did not end")
	}
	close(sys.back)
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}
