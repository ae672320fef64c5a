// Package track_test shows what docs/track-record.md claims: each scenario that
// was taken from a public thread is red with its planted defect, found by the
// checker in its row, and not red without. It drives the reference executor as a
// process of its own, since many threads begin with a crash.
package track_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/scenarios"
)

var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "sagacheck-track-*")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
		program = filepath.Join(dir, "sagacheck")
		if out, err := exec.Command("go", "build", "-o", program, "github.com/sagacheck/sagacheck/cmd/sagacheck").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
			return 1
		}
		// Most of a cell is waiting, so more run at once than there are cores.
		if err := flag.Set("test.parallel", "6"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

func TestThreads(t *testing.T) {
	for _, s := range scenarios.Threads() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			if v := judge(t, s); v.Outcome == checkers.Violation {
				t.Errorf("without a defect: %s is violated: %+v", v.Property, v.Witnesses)
			}
			// On a busy machine a run may lack the proof that an answer was read.
			for range 3 {
				v := judge(t, s, "--defect", s.Thread.Defect)
				if v.Outcome == checkers.Violation {
					return
				}
				t.Logf("with the defect %s: %s is %s (%s)", s.Thread.Defect, v.Property, v.Outcome, v.Reason)
			}
			t.Errorf("with the defect %s: %s was not violated in three runs", s.Thread.Defect, s.Thread.Checker)
		})
	}
}

// judge runs the thread's plan once and gives the verdict of its checker.
func judge(t *testing.T, s *scenarios.Scenario, args ...string) checkers.Verdict {
	t.Helper()
	ctx := t.Context()
	system, err := orchestrators.Start(ctx, "reference", orchestrators.Options{Dir: t.TempDir(), Self: program, Args: args})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := system.Stop(ctx); err != nil {
			t.Error(err)
		}
	}()
	var plan faults.Plan
	if err := json.Unmarshal(s.Thread.PlanJSON(), &plan); err != nil {
		t.Fatal(err)
	}
	// The one cell may kill the one process there is.
	start := func(ctx context.Context) (orchestrators.System, error) { return kept{system}, nil }
	h, err := harness.New(harness.Options{System: system, Start: start, Settle: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	r := h.RunCell(ctx, harness.Cell{
		ID: s.Name, Scenario: s.Name, Source: s, Sagas: s.Sagas, Plan: plan,
		Profile: participants.Profile(s.Thread.Profile()), Seed: 1,
	})
	if err := errors.Join(r.Err, h.Close()); err != nil {
		t.Fatal(err)
	}
	for _, v := range checkers.Judge(r.History, checkers.All()) {
		if v.Property == s.Thread.Checker {
			return v
		}
	}
	t.Fatalf("no checker named %q", s.Thread.Checker)
	return checkers.Verdict{}
}

// kept is a system that the harness may use but not end.
type kept struct{ orchestrators.System }

func (kept) Stop(context.Context) error { return nil }
