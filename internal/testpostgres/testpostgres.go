// Package testpostgres runs a PostgreSQL server of a test's own. It is for tests only, and
// does not import testing, so that no program of ours comes to.
package testpostgres

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
	"syscall"

	"github.com/jackc/pgx/v5"
)

// TB is what is needed of a *testing.T.
type TB interface {
	Helper()
	Cleanup(f func())
	Failed() bool
	Error(args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
}

// Server is a private server on 127.0.0.1.
type Server struct {
	Port      string
	bin, data string
	log       string // what it says
	cred      *syscall.Credential
	cmd       *exec.Cmd
	gone      chan error
}

// New makes a database cluster in a temporary folder and starts it, as
// another user if we are root, since the server refuses to run as root.
func New(t TB) *Server {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		t.Fatal("no PostgreSQL under /usr/lib/postgresql: apt-get install postgresql")
	}
	p := &Server{bin: filepath.Dir(found[len(found)-1])}
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
	_, p.Port, _ = net.SplitHostPort(l.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	p.Start(t)
	t.Cleanup(func() { p.Stop(t, syscall.SIGINT) })
	return p
}

func otherUser(t TB) *syscall.Credential {
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

func (p *Server) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(p.bin, name), args...)
	c.Dir = filepath.Dir(p.data)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: p.cred, Pdeathsig: syscall.SIGQUIT}
	return c
}

// Start starts it again.
func (p *Server) Start(t TB) {
	t.Helper()
	p.cmd = p.command("postgres", "-D", p.data, "-p", p.Port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=")
	p.gone = make(chan error, 1)
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close() //nolint:errcheck // who writes has it open, too
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func(c *exec.Cmd, gone chan error) { gone <- c.Wait() }(p.cmd, p.gone)
}

// Stop ends the server: SIGINT in order, SIGQUIT like a crash.
func (p *Server) Stop(t TB, sig syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	<-p.gone //nolint:errcheck // it was told to end
	p.gone <- nil
}

// DSN names a schema of its own.
func (p *Server) DSN(schema string) string {
	return fmt.Sprintf("postgres://tester@127.0.0.1:%s/postgres?search_path=%s&connect_timeout=2", p.Port, schema)
}

// Exec carries a statement out in a schema.
func (p *Server) Exec(t TB, schema, statement string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, p.DSN(schema))
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(ctx, statement)
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		t.Fatal(err)
	}
}
