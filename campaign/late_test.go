package campaign

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/internal/tinyorch"
	"github.com/sagacheck/sagacheck/results"
)

// TestLateTravels: what a worker has heard too late goes with what it tells of a cell.
func TestLateTravels(t *testing.T) {
	late := harness.Late{Calls: 2, After: time.Second, First: "charge.undo", Saga: "c-1"}
	tries := []harness.Result{{Cell: harness.Cell{ID: "c"}, Spoilt: true}, {Cell: harness.Cell{ID: "c.2"}}}
	body, err := pack(tries, late)
	if err != nil {
		t.Fatal(err)
	}
	got, told, err := unpack(body, harness.Cell{ID: "c"}, t.TempDir())
	if err != nil || len(got) != 2 || told != late {
		t.Errorf("got %d runs, %+v, %v", len(got), told, err)
	}
}

// TestLateOfWorkers: what several workers have heard too late is told once, together.
func TestLateOfWorkers(t *testing.T) {
	m := &remote{late: map[string]harness.Late{}}
	r := &round{remote: m}
	for _, o := range []outcomes{
		{worker: "a", late: harness.Late{Calls: 2, After: 2 * time.Second, First: "charge.undo", Saga: "c-1"}},
		{worker: "a", late: harness.Late{Calls: 1, After: time.Second, First: "charge.undo", Saga: "c-1"}}, // was told before, and came later
		{worker: "b", late: harness.Late{Calls: 3, After: 3 * time.Second, First: "ship.undo", Saga: "c-2"}},
	} {
		r.hand(o)
	}
	if sum := m.heardLate(); sum.Calls != 5 || sum.After != 3*time.Second || sum.First == "" {
		t.Errorf("got %+v", sum)
	}
}

// TestLateRunIsNotGreen: an orchestrator that gives back what it gave back before, when its saga
// has long ended, makes no run green.
func TestLateRunIsNotGreen(t *testing.T) {
	o := tinyorch.New(tinyorch.Bugs{UndoAgain: 1500 * time.Millisecond})
	defer o.Close()
	srv := httptest.NewServer(o)
	defer srv.Close()
	s := Defaults()
	s.Orchestrator, s.Scenarios, s.Out = srv.URL, []string{"order"}, t.TempDir()
	done, err := Run(t.Context(), Host{}, RunOptions{Settings: s, Curated: true, Shard: results.Shard{I: 1, N: 6}})
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Join(done.Run.Errors, "\n")
	if done.Run.Summary.Exit != results.ExitSystem || !strings.Contains(said, " came for sagas whose cells were over") || !strings.Contains(said, "--quiet") {
		t.Errorf("exit %d, errors %q", done.Run.Summary.Exit, said)
	}
}
