package sagatest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/simulation"
)

// Explore runs the saga without a fault, along the ways that it may go, and then with every
// kind of fault at each failure point on them. Each plan that breaks a promise is a failing
// subtest; the smallest of each broken promise shows the events that prove it. What could not
// be judged fails the test, too.
func Explore(t *testing.T, s Saga) {
	t.Helper()
	p, err := s.compile()
	if err != nil {
		t.Fatalf("sagatest: %v", err)
	}
	selected, err := checkers.Select(s.Properties)
	if err != nil {
		t.Fatalf("sagatest: %v", err)
	}
	e := newExploration(t, p, selected)
	if err := e.learn(); err != nil {
		t.Fatalf("sagatest: %v", err)
	}
	e.explore()
	e.report()
}

// exploration is one call of Explore.
type exploration struct {
	t         *testing.T
	p         *program
	checkers  []checkers.Checker
	advice    map[string]bool
	collector *results.Collector

	began   time.Time
	virtual time.Duration
	ran     map[string]bool // plans, by ID
	leftOut map[string]int  // why → plans
	left    bool            // goroutines that a plan left behind were shown
	failed  []failure       // in the order in which they were found
}

// failure is a plan that broke something.
type failure struct {
	plan    faults.Plan
	history *history.History
	broken  []checkers.Verdict // the most telling of each cause
	shrunk  string             // the plan that this smaller one was made from
}

func newExploration(t *testing.T, p *program, selected []checkers.Checker) *exploration {
	e := &exploration{t: t, p: p, checkers: selected, advice: map[string]bool{}, ran: map[string]bool{}, leftOut: map[string]int{}, began: time.Now()}
	var docs []checkers.Doc
	for _, c := range selected {
		docs = append(docs, c.Doc())
		e.advice[c.Doc().Name] = c.Doc().Advice
	}
	e.collector = results.New(results.Meta{Command: "sagatest", System: results.System{By: results.ByWorkflow}, Properties: docs})
	return e
}

// learn runs the saga without a fault, and then with each answer lost once, to find out how
// often a step is taken, and how long the code waits for an answer.
func (e *exploration) learn() error {
	e.p.steps = e.p.skeleton()
	calm, err := e.cell(faults.Plan{})
	if err == nil {
		err = e.p.sound(calm)
	}
	if err != nil {
		return fmt.Errorf("a run without faults: %w", err)
	}
	e.p.steps = calm.Header.Definitions[0].Steps
	for i := range e.p.steps {
		s := &e.p.steps[i]
		answer := saga.FailurePoint{Step: s.Name, Direction: saga.Action, Attempt: 1, Phase: saga.Response}
		lost := faults.Doing(faults.Fault{At: answer}, faults.Injection.Silent)
		h, err := e.cell(faults.Plan{Faults: []faults.Fault{lost}})
		if err != nil {
			return fmt.Errorf("a run with the answer to %s lost: %w", s.Name, err)
		}
		s.Action.Retry.AttemptTimeoutMS = int(e.p.waited(h, s.Name).Milliseconds())
		if s.Compensation != nil {
			s.Compensation.Retry.AttemptTimeoutMS = s.Action.Retry.AttemptTimeoutMS
		}
	}
	return nil
}

// sound says what is wrong with a run without faults; nil: it shows the whole saga.
func (p *program) sound(h *history.History) error {
	called, end := map[string]bool{}, history.Event{}
	said := map[string]map[string]bool{} // step → its requests
	for _, e := range h.Events {
		switch e.Kind {
		case history.CallSent:
			if e.Direction != saga.Action {
				continue
			}
			step, _ := saga.CutInstance(e.Step)
			called[step] = true
			if said[e.Step] == nil {
				said[e.Step] = map[string]bool{}
			}
			said[e.Step][e.Request.Target+" "+e.Key+" "+e.Request.Body] = true
		case history.SagaStatus:
			end = e
		}
	}
	var errs []error
	if end.Status != saga.Completed {
		why := ""
		if end.Detail != "" {
			why = fmt.Sprintf(" (%s)", end.Detail)
		}
		errs = append(errs, fmt.Errorf("it ended as %s%s: expected completed", end.Status, why))
	}
	for _, s := range p.flow.Plan() {
		if !called[s.Name] && !s.Optional {
			errs = append(errs, fmt.Errorf("step %s: no call of it: expected %s through the client that Start is given, or Optional", s.Name, s.Do.Title()))
		}
	}
	for _, step := range slices.Sorted(maps.Keys(said)) {
		if n := len(said[step]); n > 1 {
			errs = append(errs, fmt.Errorf("step %s: without a fault it was called with %d requests that differ: expected one; what is done for each item is an operation with each in the file of a Workflow", step, n))
		}
	}
	return errors.Join(errs...)
}

// waited is how long the code waited for an answer that was lost; for ever is as long as a
// cell.
func (p *program) waited(h *history.History, step string) time.Duration {
	var sent time.Duration
	for _, e := range h.Events {
		switch {
		case e.Step != step || e.Direction != saga.Action || e.Attempt != 1:
		case e.Kind == history.CallSent:
			sent = e.At
		case e.Kind == history.CallEnded:
			return e.At - sent
		}
	}
	return p.Settle
}

