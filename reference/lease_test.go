package reference

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sagacheck/sagacheck/saga"
)

func testLease(t *testing.T, pg *postgres) {
	t.Run("one owner", func(t *testing.T) { testOneOwner(t, pg) })
	t.Run("standby", func(t *testing.T) { testStandby(t, pg) })
	t.Run("superseded", func(t *testing.T) { testSuperseded(t, pg) })
	t.Run("the end of the session", func(t *testing.T) { testSessionEnds(t, pg) })
	t.Run("falls silent", func(t *testing.T) { testFallsSilent(t, pg) })
	t.Run("a takeover is no attempt", func(t *testing.T) { testTakeoverIsNoAttempt(t, pg) })
	t.Run("a start that fails takes nothing over", func(t *testing.T) { testFailedStart(t, pg) })
}

// own changes the owner's row of a store.
func (p *postgres) own(t *testing.T, schema, set string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), p.dsn(schema))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // a test
	if _, err := conn.Exec(t.Context(), `UPDATE sagacheck_owner SET `+set); err != nil {
		t.Fatal(err)
	}
}

// expired ends the lease of whoever owns the store, as if it had been silent for long.
const expired = `expires = '-infinity'`

// longLease: no heartbeat comes in between.
const longLease = 5 * time.Minute

// Who comes second waits while the first is well; what the first sends after a
// takeover changes nothing.
func testOneOwner(t *testing.T, pg *postgres) {
	o := Options{StoreDSN: pg.dsn("takeover"), lease: longLease}
	old, err := openPostgres(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer old.close() //nolint:errcheck // never fails
	if err := old.append(t.Context(), []entry{{saga: "s", n: 1, text: "[]"}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if s, err := openPostgres(ctx, o); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal("took over from an owner that is well:", err, s.close())
	}
	pg.own(t, "takeover", expired)
	young, err := openPostgres(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer young.close() //nolint:errcheck // never fails
	if err := old.append(t.Context(), []entry{{saga: "s", n: 2, text: "[]"}}); !errors.Is(err, errLost) {
		t.Error(err)
	}
	<-old.lost()
	if err := old.owned(); !errors.Is(err, errSuperseded) {
		t.Error(err)
	}
	n := 0
	if err := young.load(t.Context(), "s", func(entry) error { n++; return nil }); err != nil || n != 1 {
		t.Error(n, "entries", err)
	}
}

// server runs Serve until stop.
type server struct {
	base  string
	stop  context.CancelFunc
	ended chan error
}

func serve(t *testing.T, o ServeOptions) *server {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	addr := make(chan string, 1)
	s := &server{stop: cancel, ended: make(chan error, 1)}
	if o.Addr == "" {
		o.Addr = freeAddr(t)
	}
	s.base = "http://" + o.Addr
	o.Ready = func(a string) { addr <- a }
	go func() {
		s.ended <- Serve(ctx, o)
		close(s.ended)
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-s.ended; err != nil {
			t.Error("Serve:", err)
		}
	})
	return s
}

// health waits until /healthz says a status.
func (s *server) health(t *testing.T, want string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		code, body, err := tryRequest(t, "GET", s.base+"/healthz", "")
		if err == nil && strings.Contains(body, `"status":"`+want+`"`) && (code == 200) == (want == "ready" || want == "degraded") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d %s %v, want %s", code, body, err, want)
		}
	}
}

// The second start listens, says that it stands by, and goes on when the first ends.
func testStandby(t *testing.T, pg *postgres) {
	p := NewParticipant(t, nil)
	o := ServeOptions{Options: Options{StoreDSN: pg.dsn("standby")}}
	first := serve(t, o)
	first.health(t, "ready")
	second := serve(t, o)
	second.health(t, "standby")
	def := p.Define("s", "a compensatable")
	body, err := json.Marshal(def)
	if err != nil {
		t.Fatal(err)
	}
	if code, answer, _ := request(t, "POST", second.base+"/sagas", string(body)); code != 503 || !strings.Contains(answer, "standby") {
		t.Error(code, answer)
	}
	if code, answer, _ := request(t, "GET", second.base+"/sagas/s", ""); code != 503 {
		t.Error(code, answer)
	}
	if code, answer, _ := request(t, "POST", first.base+"/sagas", string(body)); code != 202 {
		t.Fatal(code, answer)
	}
	first.stop()
	second.health(t, "ready")
	for {
		code, answer, _ := request(t, "GET", second.base+"/sagas/s", "")
		if code == 200 && strings.Contains(answer, "completed") {
			break
		}
		if code != 200 {
			t.Fatal(code, answer)
		}
	}
	if calls := p.Of("a"); len(calls) != 1 {
		t.Errorf("%d calls of a, want 1", len(calls))
	}
}

