package reference

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// perform runs a saga's pure part to its end, each call done at once; undone if turn.
func perform(t testing.TB, d saga.Definition, turn bool) *State {
	s := newState(d, nil)
	take := func(r Record) {
		if err := s.apply(r); err != nil {
			t.Fatal(err)
		}
	}
	for {
		todo := next(s)
		if len(todo) == 0 {
			return s
		}
		for _, r := range todo {
			take(Record{Kind: RecordIntent, Step: r.Step, Direction: r.Dir, Attempt: s.Op(r).Attempts + 1})
			a := saga.Done
			if turn && r.Dir == saga.Action && r.Step == len(d.Steps)-1 {
				a = saga.Permanent
			}
			take(Record{Kind: RecordOutcome, Step: r.Step, Direction: r.Dir, Attempt: s.Op(r).Attempts, Answer: a})
		}
	}
}

// What a saga needs grows with its steps and edges, not with their square.
func TestLargeSagasAreLinear(t *testing.T) {
	p := NewParticipant(t, nil)
	wide := func(n int) saga.Definition { // half before a pivot each, half behind all of them
		d := p.Chain(n)
		for i := range d.Steps {
			d.Steps[i].After = []string{}
			d.Steps[i].Kind = []saga.Kind{saga.Compensatable, saga.Pivot, saga.Retriable}[i%3]
		}
		return d
	}
	for name, define := range map[string]func(int) saga.Definition{"chain": func(n int) saga.Definition { return p.Chain(n) }, "wide": wide} {
		used := map[int]uint64{}
		for _, n := range []int{500, 5000} {
			d := define(n)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if err := d.Validate(); err != nil {
				t.Fatal(err)
			}
			g := newGraph(d)
			runtime.ReadMemStats(&after)
			used[n] = after.TotalAlloc - before.TotalAlloc
			if len(g.order) != len(g.before) {
				t.Error(name, "has a circle")
			}
		}
		if used[5000] > 20*used[500] {
			t.Errorf("%s: ten times the steps take %d bytes, not %d", name, used[5000], used[500])
		}
	}
	for _, turn := range []bool{false, true} {
		s := perform(t, p.Chain(1000), turn)
		if want := map[bool]saga.Status{false: saga.Completed, true: saga.Compensated}[turn]; s.status() != want {
			t.Error(s.status(), want)
		}
	}
}

// BenchmarkChain is sagas of steps in a row, up to the longest that is accepted, and the
// calls of a thousand alone. What a step costs must not grow with their number.
func BenchmarkChain(b *testing.B) {
	p := &Participant{Server: httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") }))}
	defer p.Server.Close()
	for _, n := range []int{1000, 2000, 4000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			e := OpenTest(b, Options{StoreDSN: filepath.Join(b.TempDir(), "s.db?synchronous=off")})
			for i := range b.N {
				d := p.Chain(n)
				d.ID = fmt.Sprint("c", i)
				SubmitTest(b, e, d)
				awaitEnd(b, e, d.ID)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n*b.N), "ns/step")
		})
	}
	b.Run("calls", func(b *testing.B) {
		e := OpenTest(b, Options{})
		d := p.Chain(1)
		for range 1000 * b.N {
			e.send(b.Context(), e.Op(d, Ref{0, saga.Action}), 1)
		}
	})
}

// BenchmarkDecisions is the same without store and calls: what is decided at each step.
func BenchmarkDecisions(b *testing.B) {
	p := &Participant{Server: &httptest.Server{URL: "http://127.0.0.1"}}
	for _, n := range []int{1000, 2000, 4000, 8000} {
		for direction, turn := range map[string]bool{"action": false, "compensation": true} {
			b.Run(fmt.Sprintf("%s/%d", direction, n), func(b *testing.B) {
				d := p.Chain(n)
				for b.Loop() {
					perform(b, d, turn)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n*b.N), "ns/step")
			})
		}
	}
}

