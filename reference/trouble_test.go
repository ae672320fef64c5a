package reference

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sagacheck/sagacheck/saga"
)

// brokenStore does nothing while it is broken.
type brokenStore struct {
	store
	broken atomic.Bool
}

var errInternal = errors.New("failed to connect to user=payroll host=10.1.2.3")

func (b *brokenStore) append(ctx context.Context, es []entry) error {
	if b.broken.Load() {
		return errInternal
	}
	return b.store.append(ctx, es)
}

func (b *brokenStore) load(ctx context.Context, id string, yield func(entry) error) error {
	if b.broken.Load() {
		return errInternal
	}
	return b.store.load(ctx, id, yield)
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// While the store is in trouble sagas are refused in time, the health says so, the log
// says so once and again when it is over, and nobody outside learns the details.
func TestStoreTrouble(t *testing.T) {
	p := NewParticipant(t, nil)
	inner, err := openSQLite(t.Context(), Options{StoreDSN: filepath.Join(t.TempDir(), "sagas.db")})
	if err != nil {
		t.Fatal(err)
	}
	s := &brokenStore{store: inner}
	log := &lockedBuffer{}
	e, err := open(t.Context(), s, Options{Logger: slog.New(slog.NewJSONHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close() //nolint:errcheck // a test
	srv := httptest.NewServer(e.Handler())
	defer srv.Close()
	SubmitTest(t, e, p.Define("old", "a compensatable"))
	AwaitStatus(t, e, "old", saga.Completed)
	forgetEnded(e, "old")
	s.broken.Store(true)
	began := time.Now()
	for i := range 3 {
		if err := e.Submit(t.Context(), p.Define("s"+itoa(i), "a compensatable")); !errors.Is(err, ErrUnavailable) || strings.Contains(err.Error(), "payroll") {
			t.Error(i, err)
		}
	}
	if d := time.Since(began); d > 3*submitPatience {
		t.Error("refused after", d)
	}
	if code, body, _ := request(t, "GET", srv.URL+"/sagas/old", ""); code != 503 || strings.Contains(body, "payroll") {
		t.Error(code, body)
	}
	for !strings.Contains(healthOf(t, srv), `503 {"status":"trouble"`) {
		time.Sleep(10 * time.Millisecond)
	}
	s.broken.Store(false)
	for !strings.Contains(healthOf(t, srv), `200 {"status":"ready"`) {
		time.Sleep(10 * time.Millisecond)
	}
	for i := range 3 { // the same ids
		SubmitTest(t, e, p.Define("s"+itoa(i), "a compensatable"))
		AwaitStatus(t, e, "s"+itoa(i), saga.Completed)
	}
	for _, what := range []string{"can't read from the store", "can read from the store again"} {
		if n := strings.Count(log.String(), what); n != 1 {
			t.Errorf("%q: %d times in the log, want 1\n%s", what, n, log)
		}
	}
}

// What is old and can't be removed keeps no saga from being accepted.
func TestRemovingIsNotSerious(t *testing.T) {
	p := NewParticipant(t, nil)
	e := OpenTest(t, Options{})
	e.health.trouble(removing, errInternal)
	e.health.since[removing] = time.Now().Add(-time.Hour)
	SubmitTest(t, e, p.Define("s", "a compensatable"))
	AwaitStatus(t, e, "s", saga.Completed)
	w := httptest.NewRecorder()
	e.Handler().ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/healthz", nil))
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"degraded"`) {
		t.Error(w.Code, w.Body)
	}
}

func healthOf(t *testing.T, srv *httptest.Server) string {
	code, body, _ := request(t, "GET", srv.URL+"/healthz", "")
	return itoa(code) + " " + body
}

// A table that is gone is trouble like any other: it is waited for.
func testPostgresTrouble(t *testing.T, pg *postgres) {
	p := NewParticipant(t, nil)
	log := &lockedBuffer{}
	e := OpenTest(t, Options{StoreDSN: pg.dsn("trouble"), Logger: slog.New(slog.NewJSONHandler(log, nil))})
	conn, err := pgx.Connect(t.Context(), pg.dsn("trouble"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // a test
	if _, err := conn.Exec(t.Context(), `ALTER TABLE sagacheck_journal RENAME TO away`); err != nil {
		t.Fatal(err)
	}
	if err := e.Submit(t.Context(), p.Define("s", "a compensatable")); !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
	if _, err := conn.Exec(t.Context(), `ALTER TABLE away RENAME TO sagacheck_journal`); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if err = e.Submit(t.Context(), p.Define("s", "a compensatable")); err == nil || time.Now().After(end) {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	AwaitStatus(t, e, "s", saga.Completed)
	for _, what := range []string{"can't write to the store", "can write to the store again"} {
		if n := strings.Count(log.String(), what); n != 1 {
			t.Errorf("%q: %d times in the log", what, n)
		}
	}
}

// A database that is away is trouble before there is an executor, and while nothing is
// written.
func testAwayWhileIdle(t *testing.T, pg *postgres) {
	log := &lockedBuffer{}
	o := ServeOptions{Options: Options{StoreDSN: pg.dsn("away"), Logger: slog.New(slog.NewJSONHandler(log, nil)), lease: time.Second}}
	pg.stop(t, syscall.SIGQUIT)
	s := serve(t, o)
	s.health(t, "trouble")
	pg.start(t)
	s.health(t, "ready")
	pg.stop(t, syscall.SIGQUIT)
	s.health(t, "trouble")
	pg.start(t)
	s.health(t, "ready")
	for _, what := range []string{opening, renewing} {
		if n, m := strings.Count(log.String(), "can't "+what), strings.Count(log.String(), "can "+what+" again"); n != 1 || m != 1 {
			t.Errorf("%s: %d times trouble, %d times its end in\n%s", what, n, m, log)
		}
	}
}

// Reading that was not possible once keeps nobody out for ever: a client that only
// submits new sagas, which are refused meanwhile, never reads.
func testReadingHeals(t *testing.T, pg *postgres) {
	p := NewParticipant(t, nil)
	e := OpenTest(t, Options{StoreDSN: pg.dsn("reading")})
	SubmitTest(t, e, p.Define("old", "a compensatable"))
	AwaitStatus(t, e, "old", saga.Completed)
	forgetEnded(e, "old")
	pg.stop(t, syscall.SIGQUIT)
	if _, err := e.Status("old"); !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
	pg.start(t)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		err := e.Submit(t.Context(), p.Define("new", "a compensatable"))
		if err == nil {
			break
		}
		if !errors.Is(err, ErrUnavailable) || time.Now().After(end) {
			t.Fatal(err)
		}
	}
	AwaitStatus(t, e, "new", saga.Completed)
}

// The file of a store is its owner's alone; who comes second hears why; one that is
// taken away is noticed.
func TestSQLiteFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sagas.db")
	s := serve(t, ServeOptions{Options: Options{StoreDSN: file}})
	s.health(t, "ready")
	for _, f := range []string{file, file + "-wal"} {
		if mode := modeOf(t, f); mode != 0o600 {
			t.Errorf("%s: %o", f, mode)
		}
	}
	if _, err := Open(t.Context(), Options{StoreDSN: file}); err == nil || !strings.Contains(err.Error(), "another executor holds it") {
		t.Error(err)
	}
	remove(t, file)
	if err := <-s.ended; !errors.Is(err, errReplaced) {
		t.Error(err)
	}
	s = serve(t, ServeOptions{Options: Options{StoreDSN: file}})
	s.health(t, "ready")
	remove(t, file+"-wal") // with what was written last
	if err := <-s.ended; !errors.Is(err, errReplaced) {
		t.Error(err)
	}
}
