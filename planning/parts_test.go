package planning

import (
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/saga"
)

// TestPointsOfParts: each part of a compensation has failure points of its own, which are struck
// on the way that leads there; nobody knows beforehand how many parts there are.
func TestPointsOfParts(t *testing.T) {
	h := parsed(t, `workflow shop
capabilities -
fault reject ship#1@receive
saga s1
step charge part=charge-1EUR,till+1EUR
step ship

0ms saga-accepted s1
1ms call-sent s1 ship#1
1ms call-received s1 ship#1
1ms fault-fired s1 ship#1 fault=0
2ms call-sent s1 charge.undo#1
2ms call-received s1 charge.undo#1
2ms call-committed s1 charge.undo#1
2ms call-answered s1 charge.undo#1 200
3ms call-sent s1 charge.undo(2)#1
3ms call-received s1 charge.undo(2)#1
3ms call-committed s1 charge.undo(2)#1
3ms call-answered s1 charge.undo(2)#1 200
3ms call-sent s1 charge.undo(2)#2
`)
	before := h.Header.Definitions[0]
	before.Steps = slices.Clone(before.Steps)
	before.Steps[0].Parts = []saga.Call{}
	way := Journey{Plan: Journeys(before)[2], Trace: NewTrace(h)} // ship is refused
	at := map[string]int{}
	for _, p := range AtPoints(before, []Journey{way}, Ability{}) {
		if err := p.Fits([]saga.Definition{before}); err != nil || len(p.Faults) != 2 || p.Faults[0].At != way.Plan.Faults[0].At {
			t.Errorf("%v: expected a fault behind the refusal (%v)", p, err)
		}
		at[p.Faults[len(p.Faults)-1].At.String()]++
	}
	for _, phase := range []saga.Phase{saga.Request, saga.Receive, saga.Commit, saga.Response} {
		first, second := saga.CutRef("charge.undo").At(1, phase), saga.CutRef("charge.undo(2)").At(1, phase)
		if n := at[second.String()]; n == 0 || n != at[first.String()] {
			t.Errorf("%d plans at %s, and %d at %s: expected as many", n, second, at[first.String()], first)
		}
	}
	if !strings.Contains(way.Trace.Outcome, " charge.undo(2):qrca") {
		t.Errorf("the outcome %q does not tell of the second part", way.Trace.Outcome)
	}
}
