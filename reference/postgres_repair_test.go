package reference

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sagacheck/sagacheck/internal/testpostgres"
	"github.com/sagacheck/sagacheck/saga"
)

// A person can look at a database while an executor is at work on it, and repair what
// is damaged when none is.
func testPostgresRepair(t *testing.T, pg *testpostgres.Server) {
	const schema = "repair"
	hold := make(chan struct{})
	p := NewParticipant(t, func(c SeenCall) int {
		if c.Op == "b" {
			<-hold
		}
		return 0
	})
	e := OpenTest(t, Options{StoreDSN: pg.DSN(schema)})
	for _, id := range []string{"kept", "lost", "well"} {
		SubmitTest(t, e, p.Define(id, "a compensatable", "b compensatable"))
	}
	p.AwaitCall(t, "b", 3)
	list, err := Inspect(t.Context(), pg.DSN(schema), "")
	if err != nil || len(list) != 3 || list[0].ID != "kept" || list[0].Status != saga.Running || list[0].Damage != nil {
		t.Fatalf("%+v, %v", list, err)
	}
	if err := RepairSaga(t.Context(), pg.DSN(schema), "lost", SetAside); err == nil || !strings.Contains(err.Error(), "an executor is at work") {
		t.Error(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	close(hold)
	conn, err := pgx.Connect(t.Context(), pg.DSN(schema))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `UPDATE sagacheck_journal SET records = '{' WHERE saga = 'lost' OR saga = 'kept' AND n = 2`); err != nil {
		t.Fatal(err)
	}
	for id, how := range map[string]Repair{"lost": SetAside, "kept": KeepReadable} {
		if list, err := Inspect(t.Context(), pg.DSN(schema), id); err != nil || list[0].Status != saga.Stuck || list[0].Damage == nil {
			t.Errorf("%+v, %v", list, err)
		}
		if err := RepairSaga(t.Context(), pg.DSN(schema), id, how); err != nil {
			t.Error(id, err)
		}
	}
	if err := RepairSaga(t.Context(), pg.DSN(schema), "well", SetAside); err == nil || !strings.Contains(err.Error(), "nothing to repair") {
		t.Error(err)
	}
	var aside int
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM sagacheck_set_aside WHERE saga = 'lost' AND n = 1`).Scan(&aside); err != nil || aside != 1 {
		t.Error(aside, "entries set aside", err)
	}
	e = OpenTest(t, Options{StoreDSN: pg.DSN(schema)})
	AwaitStatus(t, e, "kept", saga.Completed)
	AwaitStatus(t, e, "well", saga.Completed)
	if _, err := e.Status("lost"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}
