package live_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/reports/live"
	"github.com/sagacheck/sagacheck/results"
)

// lacks says which of some words a page has.
func lacks(t *testing.T, page string, words ...string) {
	t.Helper()
	for _, word := range words {
		if strings.Contains(page, word) {
			t.Errorf("%q in\n%s", word, page)
		}
	}
}

func violation(property, cell string, faults int) results.Failure {
	return results.Failure{Property: property, Scenario: "s", Cell: cell, Verdict: checkers.Violation, Broken: property + " broke in " + cell, Faults: faults}
}

// The page of each cell says why it failed, also if there are so many smaller failures that it has
// no replay.
func TestEachFailingCellSaysWhy(t *testing.T) {
	v := live.NewView()
	small, large := violation("p", "c-1", 1), violation("p", "c-2", 2)
	small.Replay = &results.Replay{}
	v.Judged(results.Cell{ID: "c-1", Scenario: "s", Verdict: checkers.Violation}, []results.Failure{small})
	v.Judged(results.Cell{ID: "c-2", Scenario: "s", Verdict: checkers.Violation}, []results.Failure{large})
	h := live.Handler(v)
	shows(t, h, "/cell/c-1", "p broke in c-1")
	shows(t, h, "/cell/c-2", "p broke in c-2")
	lacks(t, shows(t, h, "/", "p broke in c-1", "<td>2</td>"), "p broke in c-2")
}

// Advice is told apart, is no violation, and proves nothing wrong.
func TestAdviceIsNoViolation(t *testing.T) {
	v := live.NewView()
	v.Begin(results.Meta{Properties: []checkers.Doc{{Name: "frugal", Advice: true}}}, t.TempDir())
	f := violation("frugal", "c", 0)
	f.Replay = &results.Replay{}
	v.Judged(results.Cell{ID: "c", Scenario: "s", Verdict: checkers.Pass}, []results.Failure{f})
	h := live.Handler(v)
	for path, words := range map[string]string{"/": "Nothing was broken so far", "/cell/c": "pass"} {
		lacks(t, shows(t, h, path, "frugal broke in c", "Advice, never red", words), `"mark violation"`, "<h2>What is wrong")
	}
}

// Cells that broke a property are counted apart from those that left it open, as in the report.
func TestCellsAreCountedByVerdict(t *testing.T) {
	v := live.NewView()
	for _, id := range []string{"c-1", "c-2", "c-3"} {
		f := violation("p", id, 0)
		if id != "c-2" {
			f.Verdict = checkers.Inconclusive
		}
		v.Judged(results.Cell{ID: id, Scenario: "s", Verdict: f.Verdict}, []results.Failure{f})
	}
	shows(t, live.Handler(v), "/", "<td>1, and 2 left open</td>", "p broke in c-2")
}

// The replay file of a finding is named after no cell: a page that was loaded before is not to give
// another cell's than it says.
func TestReplayOfTheSmallest(t *testing.T) {
	v := live.NewView()
	f := violation("p", "c-1", 2)
	f.Replay = &results.Replay{Cell: "c-1"}
	v.Judged(results.Cell{ID: "c-1", Scenario: "s", Verdict: checkers.Violation}, []results.Failure{f})
	lacks(t, shows(t, live.Handler(v), "/", "p-s-smallest.yaml"), "p-s-c-1.yaml", "replay file of c-1")
}

// Faults of an exploration are probes, which may miss.
func TestProbesAreCounted(t *testing.T) {
	v := live.NewView()
	v.Judged(results.Cell{ID: "c-1", Scenario: "s", Verdict: checkers.Pass, Probe: true, FaultsPlanned: 1, FaultsFired: 1}, nil)
	v.Judged(results.Cell{ID: "c-2", Scenario: "s", Verdict: checkers.Pass, Probe: true, FaultsPlanned: 1, Unfired: []string{"lose"}}, nil)
	h := live.Handler(v)
	lacks(t, shows(t, h, "/", "<dd>1 of 2 probes hit", "<td>1 of 2 probes hit"), "0 fired of 0")
	v.Judged(results.Cell{ID: "c-3", Scenario: "s", Verdict: checkers.Pass, FaultsPlanned: 3, FaultsFired: 2}, nil)
	shows(t, h, "/", "<td>2 fired of 3 planned, 1 of 2 probes hit</td>")
}

// The counts of a scenario add up: cells that were run again are no further cells.
func TestRowsAddUp(t *testing.T) {
	v := live.NewView()
	v.Judged(results.Cell{ID: "c-1", Scenario: "s", Verdict: checkers.Violation, Again: true}, nil)
	v.Judged(results.Cell{ID: "c-1.2", Scenario: "s", Verdict: checkers.Pass}, nil)
	shows(t, live.Handler(v), "/", `<th scope="col">Cells</th><th scope="col">Run again</th>`, `<th scope="row">s</th><td>1</td><td>1</td><td>1</td>`)
}

// What happened in a cell that an earlier run has left is read where that run has stored it.
func TestACellOfAnEarlierRun(t *testing.T) {
	v := live.NewView()
	v.Begin(results.Meta{}, t.TempDir())
	rec := history.NewRecorder(history.Header{Scenario: "s"})
	rec.Add(history.Event{Kind: history.Settled, Detail: "what was of old"})
	rec.Add(history.Event{Kind: history.LedgerRead})
	path := filepath.Join(t.TempDir(), "c"+history.Extension)
	if err := rec.Close().Save(path); err != nil {
		t.Fatal(err)
	}
	v.Judged(results.Cell{ID: "c", Scenario: "s", Verdict: checkers.Pass, History: path}, nil)
	shows(t, live.Handler(v), "/cell/c", "what was of old")
}
