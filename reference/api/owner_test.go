package api

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/internal/testpostgres"
	"github.com/sagacheck/sagacheck/reference"
)

func TestPostgres(t *testing.T) {
	pg := testpostgres.New(t)
	t.Run("standby", func(t *testing.T) { testStandby(t, pg) })
	t.Run("superseded", func(t *testing.T) { testSuperseded(t, pg) })
	t.Run("falls silent", func(t *testing.T) { testFallsSilent(t, pg) })
	t.Run("a start that fails takes nothing over", func(t *testing.T) { testFailedStart(t, pg) })
	t.Run("away while idle", func(t *testing.T) { testAwayWhileIdle(t, pg) })
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
func testStandby(t *testing.T, pg *testpostgres.Server) {
	p := testparticipant.New(t, nil)
	o := ServeOptions{Options: reference.Options{StoreDSN: pg.DSN("standby")}}
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
func testSuperseded(t *testing.T, pg *testpostgres.Server) {
	s := serve(t, ServeOptions{Options: reference.Options{StoreDSN: pg.DSN("superseded"), Lease: time.Second}})
	s.health(t, "ready")
	pg.Exec(t, "superseded", `UPDATE sagacheck_owner SET epoch = epoch + 1, expires = clock_timestamp() + interval '2 seconds'`)
	s.health(t, "standby")
	if code, answer, _ := request(t, "GET", s.base+"/sagas/none", ""); code != 503 {
		t.Error(code, answer)
	}
	s.health(t, "ready")

	// As a library it is not replaced, and says 503.
	e := openTest(t, reference.Options{StoreDSN: pg.DSN("superseded2"), Lease: 5 * time.Minute})
	pg.Exec(t, "superseded2", `UPDATE sagacheck_owner SET epoch = epoch + 1`)
	go func() { _ = e.Submit(t.Context(), testparticipant.New(t, nil).Define("u", "a compensatable")) }()
	<-e.Lost()
	w := httptest.NewRecorder()
	Handler(e).ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/healthz", nil))
	if w.Code != 503 || !strings.Contains(w.Body.String(), "standby") {
		t.Error(w.Code, w.Body)
	}
}

// A start on a port that is taken fails before it touches the store.
func testFailedStart(t *testing.T, pg *testpostgres.Server) {
	o := ServeOptions{Options: reference.Options{StoreDSN: pg.DSN("failed")}}
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
