package saga

import (
	"slices"
	"strings"
	"testing"
)

func runAgain(change func(d *Definition)) Definition {
	d := inRounds(func(s *Step) { s.Action.Retry.Rounds, s.Action.Retry.RoundDelayMS = 0, 0 })
	next := d.Steps[0]
	next.Name, next.After = "ship", []string{"charge"}
	d.Steps = append(d.Steps, next)
	d.Rounds, d.RoundDelayMS = 3, 100
	change(&d)
	return d
}

func TestRoundsOfASagaAreValidated(t *testing.T) {
	if err := runAgain(func(*Definition) {}).Validate(); err != nil {
		t.Errorf("rounds of a saga: %v", err)
	}
	for want, change := range map[string]func(d *Definition){
		`rounds: -1: expected 0 to 10`:                                          func(d *Definition) { d.Rounds = -1 },
		`rounds: 11: expected 0 to 10`:                                          func(d *Definition) { d.Rounds = 11 },
		`round_delay_ms: -1: expected 0 or more`:                                func(d *Definition) { d.RoundDelayMS = -1 },
		`round_delay_ms: 100: expected rounds of 2 or more`:                     func(d *Definition) { d.Rounds = 1 },
		`steps[1].compensation: must be given in a saga with rounds`:            func(d *Definition) { d.Steps[1].Compensation = nil },
		`steps[1].fallback_for: expected none in a saga with rounds`:            func(d *Definition) { d.Steps[1].FallbackFor = "charge" },
		`steps[0].name: "charge(2)": expected no number behind it in a saga wi`: func(d *Definition) { d.Steps[0].Name, d.Steps[1].After = "charge(2)", []string{"charge(2)"} },
	} {
		if err := runAgain(change).Validate(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s…", err, want)
		}
	}
}

func TestStepsInRounds(t *testing.T) {
	d := runAgain(func(*Definition) {})
	second := d.InRound(2)
	if second.Steps[1].Name != "ship(2)" || !slices.Equal(second.Steps[1].After, []string{"charge(2)"}) || second.FirstName(1) != "ship" {
		t.Errorf("round 2: %+v", second.Steps[1])
	}
	if d.Steps[1].Name != "ship" || d.Steps[1].After[0] != "charge" {
		t.Errorf("the definition has changed: %+v", d.Steps[1])
	}
	if call, ok := d.Call(StepRef{Step: "ship(3)", Direction: Action}); !ok || call.URL != d.Steps[1].Action.URL {
		t.Errorf("the call of ship in round 3: %v, %+v", ok, call)
	}
	d.Rounds = 0
	if i := d.StepIndex("ship(2)"); i >= 0 {
		t.Errorf("a saga without rounds has a step ship(2): %d", i)
	}
	for step, want := range map[string]int{"ship": 1, "ship(2)": 2, "ship(10)": 10, "ship(1)": 1, "ship(02)": 1, "ship(x)": 1, "ship(2": 1, "ship2)": 1, "ship(200000000)": 1} {
		if name, n := RoundOf(step); n != want || n > 1 && name != "ship" || n == 1 && name != step {
			t.Errorf("%s: round %d of %s, want %d", step, n, name, want)
		}
	}
}
