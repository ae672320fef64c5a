package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/tinyorch"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/saga"
)

// A case is a plan under which an orchestrator was judged wrongly once: what it
// does, and the right outcome.
type judgedCase struct {
	plan     string
	scenario string // of the catalogue, or a file of the cases; "order"
	bugs     tinyorch.Bugs
	habit    string
	broken   string // the property; empty: nothing is
}

func cases() map[string]judgedCase {
	expects := "expect-100-continue"
	return map[string]judgedCase{
		"lost answer, rolled back all the same":    {plan: "01-lost-answer", bugs: tinyorch.Bugs{RollBackAfterDoubt: true}, broken: "unneeded-compensation"},
		"lost request, rolled back all the same":   {plan: "01-lost-request", bugs: tinyorch.Bugs{RollBackAfterDoubt: true}, broken: "unneeded-compensation"},
		"100-continue and a refusal":               {plan: "02-reject-ship", habit: expects},
		"100-continue and a second copy":           {plan: "02-duplicate", habit: expects},
		"a deferrable step that blocks":            {plan: "03-exhaust-deferrable", bugs: tinyorch.Bugs{DeferrableBlocks: true}, broken: "degradation-failure"},
		"a deferrable step that is given up":       {plan: "03-exhaust-deferrable", bugs: tinyorch.Bugs{DropDeferrable: true}, broken: "degradation-failure"},
		"a deferrable step, done right":            {plan: "03-exhaust-deferrable"},
		"a deferrable step, done in a sweep":       {plan: "03-exhaust-deferrable", habit: "sweeps"},
		"a second refund, 700 ms later":            {plan: "05-reject", scenario: "05-scenario-slow-undo", bugs: tinyorch.Bugs{UndoAgain: 700 * time.Millisecond}, broken: "duplicate-compensation"},
		"a step that starts after the turn":        {plan: "10-new-step-after-turn", scenario: "fan-out", bugs: tinyorch.Bugs{StartAfterTurn: true}, broken: "action-after-turn"},
		"a turn, done right":                       {plan: "10-new-step-after-turn", scenario: "fan-out"},
		"stuck at a pivot that had its effect":     {plan: "12-stuck-at-pivot", bugs: tinyorch.Bugs{StuckAtPivot: true}, broken: "stuck-saga"},
		"stuck at a pivot that had none":           {plan: "12-stuck-at-pivot-receive", bugs: tinyorch.Bugs{StuckAtPivot: true}, broken: "stuck-saga"},
		"a pivot that had its effect, done right":  {plan: "12-stuck-at-pivot"},
		"rolled back slowly, though all is done":   {plan: "none", scenario: "booking", bugs: tinyorch.Bugs{RollBackAlways: true}, broken: "unneeded-compensation"},
		"a refused compensation is taken for done": {plan: "refused-undo", bugs: tinyorch.Bugs{RefusedUndoIsDone: true}, broken: "lost-compensation"},
		"a start that makes two sagas":             {plan: "lost-start", bugs: tinyorch.Bugs{SecondSaga: true}, broken: "duplicate-saga"},
	}
}

// TestCases has no other test beside it: each case is one cell, which a machine that is late can't judge.
func TestCases(t *testing.T) {
	for name, c := range cases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report, output := runCase(t, c)
			if c.broken == "" {
				if n := report.Totals; n.Cells != 1 || n.FaultsFired != n.FaultsPlanned || n.Violated+n.Inconclusive+n.Errors > 0 {
					t.Errorf("%+v\n%s", n, output)
				}
				return
			}
			if !slices.ContainsFunc(report.Results, func(r results.Result) bool { return r.Property == c.broken && r.Verdict == checkers.Violation }) {
				t.Errorf("%s was not found\n%s", c.broken, output)
			}
		})
	}
}

func runCase(t *testing.T, c judgedCase) (*results.Run, string) {
	t.Helper()
	url := attach(t, c.bugs)
	if i := slices.IndexFunc(tinyorch.AllHabits(), func(h tinyorch.Habits) bool { return h.Name == c.habit }); i >= 0 {
		url = attachHabit(t, tinyorch.AllHabits()[i])
	}
	scenario := c.scenario
	switch file := filepath.Join("testdata", "cases", scenario+".yaml"); {
	case scenario == "":
		scenario = "order"
	case exists(file):
		scenario = file
	}
	_, report, output := command(t, "run", "--orchestrator", url, "--scenario", scenario, "--plan", filepath.Join("testdata", "cases", c.plan+".yaml"), "--shrink=false", "--replays", "0")
	return report, output
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// TestMisreadings: the curated plans cross status codes with first and later attempts
// of actions and of compensations, so that whoever misreads one of them is found.
func TestMisreadings(t *testing.T) {
	t.Parallel()
	misread := func(m tinyorch.Misreading) tinyorch.Bugs { return tinyorch.Bugs{Misread: m} }
	for name, c := range map[string]struct {
		bugs     tinyorch.Bugs
		scenario string
		broken   string
	}{
		"409 of a retry is done":                {misread(tinyorch.Misreading{Code: 409, As: saga.Done, Later: true}), "order", "lost-compensation"},
		"409 of a later compensation is done":   {misread(tinyorch.Misreading{Code: 409, As: saga.Done, Later: true, Undo: true}), "order", "lost-compensation"},
		"404 of a compensation is done":         {misread(tinyorch.Misreading{Code: 404, As: saga.Done, Undo: true}), "order", "lost-compensation"},
		"501 is a refusal":                      {misread(tinyorch.Misreading{Code: 501, As: saga.Permanent}), "order", "retry-budget"},
		"503 of a compensation is a refusal":    {misread(tinyorch.Misreading{Code: 503, As: saga.Permanent, Undo: true}), "order", "stuck-saga"},
		"425 of a later attempt is a refusal":   {misread(tinyorch.Misreading{Code: 425, As: saga.Permanent, Later: true}), "order", "retry-budget"},
		"400 is tried again":                    {misread(tinyorch.Misreading{Code: 400, As: saga.Transient}), "order", "retried-permanent-error"},
		"401 is tried again":                    {misread(tinyorch.Misreading{Code: 401, As: saga.Transient}), "booking", "retried-permanent-error"},
		"403 of a later attempt is tried again": {misread(tinyorch.Misreading{Code: 403, As: saga.Transient, Later: true}), "booking", "retried-permanent-error"},
		"410 of a later attempt is tried again": {misread(tinyorch.Misreading{Code: 410, As: saga.Transient, Later: true}), "order", "retried-permanent-error"},
		"after 409 only, nothing is undone":     {tinyorch.Bugs{ConflictIsNothing: true}, "order", "lost-compensation"},
		"deadlines count from the start":        {tinyorch.Bugs{DeadlineFromStart: true}, "order-status", "retry-budget"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, report, output := command(t, "run", "--orchestrator", attach(t, c.bugs), "--scenario", c.scenario,
				"--runs", "0", "--property", c.broken, "--max-failures", "1", "--shrink=false", "--replays", "0")
			if !slices.ContainsFunc(report.Results, func(r results.Result) bool { return r.Property == c.broken && r.Verdict == checkers.Violation }) {
				t.Errorf("%s was not found\n%s", c.broken, output)
			}
		})
	}
}
