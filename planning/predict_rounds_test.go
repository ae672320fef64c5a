package planning

import (
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
)

// A saga that was undone because attempts came to nothing is run again, as long as there are rounds left, nothing is
// refused, no operator has asked, and its budget lasts: only then is a fault in a later round sure to strike.
func TestASagaIsRunAgain(t *testing.T) {
	s, err := scenarios.Match("saga-rounds")
	if err != nil {
		t.Fatal(err)
	}
	d := sagasOf(s[0])[0]
	away := func(step string, round int) []faults.Fault {
		return burst(unavailableAt(saga.InRound(step, round)), d.Steps[0].Action.Retry.MaxAttempts)
	}
	plan := func(parts ...[]faults.Fault) (p faults.Plan) {
		for _, fs := range parts {
			p.Faults = append(p.Faults, fs...)
		}
		return p
	}
	last := func(step string, round int) []faults.Fault {
		return []faults.Fault{unavailable(point(saga.InRound(step, round), 1, saga.Receive))}
	}
	for name, tt := range map[string]struct {
		plan faults.Plan
		want bool
	}{
		"a second round":         {plan(away("charge", 1), last("ship", 2)), true},
		"a third":                {plan(away("charge", 1), away("reserve", 2), last("ship", 3)), true},
		"no fourth":              {plan(away("reserve", 1), away("reserve", 2), away("reserve", 3), last("reserve", 4)), false},
		"none after a refusal":   {plan([]faults.Fault{declined(point("charge", 1, saga.Receive))}, last("reserve", 2)), false},
		"none after a request":   {plan([]faults.Fault{askedBack(point("charge", 1, saga.Receive))}, last("reserve", 2)), false},
		"none that completed":    {plan(last("charge", 1), last("reserve", 2)), false},
		"the budget is spent":    {plan(away("ship", 1), away("ship", 2), last("ship", 3)), false},
		"before that it is not":  {plan(away("ship", 1), away("ship", 2), last("reserve", 3)), true},
		"no refused connection":  {plan(away("charge", 1), []faults.Fault{{Kind: "refuse", At: point("reserve(2)", 1, saga.Connect)}}), true},
		"a step of no such name": {plan(away("charge", 1), last("pay", 2)), false},
	} {
		if got := predict(d, tt.plan, 1).sure(); got != tt.want {
			t.Errorf("%s: sure %v, want %v", name, got, tt.want)
		}
	}
	for _, p := range predict(d, plan(away("charge", 1)), 1).points {
		if _, round := saga.RoundOf(p.Step); round > 1 && p.Phase == saga.Connect {
			t.Errorf("%s counts as reached", p)
		}
	}
}

// A round that takes so long that no other one begins in the time of the budget ends the saga for sure; where there is time for the
// longest wait another one begins for sure; in between nobody knows.
func TestTimeEndsTheRounds(t *testing.T) {
	s, err := scenarios.Match("saga-rounds-in-time")
	if err != nil {
		t.Fatal(err)
	}
	d := sagasOf(s[0])[0]
	soon, second := burst(unavailableAt("charge"), 2), unavailable(point("reserve(2)", 1, saga.Receive))
	undone := saga.FailurePoint{Step: "reserve", Direction: saga.Compensation, Attempt: 1, Phase: saga.Request}
	for name, tt := range map[string]struct {
		faults []faults.Fault
		timeMS int
		want   bool
	}{
		"nobody answers":             {burst(lost(point("charge", 1, saga.Request)), 2), 1000, true},
		"it is answered soon":        {soon, 800, false},
		"it may be waited for":       {append(slices.Clone(soon), second), 800, false},
		"an attempt may come late":   {append(slices.Clone(soon), second), 1000, false}, // what nobody knows of is undone 300 ms later
		"a kill costs the time":      {append(burst(lost(point("charge", 1, saga.Request)), 1), killed(point("charge", 2, saga.Receive), d.Steps[1].Action.Retry)), 1000, false},
		"it is done":                 {burst(lost(point("charge", 1, saga.Request)), 1), 1000, true},
		"a minute is time enough":    {append(slices.Clone(soon), second), 60_000, true},
		"a kill in it":               {append(burst(unavailableAt("charge"), 1), killed(point("charge", 2, saga.Receive), d.Steps[1].Action.Retry), second), 60_000, false},
		"a compensation takes time":  {append(slices.Clone(soon), lost(undone), second), 1000, false},
		"that there is a minute for": {append(slices.Clone(soon), lost(undone), second), 60_000, true},
	} {
		d := d
		d.Budget.TimeMS = tt.timeMS
		if got := predict(d, faults.Plan{Faults: tt.faults}, 1).sure(); got != tt.want {
			t.Errorf("%s: sure %v, want %v", name, got, tt.want)
		}
	}
}
