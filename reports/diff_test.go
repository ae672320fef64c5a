package reports_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

// over is a finding, for those who print them.
func over(plan, note string) results.Changed {
	k := results.Key{Property: "duplicate-effect", Scenario: "order", Participants: "naive", Plan: plan}
	return results.Changed{Finding: results.Finding{Key: k}, ID: k.ID(), Note: note}
}

func TestPrintDiff(t *testing.T) {
	then := samples.Red().Line()
	now := then
	then.Dir, now.Dir = "yesterday", "today"
	now.Troubles = []string{"2 calls came for sagas whose cells were over"}
	now.Started, now.Orchestrator, now.Findings = then.Started.AddDate(0, 0, 1), "mine 1.3", 3
	same := over("reset charge#1@response, slow ship#1@request", "")
	same.Shrunk = "reset charge#1@response"
	d := &results.Diff{
		Then: then, Now: now, Differs: []string{"orchestrator: mine 1.2 → mine 1.3"},
		New: []results.Changed{over("lose charge#1@response", "its plan was not run then")}, Gone: []results.Changed{over("crash-orchestrator ship#1@commit", "")},
		NotTried: []results.Changed{over("slow ship#1@request", "its plan was not run")}, Same: []results.Changed{same},
		Unjudged: []string{"stuck-saga in order: after-a-crash"}, Judged: []string{"stuck-saga in order: after-an-outage"},
		Verdicts: []results.VerdictChange{
			{Property: "stuck-saga", Scenario: "order", Then: checkers.Pass}, {Property: "stuck-saga", Then: checkers.Pass, Now: checkers.Vacuous},
		},
		NotRun: []string{"transfer"}, Open: []string{"duplicate-effect in order: in 2 cells"},
		Exit: results.ExitViolation, Reasons: []string{"1 new finding"},
	}
	var b bytes.Buffer
	if err := reports.PrintDiff(reports.Terminal{W: &b, Width: 100}, d); err != nil {
		t.Fatal(err)
	}
	golden(t, "diff.txt", b.Bytes())
}

func TestPrintTrend(t *testing.T) {
	line := samples.Red().Line()
	line.Dir, line.Troubles = "runs/a", []string{"2 calls came for sagas whose cells were over"}
	trend := &results.Trend{
		Runs: []results.TrendRun{{RunLine: line}, {RunLine: results.RunLine{Dir: "runs/b", Started: line.Started.Add(time.Hour)}, Trouble: "never ended: killed, or it still runs"}},
		Findings: []results.TrendFinding{
			{Key: over("lose charge#1@response", "").Key, Orchestrator: "mine", First: line.Started, Last: line.Started.Add(time.Hour), Runs: 2, Asked: 3, Open: true},
			{Key: over("reset charge#1@response", "").Key, Orchestrator: "other", First: line.Started, Last: line.Started, Runs: 1, Asked: 3},
		},
		LeftOut: []string{"runs/c (cells of another run)"},
	}
	var b bytes.Buffer
	if err := reports.PrintTrend(reports.Terminal{W: &b, Width: 100}, trend); err != nil {
		t.Fatal(err)
	}
	golden(t, "trend.txt", b.Bytes())
}
