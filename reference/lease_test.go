package reference

import (
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/testpostgres"
	"github.com/sagacheck/sagacheck/saga"
)

// expired ends the lease of whoever owns the store, as if it had been silent for long.
const expired = `UPDATE sagacheck_owner SET expires = '-infinity'`

// longLease: no heartbeat comes in between.
const longLease = 5 * time.Minute

// However often the owner changes under a call, healthy sagas are not undone.
func testTakeoverIsNoAttempt(t *testing.T, pg *testpostgres.Server) {
	calls := make(chan struct{}, 100)
	release := make(chan struct{})
	p := NewParticipant(t, func(SeenCall) int {
		calls <- struct{}{}
		<-release
		return 0
	})
	o := Options{StoreDSN: pg.DSN("fight"), Lease: longLease}
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
		pg.Exec(t, "fight", expired)
	}
	close(release)
	AwaitStatus(t, e, "s", saga.Completed)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}
