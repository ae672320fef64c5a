package definitions

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/saga"
)

// Each number beyond its bounds is refused, with the field named.
func TestBounds(t *testing.T) {
	p := testparticipant.New(t, nil)
	for field, change := range map[string]func(*saga.Definition){
		"steps[0].action.retry.attempt_timeout_ms": func(d *saga.Definition) { d.Steps[0].Action.Retry.AttemptTimeoutMS = 9e15 },
		"steps[0].compensation.retry.max_attempts": func(d *saga.Definition) { d.Steps[0].Compensation.Retry.MaxAttempts = math.MaxInt64 },
		"steps[0].action.retry.deadline_ms":        func(d *saga.Definition) { d.Steps[0].Action.Retry.DeadlineMS = math.MaxInt64 },
		"steps[0].action.retry.max_interval_ms":    func(d *saga.Definition) { d.Steps[0].Action.Retry.MaxIntervalMS = math.MaxInt64 },
		"steps[0].action.breaker.probes":           func(d *saga.Definition) { d.Steps[0].Action.Breaker.Probes = 1 << 31 },
		"steps[0].action.breaker.open_ms":          func(d *saga.Definition) { d.Steps[0].Action.Breaker.OpenMS = math.MaxInt64 },
		"steps[0].action.breaker.failures":         func(d *saga.Definition) { d.Steps[0].Action.Breaker.Failures = math.MaxInt64 },
		"steps[0].action.breaker.name":             func(d *saga.Definition) { d.Steps[0].Action.Breaker.Name = strings.Repeat("b", 201) },
		"steps[0].compensation.breaker.name": func(d *saga.Definition) {
			d.Steps[0].Compensation.Breaker = &saga.Breaker{Name: "b\x00", Failures: 1, OpenMS: 1, Probes: 1}
		},
		"steps[0].action.url":       func(d *saga.Definition) { d.Steps[0].Action.URL += strings.Repeat("x", maxURLLength) },
		"steps[0].compensation.url": func(d *saga.Definition) { d.Steps[0].Compensation.URL = "http://127.0.0.1:65536/" },
		"name":                      func(d *saga.Definition) { d.Name = strings.Repeat("n", 201) },
		"steps":                     func(d *saga.Definition) { d.Steps = p.Chain(maxSteps + 1).Steps },
		fmt.Sprintf("steps[%d].after", maxEdges/1000+1): func(d *saga.Definition) { d.Steps = dense(p, 1000).Steps },
	} {
		d := p.Define("s", "a compensatable")
		d.Steps[0].Action.Breaker = &saga.Breaker{Name: "b", Failures: 1, OpenMS: 1, Probes: 1}
		change(&d)
		var invalid *InvalidError
		if err := Validate(d); !errors.As(err, &invalid) || invalid.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// dense is a saga in which the first step has no predecessor, and each other one
// names the first thousand times.
func dense(p *testparticipant.Participant, names int) saga.Definition {
	d := p.Chain(100)
	for i := 1; i < len(d.Steps); i++ {
		d.Steps[i].After = strings.Fields(strings.Repeat("s0 ", names))
	}
	return d
}
