package reference

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/reference/store"
	"github.com/sagacheck/sagacheck/saga"
)

// dyingStore stops answering after some commits, as a killed process does: what
// it took is durable, what it did not take never happened.
type dyingStore struct {
	store.Store
	mu   sync.Mutex
	left int
	dead chan struct{}
}

func (d *dyingStore) Append(ctx context.Context, es []store.Entry) error {
	d.mu.Lock()
	d.left--
	left := d.left
	d.mu.Unlock()
	if left == -1 {
		close(d.dead)
	}
	if left < 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	return d.Store.Append(ctx, es)
}

// crashAfter runs the saga on an executor that dies after n commits, and tells
// whether it came to that.
func CrashAfter(t *testing.T, file string, def saga.Definition, n int, r ...*Rules) bool {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{DSN: file})
	if err != nil {
		t.Fatal(err)
	}
	d := &dyingStore{Store: s, left: n, dead: make(chan struct{})}
	o := Options{}
	if len(r) > 0 {
		o.Rules = r[0]
	}
	e, err := open(t.Context(), d, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	submitted := make(chan error, 1)
	go func() { submitted <- e.Submit(ctx, def) }()
	over := make(chan struct{})
	go func() {
		defer close(over)
		for ctx.Err() == nil {
			if r, err := e.Status(def.ID); err == nil && (r.Status.Ended() || r.Status == saga.Stuck) {
				return
			}
			time.Sleep(time.Millisecond) // polling stands in for a client
		}
	}()
	died := false
	select {
	case <-d.dead:
		died = true
	case <-over:
	}
	cancel()
	<-over
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-submitted; err != nil && !errors.Is(err, ErrClosed) && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return died
}

func TestRecoveryAtEachCommit(t *testing.T) {
	for name, tt := range map[string]struct {
		define []string
		script string
		want   saga.Status
		left   string
	}{
		"forward":  {[]string{"a compensatable -", "b compensatable -", "c pivot a,b", "d retriable", "e deferrable"}, "a 1 503, d 1 -1", saga.Completed, "a b c d e"},
		"backward": {[]string{"a compensatable", "b compensatable", "c compensatable", "d pivot"}, "d 1 422, d 2 422, d 3 422, b.undo 1 -1", saga.Compensated, ""},
		"unknown":  {[]string{"a compensatable", "b compensatable"}, "b * -1", saga.Compensated, ""},
	} {
		t.Run(name, func(t *testing.T) {
			crashes := 0
			for n := 0; ; n++ {
				p := NewParticipant(t, Scripted(tt.script))
				file := filepath.Join(t.TempDir(), "sagas.db")
				def := p.Define("s", tt.define...)
				if !CrashAfter(t, file, def, n) {
					break
				}
				crashes++
				CrashAfter(t, file, def, 1) // and again while it recovers
				e := OpenTest(t, Options{StoreDSN: file})
				SubmitTest(t, e, def)
				AwaitStatus(t, e, "s", tt.want)
				if got := strings.Join(p.Left("s"), " "); tt.want != saga.Completed && got != tt.left {
					t.Errorf("after %d commits: effects left %q, want %q", n, got, tt.left)
				}
				for _, op := range []string{"a", "b", "c"} {
					if c := len(p.Of(op)); c > 3+2 { // one more for each crash
						t.Errorf("after %d commits: %d attempts of %s", n, c, op)
					}
				}
				if err := e.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if crashes < 5 {
				t.Error("only", crashes, "crashes")
			}
		})
	}
}

func TestSecondExecutorIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sagas.db")
	OpenTest(t, Options{StoreDSN: file})
	if e, err := Open(t.Context(), Options{StoreDSN: file}); err == nil {
		t.Error("opened", e.Close())
	}
}

// flakyStore fails every other commit, before or after it has been made.
type flakyStore struct {
	store.Store
	n int
}

func (f *flakyStore) Append(ctx context.Context, es []store.Entry) error {
	f.n++
	switch f.n % 4 {
	case 1:
		return errors.New("refused")
	case 3:
		if err := f.Store.Append(ctx, es); err != nil {
			return err
		}
		return errors.New("connection lost after the commit")
	}
	return f.Store.Append(ctx, es)
}

func TestStoreErrorsLoseNothing(t *testing.T) {
	p := NewParticipant(t, Scripted("c 1 422"))
	file := filepath.Join(t.TempDir(), "sagas.db")
	s, err := store.Open(t.Context(), store.Options{DSN: file})
	if err != nil {
		t.Fatal(err)
	}
	e, err := open(t.Context(), &flakyStore{Store: s}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	SubmitTest(t, e, p.Define("s", "a compensatable", "b compensatable", "c compensatable"))
	before := AwaitStatus(t, e, "s", saga.Compensated)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = OpenTest(t, Options{StoreDSN: file})
	if after, err := e.Status("s"); err != nil || steps(after) != steps(before) || len(p.Left("s")) > 0 {
		t.Error(after, before, err)
	}
}
