package reports_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/reports"
)

// section is a run with only a section of its own.
func section(command string) *reports.Run {
	m := meta()
	m.Command, m.Properties = command, nil
	return fixed(reports.New(m).Finish())
}

// show is all that people read of a run.
func show(t *testing.T, r *reports.Run) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := r.Print(reports.Terminal{W: &b, Width: 110}); err != nil {
		t.Fatal(err)
	}
	b.WriteString("\n========\n\n")
	if err := r.WriteMarkdown(&b); err != nil {
		t.Fatal(err)
	}
	for _, write := range []func() error{
		func() error { return r.WriteHTML(&bytes.Buffer{}) },
		func() error { return r.WriteJUnit(&bytes.Buffer{}) },
	} {
		if err := write(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func mutants() *reports.Mutants {
	return &reports.Mutants{Seeds: 20, Limit: 500, Baseline: "a random fault at a random time", Defects: []reports.Defect{
		{
			Name: "new-key-each-attempt", Anomaly: "key-misuse", Kills: map[string]int{"key-misuse": 20, "duplicate-effect": 11},
			Runs: reports.NewSpread([]int{1, 2, 2, 3}, 0, 500), Baseline: reports.NewSpread([]int{40, 60}, 2, 500), Plan: "lose charge#1@response",
		},
		{Name: "tick-later", Equivalent: true, Kills: map[string]int{}},
	}}
}

func TestMutants(t *testing.T) {
	r := section("mutants")
	r.Mutants = mutants()
	r.Judge()
	if r.Summary.Exit != 0 {
		t.Errorf("all killed: %+v", r.Summary)
	}
	r.Mutants.Defects = append(
		r.Mutants.Defects,
		reports.Defect{Name: "forget-unknown", Anomaly: "lost-compensation", Text: "skips the step of unknown outcome", Kills: map[string]int{"lost-compensation": 0}, Runs: reports.NewSpread(nil, 20, 500)},
		reports.Defect{Name: "late-status", Anomaly: "false-status", Kills: map[string]int{"not-linearizable": 3}},
		reports.Defect{Name: "not-yet", Anomaly: "false-status", Kills: map[string]int{}, Runs: reports.NewSpread(nil, 0, 500)},
		reports.Defect{Name: "harmless", Equivalent: true, Kills: map[string]int{"step-order": 1}},
	)
	r.Judge()
	if r.Summary.Exit != 1 || len(r.Summary.Reasons) != 4 {
		t.Errorf("a survivor: %+v", r.Summary)
	}
	golden(t, "mutants.txt", show(t, r))
}

func TestSpread(t *testing.T) {
	for _, tc := range []struct {
		runs        []int
		gaveUp      int
		median, p95 float64
	}{
		{[]int{5}, 0, 5, 5},
		{[]int{4, 2}, 0, 3, 4},
		{[]int{1, 2, 3}, 2, 3, 100},
		{nil, 0, 0, 0},
		{[]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}, 0, 10.5, 19},
	} {
		s := reports.NewSpread(tc.runs, tc.gaveUp, 100)
		if s.Median != tc.median || s.P95 != tc.p95 || s.Tries != len(tc.runs)+tc.gaveUp {
			t.Errorf("%v: got %+v", tc.runs, s)
		}
	}
}

func TestCoverage(t *testing.T) {
	r := redRun(t)
	r.Coverage = &reports.Coverage{
		Depth: 2,
		Points: []reports.PointCount{
			reports.NewPointCount("order", "response", "lose", []string{"charge#1", "ship#1"}, nil),
			reports.NewPointCount("order", "request", "lose", []string{"charge#1"}, []string{"ship#1"}),
			reports.NewPointCount("transfer", "window", "outage", []string{"debit"}, nil),
		},
		Plans:  []reports.PlanCount{{Scenario: "order", Raw: 120, Pruned: 60, Run: 50, NotRun: 10}, {Scenario: "transfer", Raw: 12, Pruned: 2, Run: 10}},
		Rules:  []reports.RuleCount{{Rule: "the same fault on an attempt that the first fault had already ended", Plans: 62}},
		NotRun: []reports.NotRun{{Reason: "--max-plans 60 was reached", Plans: 10, Examples: []string{"lose ship#1@request", "reset ship#1@request"}}},
	}
	golden(t, "coverage.txt", show(t, r))
}

// engineRun is the run of one engine with one profile.
func engineRun(t *testing.T, engine, profile string, broken bool) *reports.Run {
	t.Helper()
	m := meta()
	m.Orchestrator, m.Profile = history.Orchestrator{Name: engine, Version: "1.0"}, profile
	c := reports.New(m)
	h := lostAnswer(t)
	v := pass("duplicate-effect", 4)
	if broken {
		v = duplicate(t, h)
	}
	c.Add(reports.CellInfo{}, h, []checkers.Verdict{v, pass("lost-compensation", 1), {Property: "breaker-violation", Outcome: checkers.NotApplicable, Reason: "no circuit breaker"}})
	r := c.Finish()
	r.DurationMS = 2000
	return r
}

func TestComparison(t *testing.T) {
	broken := engineRun(t, "other", "naive", true)
	broken.Failures[0].Reproduced = &reports.Rate{Hits: 9, Tries: 10}
	m := meta()
	m.Orchestrator.Name, m.Profile = "other", "fenced"
	dead := reports.New(m)
	dead.AddError(reports.CellInfo{}, errors.New("other: not ready after 60s"))
	r := section("compare --orchestrator reference --orchestrator other")
	r.Comparison = reports.Compare([]*reports.Run{
		engineRun(t, "reference", "naive", true), broken, engineRun(t, "reference", "fenced", false), dead.Finish(),
	})
	c := r.Comparison
	c.Machine = "2 cores, Linux"
	c.AtOnce = 3
	c.Engines[1].Settings, c.Engines[1].SagasPerSecond, c.Engines[1].Ratio = []string{"retries: 4"}, 12.5, 0.11
	r.Judge()
	if r.Summary.Exit != 4 || !strings.Contains(r.Summary.Reasons[0], "not ready after 60s") {
		t.Errorf("an engine did not run: %+v", r.Summary)
	}
	golden(t, "comparison.txt", show(t, r))
	for i := range c.Marks {
		if c.Marks[i].Mark == reports.NotRunAtAll {
			c.Marks[i].Mark = reports.Holds
		}
	}
	if r.Judge(); r.Summary.Exit != 0 {
		t.Errorf("a complete comparison: %+v", r.Summary)
	}
	c.Strict = true
	if r.Judge(); r.Summary.Exit != 1 {
		t.Errorf("a strict comparison: %+v", r.Summary)
	}
	c.Strict, c.Marks = false, c.Marks[1:]
	if r.Judge(); r.Summary.Exit != 2 || !strings.Contains(r.Summary.Reasons[0], "no mark for duplicate-effect") {
		t.Errorf("an incomplete comparison: %+v", r.Summary)
	}
}
