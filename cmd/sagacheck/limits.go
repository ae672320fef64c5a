package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/results"
)

// enoughFailures is how many cells may break one property, or fail to run, before a
// run ends: more of them show nothing new, and those that wait for sagas that never
// end cost the whole settle time each.
const enoughFailures = 100

// failedToRun is what a cell did that has no verdict.
const failedToRun = "failed to run"

// limits end a run of cells before its last one. What was not run is counted and
// named, and such a run is not green.
type limits struct {
	maxFailures int
	maxTime     time.Duration
}

// limitReached is why a run ended before its last cell, if its user did not end it.
type limitReached string

func (l limitReached) Error() string { return string(l) }

// register adds the flags. The time counts from the beginning of the command.
func (l *limits) register(c *cobra.Command) {
	c.Flags().DurationVar(&l.maxTime, "max-time", 0, "end after this time, whatever is under way then; what was not run is named, and the run is not green; 0: no limit")
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		switch {
		case l.maxTime < 0:
			return usage(fmt.Errorf("--max-time: %v: expected 0 (no limit) or more", l.maxTime))
		case l.maxFailures < 0:
			return usage(fmt.Errorf("--max-failures: %d: expected 0 (no limit) or more", l.maxFailures))
		case l.maxTime > 0:
			reached := limitReached(fmt.Sprintf("after --max-time %v", l.maxTime))
			ctx, cancel := context.WithDeadlineCause(c.Context(), time.Now().Add(l.maxTime), reached)
			c.PostRun = func(*cobra.Command, []string) { cancel() }
			c.SetContext(ctx)
		}
		return nil
	}
}

// registerFailures adds the flag of commands in which a failure is a failure.
func (l *limits) registerFailures(c *cobra.Command, most int) {
	c.Flags().IntVar(&l.maxFailures, "max-failures", most, "end after so many cells that break one property, or that fail to run; 0: no limit")
}

// cutBy says why a run of cells ended before its last one, and whether its user ended
// it; err is that of Harness.Run. Empty: it did not.
func cutBy(ctx context.Context, err error) (why string, byUser bool) {
	var gone *harness.GoneError
	var limit limitReached
	switch {
	case errors.As(err, &gone):
		return "the system under test went away", false
	case ctx.Err() == nil:
		return "", false
	case errors.As(context.Cause(ctx), &limit):
		return limit.Error(), false
	}
	return "interrupted", true
}

// unstarted is the exit of a command that ended before it had begun.
func unstarted(ctx context.Context, err error) error {
	if why, byUser := cutBy(ctx, nil); !byUser {
		return &exitError{results.ExitUnproven, fmt.Errorf("%s: the system under test was not ready: %w", why, err)}
	}
	return &exitError{results.ExitInterrupted, err}
}

// begin makes the context of cells that failures may end.
func (x *session) begin(ctx context.Context) context.Context {
	ctx, x.stop = context.WithCancelCause(ctx)
	x.failing = map[string]int{}
	return ctx
}

// fail counts the properties that a cell broke.
func (x *session) fail(verdicts []checkers.Verdict) {
	for _, v := range verdicts {
		if c, ok := checkers.ByName(v.Property); ok && v.Outcome == checkers.Violation && !c.Doc().Advice {
			x.failOne("broke " + v.Property)
		}
	}
}

// failOne counts a failed cell, and ends the run when there are enough of one kind.
func (x *session) failOne(what string) {
	x.failing[what]++
	if x.s.maxFailures == 0 || x.failing[what] != x.s.maxFailures {
		return
	}
	why := fmt.Sprintf("%d cells %s (--max-failures)", x.s.maxFailures, what)
	fmt.Fprintf(x.p.stderr, "sagacheck: no more cells are begun: %s\n", why)
	x.stop(limitReached("after " + why))
}

// interruptible runs what may wait for a file for ever, a pipe for example, and gives
// up when the context ends.
func interruptible[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		v, err := read()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, &exitError{results.ExitInterrupted, errors.New("interrupted while reading a file")}
	}
}
