package planning

import (
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// passing are the visits of attempts, one after the other: "charge#1 ship#1 charge.undo#1".
func passing(t *testing.T, attempts string) (visits []Visit) {
	t.Helper()
	for _, name := range strings.Fields(attempts) {
		for _, phase := range saga.Phases {
			var at saga.FailurePoint
			if err := at.UnmarshalText([]byte(name + "@" + string(phase))); err != nil {
				t.Fatal(err)
			}
			visits = append(visits, Visit{At: at, Seq: len(visits) + 1})
		}
	}
	return visits
}

// world is a workflow: the attempts that a plan leads it to, and how many of the visits come before the last fault.
type world map[string]struct {
	attempts string
	last     int
}

// travel goes where plans lead; a plan that leads nowhere leaves no journey.
func (w world) travel(t *testing.T, plans []faults.Plan) (seen []Journey) {
	t.Helper()
	for _, p := range plans {
		if way, ok := w[p.String()]; ok {
			seen = append(seen, Journey{Plan: p, Trace: Trace{Visits: passing(t, way.attempts), Last: way.last}})
		}
	}
	return seen
}

// TestKills: a workflow is killed in the waits that it was seen to have, and twice, on its way forward and back; and at an
// undo that follows from what was given up, and before the last attempt that is promised.
func TestKills(t *testing.T) {
	w := world{
		"no fault":                {"submit#1 reserve#1 reserve(2)#1 ship#1", 0},
		"lose reserve#1@response": {"reserve#1 reserve#2 reserve(2)#1 ship#1", 5},
		"lose reserve#1@response, lose reserve#2@response":       {"reserve#1 reserve#2 reserve#3 reserve(2)#1 ship#1", 10},
		"lose reserve(2)#1@response":                             {"reserve#1 reserve(2)#1 reserve(2)#2 ship#1", 10},
		"lose ship#1@response":                                   {"reserve#1 reserve(2)#1 ship#1", 15},                                        // given up
		"lose reserve(2)#1@response, lose reserve(2)#2@response": {"reserve#1 reserve(2)#1 reserve(2)#2 reserve(2).undo#1 reserve.undo#1", 15}, // as this is, and undone
		"reject reserve(2)#1@receive":                            {"reserve#1 reserve(2)#1 reserve.undo#1", 8},
		"reject ship#1@receive":                                  {"submit#1 reserve#1 reserve(2)#1 ship#1 reserve(2).undo#1 reserve.undo#1", 18},

		"lose reserve#1@request, unavailable reserve#2@receive, crash-orchestrator reserve#2@response":                         {"reserve#1 reserve#2 reserve#3 reserve(2)#1 ship#1", 10},
		"lose reserve#1@request, unavailable reserve#2@receive, crash-orchestrator reserve#2@response, lose reserve#3@request": {"reserve#1 reserve#2 reserve#3 reserve#4 reserve(2)#1 ship#1", 12},

		"crash-orchestrator reserve#1@commit":                                 {"reserve#1 reserve#2 reserve(2)#1 ship#1", 4},
		"crash-orchestrator reserve#1@receive":                                {"reserve#1 reserve#2 reserve(2)#1 ship#1", 3},
		"reject ship#1@receive, crash-orchestrator reserve(2).undo#1@receive": {"reserve#1 reserve(2)#1 ship#1 reserve(2).undo#1 reserve(2).undo#2 reserve.undo#1", 18},
		"reject ship#1@receive, lose reserve(2).undo#1@response":              {"reserve#1 reserve(2)#1 ship#1 reserve(2).undo#1 reserve(2).undo#2 reserve.undo#1", 20},
	}
	seen := w.travel(t, []faults.Plan{
		{},
		{Faults: burst(lost(point("reserve", 1, saga.Response)), 1)},
		{Faults: burst(lost(point("reserve", 1, saga.Response)), 2)},
		{Faults: burst(lost(point("reserve(2)", 1, saga.Response)), 1)},
		{Faults: burst(lost(point("reserve(2)", 1, saga.Response)), 2)},
		{Faults: burst(lost(point("ship", 1, saga.Response)), 1)},
		{Faults: []faults.Fault{declined(point("reserve(2)", 1, saga.Receive))}},
		{Faults: []faults.Fault{declined(point("ship", 1, saga.Receive))}},
	})
	d := saga.Definition{ID: "s1", Steps: []saga.Step{{Name: "reserve"}, {Name: "reserve(2)"}, {Name: "ship"}}}
	d.Steps[0].Action.Retry.MaxAttempts = 3
	if len(seen) != 8 {
		t.Fatalf("%d journeys", len(seen))
	}
	var tried, got []string
	run := func(plans []faults.Plan) []Journey {
		for _, p := range plans {
			tried = append(tried, p.String())
		}
		return w.travel(t, plans)
	}
	for _, p := range Kills(d, seen, Ability{Process: true}, run) {
		if err := p.Validate(); err != nil {
			t.Error(err)
		}
		got = append(got, p.String())
	}
	for what, c := range map[string]struct{ got, want []string }{
		"tried": {tried, []string{
			"crash-orchestrator reserve#1@receive",
			"reject ship#1@receive, crash-orchestrator reserve(2).undo#1@receive",
			"reject ship#1@receive, lose reserve(2).undo#1@response",
			"crash-orchestrator reserve#1@commit",
			"reject ship#1@receive, lose reserve(2).undo#1@response, lose reserve(2).undo#2@response",
			"lose reserve#1@request, unavailable reserve#2@receive, crash-orchestrator reserve#2@response",
			"lose reserve#1@request, unavailable reserve#2@receive, crash-orchestrator reserve#2@response, lose reserve#3@request",
		}},
		"planned": {got, []string{
			"crash-orchestrator waiting submit#1@response",
			"lose reserve#1@response, lose reserve#2@response, crash-orchestrator waiting reserve#2@response",
			"lose reserve#1@response, lose reserve#2@response, crash-orchestrator waiting reserve#2@response",
			"reject ship#1@receive, lose reserve(2).undo#1@response, crash-orchestrator waiting reserve(2).undo#1@response",
			"reject ship#1@receive, lose reserve(2).undo#1@response, crash-orchestrator waiting reserve(2).undo#1@response",
			"crash-orchestrator reserve#1@receive, crash-orchestrator ship#1@response",
			"reject ship#1@receive, crash-orchestrator reserve(2).undo#1@receive, crash-orchestrator reserve.undo#1@response",
			"crash-orchestrator reserve#1@commit, reject ship#1@receive",
			"lose reserve(2)#1@response, lose reserve(2)#2@response, unavailable reserve(2).undo#1@receive, crash-orchestrator reserve(2).undo#1@response",
			"lose reserve#1@request, unavailable reserve#2@receive, crash-orchestrator reserve#2@response, lose reserve#3@request, lose reserve#4@request",
			"crash-orchestrator ended submit#1@response",
			"reject ship#1@receive, crash-orchestrator ended submit#1@response",
		}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s:\n%s\nexpected\n%s", what, strings.Join(c.got, "\n"), strings.Join(c.want, "\n"))
		}
	}
	if plans := Kills(d, seen, Ability{}, run); len(plans) > 0 {
		t.Errorf("planned %v where nothing may be killed", plans)
	}
}

// TestKillsWhilePutOff: a workflow is killed at its end where the service of a deferrable step is out of reach.
func TestKillsWhilePutOff(t *testing.T) {
	d := saga.Definition{ID: "s1", Steps: []saga.Step{{Name: "charge"}, {Name: "mail", Kind: saga.Deferrable}}}
	w := world{
		"outage of [charge] from 0ms for 3000ms": {"submit#1 charge#1 charge#2 mail#1", 0},
		"outage of [mail] from 0ms for 3000ms":   {"submit#1 charge#1 mail#1 mail#2", 0},
		"lose mail#1@response":                   {"submit#1 charge#1 mail#1 mail#2", 10},
	}
	seen := w.travel(t, []faults.Plan{
		{Faults: []faults.Fault{away("charge", outlasts)}},
		{Faults: []faults.Fault{away("mail", outlasts)}},
		{Faults: []faults.Fault{lost(point("mail", 1, saga.Response))}},
	})
	var got []string
	for _, p := range Kills(d, seen, Ability{Process: true}, func([]faults.Plan) []Journey { return nil }) {
		if s := p.String(); strings.Contains(s, faults.WhenEnded) {
			got = append(got, s)
		}
	}
	if want := "outage of [mail] from 0ms for 3000ms, crash-orchestrator ended submit#1@response"; len(seen) != 3 || !slices.Equal(got, []string{want}) {
		t.Errorf("%d journeys, killed at the end on %q, expected %s", len(seen), got, want)
	}
}

// TestKillsInSilence: a workflow is killed that waits for a service which never calls back, where it was seen to go on all the
// same.
func TestKillsInSilence(t *testing.T) {
	d := saga.Definition{ID: "s1", Steps: []saga.Step{{Name: "charge"}}, Callbacks: []string{"charge"}}
	way := func(callbacks, lostOnes int) Journey {
		j := Journey{Trace: Trace{Visits: passing(t, "charge#1")}}
		for n := range callbacks {
			at := point(saga.Callback("charge"), n+1, saga.Request)
			j.Trace.Visits = append(j.Trace.Visits, Visit{At: at})
			if n < lostOnes {
				j.Plan.Faults = append(j.Plan.Faults, lost(at))
			}
		}
		return j
	}
	for _, c := range []struct {
		j    Journey
		want int
	}{{way(1, 0), 0}, {way(2, 1), 0}, {way(2, 2), 2}} {
		plans := killsInSilence([]Journey{c.j, c.j})
		if len(plans) != c.want {
			t.Errorf("%v: %v", c.j.Plan, plans)
		}
		for i, p := range plans {
			last := p.Faults[len(p.Faults)-1]
			if last.String() != "crash-orchestrator waiting charge#1@response" || last.DelayMS != []int{moment, longAway}[i] || p.Fits([]saga.Definition{d}) != nil {
				t.Errorf("%v (%v)", p, p.Fits([]saga.Definition{d}))
			}
		}
	}
}
