package planning

import (
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
)

// A step gives way, and its undo is refused; or nobody hears of the step that stands for it; or it is
// refused while an attempt before is on its way still.
func TestWaysRoundAreGivenUpInEachWay(t *testing.T) {
	s, err := scenarios.Match("way-round")
	if err != nil {
		t.Fatal(err)
	}
	d := sagasOf(s[0])[0]
	charge, _ := d.Step("charge")
	invoice, _ := d.Step("invoice")
	undo := saga.FailurePoint{Step: "charge", Direction: saga.Compensation, Attempt: 1, Phase: saga.Receive}
	unheard := func(s saga.Step) []faults.Fault {
		return burst(lost(point(s.Name, 1, saga.Response)), s.Action.Retry.MaxAttempts)
	}
	_, wait := charge.Action.Retry.Band(2)
	onItsWay := late(point("charge", 1, saga.Request), 3*charge.Action.Retry.AttemptTimeoutMS+int(wait.Milliseconds()))
	planned := map[string]bool{}
	for _, p := range Curated([]saga.Definition{d}, Ability{}) {
		planned[p.ID()] = true
	}
	for _, fs := range [][]faults.Fault{
		slices.Concat(unheard(charge), []faults.Fault{declined(undo)}),
		slices.Concat([]faults.Fault{declined(point("charge", 1, saga.Receive))}, unheard(invoice)),
		{onItsWay, declined(point("charge", 2, saga.Receive))},
	} {
		if p := (faults.Plan{Faults: fs}); !planned[p.ID()] {
			t.Errorf("not planned: %s", p)
		}
	}
}
