package samples

import (
	"errors"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/results"
)

// Section is a run without cells, for a section of its own.
func Section(command string) *results.Run {
	m := Meta()
	m.Command, m.Properties = command, nil
	return Fixed(results.New(m).Finish())
}

// AllKilled is a kill matrix that is green.
func AllKilled() *results.Mutants {
	return &results.Mutants{Seeds: 20, Limit: 500, Baseline: "a random fault at a random time", Defects: []results.Defect{
		{
			Name: "new-key-each-attempt", Anomaly: "key-misuse", Kills: map[string]int{"key-misuse": 20, "duplicate-effect": 11},
			Runs: results.NewSpread([]int{1, 2, 2, 3}, 0, 500), Baseline: results.NewSpread([]int{40, 60}, 2, 500), Plan: "lose charge#1@response",
		},
		{Name: "tick-later", Equivalent: true, Kills: map[string]int{}},
	}}
}

// Survivors are four defects that make a kill matrix red or incomplete: not found,
// found by another's checker, not searched to the end, an equivalent that is not.
func Survivors() []results.Defect {
	return []results.Defect{
		{Name: "forget-unknown", Anomaly: "lost-compensation", Text: "skips the step of unknown outcome", Kills: map[string]int{"lost-compensation": 0}, Runs: results.NewSpread(nil, 20, 500)},
		{Name: "late-status", Anomaly: "false-status", Kills: map[string]int{"not-linearizable": 3}, Runs: results.NewSpread(nil, 20, 500)},
		{Name: "not-yet", Anomaly: "false-status", Kills: map[string]int{}, Runs: results.NewSpread(nil, 0, 500)},
		{Name: "harmless", Equivalent: true, Kills: map[string]int{"step-order": 1}},
	}
}

// Compared is a comparison of two engines with two kinds of participants; one of the
// four runs did not start.
func Compared() *results.Run {
	broken := engineRun("other", "naive", true)
	broken.Failures[0].Reproduced = &results.Rate{Hits: 9, Tries: 10}
	m := Meta()
	m.Orchestrator.Name, m.Profile = "other", "fenced"
	dead := results.New(m)
	dead.AddError(results.CellInfo{}, errors.New("other: not ready after 60s"))
	r := Section("compare --orchestrator reference --orchestrator other")
	r.Comparison = results.Compare([]*results.Run{
		engineRun("reference", "naive", true), broken, engineRun("reference", "fenced", false), dead.Finish(),
	})
	c := r.Comparison
	c.Machine = "2 cores, Linux"
	c.AtOnce = 3
	c.Engines[1].Settings, c.Engines[1].SagasPerSecond, c.Engines[1].Ratio = []string{"retries: 4"}, 12.5, 0.11
	r.Judge()
	return r
}

// engineRun is the run of one engine with one profile.
func engineRun(engine, profile string, broken bool) *results.Run {
	m := Meta()
	m.Orchestrator, m.Profile = history.Orchestrator{Name: engine, Version: "1.0"}, profile
	c := results.New(m)
	h := LostAnswer()
	v := Pass("duplicate-effect", 4)
	if broken {
		v = Duplicate(h)
	}
	c.Add(results.CellInfo{}, h, []checkers.Verdict{v, Pass("lost-compensation", 1), NotApplicable("breaker-violation", "no circuit breaker")})
	r := c.Finish()
	r.DurationMS = 2000
	return r
}
