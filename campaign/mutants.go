package campaign

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/scenarios"
)

// MutateOptions are those of [Mutate].
type MutateOptions struct {
	Defects    []string // globs; none: all
	Scenarios  []string // globs; none: the catalogue without threads
	Seeds      int      // searches for each defect
	Limit      int      // runs after which a search gives up; 0: what fits the kind of search
	Seed       uint64   // of everything that is drawn
	Quick      bool     // one search for each defect, with the curated plans first, and no baseline
	Explore    bool     // one that enumerates plans of one and two faults, and no baseline
	NoBaseline bool     // no searches by time and chance
	Parallel   int      // sagas at once, over all defects; 0: SagasPerCore
	Settle     time.Duration
	Out        string // folder of the folders of runs
}

// MutateDefaults are the options of a command without flags.
func MutateDefaults() MutateOptions {
	return MutateOptions{Seeds: 20, Seed: 1, Settle: 3 * time.Second, Out: Defaults().Out}
}

// Runs after which a search gives up.
const (
	drawnLimit    = 200
	exploredLimit = 4000
)

func (o *MutateOptions) check() error {
	switch {
	case o.Seeds < 1:
		return fmt.Errorf("--seeds: %d: expected 1 or more", o.Seeds)
	case o.Limit < 0:
		return fmt.Errorf("--limit: %d: expected 0 (the default) or more", o.Limit)
	case o.Parallel < 0:
		return fmt.Errorf("--parallel: %d: expected 0 (the default) or more", o.Parallel)
	case o.Settle <= 0:
		return fmt.Errorf("--settle: %v: expected more than 0", o.Settle)
	}
	if o.Quick && o.Explore {
		return errors.New("--quick and --explore: expected one of them")
	}
	if o.Limit == 0 {
		o.Limit = drawnLimit
		if o.Explore {
			o.Limit = exploredLimit
		}
	}
	if o.Parallel == 0 {
		o.Parallel = SagasPerCore * runtime.GOMAXPROCS(0)
	}
	if o.Quick || o.Explore {
		o.Seeds, o.NoBaseline = 1, true
	}
	return nil
}

// Mutate switches on each planted defect, one at a time, and runs cells until the
// defect's own checker reports a violation.
func Mutate(ctx context.Context, host Host, o MutateOptions) (*Finished, error) {
	if err := o.check(); err != nil {
		return nil, usage(err)
	}
	chosen, err := chooseMutants(o.Defects)
	if err != nil {
		return nil, usage(fmt.Errorf("--defect: %w", err))
	}
	list, err := interruptible(ctx, func() ([]*scenarios.Scenario, error) { return chooseScenarios(o.Scenarios) })
	if err != nil {
		return nil, badInput(fmt.Errorf("--scenario: %w", err))
	}
	if o.Explore {
		chosen = slices.DeleteFunc(chosen, func(m mutant) bool { return m.Equivalent })
	}
	started := time.Now()
	dir, err := results.NewRunDir(o.Out, "mutants", started)
	if err != nil {
		return nil, trouble(err)
	}
	x := &measurement{
		host: host, options: o, scenarios: list, dir: dir,
		nonce:    nextNonce(started),
		room:     semaphore.NewWeighted(int64(o.Parallel)),
		progress: host.progress("searches", plannedSearches(o, chosen)),
		collector: results.New(results.Meta{
			Tool: host.Tool, Command: host.Command, Started: started,
			Seed: o.Seed, Orchestrator: history.Orchestrator{Name: Reference, Version: host.Tool}, Profile: string(participants.Fenced),
		}),
	}
	host.say("seed %d, %d defects and equivalent switches, %d scenarios", o.Seed, len(chosen), len(list))
	defects := x.all(ctx, chosen)
	x.progress.Finish()
	return &Finished{Run: x.finish(ctx, defects, len(chosen)), Dir: dir, Link: results.LatestLink}, nil
}

// finish makes the run of what was measured, of so many defects that were to be.
func (x *measurement) finish(ctx context.Context, defects []results.Defect, chosen int) *results.Run {
	why, byUser := cutBy(ctx, nil)
	if byUser {
		x.collector.Interrupt()
	}
	if why != "" {
		x.collector.LeftOut(why+": defects not measured to the end", chosen-int(x.measured.Load()))
	}
	run := x.collector.Finish()
	run.Mutants = &results.Mutants{Seeds: x.options.Seeds, Limit: x.options.Limit, Defects: defects}
	if !x.options.NoBaseline {
		run.Mutants.Baseline = "windows of outage, latency and errors, and kills, at random times"
	}
	run.Judge()
	return run
}

// plannedSearches is how many searches will be made.
func plannedSearches(o MutateOptions, chosen []mutant) int {
	n := 0
	for _, m := range chosen {
		switch {
		case m.Equivalent || o.NoBaseline:
			n += o.Seeds
		default:
			n += 2 * o.Seeds
		}
	}
	return n
}

// measurement is one measurement of defects.
type measurement struct {
	host      Host
	options   MutateOptions
	scenarios []*scenarios.Scenario
	dir       string
	nonce     string
	room      *semaphore.Weighted // bounds the sagas at once, over all defects
	progress  Progress
	collector *results.Collector
	measured  atomic.Int64 // defects, to the end
}

// defectsAtOnce: a defect that makes sagas hang keeps its place for long.
func (x *measurement) defectsAtOnce() int {
	if x.options.Quick {
		return max(x.options.Parallel/4, 1)
	}
	return max(x.options.Parallel/6, 1)
}

// all measures the defects, several at a time. Those that were not measured when
// the context ended are left out.
func (x *measurement) all(ctx context.Context, chosen []mutant) []results.Defect {
	found := make([]*results.Defect, len(chosen))
	places := make(chan struct{}, x.defectsAtOnce())
	var work sync.WaitGroup
	for i, m := range chosen {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		work.Go(func() {
			defer func() { <-places }()
			d, err := x.measure(ctx, m)
			if err != nil && ctx.Err() == nil {
				x.collector.AddError(results.CellInfo{}, fmt.Errorf("defect %s: %w", m.Name, err))
			}
			if ctx.Err() == nil {
				x.measured.Add(1)
			}
			found[i] = d
		})
	}
	work.Wait()
	var defects []results.Defect
	for _, d := range found {
		if d != nil {
			defects = append(defects, *d)
		}
	}
	return defects
}
