package reports_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

// show is all that people read of a run.
func show(t *testing.T, r *results.Run) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := reports.Print(reports.Terminal{W: &b, Width: 110}, r); err != nil {
		t.Fatal(err)
	}
	b.WriteString("\n========\n\n")
	if err := reports.Markdown(&b, r); err != nil {
		t.Fatal(err)
	}
	for _, write := range []func() error{
		func() error { return reports.HTML(&bytes.Buffer{}, r) },
		func() error { return reports.JUnit(&bytes.Buffer{}, r) },
	} {
		if err := write(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestMutants(t *testing.T) {
	r := samples.Section("mutants")
	r.Mutants = samples.AllKilled()
	r.Mutants.Defects = append(r.Mutants.Defects, samples.Survivors()...)
	r.Judge()
	golden(t, "mutants.txt", show(t, r))
}

// Defects that were searched for by enumeration have other numbers.
func TestMutantsByExploration(t *testing.T) {
	r := samples.Section("mutants --explore")
	r.Mutants = &results.Mutants{Limit: 300, Defects: []results.Defect{
		{Name: "no-recovery", Anomaly: "stuck-saga", Kills: map[string]int{"stuck-saga": 1}, Explored: &results.Explored{Found: true, Depth: 1, Plans: 12}, Plan: "crash-orchestrator pay#1@commit"},
		{Name: "forget-unknown", Anomaly: "lost-compensation", Explored: &results.Explored{Depth: 2, Plans: 300}, Note: "gave up"},
	}}
	r.Judge()
	golden(t, "mutants-explored.txt", show(t, r))
}

func TestCoverage(t *testing.T) {
	r := samples.Red()
	r.Coverage = &results.Coverage{
		Depth: 2,
		Points: []results.PointCount{
			results.NewPointCount("order", "response", "lose", []string{"charge#1", "ship#1"}, nil),
			results.NewPointCount("order", "request", "lose", []string{"charge#1"}, []string{"ship#1"}),
			results.NewPointCount("transfer", "window", "outage", []string{"debit"}, nil),
		},
		Plans:  []results.PlanCount{{Scenario: "order", Raw: 120, Pruned: 60, Run: 50, NotRun: 10}, {Scenario: "transfer", Raw: 12, Pruned: 2, Run: 10}},
		Rules:  []results.RuleCount{{Rule: "the same fault on an attempt that the first fault had already ended", Plans: 62}},
		NotRun: []results.NotRun{{Reason: "--max-plans 60 was reached", Plans: 10, Examples: []string{"lose ship#1@request", "reset ship#1@request"}}},
	}
	golden(t, "coverage.txt", show(t, r))
}

func TestComparison(t *testing.T) {
	golden(t, "comparison.txt", show(t, samples.Compared()))
}

// What one cause broke is told once, and named where it is not told.
func TestOneCauseOneFinding(t *testing.T) {
	r := samples.OneCause()
	golden(t, "one-cause.txt", show(t, r))
	var b strings.Builder
	if err := reports.JUnit(&b, r); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "by the same cause as duplicate-effect: cell c1, plan: lose charge#1@response") {
		t.Errorf("junit:\n%s", b.String())
	}
}

// What each cell breaks hides the story of nothing that is worse: that stands beside it with its own, unless it is the same one. What
// is less bad is in the report.
func TestWorseThanWhatItIsToldUnderHasItsStory(t *testing.T) {
	const event = "charge#2 takes effect"
	for _, c := range []struct {
		under   string
		same    bool
		stories int
	}{{"mangled-body", false, 2}, {"mangled-body", true, 1}, {"double-credit", false, 1}} {
		r := samples.OneCause()
		r.Beside[0].Under = c.under
		r.Properties[0].Name = c.under
		for i := range r.Failures {
			r.Failures[i].Property = c.under
		}
		if !c.same {
			lines := slices.Clone(r.Beside[0].Story.Lines)
			lines[0].Seq += 1000
			r.Beside[0].Story.Lines = lines
		}
		terminal, _, _ := strings.Cut(string(show(t, r)), "========")
		if got := strings.Count(terminal, event); got != c.stories {
			t.Errorf("lost-compensation beside %s: %d stories, want %d:\n%s", c.under, got, c.stories, terminal)
		}
	}
}

// What is not applicable for one reason is one line.
func TestOneLineForAReason(t *testing.T) {
	r := samples.Red()
	r.Properties = []results.Property{
		{Name: "a", Verdict: checkers.NotApplicable, Reason: "it has none"},
		{Name: "c", Verdict: checkers.NotApplicable, Reason: "it does not say"},
		{Name: "d", Verdict: checkers.NotApplicable, Reason: "it has none"},
	}
	text := string(show(t, r))
	for _, want := range []string{"a, d: not applicable: it has none\n", "c: not applicable: it does not say\n"} {
		if strings.Count(text, want) == 0 || strings.Contains(text, "\n  d: not applicable") {
			t.Errorf("%q is missing:\n%s", want, text)
		}
	}
}
