package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/semaphore"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/scenarios"
)

type mutantsFlags struct {
	defects    []string
	scenarios  []string
	seeds      int
	limit      int
	seed       uint64
	quick      bool
	explore    bool
	noBaseline bool
	parallel   int
	settle     time.Duration
	out        string
	histories  []string
	all        bool
	limits
}

func newMutants(p process) *cobra.Command {
	f := &mutantsFlags{}
	c := &cobra.Command{
		Use:   "mutants",
		Short: "Measure which planted defect is found by which checker, after how many runs",
		Long: `Switches on each planted defect of the reference executor and of the
participants, one at a time, and runs cells until the defect's own checker
reports a violation: --seeds searches for each defect, of at most --limit runs.
The same searches are made with plans that place faults by time and chance, as
plain chaos tools do, and the two are compared (docs/mutants.md).

--quick makes one search for each defect, with the curated plans first.

--explore makes one search for each defect, which enumerates plans as sagacheck
explore does, of one fault and then of two, until --limit; equivalent switches
are left out.

--histories changes stored histories instead, those of a folder of a run: each
operator makes one mistake at one place, and the checker whose promise that breaks
must say so. Other changes are legal, and must turn no verdict. A sample is changed,
always the same of the same run; --all changes all of it, which takes many minutes.
Exit 0 only if each operator was seen at 99 % of the places where its property was
judged, every clause that was at risk was broken by one, and no legal change turned a
verdict; else 1, and the last lines say what is wrong.

Exit 0 only if every planted defect was killed by its own checker, and every
equivalent switch (a change that breaks nothing) stayed green.`,
		Example: `  sagacheck mutants
  sagacheck mutants --quick
  sagacheck mutants --explore
  sagacheck mutants --defect 'retry-*' --seeds 5 --no-baseline
  sagacheck mutants --histories sagacheck-out/latest`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c, p) },
	}
	f.limits.register(c)
	c.Flags().StringSliceVar(&f.defects, "defect", nil, "only defects that match this `glob` (may be repeated)")
	c.Flags().StringSliceVar(&f.scenarios, "scenario", nil, "only scenarios that match this `glob` (default: the catalogue without threads)")
	c.Flags().IntVar(&f.seeds, "seeds", 20, "searches for each defect")
	c.Flags().IntVar(&f.limit, "limit", 0, "runs after which a search gives up (default: 200, with --explore 4000)")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "seed of everything that is drawn")
	c.Flags().BoolVar(&f.quick, "quick", false, "one search for each defect, with the curated plans first, and no baseline")
	c.Flags().BoolVar(&f.explore, "explore", false, "one search for each defect that enumerates plans of one and two faults, and no baseline")
	c.Flags().BoolVar(&f.noBaseline, "no-baseline", false, "leave out the searches by time and chance")
	c.Flags().IntVar(&f.parallel, "parallel", 0, fmt.Sprintf("sagas at once, over all defects (default: %d a core)", sagasPerCore))
	c.Flags().DurationVar(&f.settle, "settle", 3*time.Second, "how long after the last fault a saga may take to end")
	c.Flags().StringVar(&f.out, "out", "sagacheck-out", "`folder` for reports")
	c.Flags().StringSliceVar(&f.histories, "histories", nil, "change the stored histories of this `folder` instead of running anything (may be repeated)")
	c.Flags().BoolVar(&f.all, "all", false, "with --histories: change every place of every history, not a sample")
	return c
}

// Runs after which a search gives up.
const (
	drawnLimit    = 200
	exploredLimit = 4000
)

func (f *mutantsFlags) check() error {
	switch {
	case f.seeds < 1:
		return fmt.Errorf("--seeds: %d: expected 1 or more", f.seeds)
	case f.limit < 0:
		return fmt.Errorf("--limit: %d: expected 0 (the default) or more", f.limit)
	case f.parallel < 0:
		return fmt.Errorf("--parallel: %d: expected 0 (the default) or more", f.parallel)
	case f.settle <= 0:
		return fmt.Errorf("--settle: %v: expected more than 0", f.settle)
	}
	if f.quick && f.explore {
		return errors.New("--quick and --explore: expected one of them")
	}
	if f.limit == 0 {
		f.limit = drawnLimit
		if f.explore {
			f.limit = exploredLimit
		}
	}
	if f.parallel == 0 {
		f.parallel = sagasPerCore * runtime.GOMAXPROCS(0)
	}
	if f.quick || f.explore {
		f.seeds, f.noBaseline = 1, true
	}
	return nil
}

