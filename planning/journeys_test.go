package planning

import (
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// With one fault a plan, an explorer strikes what only a rollback comes to.
func TestJourneysAreBaselines(t *testing.T) {
	d := chain("s-1", "a", "b", "c")
	x := NewExplorer([]Space{spaceOf("chain", d)}, 1, false)
	probes := exploreAll(x, func(p *Probe) Trace { return pretend(d, p.Plan) })
	texts := strings.Join(ids(probes, everyProbe), "\n")
	for _, want := range []string{
		"reject c#1@receive ", "unavailable a#1@receive, unavailable a#2@receive ", "lose a#1@response, answer 403 a#2@receive ", "crash-orchestrator b#1@commit ",
		"crash-orchestrator b.undo#1@response, reject c#1@receive ",
		"lose b.undo#1@response, reject c#1@receive ",
	} {
		if !strings.Contains(texts, want) {
			t.Errorf("no plan %s", want)
		}
	}
	for _, p := range probes {
		if pr := predict(d, p.Plan, 1); !pr.allFire() {
			t.Errorf("%s can't fire", p.Plan)
		}
	}
	checkComplete(t, x, len(probes))
}

// What is like another turn at depth 1 is run at depth 2: no plan of two faults is lost.
func TestSameTurnLosesNoPlanOfTwoFaults(t *testing.T) {
	d := chain("s-1", "a", "b", "c")
	at := func(depth int) []string {
		x := NewExplorer([]Space{spaceOf("chain", d)}, depth, false)
		probes := exploreAll(x, func(p *Probe) Trace { return pretend(d, p.Plan) })
		checkComplete(t, x, len(probes))
		if depth == 1 && x.Counts()["chain"].Pruned[SameTurn.Name] == 0 {
			t.Error("the rule pruned nothing")
		}
		return ids(probes, everyProbe)
	}
	one, two := at(1), at(2)
	for _, p := range one {
		if !slices.Contains(two, p) {
			t.Errorf("%s is run at depth 1, and not at depth 2", p)
		}
	}
	if !slices.ContainsFunc(two, func(p string) bool { return strings.Contains(p, "delay a.undo#1@request, reject b#1@receive ") }) {
		t.Error("a fault at the undo of a, after b was refused, is not run at depth 2")
	}
}

// A journey that an orchestrator can't be given is none.
func TestJourneysThatCanBe(t *testing.T) {
	d := chain("s-1", "a")
	for name, a := range map[string]Ability{"without a process": {}, "with one": {Process: true}} {
		plans := journeys(d, pretend(d, faults.Plan{}), a)
		killed := slices.ContainsFunc(plans, func(p faults.Plan) bool { return p.NeedsProcess() })
		if killed != a.Process {
			t.Errorf("%s: %v", name, plans)
		}
	}
	if plans := journeys(d, Trace{}, Ability{Process: true}); len(plans) > 0 {
		t.Errorf("nothing was passed, and there are %v", plans)
	}
}

// TestMidway: a rollback is asked for while it can still be carried out.
func TestMidway(t *testing.T) {
	step := func(name string, k saga.Kind) saga.Step { return saga.Step{Name: name, Kind: k} }
	d := saga.Definition{Steps: []saga.Step{
		step("reserve", saga.Compensatable), step("charge", saga.Compensatable), step("ship", saga.Pivot), step("notify", saga.Deferrable), step("bill", saga.Retriable),
	}}
	if s, ok := midway(d); !ok || s.Name != "charge" {
		t.Errorf("%q, %v, expected charge", s.Name, ok)
	}
	if s, ok := midway(saga.Definition{Steps: d.Steps[2:]}); ok {
		t.Errorf("%q, expected none: nothing can be undone", s.Name)
	}
}

// TestTurnOfKills: on a journey a kill is tried at one step of a kind before its last fault, and at one behind.
func TestTurnOfKills(t *testing.T) {
	s := &exploredSpace{turned: map[string]bool{}, placed: map[pair]bool{}}
	probe := func(f faults.Fault, behind bool) *Probe {
		s.placed[pairOf(f)] = true
		return &Probe{kind: saga.Compensatable, after: "ask-rollback compensatable 1", fault: f, behind: behind}
	}
	for i, c := range []struct {
		p       *Probe
		repeats bool
	}{
		{probe(killed(point("reserve", 1, saga.Commit), saga.RetryPolicy{}), false), false},
		{probe(killed(point("charge", 1, saga.Commit), saga.RetryPolicy{}), true), false},
		{probe(killed(point("charge", 1, saga.Commit), saga.RetryPolicy{}), true), true},
		{probe(lost(point("reserve", 1, saga.Response)), false), false},
		{probe(lost(point("charge", 1, saga.Response)), true), true},
	} {
		if got := s.repeats(c.p); got != c.repeats {
			t.Errorf("%d: repeats: %v, expected %v", i, got, c.repeats)
		}
	}
}
