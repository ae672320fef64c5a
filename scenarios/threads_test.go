package scenarios_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
)

// Each thread's plan is a plan, and its faults lie on operations that the
// scenario has.
func TestThreadsHavePlans(t *testing.T) {
	for _, s := range scenarios.Threads() {
		var plan faults.Plan
		dec := json.NewDecoder(bytes.NewReader(s.Thread.PlanJSON()))
		dec.DisallowUnknownFields()
		err := dec.Decode(&plan)
		if err = errors.Join(err, plan.Validate()); err != nil {
			t.Errorf("%s: %v", s.Name, err)
			continue
		}
		if len(plan.Faults) == 0 {
			t.Errorf("%s: expected a fault, so that something is at risk without the defect too", s.Name)
		}
		defs, _ := s.Build([]string{"a"}, func(int, saga.StepRef) string { return "http://127.0.0.1" })
		for _, f := range plan.Faults {
			if _, ok := defs[0].Call(f.At.Ref()); !ok && !f.At.IsZero() && f.At.Step != saga.SubmitStep {
				t.Errorf("%s: %s lies on no operation", s.Name, f)
			}
			for _, step := range f.Steps {
				if defs[0].StepIndex(step) < 0 {
					t.Errorf("%s: %s: no step named %q", s.Name, f, step)
				}
			}
		}
	}
}

// Each thread's checker is one of the catalogue.
func TestThreadsHaveCheckers(t *testing.T) {
	known := map[string]bool{}
	for _, c := range checkers.All() {
		known[c.Doc().Name] = true
	}
	for _, s := range scenarios.Threads() {
		if !known[s.Thread.Checker] {
			t.Errorf("%s: no checker named %q", s.Name, s.Thread.Checker)
		}
	}
}
