package reference

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sagacheck/sagacheck/saga"
)

// postgres is a private server on 127.0.0.1.
type postgres struct {
	bin, data, port string
	log             string // what it says
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
	p.log = filepath.Join(dir, "log")
	t.Cleanup(func() {
		if t.Failed() {
			b, _ := os.ReadFile(p.log)
			t.Logf("the end of PostgreSQL's log:\n%s", b[max(0, len(b)-5000):])
		}
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
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p.cmd.Stdout, p.cmd.Stderr = log, log
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
		p := NewParticipant(t, Scripted("c 1 422, a 1 503"))
		e := OpenTest(t, Options{StoreDSN: pg.dsn("sagas")})
		SubmitTest(t, e, p.Define("s", "a compensatable", "b compensatable", "c compensatable"))
		before := AwaitStatus(t, e, "s", saga.Compensated)
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		e = OpenTest(t, Options{StoreDSN: pg.dsn("sagas")})
		after, err := e.Status("s")
		if err != nil || steps(after) != steps(before) {
			t.Error(after, before, err)
		}
	})
	t.Run("a journal is read page by page", func(t *testing.T) { testPages(t, pg) })
	t.Run("ownership", func(t *testing.T) { testLease(t, pg) })
	t.Run("trouble", func(t *testing.T) { testPostgresTrouble(t, pg) })
	t.Run("recovery", func(t *testing.T) { testPostgresRecovery(t, pg) })
	t.Run("inspect and repair", func(t *testing.T) { testPostgresRepair(t, pg) })
	t.Run("breakers", func(t *testing.T) { testStoredBreakers(t, pg.dsn("breakers")) })
	t.Run("reading heals", func(t *testing.T) { testReadingHeals(t, pg) })
	t.Run("away while idle", func(t *testing.T) { testAwayWhileIdle(t, pg) })
	t.Run("outage", func(t *testing.T) { testOutage(t, pg) })
	t.Run("policies and flags", func(t *testing.T) { testControl(t, pg.dsn("control")) })
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

// What only a session says that others use is explained.
func TestSharedSessions(t *testing.T) {
	for code, shared := range map[string]bool{"42P05": true, "26000": true, "42P01": false} {
		err := sharing(&pgconn.PgError{Code: code})
		if strings.Contains(err.Error(), "sessions are shared") != shared || !strings.Contains(err.Error(), code) {
			t.Error(err)
		}
	}
}

// Pages are bounded in rows and in bytes, and what comes twice, after an error, does
// no harm.
func testPages(t *testing.T, pg *postgres) {
	s, err := openPostgres(t.Context(), Options{StoreDSN: pg.dsn("pages")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close() //nolint:errcheck // never fails
	big := `[{"kind":"operator","trace":"` + strings.Repeat("x", 900_000) + `"}]`
	var es []entry
	for i := range 5000 {
		es = append(es, entry{saga: "many", n: i + 1, text: `[]`})
	}
	for i := range 12 {
		es = append(es, entry{saga: "big", n: i + 1, text: big})
	}
	for range 2 {
		if err := s.append(t.Context(), es); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[string]int{"many": 5000, "big": 12, "none": 0} {
		n := 0
		err = s.load(t.Context(), id, func(e entry) error {
			if n++; e.saga != id || e.n != n || e.damage != nil {
				t.Errorf("%s: %d where %d was expected: %v", id, e.n, n, e.damage)
			}
			return nil
		})
		if err != nil || n != want {
			t.Error(id, n, err)
		}
	}
}

func testPostgresRecovery(t *testing.T, pg *postgres) {
	for n := range 8 {
		schema := fmt.Sprint("recovery", n)
		p := NewParticipant(t, Scripted("c * 422, b.undo 1 -1, a 1 503"))
		def := p.Define("s", "a compensatable", "b compensatable", "c compensatable")
		s, err := openPostgres(t.Context(), Options{StoreDSN: pg.dsn(schema)})
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
		e = OpenTest(t, Options{StoreDSN: pg.dsn(schema)})
		SubmitTest(t, e, def)
		AwaitStatus(t, e, "s", saga.Compensated)
		if left := p.Left("s"); len(left) > 0 {
			t.Errorf("after %d commits: effects left %v", n, left)
		}
	}
}

// The server dies under sagas that run, is away for a while, and comes back.
func testOutage(t *testing.T, pg *postgres) {
	hold := make(chan struct{})
	p := NewParticipant(t, func(c SeenCall) int {
		if c.Op == "b" {
			<-hold
		}
		return 0
	})
	e := OpenTest(t, Options{StoreDSN: pg.dsn("outage")})
	const n = 20
	for i := range n {
		SubmitTest(t, e, p.Define(fmt.Sprint("s", i), "a compensatable", "b compensatable", "c pivot"))
	}
	p.AwaitCall(t, "b", n)
	pg.stop(t, syscall.SIGQUIT)
	close(hold) // the answers arrive while the store is away
	began := time.Now()
	if err := e.Submit(t.Context(), p.Define("late", "a compensatable")); !errors.Is(err, ErrUnavailable) || time.Since(began) > 2*submitPatience {
		t.Fatal("without a store:", err, time.Since(began))
	}
	if c := p.Of("c"); len(c) > 0 {
		t.Error(len(c), "calls left without a durable intent")
	}
	pg.start(t)
	for { // as a client does
		err := e.Submit(t.Context(), p.Define("late", "a compensatable"))
		if err == nil {
			break
		}
		if !errors.Is(err, ErrUnavailable) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	for i := range n {
		AwaitStatus(t, e, fmt.Sprint("s", i), saga.Completed)
	}
	for _, op := range []string{"b", "c"} {
		if got := len(p.Of(op)); got != n {
			t.Errorf("%d calls of %s, want %d", got, op, n)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = OpenTest(t, Options{StoreDSN: pg.dsn("outage")})
	for i := range n {
		AwaitStatus(t, e, fmt.Sprint("s", i), saga.Completed)
	}
}
