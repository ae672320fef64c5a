package workflows

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// ownInvariant is a workflow with one invariant that asks.
func ownInvariant(t *testing.T, dir, invariant string) *Workflow {
	t.Helper()
	file := filepath.Join(dir, "workflow.yaml")
	text := `
name: shop
system: {base: "http://127.0.0.1:1"}
start: {request: POST /orders}
outcome: {request: "GET /orders/${id}", status: answer.body, statuses: {DONE: completed}}
services: {pay: {listen: "127.0.0.1:9", operations: {charge: {request: POST /payments, saga: request.body.id}}}}
invariants:
  - ` + invariant + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// judged is what becomes of the invariant for the saga s-1, which the workflow calls 7.
func judged(ctx context.Context, w *Workflow) (Checked, error) {
	all, err := w.Check(ctx, Facts{Saga: SagaVars{ID: "s-1", Own: "7"}}, func(s string) string { return s }, time.Now())
	if len(all) == 0 {
		return Checked{}, err
	}
	return all[0], err
}

// holds checks that the invariant is true.
func holds(t *testing.T, dir, invariant string) {
	t.Helper()
	if c, err := judged(t.Context(), ownInvariant(t, dir, invariant)); err != nil || !c.Holds {
		t.Errorf("%s\n%+v %v", invariant, c, err)
	}
}

// unanswered checks that the invariant can't be judged, and why.
func unanswered(t *testing.T, dir, invariant string, why ...string) {
	t.Helper()
	c, err := judged(t.Context(), ownInvariant(t, dir, invariant))
	for _, part := range why {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s\ngot %+v %v\nexpected the error %s", invariant, c, err, part)
		}
	}
}

// table is the same in every database: one order, that of saga s-1.
const table = `create table orders (id varchar(20), customer varchar(20), amount decimal(12,2), parts int, paid boolean, note varchar(40))`

const row = `insert into orders values ('7', 's-1', 4200.50, 3, true, 'what? :id')`

// anyDatabase are questions that every database answers alike.
var anyDatabase = []string{
	`{name: a, settled: {sql: "select count(*) n from orders where id = :id", dsn: %q}, expect: "rows[0].n == 1"}`,
	`{name: a, settled: {sql: "select count(*) n from orders", dsn: %q}, expect: "rows[0].n == 1"}`,
	`{name: a, settled: {sql: "select sum(amount) s, sum(parts) p, max(parts) m from orders where customer = :saga or id = :id or customer = :saga", dsn: %q}, expect: "rows[0].s == 4200.5 and rows[0].p == 3 and rows[0].m == 3"}`,
	`{name: a, settled: {sql: "select note from orders where note = 'what? :id' /* :nobody */ and id = :id -- :x", dsn: %q}, expect: 'rows[0].note == "what? :id"'}`,
	`{name: a, settled: {sql: "select count(*) n from orders where parts = 3 and id <> :saga", dsn: %q}, expect: "rows[0].n == 1"}`,
	`{name: a, settled: {sql: "select id from orders where id = 'none'", dsn: %q}, expect: "len(rows) == 0"}`,
}

func askDatabase(t *testing.T, dir, dsn string) {
	t.Helper()
	for _, q := range anyDatabase {
		holds(t, dir, fmt.Sprintf(q, dsn))
	}
	unanswered(t, dir, fmt.Sprintf(`{name: a, settled: {sql: "select nothing from orders", dsn: %q}, expect: "true"}`, dsn), "invariant a: ", "nothing")
	unanswered(t, dir, fmt.Sprintf(`{name: a, settled: {sql: "select id from orders where id = 'none'", dsn: %q}, expect: 'rows[0].id == "7"'}`, dsn), "invariant a: ", "rows: []")
	unanswered(t, dir, fmt.Sprintf(`{name: a, settled: {sql: "delete from orders where id = :id", dsn: %q}, expect: "true"}`, dsn), "invariant a: ")
	holds(t, dir, fmt.Sprintf(anyDatabase[0], dsn))
}