func (f *mutantsFlags) run(c *cobra.Command, p process) error {
	if f.all && len(f.histories) == 0 {
		return usage(errors.New("--all: expected --histories beside it"))
	}
	if len(f.histories) > 0 {
		return mutateHistories(c, p, f.histories, f.all)
	}
	if err := f.check(); err != nil {
		return usage(err)
	}
	chosen, err := chooseMutants(f.defects)
	if err != nil {
		return usage(fmt.Errorf("--defect: %w", err))
	}
	list, err := interruptible(c.Context(), func() ([]*scenarios.Scenario, error) { return chooseScenarios(f.scenarios) })
	if err != nil {
		return badInput(fmt.Errorf("--scenario: %w", err))
	}
	if f.explore {
		chosen = slices.DeleteFunc(chosen, func(m mutant) bool { return m.Equivalent })
	}
	started := time.Now()
	dir, err := results.NewRunDir(f.out, c.Name(), started)
	if err != nil {
		return trouble(err)
	}
	h := &hunt{
		flags: f, scenarios: list, dir: dir,
		nonce:    strconv.FormatInt(started.UnixMilli()%(36*36*36*36*36*36), 36),
		room:     semaphore.NewWeighted(int64(f.parallel)),
		progress: reports.NewProgress(reports.NewTerminal(p.stderr, p.getenv), "searches", plannedSearches(f, chosen)),
		collector: results.New(results.Meta{
			Tool: toolVersion(), Command: strings.Join(append([]string{c.Name()}, p.args[min(1, len(p.args)):]...), " "), Started: started,
			Seed: f.seed, Orchestrator: history.Orchestrator{Name: referenceName, Version: toolVersion()}, Profile: string(participants.Fenced),
		}),
	}
	fmt.Fprintf(p.stderr, "sagacheck: seed %d, %d defects and equivalent switches, %d scenarios\n", f.seed, len(chosen), len(list))
	defects := h.all(c.Context(), chosen)
	h.progress.Finish()
	why, byUser := cutBy(c.Context(), nil)
	if byUser {
		h.collector.Interrupt()
	}
	if why != "" {
		h.collector.LeftOut(why+": defects not measured to the end", len(chosen)-int(h.measured.Load()))
	}
	run := h.collector.Finish()
	run.Mutants = &results.Mutants{Seeds: f.seeds, Limit: f.limit, Defects: defects}
	if !f.noBaseline {
		run.Mutants.Baseline = "windows of outage, latency and errors, and kills, at random times"
	}
	run.Judge()
	return publish(reports.NewTerminal(p.stdout, p.getenv), run, f.out, dir)
}

// plannedSearches is how many searches will be made.
func plannedSearches(f *mutantsFlags, chosen []mutant) int {
	n := 0
	for _, m := range chosen {
		switch {
		case m.Equivalent || f.noBaseline:
			n += f.seeds
		default:
			n += 2 * f.seeds
		}
	}
	return n
}

// hunt is one run of the command.
type hunt struct {
	flags     *mutantsFlags
	scenarios []*scenarios.Scenario
	dir       string
	nonce     string
	room      *semaphore.Weighted // bounds the sagas at once, over all defects
	progress  *reports.Progress
	collector *results.Collector
	measured  atomic.Int64 // defects, to the end
}

// defectsAtOnce: a defect that makes sagas hang keeps its place for long.
func (h *hunt) defectsAtOnce() int {
	if h.flags.quick {
		return max(h.flags.parallel/4, 1)
	}
	return max(h.flags.parallel/6, 1)
}

// all measures the defects, several at a time. Those that were not measured when
// the context ended are left out.
func (h *hunt) all(ctx context.Context, chosen []mutant) []results.Defect {
	found := make([]*results.Defect, len(chosen))
	places := make(chan struct{}, h.defectsAtOnce())
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
			d, err := h.measure(ctx, m)
			if err != nil && ctx.Err() == nil {
				h.collector.AddError(results.CellInfo{}, fmt.Errorf("defect %s: %w", m.Name, err))
			}
			if ctx.Err() == nil {
				h.measured.Add(1)
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

// replayFile is where the run that killed a defect is kept.
func (h *hunt) replayFile(name string) string {
	return filepath.Join(h.dir, results.FailuresDir, name+".yaml")
}

// chooseMutants finds the planted defects and equivalent switches that match one
// of the globs; none selects all.
func chooseMutants(globs []string) ([]mutant, error) {
	all := allMutants()
	if len(globs) == 0 {
		return all, nil
	}
	chosen := map[string]bool{}
	for _, g := range globs {
		found := false
		for _, m := range all {
			ok, err := path.Match(g, m.Name)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", g, err)
			}
			if ok {
				found, chosen[m.Name] = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("no defect matches %q: see sagacheck list defects", g)
		}
	}
	return slices.DeleteFunc(all, func(m mutant) bool { return !chosen[m.Name] }), nil
}
