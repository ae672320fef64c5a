package campaign

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/wire"
	"github.com/sagacheck/sagacheck/workflows"
)

// flow is the user's own workflow in a session.
type flow struct {
	file  *workflows.Workflow
	wire  *wire.Wire
	steps []saga.Step        // as learnt from runs; nil: as the file says
	calm  []planning.Journey // the run without a fault from which was learnt
}

func openFlow(file string) (*flow, error) {
	w, err := workflows.Load(file)
	if err != nil {
		return nil, err
	}
	if err := w.Reachable(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return &flow{file: w, wire: wire.New()}, nil
}

// alonePerProcess is how many processes more there are where each serves one saga at a
// time: most of a saga's time is waiting.
const alonePerProcess = 4

// together is how many sagas run at once in the cells that are to show whether the workflow
// keeps them apart.
const together = 3

func (f *flow) subject() *subject { return f.several(1) }

func (f *flow) several(sagas int) *subject {
	return &subject{Name: f.file.Name, Sagas: sagas, File: f.file.Digest(), Source: harness.Outline{Flow: f.file, Steps: f.steps}}
}

func (f *flow) start(ctx context.Context, o orchestrators.Options) (orchestrators.System, error) {
	return harness.StartWorkflow(ctx, f.wire, f.file, o)
}

// learn runs the workflow without faults, and then with each answer lost once, to find
// out what the file does not say: how often a step is taken, in which order, how long
// the workflow waits for an answer, and how long after its end it still calls.
func (x *session) learn(ctx context.Context) error {
	calm, err := x.try(ctx, faults.Plan{}, longQuiet)
	if err != nil {
		return fmt.Errorf("workflow %s, a run without faults: %w", x.flow.file.Name, err)
	}
	if err := x.flow.sound(calm); err != nil {
		return fmt.Errorf("workflow %s, a run without faults: %w", x.flow.file.Name, err)
	}
	for _, name := range x.flow.keyless(calm) {
		x.host.say("services.%s.protection: no call had a key there: is the expression right?", name)
	}
	x.flow.steps = calm.Header.Definitions[0].Steps
	x.flow.calm = []planning.Journey{{Trace: planning.NewTrace(calm)}}
	runs := []*history.Index{history.NewIndex(calm)}
	silence := quietAfter(calm)
	listen := time.Duration(0) // a workflow that is over when it ends is not listened to for longer
	if silence > 0 {
		listen = longQuiet
	}
	for i := range x.flow.steps {
		s := &x.flow.steps[i]
		heard, wait, err := x.lost(ctx, s.Name, listen)
		if err != nil {
			return fmt.Errorf("workflow %s, a run with the answer to %s lost: %w", x.flow.file.Name, s.Name, err)
		}
		s.Action.Retry.AttemptTimeoutMS = setting(wait)
		if s.Compensation != nil {
			s.Compensation.Retry.AttemptTimeoutMS = s.Action.Retry.AttemptTimeoutMS
		}
		runs = append(runs, heard...)
		for _, ix := range heard {
			silence = max(silence, quietAfter(ix.History))
		}
	}
	behind, err := x.quietAfterRefusal(ctx)
	if err != nil {
		return err
	}
	silence = max(silence, behind)
	if late := x.harness.ForgetLate(); late.Calls > 0 && late.After <= longQuiet { // of a run that was not listened to for so long
		silence = max(silence, quietMargin*late.After)
	}
	if x.harness.Quiet = cmp.Or(x.s.Quiet, silence); x.s.Quiet == 0 && silence > 0 {
		x.host.say("it calls when it has ended already: a saga is over when all was silent for %v (quiet_ms of the file, or --quiet, says otherwise)", silence)
	}
	if x.flow.file.Steps == nil {
		x.flow.steps = inOrder(x.flow.steps, runs)
	}
	return nil
}

// longQuiet is how long the wires are listened to for what a workflow does when its saga has
// ended; quietMargin is how much longer than what was seen may be the rule.
const (
	longQuiet   = time.Second
	quietMargin = 3
)

// quietAfter is how long the wires must be silent before a saga is over, by what one still
// called in a run when it had ended; 0: nothing.
func quietAfter(h *history.History) time.Duration {
	var last, longest time.Duration
	ended := false
	for _, e := range h.Events {
		switch e.Kind {
		case history.SagaStatus:
			if ended = ended || e.Status.Ended(); ended {
				last = max(last, e.At)
			}
		case history.CallSent, history.CallRead:
			if ended {
				longest = max(longest, e.At-last)
			}
			last = e.At
		case history.CallEnded:
			last = e.At
		}
	}
	if longest == 0 {
		return 0
	}
	return max(quietMargin*longest, 20*time.Millisecond).Round(time.Millisecond)
}

// quietAfterRefusal is quietAfter of a run in which the last step was refused: what is undone may
// be undone when the saga has ended. What else is wrong with such a run is judged later.
func (x *session) quietAfterRefusal(ctx context.Context) (time.Duration, error) {
	n := len(x.flow.steps)
	if x.s.Quiet > 0 || n == 0 {
		return 0, nil
	}
	last := saga.FailurePoint{Step: x.flow.steps[n-1].Name, Direction: saga.Action, Attempt: 1, Phase: saga.Receive}
	h, err := x.try(ctx, faults.Plan{Faults: []faults.Fault{faults.Doing(faults.Fault{At: last}, faults.Injection.Refuses)}}, longQuiet)
	if err != nil || h == nil {
		return 0, ctx.Err()
	}
	return quietAfter(h), nil
}

// try runs one cell that is not judged, and listens for so long at its end, if nobody has said
// for how long.
func (x *session) try(ctx context.Context, p faults.Plan, quiet time.Duration) (*history.History, error) {
	x.harness.Quiet = cmp.Or(x.s.Quiet, quiet)
	r := x.harness.RunCell(ctx, x.cell(x.flow.subject(), p, x.s.Seed))
	return r.History, r.Err
}

// measures is how often a wait is measured at the most.
const measures = 3

// lost loses the answer to a step, once more where the machine was so late that the wait for it may
// be taken for a longer one, and gives the shortest.
func (x *session) lost(ctx context.Context, step string, listen time.Duration) (heard []*history.Index, wait time.Duration, err error) {
	answer := saga.FailurePoint{Step: step, Direction: saga.Action, Attempt: 1, Phase: saga.Response}
	plan := faults.Plan{Faults: []faults.Fault{faults.Doing(faults.Fault{At: answer}, faults.Injection.Silent)}}
	wait = x.s.Settle // longer than a cell lasts: for ever
	for range measures {
		h, err := x.try(ctx, plan, listen)
		if err != nil {
			return nil, 0, err
		}
		ix := history.NewIndex(h)
		heard, wait = append(heard, ix), min(wait, patience(h, step, wait))
		if !blurred(wait, ix.Lag) {
			break
		}
	}
	return heard, wait, nil
}

// patience is how long a workflow waited for the answer to a step that was lost; otherwise if it still did.
func patience(h *history.History, step string, otherwise time.Duration) time.Duration {
	var sent time.Duration
	for _, e := range h.Events {
		if e.Step != step || e.Direction != saga.Action || e.Attempt != 1 {
			continue
		}
		switch e.Kind {
		case history.CallSent:
			sent = e.From()
		case history.CallEnded:
			return e.At - sent
		}
	}
	return otherwise
}

// blurred tells whether a wait may come to another setting without what the machine was late.
func blurred(wait, late time.Duration) bool { return setting(wait-late) != setting(wait) }

// setting is the number of ms near a measured wait that a time-out is likely to be set to, so that plans
// that follow from it are the same ones in every run.
func setting(wait time.Duration) int {
	ms := max(int(wait.Milliseconds()), 0)
	unit := math.Pow10(max(len(strconv.Itoa(ms))-1, 0))
	nearest := 1.0
	for _, digits := range []float64{1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10} {
		if math.Abs(digits*unit-float64(ms)) < math.Abs(nearest*unit-float64(ms)) {
			nearest = digits
		}
	}
	return int(nearest * unit)
}

// longestSilence is how long the answers to one call are lost on the ways of a run, all together:
// no time of this machine is saved there.
const longestSilence = 2 * time.Minute

// runWorkflow runs the ways that the workflow may go, and then every kind of fault at each
// point that was passed on them.
func (x *session) runWorkflow(ctx context.Context) {
	d := x.flow.subject().blueprint()[0]
	x.host.say("seed %d, workflow %s, %d ways it may go, then every kind of fault at each point on them", x.s.Seed, x.flow.file.Name, len(planning.Journeys(d)))
	x.flow.sayReal(x.host)
	var ways []planned
	run := func(plans []faults.Plan) []planning.Journey {
		further := x.planned(x.flow.subject(), plans)
		ways = append(ways, further...)
		return x.travel(ctx, further)
	}
	seen := planning.Onward(d, x.ability(), run)
	kills := x.planned(x.flow.subject(), planning.Kills(d, seen, x.ability(), run))
	points := others(planning.AtPoints(d, slices.Concat(seen, x.flow.calm), x.ability()), slices.Concat(ways, kills))
	all := slices.Concat(
		x.together(),
		x.planned(x.flow.subject(), planning.LateArrivals(d, seen)),
		kills,
		x.planned(x.flow.subject(), x.atMost(points)),
	)
	x.collector.Plans(planList{listed: slices.Concat(ways, all)}.digest())
	n, mine := x.mine(planList{listed: all})
	x.runCells(ctx, n, x.cellsOf(mine)) // after the end none runs, and all are counted as left out
}

// others are the plans that are none of some.
func others(plans []faults.Plan, ran []planned) []faults.Plan {
	known := map[string]bool{}
	for _, w := range ran {
		known[w.plan.ID()] = true
	}
	return slices.DeleteFunc(plans, func(p faults.Plan) bool { return known[p.ID()] })
}

// sayReal says of which services only the answers are known.
func (f *flow) sayReal(h Host) {
	real := slices.Compact(slices.Sorted(maps.Values(f.file.Reals())))
	if len(real) == 0 {
		return
	}
	var inside []string
	for _, c := range checkers.All() {
		if d := c.Doc(); slices.ContainsFunc(d.Clauses, func(k checkers.Clause) bool { return k.Inside }) {
			inside = append(inside, d.Name)
		}
	}
	h.say("real services behind %s: what they did is what they say; nothing of them is judged by %s", strings.Join(real, ", "), strings.Join(inside, ", "))
}

// travel runs ways that a workflow may go, and tells where those led on which all went as
// planned.
func (x *session) travel(ctx context.Context, ways []planned) (seen []planning.Journey) {
	traces := map[string]planning.Trace{}
	judged := x.watch
	x.watch = func(r harness.Result, vs []checkers.Verdict) {
		if !r.Spoilt {
			traces[r.Cell.Plan.ID()] = planning.NewTrace(r.History)
		}
		if judged != nil {
			judged(r, vs)
		}
	}
	x.travels = true
	x.runCells(ctx, len(ways), x.cellsOf(slices.Values(ways)))
	x.travels = false
	x.watch = judged
	for _, w := range ways {
		if t, ok := traces[w.plan.ID()]; ok && len(t.Missed()) == 0 {
			seen = append(seen, planning.Journey{Plan: w.plan, Trace: t})
		}
	}
	return seen
}

// together are plans for several sagas at once; none where only one can be told apart.
func (x *session) together() []planned {
	if x.flow.file.Alone() {
		return nil
	}
	s := x.flow.several(together)
	return x.planned(s, planning.Together(s.blueprint()[0], together, x.ability()))
}