// An owner that was superseded answers for nothing any more, and stands by.
func testSuperseded(t *testing.T, pg *postgres) {
	s := serve(t, ServeOptions{Options: Options{StoreDSN: pg.dsn("superseded"), lease: time.Second}})
	s.health(t, "ready")
	pg.own(t, "superseded", `epoch = epoch + 1, expires = clock_timestamp() + interval '2 seconds'`)
	s.health(t, "standby")
	if code, answer, _ := request(t, "GET", s.base+"/sagas/none", ""); code != 503 {
		t.Error(code, answer)
	}
	s.health(t, "ready")

	// As a library it is not replaced, and says 503.
	e := OpenTest(t, Options{StoreDSN: pg.dsn("superseded2"), lease: longLease})
	pg.own(t, "superseded2", `epoch = epoch + 1`)
	go func() { _ = e.Submit(t.Context(), NewParticipant(t, nil).Define("u", "a compensatable")) }()
	<-e.store.lost()
	w := httptest.NewRecorder()
	e.Handler().ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/healthz", nil))
	if w.Code != 503 || !strings.Contains(w.Body.String(), "standby") {
		t.Error(w.Code, w.Body)
	}
}

// An owner whose session ends does not answer for the store until it knows that it is
// still its own: with the session its lock is gone. Nothing but the end tells it, since
// its lease would be good for long.
func testSessionEnds(t *testing.T, pg *postgres) {
	s, err := openPostgres(t.Context(), Options{StoreDSN: pg.dsn("session"), lease: longLease})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()                           //nolint:errcheck // never fails
	pg.own(t, "session", `epoch = epoch + 1`) // as whoever gets the lock does
	conn, err := pgx.Connect(t.Context(), pg.dsn("session"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // a test
	if err := s.owned(); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_locks
		WHERE locktype = 'advisory' AND objid = hashtext('session')::oid AND objsubid = 2`); err != nil {
		t.Fatal(err)
	}
	<-s.lost()
	if err := s.owned(); !errors.Is(err, errSuperseded) {
		t.Error(err)
	}
}

// However often the owner changes under a call, healthy sagas are not undone.
func testTakeoverIsNoAttempt(t *testing.T, pg *postgres) {
	calls := make(chan struct{}, 100)
	release := make(chan struct{})
	p := NewParticipant(t, func(SeenCall) int {
		calls <- struct{}{}
		<-release
		return 0
	})
	o := Options{StoreDSN: pg.dsn("fight"), lease: longLease}
	var e *Executor
	for i := range 6 { // the policy allows 3 attempts
		young, err := Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if e != nil {
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if e = young; i == 0 {
			SubmitTest(t, e, p.Define("s", "a compensatable"))
		}
		<-calls
		pg.own(t, "fight", expired)
	}
	close(release)
	AwaitStatus(t, e, "s", saga.Completed)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// A start on a port that is taken fails before it touches the store.
func testFailedStart(t *testing.T, pg *postgres) {
	o := ServeOptions{Options: Options{StoreDSN: pg.dsn("failed")}}
	s := serve(t, o)
	s.health(t, "ready")
	o.Addr = strings.TrimPrefix(s.base, "http://")
	if err := Serve(t.Context(), o); err == nil || !strings.Contains(err.Error(), o.Addr) {
		t.Error(err)
	}
	s.health(t, "ready")
	if code, answer, _ := request(t, "GET", s.base+"/sagas/none", ""); code != 404 {
		t.Error(code, answer)
	}
}
