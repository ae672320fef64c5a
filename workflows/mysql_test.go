package workflows

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestAskMySQL asks a real server, MariaDB's.
func TestAskMySQL(t *testing.T) {
	server, err := exec.LookPath("/usr/sbin/mariadbd")
	if err != nil {
		t.Fatal("no MariaDB: apt-get install mariadb-server")
	}
	base, err := os.MkdirTemp("", "sagacheck-mysql-*") // that of the test is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(base); err != nil {
			t.Error(err)
		}
	})
	as := otherUser(t, "mysql", base)
	data, port, users := filepath.Join(base, "data"), freePort(t), filepath.Join(base, "users.sql")
	install := exec.CommandContext(t.Context(), "mariadb-install-db", "--no-defaults", "--datadir="+data, "--skip-test-db", "--auth-root-authentication-method=normal")
	install.Dir, install.SysProcAttr = base, as
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("mariadb-install-db: %v\n%s", err, out)
	}
	const made = "create database shop;\ncreate user tester@localhost identified by 's:cr@t';\ngrant all on shop.* to tester@localhost;\n"
	if err := os.WriteFile(users, []byte(made), 0o644); err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), server, "--no-defaults", "--datadir="+data, "--port="+port, "--bind-address=127.0.0.1",
		"--socket="+filepath.Join(base, "s"), "--init-file="+users)
	run.Dir, run.SysProcAttr = base, as
	dsn := "mysql://tester:s%3Acr%40t@127.0.0.1:" + port + "/shop"
	askServer(t, run, dsn, "mysql", "tester:s:cr@t@tcp(127.0.0.1:"+port+")/shop")

	slow := ownInvariant(t, t.TempDir(), fmt.Sprintf(`{name: a, settled: {sql: "select sleep(60)", dsn: %q}, expect: "true"}`, dsn))
	slow.conditions[0].limit = 200 * time.Millisecond
	if _, err := judged(t.Context(), slow); err == nil {
		t.Error("a question without an answer is none")
	}
	endServer(t, run)
	unanswered(t, t.TempDir(), fmt.Sprintf(anyDatabase[0], dsn), "invariant a: mysql 127.0.0.1:"+port+"/shop: ", "connection refused")
}
