package planning

import (
	"slices"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// TestRefusals: only a step that was attempted again can be refused then.
func TestRefusals(t *testing.T) {
	d := saga.Definition{ID: "s1", Steps: []saga.Step{{Name: "charge"}, {Name: "ship"}}}
	j := Journey{Trace: Trace{Visits: []Visit{{At: point("ship", 2, saga.Receive)}, {Saga: 2, At: point("charge", 2, saga.Receive)}}}}
	for want, codes := range [][]int{1: {402, 422}, 2: {422, 401}} {
		plans := Refusals(d, []Journey{j}, Ability{Promises: map[string]history.Promise{"ship": {Permanent: codes}}})
		if want > 0 && len(plans) != want {
			t.Errorf("%v: %d plans, expected %d for the one step that was attempted again", codes, len(plans), want)
		}
		for _, p := range plans {
			if len(p.Faults) != 2 || p.Faults[0].At.Step != "ship" || p.Validate() != nil {
				t.Errorf("%v (%v)", p, p.Validate())
			}
		}
	}
}

// TestRefusedBeforeItArrives: where nobody can ask what was done, the first attempt comes through after the second one was refused.
func TestRefusedBeforeItArrives(t *testing.T) {
	d := saga.Definition{ID: "s1", Steps: []saga.Step{{Name: "ship"}}}
	asks := d
	asks.Reads = []string{"find-shipment"}
	anew := map[string]bool{"ship": true}
	own := map[string]history.Promise{"ship": {OwnName: true}}
	again := func(since time.Duration) []Journey {
		return []Journey{{
			Plan:  faults.Plan{Faults: []faults.Fault{lost(point("ship", 1, saga.Response))}},
			Trace: Trace{Visits: []Visit{{At: point("ship", 2, saga.Request), Since: since}, {At: point("ship", 2, saga.Receive)}}},
		}}
	}
	for _, c := range []struct {
		d       saga.Definition
		js      []Journey
		able    Ability
		delayMS int
	}{
		{d: d, js: again(140 * time.Millisecond), able: Ability{DecidesAnew: anew, Promises: own}, delayMS: 512},
		{d: d, js: again(250 * time.Millisecond), able: Ability{DecidesAnew: anew, Promises: own}, delayMS: 512},
		{d: d, js: again(300 * time.Millisecond), able: Ability{DecidesAnew: anew, Promises: own}, delayMS: 1024},
		{d: d, js: again(300 * time.Millisecond), able: Ability{DecidesAnew: anew, Promises: own, Silence: time.Second}},
		{d: d, js: again(0), able: Ability{DecidesAnew: anew, Promises: own}},
		{d: asks, js: again(140 * time.Millisecond), able: Ability{DecidesAnew: anew, Promises: own}},
		{d: d, js: again(140 * time.Millisecond), able: Ability{DecidesAnew: anew}},
		{d: d, js: again(140 * time.Millisecond), able: Ability{Promises: own}},
	} {
		plans := slices.DeleteFunc(Refusals(c.d, c.js, c.able), func(p faults.Plan) bool { return p.Loses(point("ship", 1, saga.Request)) })
		switch {
		case c.delayMS == 0 && len(plans) == 0:
		case len(plans) == 1 && plans[0].Validate() == nil && plans[0].Faults[0].DelayMS == c.delayMS:
		default:
			t.Errorf("%v: expected a delay of %d ms", plans, c.delayMS)
		}
	}
}

// TestRefusedWhenTired: a step that was sent a fourth time when three answers were lost is refused then.
func TestRefusedWhenTired(t *testing.T) {
	d := saga.Definition{ID: "s1", Steps: []saga.Step{{Name: "charge"}, {Name: "ship"}}}
	heard := func(step string, unheard, sent int) Journey {
		return Journey{
			Plan:  faults.Plan{Faults: burst(lost(point(step, 1, saga.Response)), unheard)},
			Trace: Trace{Visits: []Visit{{At: point(step, sent, saga.Receive)}}},
		}
	}
	plans := Refusals(d, []Journey{heard("ship", 3, 4), heard("charge", 3, 3)}, Ability{})
	want := "lose ship#1@request, lose ship#2@request, lose ship#3@request, reject ship#4@receive"
	if len(plans) != 1 || plans[0].String() != want || plans[0].Validate() != nil {
		t.Errorf("%v: expected %s", plans, want)
	}
}
