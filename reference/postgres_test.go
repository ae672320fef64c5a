package reference

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// postgres is a private server on 127.0.0.1.
type postgres struct {
	bin, data, port string
	cred            *syscall.Credential
	cmd             *exec.Cmd
	gone            chan error
}

// startPostgres makes a database cluster in a temporary folder and starts it, as
// another user if we are root, since the server refuses to run as root.
func startPostgres(t *testing.T) *postgres {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		t.Fatal("no PostgreSQL under /usr/lib/postgresql: apt-get install postgresql")
	}
	p := &postgres{bin: filepath.Dir(found[len(found)-1])}
	dir, err := os.MkdirTemp("", "sagacheck-postgres-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	p.data = filepath.Join(dir, "data")
	if os.Getuid() == 0 {
		p.cred = otherUser(t)
		if err := os.Chown(dir, int(p.cred.Uid), int(p.cred.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := p.command("initdb", "-D", p.data, "-A", "trust", "-U", "tester", "--no-sync", "-E", "UTF8", "--locale=C").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, p.port, _ = net.SplitHostPort(l.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	p.start(t)
	t.Cleanup(func() { p.stop(t, syscall.SIGINT) })
	return p
}

func otherUser(t *testing.T) *syscall.Credential {
	t.Helper()
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	t.Fatal("no user to run PostgreSQL as: apt-get install postgresql")
	return nil
}

func (p *postgres) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(p.bin, name), args...)
	c.Dir = filepath.Dir(p.data)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: p.cred, Pdeathsig: syscall.SIGQUIT}
	return c
}

func (p *postgres) start(t *testing.T) {
	t.Helper()
	p.cmd = p.command("postgres", "-D", p.data, "-p", p.port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=")
	p.gone = make(chan error, 1)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func(c *exec.Cmd, gone chan error) { gone <- c.Wait() }(p.cmd, p.gone)
}

// stop ends the server: SIGINT in order, SIGQUIT like a crash.
func (p *postgres) stop(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	<-p.gone
	p.gone <- nil
}

// dsn names a schema of its own.
func (p *postgres) dsn(schema string) string {
	return fmt.Sprintf("postgres://tester@127.0.0.1:%s/postgres?search_path=%s&connect_timeout=2", p.port, schema)
}

func TestPostgres(t *testing.T) {
	pg := startPostgres(t)
	t.Run("sagas", func(t *testing.T) {
		p := newParticipant(t, scripted("c 1 422, a 1 503"))
		e := openTest(t, Options{StoreDSN: pg.dsn("sagas")})
		submit(t, e, p.define("s", "a compensatable", "b compensatable", "c compensatable"))
		before := awaitStatus(t, e, "s", saga.Compensated)
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		e = openTest(t, Options{StoreDSN: pg.dsn("sagas")})
		after, err := e.Status("s")
		if err != nil || steps(after) != steps(before) {
			t.Error(after, before, err)
		}
	})
	t.Run("many entries are read page by page", func(t *testing.T) {
		s, err := openPostgres(t.Context(), pg.dsn("pages"))
		if err != nil {
			t.Fatal(err)
		}
		defer s.close() //nolint:errcheck // never fails
		var es []entry
		for i := range 5000 {
			es = append(es, entry{saga: fmt.Sprint("s", i/3), n: i%3 + 1})
		}
		for range 2 { // again after an error: no harm
			if err := s.append(t.Context(), es); err != nil {
				t.Fatal(err)
			}
		}
		n, last := 0, entry{}
		err = s.load(t.Context(), "", func(e entry) error {
			if n++; e.saga < last.saga || e.saga == last.saga && e.n != last.n+1 {
				t.Errorf("%v after %v", e, last)
			}
			last = e
			return nil
		})
		if err != nil || n != 5000 {
			t.Error(n, err)
		}
	})
	t.Run("a takeover", func(t *testing.T) { testTakeover(t, pg) })
	t.Run("a server that was superseded", func(t *testing.T) { testSuperseded(t, pg) })
	t.Run("recovery", func(t *testing.T) { testPostgresRecovery(t, pg) })
	t.Run("outage", func(t *testing.T) { testOutage(t, pg) })
	t.Run("refusals", func(t *testing.T) {
		for dsn, want := range map[string]string{
			"postgres://tester@127.0.0.1:" + pg.port + "/nosuch": `"nosuch" does not exist`,
			"postgres://:x:y": "store:",
		} {
			if _, err := Open(t.Context(), Options{StoreDSN: dsn}); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", dsn, err)
			}
		}
	})
}

// What an executor sends after another has taken over changes nothing.
func testTakeover(t *testing.T, pg *postgres) {
	old, err := openPostgres(t.Context(), pg.dsn("takeover"))
	if err != nil {
		t.Fatal(err)
	}
	defer old.close() //nolint:errcheck // never fails
	if err := old.append(t.Context(), []entry{{saga: "s", n: 1}}); err != nil {
		t.Fatal(err)
	}
	young, err := openPostgres(t.Context(), pg.dsn("takeover"))
	if err != nil {
		t.Fatal(err)
	}
	defer young.close() //nolint:errcheck // never fails
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-old.superseded()
		cancel()
	}()
	if err := old.append(ctx, []entry{{saga: "s", n: 2}}); !errors.Is(err, errSuperseded) {
		t.Error(err)
	}
	n := 0
	if err := young.load(t.Context(), "s", func(entry) error { n++; return nil }); err != nil || n != 1 {
		t.Error(n, "entries", err)
	}
}

