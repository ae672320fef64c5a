package planning

import (
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// TestAnchors: a connection is refused behind an answer that comes by its number: not behind that of the attempt at which a
// window happened to be over, or a question to be answered as somebody wished.
func TestAnchors(t *testing.T) {
	d := saga.Definition{ID: "s1", Steps: []saga.Step{{Name: "charge"}, {Name: "ship"}}, Reads: []string{"find"}}
	shared := Ability{Refusable: map[string]bool{"charge": true, "ship": true, "find": true}}
	calm := Journey{Trace: Trace{Visits: passing(t, "charge#1 ship#1")}}
	way := func(attempts string, last int, fs ...faults.Fault) Journey {
		return Journey{Plan: faults.Plan{Faults: fs}, Trace: Trace{Visits: passing(t, attempts), Last: last}}
	}
	unheard := burst(lost(point("ship", 1, saga.Response)), 2)
	outage := away("ship", outlasts)
	for name, c := range map[string]struct {
		journeys []Journey
		at       string
		want     string // no: nothing is refused there
	}{
		"the attempt at which a window was over":       {[]Journey{calm, way("charge#1 ship#1 ship#2 ship#3 ship.undo#1", 0, outage)}, "ship.undo#1", ""},
		"a call beside the window":                     {[]Journey{calm, way("charge#1 ship#1 ship#2 ship#3 charge.undo#1 ship.undo#1", 0, outage)}, "ship.undo#1", "outage of [ship] from 0ms for 3000ms after charge.undo#1@response"},
		"the same point on a way on which it is sure":  {[]Journey{calm, way("charge#1 ship#1 ship#2 ship#3 ship.undo#1", 0, outage), way("charge#1 ship#1 ship#2 ship#3 ship.undo#1", 15, unheard...)}, "ship.undo#1", "lose ship#1@response, lose ship#2@response after ship#3@response"},
		"more attempts than were struck":               {[]Journey{calm, way("charge#1 ship#1 ship#2 ship#3 ship#4 ship.undo#1", 15, unheard...)}, "ship.undo#1", ""},
		"as many questions on each way":                {[]Journey{way("charge#1 find#1 find#2 ship#1", 0), way("charge#1 charge#2 find#1 find#2 ship#1", 5, lost(point("charge", 1, saga.Response)))}, "ship#1", "no fault after find#2@response"},
		"more questions on another way":                {[]Journey{way("charge#1 find#1 find#2 ship#1", 0), way("charge#1 charge#2 find#1 find#2 find#3 ship#1", 5, lost(point("charge", 1, saga.Response)))}, "ship#1", ""},
		"two questions on the only way, as it happens": {[]Journey{way("charge#1 find#1 find#2 ship#1", 0)}, "ship#1", ""},
	} {
		var got string
		for _, p := range AtPoints(d, c.journeys, shared) {
			if f := p.Faults[len(p.Faults)-1]; f.Kind == "refuse" && f.At.String() == c.at+"@connect" {
				got = faults.Plan{Faults: slices.Clone(p.Faults[:len(p.Faults)-1])}.String() + " after " + f.After.String()
			}
		}
		if got != c.want {
			t.Errorf("%s: refused on %q, expected %q", name, got, c.want)
		}
	}
}

// TestPointsByLuck: a question that is asked when a callback was late, and not in another run of the same plan, is struck on a
// way on which it is sure, and nothing is anchored to it.
func TestPointsByLuck(t *testing.T) {
	d := saga.Definition{ID: "s1", Steps: []saga.Step{{Name: "charge"}, {Name: "ship"}}, Reads: []string{"find"}, Callbacks: []string{"charge"}}
	late := Journey{Trace: Trace{Visits: passing(t, "charge#1 find#1 ship#1")}}
	calm := Journey{Trace: Trace{Visits: passing(t, "charge#1 ship#1")}}
	deaf := Journey{Plan: faults.Plan{Faults: []faults.Fault{lost(point(saga.Callback("charge"), 1, saga.Request))}}, Trace: late.Trace}
	shared := Ability{Refusable: map[string]bool{"charge": true, "ship": true, "find": true}}
	for name, c := range map[string]struct {
		journeys []Journey
		want     int // faults of a plan that strikes the question; 0: none does
		after    string
	}{
		"once of twice":       {[]Journey{late, calm}, 0, "charge#1@response"},
		"sure on another way": {[]Journey{late, deaf, calm}, 2, "find#1@response"},
		"in each run":         {[]Journey{late, late}, 1, "find#1@response"},
	} {
		struck, after := 0, ""
		for _, p := range AtPoints(d, c.journeys, shared) {
			switch f := p.Faults[len(p.Faults)-1]; {
			case f.At.Step == "find":
				struck = len(p.Faults)
			case f.Kind == "refuse" && f.At.Step == "ship":
				after = f.After.String()
			}
		}
		if struck != c.want || after != c.after {
			t.Errorf("%s: find is struck by the last of %d faults, ship refused behind %q, expected %d and %q", name, struck, after, c.want, c.after)
		}
	}
}
