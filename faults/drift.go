package faults

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/saga"
)

// What drift makes of what an action did, or a compensation undid.
const (
	DriftRemoved = "removed" // it is not there any more
	DriftAmount  = "amount"  // half of it is gone
	DriftBack    = "back"    // it was undone, and is there again
	// DriftRestored is DriftBack, and the participant does not remember the key by which it was undone.
	DriftRestored = "restored"
)

// drift changes a participant's ledger behind the orchestrator's back.
type drift struct{ plain }

var _ Kind = drift{}

func (drift) Doc() KindDoc {
	return KindDoc{
		Name: "drift", Phases: []saga.Phase{saga.Commit}, Fields: []string{"as", "delay_ms"}, Drifts: true, Example: DriftRemoved,
		Follows: "nothing, until it reads back what the participant holds; then it says so (GET /drift)",
		Text:    "the participant's ledger is changed behind the orchestrator's back, at once or delay_ms after the effect: what the action did is gone (as: removed), or half of each amount is (as: amount). At a compensation: what it undid is there again, as after books were restored from a backup, with (as: restored) or without (as: back) what was remembered of its key. The step has to have a read_back",
	}
}

func (drift) Validate(f Fault) error {
	all, of := []string{DriftRemoved, DriftAmount}, "an action"
	if f.At.Direction == saga.Compensation {
		all, of = []string{DriftBack, DriftRestored}, "a compensation"
	}
	if !slices.Contains(all, f.As) {
		return fmt.Errorf("as: %q: expected of %s one of %s", f.As, of, strings.Join(all, ", "))
	}
	return within("delay_ms", f.DelayMS, 0, 60000)
}

// Injection is a ledger that is another one after a time.
func (drift) Injection(f Fault, _ int) Injection { return Injection{Drifts: f.As, For: ms(f.DelayMS)} }

// Usual is that all is gone.
func (drift) Usual(f Fault, _ saga.RetryPolicy) []Fault {
	switch {
	case f.As != "":
	case f.At.Direction == saga.Compensation:
		f.As = DriftBack
	default:
		f.As = DriftRemoved
	}
	return []Fault{f}
}

// Draw draws what is gone, and when.
func (drift) Draw(t *rapid.T, f Fault, _ saga.RetryPolicy) Fault {
	all := []string{DriftRemoved, DriftAmount}
	if f.At.Direction == saga.Compensation {
		all = []string{DriftBack, DriftRestored}
	}
	f.As = rapid.SampledFrom(all).Draw(t, "as")
	f.DelayMS = rapid.IntRange(0, 300).Draw(t, "delay_ms")
	return f
}