// A server that has lost its store says so, to those that ask and to those that
// wait, and ends.
func testSuperseded(t *testing.T, pg *postgres) {
	p := newParticipant(t, nil)
	addr, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- Serve(t.Context(), ServeOptions{
			Options: Options{StoreDSN: pg.dsn("superseded")}, Addr: "127.0.0.1:0", Ready: func(a string) { addr <- a },
		})
	}()
	base := "http://" + <-addr
	if code, body, _ := request(t, "GET", base+"/healthz", ""); code != 200 {
		t.Fatal(code, body)
	}
	young := openTest(t, Options{StoreDSN: pg.dsn("superseded")})
	def := p.define("s", "a compensatable")
	body, err := json.Marshal(def)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.Post(base+"/sagas", "application/json", bytes.NewReader(body)); err == nil {
		if resp.Body.Close(); resp.StatusCode < 500 {
			t.Errorf("a saga that it can't store: %d", resp.StatusCode)
		}
	}
	if err := <-ended; !errors.Is(err, errSuperseded) {
		t.Errorf("Serve: %v", err)
	}
	submit(t, young, def)
	awaitStatus(t, young, "s", saga.Completed)
	if calls := p.of("a"); len(calls) != 1 {
		t.Errorf("%d calls of a, want 1", len(calls))
	}

	// As a library it is not ended, and says 503.
	third := openTest(t, Options{StoreDSN: pg.dsn("superseded")})
	submit(t, third, p.define("t", "a compensatable"))
	awaitStatus(t, third, "t", saga.Completed)
	go func() { _ = young.Submit(t.Context(), p.define("u", "a compensatable")) }()
	<-young.superseded()
	w := httptest.NewRecorder()
	young.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/healthz", nil))
	if w.Code != 503 || !strings.Contains(w.Body.String(), "taken over") {
		t.Error(w.Code, w.Body)
	}
}

func testPostgresRecovery(t *testing.T, pg *postgres) {
	for n := range 8 {
		schema := fmt.Sprint("recovery", n)
		p := newParticipant(t, scripted("c * 422, b.undo 1 -1, a 1 503"))
		def := p.define("s", "a compensatable", "b compensatable", "c compensatable")
		s, err := openPostgres(t.Context(), pg.dsn(schema))
		if err != nil {
			t.Fatal(err)
		}
		d := &dyingStore{store: s, left: n, dead: make(chan struct{})}
		e, err := open(t.Context(), d, Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = e.Submit(ctx, def) }()
		<-d.dead
		cancel()
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		e = openTest(t, Options{StoreDSN: pg.dsn(schema)})
		submit(t, e, def)
		awaitStatus(t, e, "s", saga.Compensated)
		if left := p.left("s"); len(left) > 0 {
			t.Errorf("after %d commits: effects left %v", n, left)
		}
	}
}

// The server dies under sagas that run, is away for a while, and comes back.
func testOutage(t *testing.T, pg *postgres) {
	hold := make(chan struct{})
	p := newParticipant(t, func(c call) int {
		if c.op == "b" {
			<-hold
		}
		return 0
	})
	e := openTest(t, Options{StoreDSN: pg.dsn("outage")})
	const n = 20
	for i := range n {
		submit(t, e, p.define(fmt.Sprint("s", i), "a compensatable", "b compensatable", "c pivot"))
	}
	p.awaitCall(t, "b", n)
	pg.stop(t, syscall.SIGQUIT)
	close(hold) // the answers arrive while the store is away
	late := make(chan error, 1)
	go func() { late <- e.Submit(t.Context(), p.define("late", "a compensatable")) }()
	select {
	case err := <-late:
		t.Fatal("accepted without a store:", err)
	case <-time.After(300 * time.Millisecond):
	}
	if c := p.of("c"); len(c) > 0 {
		t.Error(len(c), "calls left without a durable intent")
	}
	pg.start(t)
	if err := <-late; err != nil {
		t.Fatal(err)
	}
	for i := range n {
		awaitStatus(t, e, fmt.Sprint("s", i), saga.Completed)
	}
	for _, op := range []string{"b", "c"} {
		if got := len(p.of(op)); got != n {
			t.Errorf("%d calls of %s, want %d", got, op, n)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = openTest(t, Options{StoreDSN: pg.dsn("outage")})
	for i := range n {
		awaitStatus(t, e, fmt.Sprint("s", i), saga.Completed)
	}
}
