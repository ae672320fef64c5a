package campaign

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/sagacheck/sagacheck/results"
)

// probeTries is how often a plan is run before a fault that did not fire counts
// as missed: what a run passes may depend on time.
const probeTries = 3

// ExploreOptions are those of [Explore].
type ExploreOptions struct {
	Settings
	Depth    int           // faults a plan may have
	MaxPlans int           // run at most so many; 0: no limit
	Shard    results.Shard // run this part of the plans only
	Resume   string        // log (ExploreLog) of an exploration to go on with
	Audit    bool          // also run what the rules leave out
	Operator bool          // also have operators ask for things at every failure point
	Shrink   Shrink
	Workers  Workers
	Gate     Gate
	// Flags are noted in the log, for whoever goes on with it (ExploreFlags).
	Flags map[string][]string
	// Cut is told where the log is, before failures are shrunk, if not all was run.
	Cut func(log string)
}

func (o *ExploreOptions) check() error {
	switch {
	case o.Depth < 0:
		return fmt.Errorf("--depth: %d: expected 0 or more", o.Depth)
	case o.MaxPlans < 0:
		return fmt.Errorf("--max-plans: %d: expected 0 (no limit) or more", o.MaxPlans)
	}
	return errors.Join(o.Shrink.check(), o.Workers.check(o.Settings))
}

// Explore tries every kind of fault at every failure point that scenarios reach.
func Explore(ctx context.Context, host Host, o ExploreOptions) (*Finished, error) {
	if err := o.check(); err != nil {
		return nil, usage(err)
	}
	g, err := o.Gate.open(partOf(o.Shard))
	if err != nil {
		return nil, err
	}
	x, err := open(ctx, host, o.Settings, "explore", partOf(o.Shard))
	if err != nil {
		return nil, err
	}
	x.gate = g
	if err := g.fits(x.system.Info().Name); err != nil {
		return nil, errors.Join(err, x.close())
	}
	if err := x.hire(ctx, o.Workers); err != nil {
		return nil, errors.Join(err, x.close())
	}
	e, err := newExploration(ctx, x, o)
	if err != nil {
		return nil, errors.Join(err, x.close())
	}
	e.failed.expect(g.known, x.checkers)
	err = e.explore(ctx)
	if err = errors.Join(err, e.log.close()); err != nil {
		return nil, errors.Join(trouble(err), x.close())
	}
	if (e.tally.cut() || ctx.Err() != nil) && o.Cut != nil {
		o.Cut(filepath.Join(x.dir, ExploreLog))
	}
	return x.finishShrunk(ctx, o.Shrink, &e.failed, e.amend)
}

// Audit is what an exploration says of the rules that leave plans out.
type Audit struct {
	Ran, Pruned int // plans that ran; those of them that the rules leave out otherwise
	Found, Lost int // findings (property × scenario); those that only such plans made
}
