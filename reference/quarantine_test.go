package reference

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/reference/store"
	"github.com/sagacheck/sagacheck/saga"
)

// retryAfterHandler answers 429 with what is asked for, then as the participant does.
func retryAfterHandler(ask <-chan string, p *Participant) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case v := <-ask:
			w.Header().Set("Retry-After", v)
			w.WriteHeader(429)
		default:
			p.ServeHTTP(w, r)
		}
	})
}

// change carries statements out in the file of a store that is closed.
func change(t *testing.T, file string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// damage replaces the first entry of a saga.
func damage(t *testing.T, file, id, text string) {
	t.Helper()
	change(t, file,
		fmt.Sprintf(`INSERT INTO saga (id) VALUES ('%s') ON CONFLICT DO NOTHING`, id),
		fmt.Sprintf(`REPLACE INTO journal VALUES ('%s', 1, '%s')`, id, text),
		`UPDATE saga SET ended = NULL`)
}

// forgetEntries takes away what a store has of a saga, but for its name.
func forgetEntries(t *testing.T, file, id string) {
	t.Helper()
	change(t, file, fmt.Sprintf(`DELETE FROM journal WHERE saga = '%s'`, id))
}

// A saga that can't be read is in sight, and keeps no other from going on.
func TestDamagedSagasAreQuarantined(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sagas.db")
	hold := make(chan struct{})
	p := NewParticipant(t, func(SeenCall) int { <-hold; return 0 })
	e := OpenTest(t, Options{StoreDSN: file})
	for _, id := range []string{"a", "z"} {
		SubmitTest(t, e, p.Define(id, "a compensatable"))
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	close(hold)
	for id, text := range map[string]string{
		"begin":  `[{"kind":"intent"}]`,
		"json":   `{`,
		"step":   `[{"kind":"accepted","definition":{"id":"s","name":"","steps":[{"name":"a","kind":"pivot","action":{"url":"http://x","retry":{"multiplier":1,"attempt_timeout_ms":1}}}]}},{"kind":"intent","step":3}]`,
		"cycle":  `[{"kind":"accepted","definition":{"id":"s","name":"","steps":[{"name":"a","kind":"pivot","after":["a"],"action":{"url":"http://x","retry":{"multiplier":1,"attempt_timeout_ms":1}}}]}}]`,
		"nobody": `[{"kind":"accepted","definition":{"id":"s","name":"","steps":[{"name":"a","kind":"pivot","after":["b"],"action":{}}]}}]`,
	} {
		damage(t, file, id, text)
	}
	damage(t, file, "gone", "[]")
	forgetEntries(t, file, "gone")
	e = OpenTest(t, Options{StoreDSN: file})
	for _, id := range []string{"a", "z"} {
		AwaitStatus(t, e, id, saga.Completed)
	}
	for _, id := range []string{"begin", "json", "step", "cycle", "nobody", "gone"} {
		if r, err := e.Status(id); err != nil || r.Status != saga.Stuck || r.Steps == nil || len(r.Steps) > 0 {
			t.Error(id, r, err)
		}
		if err := e.Submit(t.Context(), p.Define(id, "a compensatable")); !errors.Is(err, ErrQuarantined) {
			t.Error(id, err)
		}
		if err := e.Compensate(t.Context(), id); !errors.Is(err, ErrQuarantined) {
			t.Error(id, err)
		}
	}
	if c := e.Condition(); c.Status != "degraded" || c.Quarantined != 6 {
		t.Error(c)
	}
}

// A person can look at what is damaged, and go on with it or set it aside.
func TestInspectAndRepair(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sagas.db")
	hold := make(chan struct{})
	p := NewParticipant(t, func(c SeenCall) int {
		if c.Op == "b" {
			<-hold
		}
		return 0
	})
	e := OpenTest(t, Options{StoreDSN: file})
	SubmitTest(t, e, p.Define("s", "a compensatable", "b compensatable"))
	p.AwaitCall(t, "b", 1)
	if _, err := Inspect(t.Context(), file, ""); err == nil || !strings.Contains(err.Error(), "another executor holds it") {
		t.Error(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	close(hold)
	damage(t, file, "lost", "{")
	damage(t, file, "empty", "[]")
	forgetEntries(t, file, "empty")
	change(t, file, `UPDATE journal SET records = '{' WHERE saga = 's' AND n = 2`)
	list, err := Inspect(t.Context(), file, "")
	if err != nil || len(list) != 3 || list[0].ID != "empty" || list[0].Damage == nil || list[1].ID != "lost" || list[2].Status != saga.Stuck || list[2].Damage == nil || list[2].Name != "test" {
		t.Fatalf("%+v, %v", list, err)
	}
	if got := list[1].Summary(); got != "lost  stuck  1 entries" { // nothing that is not known
		t.Error(got)
	}
	if got := list[2].Summary(); !strings.HasPrefix(got, `s  stuck  "test"  `) || !strings.Contains(got, " entries, latest 20") {
		t.Error(got)
	}
	if _, err := Inspect(t.Context(), file, "none"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if err := RepairSaga(t.Context(), file, "lost", KeepReadable); err == nil || !strings.Contains(err.Error(), "only be set aside") {
		t.Error(err)
	}
	for id, how := range map[string]Repair{"lost": SetAside, "empty": SetAside, "s": KeepReadable} {
		if err := RepairSaga(t.Context(), file, id, how); err != nil {
			t.Error(id, err)
		}
	}
	e = OpenTest(t, Options{StoreDSN: file})
	AwaitStatus(t, e, "s", saga.Completed)
	if _, err := e.Status("lost"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if n := p.Effects["s/a"]; n != 1 {
		t.Error(n, "effects of a")
	}
}

// A panic in the work of one saga is that saga's affair.
func TestPanicEndsOneSaga(t *testing.T) {
	hold := make(chan struct{})
	p := NewParticipant(t, func(SeenCall) int { <-hold; return 0 })
	e := OpenTest(t, Options{})
	SubmitTest(t, e, p.Define("bad", "a compensatable"))
	SubmitTest(t, e, p.Define("good", "a compensatable"))
	p.AwaitCall(t, "a", 2)
	e.mu.Lock()
	r := e.sagas["bad"].run
	e.mu.Unlock()
	r.inbox.post(message{fact: &Record{Kind: RecordOutcome, Direction: saga.Action, Attempt: 99}})
	AwaitStatus(t, e, "bad", saga.Stuck)
	close(hold)
	AwaitStatus(t, e, "good", saga.Completed)
	SubmitTest(t, e, p.Define("new", "a compensatable"))
	AwaitStatus(t, e, "new", saga.Completed)
}

// choosyStore refuses whatever one saga writes after its acceptance.
type choosyStore struct{ store.Store }

func (c choosyStore) Append(ctx context.Context, es []store.Entry) error {
	if slices.ContainsFunc(es, func(e store.Entry) bool { return e.Saga == "bad" && e.N > 1 }) {
		return store.Refused(errors.New("invalid byte sequence"))
	}
	return c.Store.Append(ctx, es)
}

// What the store refuses holds up nobody else.
func TestRefusedEntriesHoldUpNobody(t *testing.T) {
	p := NewParticipant(t, nil)
	s, err := store.Open(t.Context(), store.Options{DSN: filepath.Join(t.TempDir(), "sagas.db")})
	if err != nil {
		t.Fatal(err)
	}
	e, err := open(t.Context(), choosyStore{s}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	SubmitTest(t, e, p.Define("bad", "a compensatable", "b compensatable"))
	for i := range 50 {
		SubmitTest(t, e, p.Define("s"+strconv.Itoa(i), "a compensatable", "b compensatable"))
	}
	for i := range 50 {
		AwaitStatus(t, e, "s"+strconv.Itoa(i), saga.Completed)
	}
	AwaitStatus(t, e, "bad", saga.Stuck)
	if e.health.Any() != "" {
		t.Error(e.health.Any())
	}
}

// A few hundred sagas with large bodies are read again, one at a time.
func TestLargeSagasAreRecovered(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sagas.db?synchronous=off")
	hold := make(chan struct{})
	p := NewParticipant(t, func(SeenCall) int { <-hold; return 0 })
	e := OpenTest(t, Options{StoreDSN: file})
	const n = 30
	body := []byte(`"` + strings.Repeat("x", 900_000) + `"`)
	for i := range n {
		d := p.Define("s"+strconv.Itoa(i), "a compensatable")
		d.Steps[0].Action.Body = body
		d.Steps[0].Action.Retry.AttemptTimeoutMS = 60_000 // a busy machine is no participant that fails
		SubmitTest(t, e, d)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	close(hold)
	began := time.Now()
	e = OpenTest(t, Options{StoreDSN: file})
	for i := range n {
		AwaitStatus(t, e, "s"+strconv.Itoa(i), saga.Completed)
	}
	t.Log("recovered in", time.Since(began))
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cache.total > maxCached {
		t.Error(e.cache.total, "bytes of ended sagas in memory")
	}
}
