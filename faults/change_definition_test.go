package faults

import (
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/saga"
)

// A definition is changed once in a cell, of a saga that has a next version.
func TestChangeDefinitionFits(t *testing.T) {
	at := func(phase saga.Phase) saga.FailurePoint {
		return saga.FailurePoint{Step: "a", Direction: saga.Action, Attempt: 1, Phase: phase}
	}
	change := Fault{Kind: "change-definition", At: at(saga.Receive)}
	again := Fault{Kind: "change-definition", At: at(saga.Commit)}
	call := saga.Call{URL: "http://p/a", Retry: saga.RetryPolicy{MaxAttempts: 2}}
	d := saga.Definition{ID: "s", Steps: []saga.Step{{Name: "a", Kind: saga.Compensatable, Action: call, Compensation: &call}, {Name: "b", Kind: saga.Compensatable, Action: call}}}
	late := change
	late.At.Phase = saga.Response
	for _, c := range []struct {
		plan Plan
		d    saga.Definition
		want string // empty: it fits
	}{
		{Plan{Faults: []Fault{change}}, d, ""},
		{Plan{Faults: []Fault{change}}, saga.Definition{ID: "s", Name: "one", Steps: d.Steps[:1]}, "faults[0].kind: change-definition: the saga one has no next version"},
		{Plan{Faults: []Fault{change, again}}, d, "faults[1].at: a change of the definition is there already"},
		{Plan{Faults: []Fault{late}}, d, "faults[0].at: change-definition cannot happen at response"},
	} {
		err := c.plan.Validate()
		if err == nil {
			err = c.plan.Fits([]saga.Definition{c.d})
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v: %v, want %q", c.plan, err, c.want)
		}
	}
}
