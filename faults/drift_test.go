package faults

import (
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/saga"
)

func TestDriftValidates(t *testing.T) {
	at := saga.FailurePoint{Step: "charge", Direction: saga.Action, Attempt: 1, Phase: saga.Commit}
	undo, early := at, at
	undo.Direction, early.Phase = saga.Compensation, saga.Receive
	for _, c := range []struct {
		f    Fault
		want string // empty: valid
	}{
		{Fault{At: at, As: DriftRemoved}, ""},
		{Fault{At: at, As: DriftAmount, DelayMS: 300}, ""},
		{Fault{At: undo, As: DriftBack, DelayMS: 300}, ""},
		{Fault{At: undo, As: DriftRestored}, ""},
		{Fault{At: at}, `as: "": expected of an action one of removed, amount`},
		{Fault{At: at, As: "all"}, `as: "all": expected of an action one of removed, amount`},
		{Fault{At: at, As: DriftBack}, `as: "back": expected of an action one of`},
		{Fault{At: at, As: DriftRemoved, DelayMS: -1}, "delay_ms: -1: expected 0 to 60000"},
		{Fault{At: undo, As: DriftRemoved}, `as: "removed": expected of a compensation one of back, restored`},
		{Fault{At: early, As: DriftRemoved}, "at: drift cannot happen at receive"},
	} {
		c.f.Kind = "drift"
		err := c.f.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.f, err, c.want)
		}
	}
}

func TestDriftFitsWhatCanBeReadBack(t *testing.T) {
	p := Plan{Faults: []Fault{{Kind: "drift", As: DriftRemoved, At: saga.FailurePoint{Step: "charge", Direction: saga.Action, Attempt: 1, Phase: saga.Commit}}}}
	d := saga.Definition{ID: "s", Steps: []saga.Step{{Name: "charge", Kind: saga.Compensatable}}}
	if err := p.Fits([]saga.Definition{d}); err == nil || !strings.Contains(err.Error(), "expected one with a read_back") {
		t.Error(err)
	}
	d.Steps[0].ReadBack = "http://127.0.0.1/"
	if err := p.Fits([]saga.Definition{d}); err != nil {
		t.Error(err)
	}
}