func awaitEnd(b *testing.B, e *Executor, id string) {
	for {
		if r, err := e.Status(id); err != nil {
			b.Fatal(err)
		} else if r.Status.Ended() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Ended sagas leave memory, and are found; what ended long ago is forgotten.
func TestEndedSagasAreFewInMemory(t *testing.T) {
	p := NewParticipant(t, nil)
	now := time.Now
	file := filepath.Join(t.TempDir(), "s.db?synchronous=off")
	e := OpenTest(t, Options{StoreDSN: file})
	const n = 40
	body := json.RawMessage(`"` + strings.Repeat("x", 800_000) + `"`)
	for i := range n {
		d := p.Define("s"+strconv.Itoa(i), "a compensatable")
		d.Steps[0].Action.Body = body
		d.Steps[0].Action.Retry.AttemptTimeoutMS = 60_000
		SubmitTest(t, e, d)
		AwaitStatus(t, e, d.ID, saga.Completed)
	}
	for { // it retires just after it ended
		e.mu.Lock()
		total, open := e.cache.total, e.open
		e.mu.Unlock()
		if total > maxCached {
			t.Fatal(total)
		}
		if open == 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	for i := range n {
		AwaitStatus(t, e, "s"+strconv.Itoa(i), saga.Completed)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	later := func() time.Time { return now().Add(2 * time.Hour) }
	e = OpenTest(t, Options{StoreDSN: file, Retain: time.Hour, Clock: later})
	for {
		if _, err := e.Status("s0"); errors.Is(err, ErrNotFound) {
			break
		}
		time.Sleep(time.Millisecond)
	}
}

// A clock that was set back between two lives adds nothing to what is left, and takes
// nothing from what has passed.
func TestClockOfAnotherLife(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	d := NewParticipant(t, nil).Chain(1)
	life := func() *State {
		s := newState(d, nil)
		for _, r := range []Record{
			{Kind: RecordIntent, Direction: saga.Action, Attempt: 1, At: start},
			{Kind: RecordOutcome, Direction: saga.Action, Attempt: 1, At: start.Add(time.Minute), Answer: saga.Transient, NotBefore: start.Add(11 * time.Minute)},
		} {
			if err := s.apply(r); err != nil {
				t.Fatal(err)
			}
		}
		return s
	}
	for name, tt := range map[string]struct {
		now            time.Duration // after start
		passed, toWait time.Duration
	}{
		"in time":      {2 * time.Minute, 2 * time.Minute, 9 * time.Minute},
		"an hour back": {2*time.Minute - time.Hour, time.Minute, 10 * time.Minute},
		"much later":   {time.Hour, time.Hour, 0},
		"years back":   {-87600 * time.Hour, time.Minute, 10 * time.Minute},
	} {
		s, now := life(), start.Add(tt.now)
		s.rebase(now)
		o := s.Op(Ref{0, saga.Action})
		if passed, wait := now.Sub(o.first), o.notBefore.Sub(now); passed != tt.passed || wait != tt.toWait {
			t.Errorf("%s: %v have passed, want %v; %v to wait, want %v", name, passed, tt.passed, wait, tt.toWait)
		}
	}
}

// The same end to end: after a step back of an hour a deadline and a wait of the life
// before still end.
func TestStepBackBetweenLives(t *testing.T) {
	ask := make(chan string, 1)
	ask <- "1"
	p := NewParticipant(t, nil)
	slow := httptest.NewServer(retryAfterHandler(ask, p))
	defer slow.Close()
	file := filepath.Join(t.TempDir(), "s.db")
	e := OpenTest(t, Options{StoreDSN: file})
	d := p.Define("s", "a compensatable")
	d.Steps[0].Action.URL = slow.URL + "/a"
	d.Steps[0].Action.Retry.DeadlineMS = 60_000
	SubmitTest(t, e, d)
	for len(ask) > 0 {
		time.Sleep(time.Millisecond)
	}
	e.Drain(t.Context())
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	back := func() time.Time { return time.Now().Add(-time.Hour) }
	began := time.Now()
	e = OpenTest(t, Options{StoreDSN: file, Clock: back})
	AwaitStatus(t, e, "s", saga.Completed)
	if w := time.Since(began); w < 500*time.Millisecond {
		t.Error("waited only", w)
	}
}
