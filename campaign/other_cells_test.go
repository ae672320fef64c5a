package campaign

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/results"
)

// overwrite puts the history of a cell in the place of another's.
func overwrite(t *testing.T, dir string, victim, other results.Cell) (file string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, other.History))
	file = filepath.Join(dir, victim.History)
	if err == nil {
		err = os.WriteFile(file, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// The history of another cell is no proof for the one whose name the file has.
func TestCheckRefusesOtherCells(t *testing.T) {
	o := drawnRun(t, 2)
	o.Properties = []string{"key-misuse"}
	ran, err := Run(t.Context(), testHost(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := ran.Run.MarkEnd(); err != nil {
		t.Fatal(err)
	}
	file := overwrite(t, ran.Dir, ran.Run.Cells[0], ran.Run.Cells[1])
	_, err = Check(t.Context(), testHost(), CheckOptions{Paths: []string{ran.Dir}, Out: o.Out})
	var bad *Error
	if !errors.As(err, &bad) || bad.Exit != results.ExitUsage || !strings.Contains(err.Error(), file+":1: cell: ") || !strings.Contains(err.Error(), results.CellsFile+":") {
		t.Errorf("%v\nexpected exit %d, and %s and %s", err, results.ExitUsage, file, results.CellsFile)
	}
}

// Who goes on with an exploration runs a plan again in whose place another plan's history lies.
func TestResumeRunsOtherPlansAgain(t *testing.T) {
	o := ExploreOptions{Settings: Defaults(), Depth: 1, MaxPlans: 3}
	o.Scenarios, o.Properties, o.Out = []string{"single-step"}, []string{"key-misuse"}, t.TempDir()
	before, err := Explore(t.Context(), testHost(), o)
	if err != nil {
		t.Fatal(err)
	}
	cells := before.Run.Cells
	file := overwrite(t, before.Dir, cells[1], cells[0])
	host := testHost()
	var said []string
	host.Say = func(line string) { said = append(said, line) }
	o.Resume = filepath.Join(before.Dir, ExploreLog)
	after, err := Explore(t.Context(), host, o)
	if err != nil {
		t.Fatal(err)
	}
	want := cells[1].PlanID + " of single-step is run again: " + file + ":1: plan_id: "
	if all := strings.Join(said, "\n"); !strings.Contains(all, want) || strings.Count(all, "is run again") != 1 {
		t.Errorf("said %q\nexpected %q, and of no other", all, want)
	}
	if n := len(after.Run.Cells); n != len(cells) {
		t.Errorf("%d cells, expected %d", n, len(cells))
	}
}
