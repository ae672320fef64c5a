package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/results"
)

// diesWithoutItsStore kills the executor while its database is out of reach, so that
// it has to recover against the outage, and once more afterwards.
const diesWithoutItsStore = `faults:
  - {kind: store-outage, from_ms: 0, for_ms: 250}
  - {kind: crash-orchestrator, at: reserve#1@commit, delay_ms: 5}
  - {kind: crash-orchestrator, at: ship#1@response, delay_ms: 5}
`

// postgresWithDefect is the manifest of the reference executor on PostgreSQL with a
// planted defect.
func postgresWithDefect(t *testing.T, defect string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "reference-postgres")
	if err := os.CopyFS(dir, os.DirFS("../../engines/reference-postgres")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, orchestrators.ManifestName)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	with := bytes.Replace(b, []byte("reference, serve,"), []byte("reference, serve, --defect, "+defect+","), 1)
	if bytes.Equal(with, b) {
		t.Fatalf("%s: no command to add the defect to", file)
	}
	if err := os.WriteFile(file, with, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// CI plants a defect here too: a control that can't fail proves nothing.
func TestCrashAndOutageOfPostgres(t *testing.T) {
	t.Parallel()
	args := []string{"run", "--scenario", "order", "--plan", planFile(t, diesWithoutItsStore), "--settle", "3s", "--shrink=false", "--replays", "0"}
	for _, p := range []string{"stuck-saga", "lost-saga", "partial-success", "duplicate-effect"} {
		args = append(args, "--property", p)
	}
	t.Run("ends all the same", func(t *testing.T) {
		code, report, output := command(t, append(args, "--orchestrator", "reference-postgres")...)
		// One plan proves some clauses only, so the run is not green; all that was judged held.
		if n := report.Totals; code != results.ExitUnproven || n.Passed != 1 || n.FaultsFired != 3 {
			t.Errorf("exit %d, %+v\n%s", code, n, output)
		}
		for property, clause := range map[string]string{"stuck-saga": "after-crash", "lost-saga": "after-crash", "partial-success": "completed-after-crash"} {
			if !held(report, property, clause) {
				t.Errorf("%s: its clause %s was not judged\n%s", property, clause, output)
			}
		}
	})
	t.Run("no-recovery is found", func(t *testing.T) {
		code, report, output := command(t, append(args, "--orchestrator", postgresWithDefect(t, "no-recovery"))...)
		stuck := slices.ContainsFunc(report.Results, func(r results.Result) bool {
			return r.Property == "stuck-saga" && r.Verdict == checkers.Violation
		})
		if code != results.ExitViolation || !stuck {
			t.Errorf("exit %d\n%s", code, output)
		}
	})
}

// held tells whether a clause was judged in a run, and broken nowhere.
func held(r *results.Run, property, clause string) bool {
	return slices.ContainsFunc(r.Properties, func(p results.Property) bool {
		return p.Name == property && slices.ContainsFunc(p.Clauses, func(c checkers.Count) bool {
			return c.Clause == clause && c.Held > 0 && c.Broken == 0
		})
	})
}
