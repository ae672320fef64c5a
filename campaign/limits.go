package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/results"
)

// failedToRun is what a cell did that has no verdict.
const failedToRun = "failed to run"

// limitReached is why a run ended before its last cell, if its user did not end it.
type limitReached string

func (l limitReached) Error() string { return string(l) }

// WithBudget ends campaigns after some time: what was not run by then is counted and
// named, with why, and such a run is not green. A context that ends otherwise is an
// interruption by the user.
func WithBudget(ctx context.Context, d time.Duration, why string) (context.Context, context.CancelFunc) {
	return context.WithDeadlineCause(ctx, time.Now().Add(d), limitReached(why))
}

// cutBy says why a run of cells ended before its last one, and whether its user ended
// it; err is that of Harness.Run. Empty: it did not.
func cutBy(ctx context.Context, err error) (why string, byUser bool) {
	var gone *harness.GoneError
	var limit limitReached
	switch {
	case errors.As(err, &gone):
		return "the system under test went away", false
	case ctx.Err() == nil && err != nil:
		return err.Error(), false
	case ctx.Err() == nil:
		return "", false
	case errors.As(context.Cause(ctx), &limit):
		return limit.Error(), false
	}
	return "interrupted", true
}

// unstarted is the error of a campaign that ended before it had begun.
func unstarted(ctx context.Context, err error) error {
	if why, byUser := cutBy(ctx, nil); !byUser {
		return &Error{results.ExitUnproven, fmt.Errorf("%s: the system under test was not ready: %w", why, err)}
	}
	return &Error{results.ExitInterrupted, err}
}

// begin makes the context of cells that failures may end. Those of all cells of a session
// count: where there are enough of one kind, no more cells begin.
func (x *session) begin(ctx context.Context) context.Context {
	ctx, x.stop = context.WithCancelCause(ctx)
	if x.failing == nil {
		x.failing, x.always = map[string]int{}, map[string]bool{}
	}
	if x.limit != nil {
		x.stop(x.limit)
	}
	return ctx
}

// fail counts a cell by all that it broke, but for what the gate expects, and tells whether it took the
// whole wait to.
func (x *session) fail(r harness.Result, verdicts []checkers.Verdict) (slowly bool) {
	broken := false
	var kind []string
	for _, v := range verdicts {
		if v.Outcome != checkers.Violation {
			continue
		}
		c, ok := checkers.ByName(v.Property)
		if !ok || c.Doc().Advice {
			continue
		}
		broken = true
		if k := x.keyIn(v.Property, r.Cell.Scenario, r.Cell.Plan); !x.gate.expects(k) {
			kind = append(kind, v.Property)
		}
	}
	if len(kind) > 0 {
		x.alike.fail(r)
	}
	slowly = x.alike.slow(r)
	if !slowly {
		kind = x.byFaults(r.Cell.Plan, kind)
	}
	if len(kind) > 0 {
		slices.Sort(kind)
		x.failOne("broke " + strings.Join(kind, ", "))
	}
	return broken && slowly
}

// byFaults leaves out of what a cell with faults broke the properties that one without any broke before: each cell
// breaks those, and they say nothing of how much there is left to find.
func (x *session) byFaults(p faults.Plan, broken []string) []string {
	if len(p.Faults) > 0 {
		return slices.DeleteFunc(broken, func(property string) bool { return x.always[property] })
	}
	for _, property := range broken {
		x.always[property] = true
	}
	return broken
}

// failOne counts a failed cell, and ends the run when there are enough of one kind. One of a kind that
// was not there before has all others counted anew: the run still finds something, and what each cell breaks must not
// end the search for that.
func (x *session) failOne(kind string) {
	if _, seen := x.failing[kind]; !seen && kind != failedToRun {
		for k := range x.failing {
			if k != failedToRun {
				x.failing[k] = 0
			}
		}
	}
	x.failing[kind]++
	if x.s.MaxFailures == 0 || x.failing[kind] != x.s.MaxFailures {
		return
	}
	flag := "--max-failures"
	if x.s.MaxFailures == 1 {
		flag = "--fail-fast, which is --max-failures 1"
	}
	why := fmt.Sprintf("%s %s (%s)", words.Plural(x.s.MaxFailures, "cell"), kind, flag)
	if x.limit == nil {
		x.host.say("no more cells are begun: %s", why)
		x.limit = limitReached("after " + why)
	}
	x.stop(x.limit)
}
