package faults

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/saga"
)

// What drift makes of what an action did.
const (
	DriftRemoved = "removed" // it is not there any more
	DriftAmount  = "amount"  // half of it is gone
)

// drift changes a participant's ledger behind the orchestrator's back.
type drift struct{ plain }

var _ Kind = drift{}

func (drift) Doc() KindDoc {
	return KindDoc{
		Name: "drift", Phases: []saga.Phase{saga.Commit}, Fields: []string{"as", "delay_ms"}, Drifts: true, Example: DriftRemoved,
		Follows: "nothing, until it reads back what the participant holds; then it says so (GET /drift)",
		Text:    "the participant's ledger is changed behind the orchestrator's back, at once or delay_ms after the action's effect: what the action did is gone (as: removed), or half of each amount is (as: amount). The step has to have a read_back",
	}
}

func (drift) Validate(f Fault) error {
	if f.At.Direction != saga.Action {
		return fmt.Errorf("at: %s: expected an action: what a compensation did can't be read back", f.At)
	}
	if all := []string{DriftRemoved, DriftAmount}; !slices.Contains(all, f.As) {
		return fmt.Errorf("as: %q: expected one of %s", f.As, strings.Join(all, ", "))
	}
	return within("delay_ms", f.DelayMS, 0, 60000)
}

// Injection is a ledger that is another one after a time.
func (drift) Injection(f Fault, _ int) Injection { return Injection{Drifts: f.As, For: ms(f.DelayMS)} }

// Usual is that all is gone.
func (drift) Usual(f Fault, _ saga.RetryPolicy) []Fault {
	if f.As == "" {
		f.As = DriftRemoved
	}
	return []Fault{f}
}

// Draw draws what is gone, and when.
func (drift) Draw(t *rapid.T, f Fault, _ saga.RetryPolicy) Fault {
	f.As = rapid.SampledFrom([]string{DriftRemoved, DriftAmount}).Draw(t, "as")
	f.DelayMS = rapid.IntRange(0, 300).Draw(t, "delay_ms")
	return f
}