// explore runs the ways that the saga may go, and then every kind of fault at each point on
// them.
func (e *exploration) explore() {
	d := saga.Definition{ID: "saga-1", Name: e.p.Name, Steps: e.p.steps, Reads: e.p.flow.Reads()}
	able := planning.Ability{
		Process: e.p.Open != nil, Once: true,
		Keys: e.p.flow.Forgetful(), Promises: e.p.flow.Promised(), DecidesAnew: e.p.flow.DecidesAnew(),
	}
	seen := planning.Onward(d, able, e.travel)
	e.travel(slices.Concat(planning.LateArrivals(d, seen), planning.Kills(d, seen, able, e.travel), planning.AtPoints(d, seen, able)))
}

// ability is what may be done to the saga besides striking its calls.
func (p *program) ability() simulation.Ability { return simulation.Ability{Kills: p.Open != nil} }

// travel runs plans, and tells where those led on which all went as planned.
func (e *exploration) travel(plans []faults.Plan) (seen []planning.Journey) {
	for _, plan := range plans {
		if e.ran[plan.ID()] {
			continue
		}
		e.ran[plan.ID()] = true
		if why := simulation.Impossible(plan, e.p.ability()); why != "" {
			e.leftOut[why]++
			continue
		}
		if trace, ok := e.try(plan); ok && len(trace.Missed()) == 0 {
			seen = append(seen, planning.Journey{Plan: plan, Trace: trace})
		}
	}
	return seen
}

// tries is how often a plan is run at the most whose fault did not strike: code that draws its
// waits, or whose steps race, does not come to the same calls each time.
const tries = 10

// astray is why a plan is left out of which no try came to the call that it strikes.
const astray = "the saga does not go the same way each time, and did not come there again where the plan strikes"

// try runs a plan until its faults strike, and judges what each run shows; not ok: there was
// trouble.
func (e *exploration) try(plan faults.Plan) (trace planning.Trace, ok bool) {
	info := results.CellInfo{ID: plan.ID(), Scenario: e.p.Name, PlanID: plan.ID(), Plan: plan.String()}
	courses := map[string]bool{}
	for n := 1; ; n++ {
		h, err := e.cell(plan)
		if err != nil {
			e.collector.Planned(1)
			e.collector.AddError(info, fmt.Errorf("plan %s: %w", plan, err))
			return planning.Trace{}, false
		}
		trace = planning.NewTrace(h)
		courses[course(h)] = true
		verdicts := checkers.Judge(h, e.checkers)
		broken := e.broken(verdicts)
		last := len(trace.Missed()) == 0 || len(broken) > 0 || n == tries
		strayed := n == tries && len(trace.Missed()) > 0 && len(courses) > 1 && !trace.Reached(plan)
		info.Again = !last || strayed
		e.collector.Add(info, h, verdicts)
		switch {
		case !last:
			continue
		case strayed:
			e.leftOut[astray]++
		default:
			e.collector.Planned(1)
		}
		if len(broken) > 0 {
			e.failed = append(e.failed, failure{plan: plan, history: h, broken: broken})
		}
		return trace, true
	}
}

// course is the calls that the code made, and when: that of code which draws nothing is the
// same each time.
func course(h *history.History) string {
	var b strings.Builder
	for _, e := range h.Events {
		if e.Kind == history.CallSent {
			fmt.Fprintf(&b, "%s#%d %s\n", e.Operation(), e.Attempt, e.At)
		}
	}
	return b.String()
}

// broken are the most telling violations of each cause, without advice.
func (e *exploration) broken(verdicts []checkers.Verdict) []checkers.Verdict {
	var all []checkers.Verdict
	for _, g := range checkers.Group(verdicts) {
		i := slices.IndexFunc(verdicts, func(v checkers.Verdict) bool { return v.Property == g.Properties[0] })
		told := slices.ContainsFunc(all, func(v checkers.Verdict) bool { return v.Property == g.Properties[0] })
		if !e.advice[g.Properties[0]] && !told {
			all = append(all, verdicts[i])
		}
	}
	return all
}

// mostTries is how many smaller plans are tried.
const mostTries = 40

// shrink looks for a smaller plan that breaks the same property.
func (e *exploration) shrink(f failure, property string) failure {
	best := f
	try := func(_ context.Context, cases []planning.Case) []bool {
		failed := make([]bool, len(cases))
		for i, c := range cases {
			if simulation.Impossible(c.Plan, e.p.ability()) != "" {
				continue
			}
			h, err := e.cell(c.Plan)
			if err != nil {
				continue
			}
			broken := e.broken(checkers.Judge(h, e.checkers))
			failed[i] = slices.ContainsFunc(broken, func(v checkers.Verdict) bool { return v.Property == property })
			if failed[i] {
				best = failure{plan: c.Plan, history: h, broken: broken, shrunk: f.plan.String()}
			}
		}
		return failed
	}
	shrinker := planning.Shrinker{Try: try, MaxTries: mostTries, Batch: 1}
	shrinker.Shrink(context.Background(), planning.Case{Plan: f.plan, Definitions: f.history.Header.Definitions, Fixed: true})
	return best
}
