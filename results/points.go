package results

import (
	"cmp"
	"slices"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// mostMapped is of how many attempts of an operation a map tells.
const mostMapped = 6

// Map is which failure points of a scenario the cells came to, and what came of it. Faults that last over a
// window strike no point.
type Map struct {
	Scenario string    `json:"scenario"`
	Steps    []MapStep `json:"steps"`  // of its sagas, in their order
	Points   []Point   `json:"points"` // that were reached, by step and attempt; of the first six attempts
}

// MapStep is a step as far as a map shows it.
type MapStep struct {
	Name  string    `json:"name"`
	Kind  saga.Kind `json:"kind"`
	After []string  `json:"after,omitempty"`
	Undo  bool      `json:"undo,omitempty"` // it has a compensation
}

// Point is a failure point, with the numbers of cells.
type Point struct {
	At      saga.FailurePoint `json:"at"`
	Reached int               `json:"reached"`          // an attempt passed it
	Struck  int               `json:"struck,omitempty"` // a fault fired on it
	Broke   int               `json:"broke,omitempty"`  // and something was violated in that cell
	Open    int               `json:"open,omitempty"`   // and that cell could not be judged
}

// phasesOf are the phases that an attempt has passed when an event of it is seen; what happens inside the
// orchestrator is not.
var phasesOf = map[history.Kind][]saga.Phase{
	history.CallSent:      {saga.Connect, saga.Request},
	history.CallReceived:  {saga.Receive},
	history.CallCommitted: {saga.Commit},
	history.CallAnswered:  {saga.Response},
	history.CallBack:      {saga.Request},
	history.SagaSubmitted: {saga.Connect, saga.Request},
	history.SagaAccepted:  {saga.Response},
	history.SagaRefused:   {saga.Response},
}

// passed are the points that an attempt has passed when an event of it is seen; tries is how often the client
// has sent each saga.
func passed(e *history.Event, tries map[string]int) []saga.FailurePoint {
	ref, attempt, phases := e.Operation().Ref(), e.Attempt, phasesOf[e.Kind]
	switch e.Kind {
	case history.CallBack:
		ref.Step = saga.Callback(ref.Step)
		if e.Code != 0 {
			phases = []saga.Phase{saga.Request, saga.Response}
		}
	case history.SagaSubmitted:
		tries[e.Saga]++
		ref, attempt = saga.StepRef{Step: saga.SubmitStep, Direction: saga.Action}, tries[e.Saga]
	case history.SagaAccepted, history.SagaRefused:
		if e.Kind == history.SagaAccepted && e.Detail != "" || e.Kind == history.SagaRefused && e.Code == 0 { // it was looked up
			return nil
		}
		ref, attempt = saga.StepRef{Step: saga.SubmitStep, Direction: saga.Action}, tries[e.Saga]
	}
	if attempt < 1 || attempt > mostMapped {
		return nil
	}
	var out []saga.FailurePoint
	for _, phase := range phases {
		out = append(out, ref.At(attempt, phase))
	}
	return out
}

// mapOf is the map of one cell.
func mapOf(scenario string, h *history.History, verdict checkers.Outcome) Map {
	m := Map{Scenario: scenario}
	for _, d := range h.Header.Definitions {
		for i, s := range d.Steps {
			m.addStep(MapStep{Name: s.Name, Kind: s.Kind, After: d.Predecessors(i), Undo: s.Compensation != nil})
		}
	}
	points := map[saga.FailurePoint]*Point{}
	at := func(p saga.FailurePoint) *Point {
		if points[p] == nil {
			points[p] = &Point{At: p, Reached: 1}
		}
		return points[p]
	}
	tries := map[string]int{}
	for i := range h.Events {
		e := &h.Events[i]
		for _, p := range passed(e, tries) {
			at(p)
		}
		if e.Kind != history.FaultFired || e.Fault == nil || *e.Fault < 0 || *e.Fault >= len(h.Header.Faults) {
			continue
		}
		if f := h.Header.Faults[*e.Fault].At; !f.IsZero() && f.Attempt <= mostMapped {
			p := at(f)
			p.Struck = 1
			switch verdict {
			case checkers.Violation:
				p.Broke = 1
			case checkers.Pass:
			default:
				p.Open = 1
			}
		}
	}
	for _, p := range points {
		m.Points = append(m.Points, *p)
	}
	m.sort()
	return m
}

func (m *Map) addStep(s MapStep) {
	if !slices.ContainsFunc(m.Steps, func(o MapStep) bool { return o.Name == s.Name }) {
		m.Steps = append(m.Steps, s)
	}
}

// sort puts the points in the order in which an attempt passes them.
func (m *Map) sort() {
	slices.SortFunc(m.Points, func(a, b Point) int {
		return cmp.Or(
			cmp.Compare(a.At.Ref().String(), b.At.Ref().String()), cmp.Compare(a.At.Attempt, b.At.Attempt),
			cmp.Compare(slices.Index(saga.Phases, a.At.Phase), slices.Index(saga.Phases, b.At.Phase)),
		)
	})
}

// Chart adds the maps of a run that is told in this one, such as that of a smaller plan.
func (r *Run) Chart(o *Run) {
	for _, m := range o.Maps {
		r.chart(m)
	}
}

// chart adds the map of a cell, or of a shard, to those of the run.
func (r *Run) chart(m Map) {
	i, found := slices.BinarySearchFunc(r.Maps, m.Scenario, func(o Map, scenario string) int { return compareNatural(o.Scenario, scenario) })
	if !found {
		r.Maps = slices.Insert(r.Maps, i, Map{Scenario: m.Scenario, Points: []Point{}, Steps: []MapStep{}})
	}
	all := &r.Maps[i]
	for _, s := range m.Steps {
		all.addStep(s)
	}
	known := make(map[saga.FailurePoint]int, len(all.Points))
	for i, p := range all.Points {
		known[p.At] = i
	}
	before := len(all.Points)
	for _, p := range m.Points {
		if i, there := known[p.At]; there {
			o := &all.Points[i]
			o.Reached, o.Struck, o.Broke, o.Open = o.Reached+p.Reached, o.Struck+p.Struck, o.Broke+p.Broke, o.Open+p.Open
		} else {
			all.Points = append(all.Points, p)
		}
	}
	if len(all.Points) > before {
		all.sort()
	}
}