// TestAskSQLite: the path is a path, whatever is in it, and relative to the file.
func TestAskSQLite(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"shop.db", "what? 100%#.db"} {
		db, err := sql.Open("sqlite", filepath.Join(dir, "plain.db"))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{table, row} {
			if _, err := db.ExecContext(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(db.Close(), os.Rename(filepath.Join(dir, "plain.db"), filepath.Join(dir, name))); err != nil {
			t.Fatal(err)
		}
		askDatabase(t, dir, "sqlite:"+filepath.Join(dir, name))
		askDatabase(t, dir, "sqlite:"+name)
	}
	unanswered(t, dir, `{name: a, settled: {sql: "select amount, paid from orders where id = 'nobody'", dsn: "sqlite:shop.db"}, expect: "all(rows, .amuont > 0)"}`, "invariant a: ", "column amuont of rows: the query gives amount, paid")
	unanswered(t, dir, `{name: a, settled: {sql: "select 1 n", dsn: "sqlite:missing.db"}, expect: "true"}`, "invariant a: ", "sqlite:missing.db: unable to open database file")
	if _, err := os.Stat(filepath.Join(dir, "missing.db")); err == nil {
		t.Error("missing.db was made")
	}
}

func TestAskCommand(t *testing.T) {
	dir := t.TempDir()
	script := "#!/bin/sh\ncase $1 in\nword) echo ok;;\nprint) echo \"{\\\"id\\\": \\\"$2\\\"}\";;\nfail) echo no such order >&2; exit 3;;\nlong) head -c 2000000 /dev/zero;;\nhang) sleep 60 & sleep 60;;\nleave) sleep 60 & echo 1;;\nesac\n"
	if err := os.WriteFile(filepath.Join(dir, "look.sh"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	holds(t, dir, `{name: a, settled: {command: [./look.sh, print, "${id}"]}, expect: 'output.id == "7"'}`)
	holds(t, dir, `{name: a, settled: {command: [./look.sh, word]}, expect: 'output == "ok"'}`)
	holds(t, dir, `{name: a, settled: {command: [./look.sh, fail]}, expect: "code == 3"}`)
	holds(t, dir, `{name: a, settled: {command: [./look.sh, print, x]}, expect: "code == 0"}`)
	unanswered(t, dir, `{name: a, settled: {command: [./look.sh, fail]}, expect: "output == nil"}`, "invariant a: ./look.sh: exit status 3: no such order")
	unanswered(t, dir, `{name: a, settled: {command: [./look.sh, long]}, expect: "true"}`, "it said more than")
	unanswered(t, dir, `{name: a, settled: {command: [./nobody.sh]}, expect: "code == 1"}`, "./nobody.sh", "no such file")
	unanswered(t, dir, `{name: a, settled: {command: [./look.sh, leave]}, expect: "true"}`, "WaitDelay")
}

// TestAskCommandEnds: a command that hangs, and what it started, is ended by the limit and
// by an interrupt.
func TestAskCommandEnds(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "hang.sh"), []byte("#!/bin/sh\nsleep 60 &\necho here >$1\nwait\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	w := ownInvariant(t, dir, `{name: a, settled: {command: [./hang.sh, started]}, expect: "true"}`)
	w.conditions[0].limit = 100 * time.Millisecond
	if _, err := judged(t.Context(), w); err == nil || !strings.Contains(err.Error(), "invariant a: no answer within 100ms: ./hang.sh: context deadline exceeded") {
		t.Errorf("the limit: %v", err)
	}
	w = ownInvariant(t, dir, `{name: a, settled: {command: [./hang.sh, again]}, expect: "true"}`)
	ctx, interrupt := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := judged(ctx, w)
		done <- err
	}()
	for {
		if _, err := os.Stat(filepath.Join(dir, "again")); err == nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	interrupt()
	if err := <-done; !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "no answer within") {
		t.Errorf("an interrupt: %v", err)
	}
}

// TestAskedAgain: what follows the last call a little later is asked for again, and no longer
// than it is waited for.
func TestAskedAgain(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"done": %v}`, asked.Add(1) > 3)
	}))
	defer s.Close()
	for until, want := range map[time.Duration]bool{0: false, time.Minute: true} {
		asked.Store(0)
		w := ownInvariant(t, t.TempDir(), fmt.Sprintf(`{name: a, settled: {http: "GET %s/"}, expect: "answer.body.done"}`, s.URL))
		all, err := w.Check(t.Context(), Facts{}, func(s string) string { return s }, time.Now().Add(until))
		if err != nil || all[0].Holds != want {
			t.Errorf("asked for %v: %+v %v", until, all, err)
		}
	}
}

// TestAlways: what always holds is judged by what was known after each effect, and at the end.
func TestAlways(t *testing.T) {
	effect, call := map[string]any{"step": "charge"}, map[string]any{"step": "charge", "code": 201}
	f := Facts{Effects: []any{effect, effect}, Calls: []any{call, call}, Before: []int{0, 1}}
	for src, want := range map[string]bool{
		"len(calls) <= len(effects)": true,
		"len(effects) <= 1":          false,
		"len(calls) < 2":             false, // at the end
		"len(calls) != 1":            false, // after the second effect
	} {
		w := ownInvariant(t, t.TempDir(), fmt.Sprintf("{name: a, always: '%s'}", src))
		all, err := w.Check(t.Context(), f, func(s string) string { return s }, time.Now())
		if err != nil || all[0].Holds != want {
			t.Errorf("%s: %+v %v", src, all, err)
		}
	}
}

// TestOddOwnID: a name that means something in a URL arrives whole, in a path and in a query.
func TestOddOwnID(t *testing.T) {
	const odd = "a/b?c=d&e#f +g"
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Seen", r.PathValue("id")+" "+r.URL.Query().Get("id"))
	}))
	defer s.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("/orders/{id}", s.Config.Handler.ServeHTTP)
	s.Config.Handler = mux
	w := ownInvariant(t, t.TempDir(), fmt.Sprintf(`{name: a, settled: {http: "GET %s/orders/${id}?id=${id}"}, expect: 'answer.headers["X-Seen"] == id + " " + id'}`, s.URL))
	all, err := w.Check(t.Context(), Facts{Saga: SagaVars{ID: "s-1", Own: odd}}, func(s string) string { return s }, time.Now())
	if err != nil || !all[0].Holds {
		t.Errorf("%+v %v", all, err)
	}
}

// TestAskHTTP: a part of an answer is not judged as if it were all of it.
func TestAskHTTP(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/long" {
			_, _ = w.Write(make([]byte, 2*mostAnswered)) // who asks has read enough
			return
		}
		fmt.Fprintf(w, `{"saga": %q, "pad": %q}`, r.URL.Query().Get("saga"), strings.Repeat("x", 2*mostSeen))
	}))
	defer s.Close()
	dir := t.TempDir()
	holds(t, dir, fmt.Sprintf(`{name: a, settled: {http: "GET %s/orders?saga=${saga.id}"}, expect: 'answer.code == 200 and answer.body.saga == "s-1"'}`, s.URL))
	unanswered(t, dir, fmt.Sprintf(`{name: a, settled: {http: "GET %s/long"}, expect: "true"}`, s.URL), "it said more than")
	unanswered(t, dir, `{name: a, settled: {http: "GET http://127.0.0.1:1/"}, expect: "true"}`, "invariant a: ", "connection refused")
}
