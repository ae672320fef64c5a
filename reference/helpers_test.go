package reference

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/saga"
)

// The participant of the tests.
type (
	Participant = testparticipant.Participant
	SeenCall    = testparticipant.Call
)

var (
	NewParticipant = testparticipant.New
	Scripted       = testparticipant.Scripted
	retry          = testparticipant.Retry
	steps          = testparticipant.Steps
)

func OpenTest(t testing.TB, o Options) *Executor {
	t.Helper()
	if o.StoreDSN == "" {
		o.StoreDSN = filepath.Join(t.TempDir(), "sagas.db")
	}
	e, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func SubmitTest(t testing.TB, e *Executor, d saga.Definition) {
	t.Helper()
	if err := e.Submit(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// await polls the status until it fits: the executor tells nobody by itself.
func await(t testing.TB, e *Executor, id string, fits func(saga.Report) bool) saga.Report {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(15 * time.Second)
	for {
		r, err := e.Status(id)
		if err == nil && fits(r) {
			return r
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("saga %q: %+v, %v", id, r, err)
		}
	}
}

func AwaitStatus(t testing.TB, e *Executor, id string, want saga.Status) saga.Report {
	t.Helper()
	return await(t, e, id, func(r saga.Report) bool { return r.Status == want })
}
