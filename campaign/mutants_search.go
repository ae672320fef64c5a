package campaign

import (
	"context"
	"iter"
	"maps"
	"slices"
	"sync"
)

// outcome is what a search came to.
type outcome struct {
	runs  int
	kills map[string]bool
	kill  *observation // by its own checker
	cut   bool         // by the user
}

func (o outcome) unfinished() bool { return o.cut }

// add adds the outcome of a search that followed.
func (o *outcome) add(next outcome) {
	o.runs += next.runs
	maps.Copy(o.kills, next.kills)
	o.kill, o.cut = next.kill, next.cut
}

// search runs trials, width at a time, until the defect's own checker reports a
// violation. What ran beside or after that run does not count.
func (b *testbed) search(ctx context.Context, trials iter.Seq[trial], width int) outcome {
	o := outcome{kills: map[string]bool{}}
	next, stop := iter.Pull(trials)
	defer stop()
	for {
		batch := b.batch(ctx, next, width)
		for _, s := range batch {
			if b.count(&o, s) {
				return o
			}
		}
		if len(batch) < width || ctx.Err() != nil {
			o.cut = ctx.Err() != nil
			return o
		}
	}
}

// count adds a run to an outcome; true: it ends the search.
func (b *testbed) count(o *outcome, s observation) bool {
	o.runs++
	for _, name := range s.seen {
		o.kills[name] = true
	}
	if slices.Contains(s.seen, b.mutant.Anomaly) || b.mutant.Equivalent && len(s.seen) > 0 {
		o.kill = &s
	}
	return o.kill != nil
}

func (b *testbed) batch(ctx context.Context, next func() (trial, bool), width int) []observation {
	var trials []trial
	for range width {
		t, ok := next()
		if !ok {
			break
		}
		trials = append(trials, t)
	}
	return b.tries(ctx, trials)
}

// tries runs trials side by side.
func (b *testbed) tries(ctx context.Context, trials []trial) []observation {
	batch := make([]observation, len(trials))
	var work sync.WaitGroup
	for i, t := range trials {
		work.Go(func() { batch[i] = b.try(ctx, t) })
	}
	work.Wait()
	return batch
}
