package reports_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/reports"
)

var update = flag.Bool("update", false, "rewrite the goldens and the schema")

// golden compares with testdata/name, or rewrites it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	compareFile(t, filepath.Join("testdata", name), got)
}

func compareFile(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; if that is right, run go test ./reports -update\ngot:\n%s", path, got)
	}
}

var started = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// docs are the selected properties of the tests.
var docs = []checkers.Doc{
	{Name: "duplicate-effect", Definition: "one operation has more than one effect"},
	{Name: "lost-compensation", Definition: "an effect was not undone"},
	{Name: "breaker-violation", Definition: "calls past an open circuit"},
	{Name: "redundant-call", Definition: "sent again after success", Advice: true},
}

func lostAnswer(t *testing.T) *history.History {
	t.Helper()
	h, err := loadText("testdata/lost-answer.history.txt")
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func loadText(path string) (*history.History, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return history.ParseText(f)
}

// quiet is a history without a fault.
func quiet(t *testing.T, scenario, cell string) *history.History {
	t.Helper()
	h, err := history.ParseText(strings.NewReader("scenario " + scenario + "\ncell " + cell + "\nprofile naive\nsaga s1\nstep pay\n\n0ms saga-accepted s1\n1ms call-sent s1 pay#1\n4ms settled\n4ms ledger-read bank\n"))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func pass(property string, n int) checkers.Verdict {
	return checkers.Verdict{Property: property, Outcome: checkers.Pass, AtRisk: n}
}

// clauses is a pass of duplicate-effect with these counts.
func clauses(counts ...checkers.Count) checkers.Verdict {
	v := pass("duplicate-effect", 1)
	v.Clauses = counts
	return v
}

func vacuous(property string) checkers.Verdict {
	return checkers.Verdict{Property: property, Outcome: checkers.Vacuous, Reason: "no retry happened"}
}

// seqOf finds an event of the lost answer.
func seqOf(t *testing.T, h *history.History, kind history.Kind, step string, attempt int) int {
	t.Helper()
	for _, e := range h.Events {
		if e.Kind == kind && e.Step == step && e.Attempt == attempt {
			return e.Seq
		}
	}
	t.Fatalf("no %s of %s#%d", kind, step, attempt)
	return 0
}

func duplicate(t *testing.T, h *history.History) checkers.Verdict {
	t.Helper()
	return checkers.Verdict{
		Property: "duplicate-effect", Outcome: checkers.Violation, AtRisk: 1,
		Witnesses: []checkers.Witness{{
			Broken: "broke at most one effect: c2-1/charge took effect twice, in attempts 1 and 2",
			Saga:   "c2-1", Step: "charge",
			Events: []int{seqOf(t, h, history.CallCommitted, "charge", 1), seqOf(t, h, history.CallCommitted, "charge", 2)},
		}},
	}
}

func meta() reports.Meta {
	return reports.Meta{
		Tool: "v0.1.0", Command: "run --participants naive --seed 7", Started: started, Seed: 7, Profile: "naive",
		Orchestrator: history.Orchestrator{Name: "mine", Version: "1.2", Capabilities: []string{"pivot", "idempotency-key"}},
		Properties:   docs,
	}
}

// redRun has a violation, something vacuous, not applicable, an error, advice, and a
// clause that nothing judged.
func redRun(t *testing.T) *reports.Run {
	t.Helper()
	c := reports.New(meta())
	na := checkers.Verdict{Property: "breaker-violation", Outcome: checkers.NotApplicable, Reason: "the orchestrator has no circuit breaker"}
	h := lostAnswer(t)
	advice := checkers.Verdict{Property: "redundant-call", Outcome: checkers.Violation, AtRisk: 1, Witnesses: []checkers.Witness{{
		Broken: "ship was called again", Saga: "c2-1", Step: "ship", Events: []int{seqOf(t, h, history.CallSent, "ship", 1)},
	}}}
	c.Add(reports.CellInfo{ID: "c10", History: "histories/c10.history.jsonl"}, h, []checkers.Verdict{duplicate(t, h), vacuous("lost-compensation"), na, pass("redundant-call", 1)})
	c.Add(reports.CellInfo{History: "histories/c2.history.jsonl"}, h, []checkers.Verdict{duplicate(t, h), vacuous("lost-compensation"), na, advice})
	undone := pass("lost-compensation", 2)
	undone.Clauses = []checkers.Count{
		{Clause: "known", Held: 2, Unjudgeable: 1, Why: "the saga has not ended"},
		{Clause: "unknown", Unjudgeable: 3, Why: "its answer may have been read"},
		{Clause: "after-a-crash", Lacks: "the orchestrator can't be killed"},
	}
	c.Add(reports.CellInfo{}, quiet(t, "transfer", "c1"), []checkers.Verdict{pass("duplicate-effect", 3), undone, na, pass("redundant-call", 4)})
	for _, id := range []string{"c21", "c22", "c23"} {
		h.Header.Scenario = "single-step"
		c.Add(reports.CellInfo{ID: id}, h, []checkers.Verdict{duplicate(t, h)})
	}
	c.Add(reports.CellInfo{ID: "c24"}, h, []checkers.Verdict{duplicate(t, h)})
	c.AddError(reports.CellInfo{ID: "c3", Scenario: "transfer", Plan: "no fault"}, errors.New("POST http://127.0.0.1:1/sagas: connection refused"))
	return fixed(c.Finish())
}

// fixed takes the clock out of a run.
func fixed(r *reports.Run) *reports.Run {
	r.DurationMS = 1234
	return r
}
