package reference

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/testpostgres"
	"github.com/sagacheck/sagacheck/saga"
)

// told is an observer that remembers.
type told struct {
	mu       sync.Mutex
	kept     string
	replayed map[string]int // records by saga
	live     map[string]int
	lives    int
	left     int
	broken   []string
}

var _ Observer = (*told)(nil)

func newTold() *told { return &told{replayed: map[string]int{}, live: map[string]int{}} }

func (o *told) Opened(kept string) error {
	o.kept = kept
	return nil
}

func (o *told) Recorded(s *State, records []Record, replayed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(records) == 0 {
		o.broken = append(o.broken, s.Def.ID+": no records")
	}
	if replayed {
		o.replayed[s.Def.ID] += len(records)
	} else {
		o.live[s.Def.ID] += len(records)
	}
}

func (o *told) Live()                 { o.lives++ }
func (o *told) Leaves(Op, int)        { o.mu.Lock(); o.left++; o.mu.Unlock() }
func (o *told) Quarantined(id string) { o.mu.Lock(); o.broken = append(o.broken, id); o.mu.Unlock() }

func (o *told) Keep(kept string, gone []func(func(*State, []Record))) (string, error) {
	for _, replay := range gone {
		n, id := 0, ""
		replay(func(s *State, records []Record) {
			n, id = n+len(records), s.Def.ID
		})
		kept += fmt.Sprintf("%s:%d ", id, n)
	}
	return kept, nil
}

// checkpoints are rules by which an empty entry follows each other one in the journal.
func checkpoints() *Rules {
	r := DefaultRules()
	was := r.Entries
	r.Entries = func(id string, after int, records []Record) [][]Record {
		return append(was(id, after, records), nil)
	}
	return r
}

// Who observes is told of each record once, of those of earlier lives first, of what
// is forgotten before it is gone, and of nothing else; on either store.
func TestObserverIsToldOfEveryRecord(t *testing.T) {
	stores := map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "s.db") },
		"postgres": func(t *testing.T) string { return testpostgres.New(t).DSN("observed") },
	}
	for name, dsn := range stores {
		t.Run(name, func(t *testing.T) {
			p := NewParticipant(t, Scripted("b 1 503"))
			o := newTold()
			options := Options{StoreDSN: dsn(t), Observer: o, Rules: checkpoints()}
			e := OpenTest(t, options)
			for _, id := range []string{"s", "t"} {
				SubmitTest(t, e, p.Define(id, "a compensatable", "b compensatable"))
				AwaitStatus(t, e, id, saga.Completed)
			}
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			// Acceptance, and an intent and an outcome of each attempt: b has two.
			if o.live["s"] != 7 || o.live["t"] != 7 || len(o.replayed) != 0 || o.left != 6 || o.lives != 1 || o.kept != "" {
				t.Error(o)
			}
			again := newTold()
			options.Observer, options.Retain = again, time.Nanosecond
			e = OpenTest(t, options)
			for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
				text, err := e.store.Kept(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if sagas := []string{"s:7 t:7 ", "t:7 s:7 "}; slices.Contains(sagas, text) {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("kept is %q", text)
				}
			}
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			if again.replayed["s"] != 7 || again.replayed["t"] != 7 || len(again.live) != 0 || again.lives != 1 || again.kept != "" || len(again.broken) != 0 {
				t.Error(again)
			}
			last := newTold()
			options.Observer, options.Retain = last, 0
			OpenTest(t, options)
			if len(last.replayed) != 0 || len(last.kept) != len("s:7 t:7 ") || last.lives != 1 {
				t.Error(last)
			}
		})
	}
}
