package workflows

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// TestAskPostgres asks a real server.
func TestAskPostgres(t *testing.T) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		t.Fatal("no PostgreSQL under /usr/lib/postgresql: apt-get install postgresql")
	}
	bin, port := filepath.Dir(found[len(found)-1]), freePort(t)
	base, err := os.MkdirTemp("", "sagacheck-postgres-*") // that of the test is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(base); err != nil {
			t.Error(err)
		}
	})
	as := otherUser(t, "postgres", base)
	data := filepath.Join(base, "data")
	pass := filepath.Join(base, "password")
	if err := os.WriteFile(pass, []byte("s:cr@t"), 0o644); err != nil {
		t.Fatal(err)
	}
	initdb := exec.CommandContext(t.Context(), found[len(found)-1], "-D", data, "-A", "scram-sha-256", "-U", "tester", "--pwfile", pass, "--no-sync", "-E", "UTF8", "--locale=C")
	initdb.Dir, initdb.SysProcAttr = base, as
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	server := exec.CommandContext(t.Context(), filepath.Join(bin, "postgres"), "-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=")
	server.Dir, server.SysProcAttr = base, as
	dsn := "postgres://tester:s%3Acr%40t@127.0.0.1:" + port + "/postgres"
	askServer(t, server, dsn, "pgx", dsn)

	dir := t.TempDir()
	for _, q := range []string{
		`{name: a, settled: {sql: "select :id::int + 1 n, '{\"a\": [1]}'::jsonb j, true b", dsn: %q}, expect: "rows[0].n == 8 and rows[0].j.a[0] == 1 and rows[0].b"}`,
		`{name: a, settled: {sql: "select $$:id$$ x, E'\\':id' y, :id::text || '::id' z", dsn: %q}, expect: 'rows[0].x == ":id" and rows[0].y == "\u0027:id" and rows[0].z == "7::id"'}`,
		`{name: a, settled: {sql: "select '{\"a\": 1}'::jsonb ? 'a' x", dsn: %q}, expect: "rows[0].x"}`,
	} {
		holds(t, dir, fmt.Sprintf(q, dsn))
	}
	slow := ownInvariant(t, dir, fmt.Sprintf(`{name: a, settled: {sql: "select pg_sleep(60)", dsn: %q}, expect: "true"}`, dsn))
	slow.conditions[0].limit = 200 * time.Millisecond
	if _, err := judged(t.Context(), slow); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a question without an answer: %v", err)
	}
	endServer(t, server)
	down := fmt.Sprintf(anyDatabase[0], dsn)
	unanswered(t, dir, down, "invariant a: postgres 127.0.0.1:"+port+"/postgres: ", "connection refused")
}

// askServer starts a database server, and asks it what any database is asked.
func askServer(t *testing.T, server *exec.Cmd, dsn, driver, source string) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	server.Stdout, server.Stderr = out, out
	server.Cancel = func() error { return server.Process.Signal(syscall.SIGQUIT) }
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { endServer(t, server) })
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for until := time.Now().Add(time.Minute); db.PingContext(t.Context()) != nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			said, _ := os.ReadFile(log)
			t.Fatalf("%v: not ready: %v\n%s", server.Args, db.PingContext(t.Context()), said)
		}
	}
	for _, s := range []string{table, row} {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	askDatabase(t, t.TempDir(), dsn)
}

// endServer ends it, if it has not ended.
func endServer(t *testing.T, server *exec.Cmd) {
	t.Helper()
	if server.ProcessState != nil {
		return
	}
	err := server.Process.Signal(syscall.SIGQUIT)
	if waited := server.Wait(); waited != nil && server.ProcessState == nil {
		err = errors.Join(err, waited)
	}
	if err != nil {
		t.Error(err)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// otherUser is a user other than root, which a server refuses to be, and gives them a
// folder.
func otherUser(t *testing.T, name, dir string) *syscall.SysProcAttr {
	t.Helper()
	as := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Getuid() != 0 {
		return as
	}
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2, os.Chown(dir, int(uid), int(gid))); err != nil {
		t.Fatal(err)
	}
	as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return as
}
