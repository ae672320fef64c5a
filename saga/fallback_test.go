package saga

import (
	"strings"
	"testing"
)

func wayRound(change func(steps []Step)) Definition {
	call := Call{URL: "http://x", Retry: RetryPolicy{Multiplier: 1, AttemptTimeoutMS: 10}}
	step := func(name string) Step {
		undo := call
		return Step{Name: name, Kind: Compensatable, Action: call, Compensation: &undo}
	}
	d := Definition{ID: "s", Steps: []Step{step("reserve"), step("charge"), step("invoice"), step("ship")}}
	d.Steps[2].FallbackFor = "charge"
	change(d.Steps)
	return d
}

func TestFallbacksAreValidated(t *testing.T) {
	if err := wayRound(func([]Step) {}).Validate(); err != nil {
		t.Errorf("a way round: %v", err)
	}
	for want, change := range map[string]func(steps []Step){
		`steps[2].fallback_for: no step named "card"`:                                        func(s []Step) { s[2].FallbackFor = "card" },
		`steps[2].fallback_for: "reserve": expected the one step after which`:                func(s []Step) { s[2].FallbackFor = "reserve" },
		`steps[2].fallback_for: "charge": expected the one step after which`:                 func(s []Step) { s[2].After = []string{"reserve", "charge"} },
		`steps[3].fallback_for: "invoice" is a fallback itself`:                              func(s []Step) { s[3].FallbackFor = "invoice" },
		`steps[2].fallback_for: "charge" has another fallback, "ship": expected one`:         func(s []Step) { s[3].FallbackFor, s[3].After = "charge", []string{"charge"} },
		`steps[2].fallback_for: expected two compensatable steps`:                            func(s []Step) { s[2].Kind = Pivot },
		`steps[2].fallback_for: "charge" has no compensation: it could be done twice`:        func(s []Step) { s[1].Compensation = nil },
		`steps[2].fallback_for: "charge" comes behind a pivot`:                               func(s []Step) { s[0].Kind = Pivot },
		`steps[3].after: "charge" has a fallback: expected "invoice", which comes behind it`: func(s []Step) { s[3].After = []string{"charge"} },
		`steps: after has a cycle`:                                                           func(s []Step) { s[1].After = []string{"invoice"} },
	} {
		if err := wayRound(change).Validate(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s…", err, want)
		}
	}
}

func TestWithoutAStep(t *testing.T) {
	d := wayRound(func([]Step) {})
	for name, want := range map[string]string{"invoice": "charge", "charge": "invoice"} {
		less := d.Without(name)
		if err := less.Validate(); err != nil {
			t.Errorf("without %s: %v", name, err)
		}
		if got := less.Predecessors(2); len(less.Steps) != 3 || len(got) != 1 || got[0] != want {
			t.Errorf("without %s, ship comes after %v, want %s", name, got, want)
		}
	}
}
