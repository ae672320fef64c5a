package campaign

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/results"
)

// mutant is a planted defect, or an equivalent switch, to be measured.
type mutant struct {
	results.Defect
	profile participants.Profile
	// process: it shows only when the orchestrator's process is killed. Only then
	// do plans kill it, exact ones and those by chance.
	process bool
	// store: the same for outages of the store.
	store bool
}

// allMutants lists the switches of the reference executor, and those of the
// participants.
func allMutants() []mutant {
	var all []mutant
	for _, d := range reference.Defects() {
		all = append(all, mutant{
			Defect:  results.Defect{Name: d.Name, Text: d.Description, Anomaly: d.Anomaly, Equivalent: d.Equivalent, Place: "reference", Kills: map[string]int{}},
			profile: participants.Fenced, process: strings.Contains(d.Needs, "crash"), store: strings.Contains(d.Needs, "outage of the store"),
		})
	}
	for _, d := range participants.AllDefects() {
		all = append(all, mutant{
			Defect:  results.Defect{Name: d.Name, Text: d.Description, Anomaly: d.Anomaly, Place: "participant", Kills: map[string]int{}},
			profile: d.Profile,
		})
	}
	return all
}

// bench is the place where one defect is measured: an orchestrator that has it,
// and a harness.
type bench struct {
	*hunt
	mutant mutant
	system *embedded
	h      *harness.Harness
	judges []checkers.Checker
	number atomic.Int64 // of cells
	mu     sync.Mutex
	errors int
	first  error
}

func (h *hunt) bench(ctx context.Context, m mutant) (*bench, error) {
	var switches, args []string
	if m.Place == "reference" {
		switches, args = []string{m.Name}, []string{"--defect", m.Name}
	}
	system, err := startEmbedded(ctx, h.host.Tool, switches)
	if err != nil {
		return nil, err
	}
	start := func(ctx context.Context) (orchestrators.System, error) {
		return orchestrators.Start(ctx, Reference, orchestrators.Options{Args: args})
	}
	settle := h.options.Settle
	if m.Equivalent { // nothing hangs, so patience costs nothing
		settle = max(settle, harness.DefaultSettle)
	}
	run, err := harness.New(harness.Options{
		System: system, Start: start, Parallel: h.options.Parallel, Processes: 4, Settle: settle, Defects: switches,
	})
	if err != nil {
		return nil, errors.Join(err, system.Stop(context.WithoutCancel(ctx)))
	}
	return &bench{hunt: h, mutant: m, system: system, h: run, judges: checkers.All()}, nil
}

func (b *bench) close(ctx context.Context) error {
	return errors.Join(b.h.Close(), b.system.Stop(context.WithoutCancel(ctx)))
}

// sighting is what one run showed.
type sighting struct {
	trial  trial
	result harness.Result
	seen   []string // the checkers that reported a violation
}

// try runs and judges one cell.
func (b *bench) try(ctx context.Context, t trial) sighting {
	s := sighting{trial: t}
	sagas := max(t.scenario.Sagas, 1)
	weight := int64(b.options.Parallel)
	if !t.alone {
		weight = min(weight, int64(sagas))
	}
	if b.room.Acquire(ctx, weight) != nil {
		return s
	}
	defer b.room.Release(weight)
	c := harness.Cell{
		ID:       fmt.Sprintf("%s-%s-%d", b.nonce, b.mutant.Name, b.number.Add(1)),
		Scenario: t.scenario.Name, Source: t.scenario, Sagas: sagas, Plan: t.plan, Profile: t.profile, Seed: t.seed,
	}
	if b.mutant.Place == "participant" {
		c.Defects = []string{b.mutant.Name}
	}
	s.result = b.h.RunCell(ctx, c)
	if err := s.result.Err; err != nil && ctx.Err() == nil {
		b.mu.Lock()
		b.errors++
		b.first = cmp.Or(b.first, fmt.Errorf("%s, %s: %w", t.scenario.Name, t.plan, err))
		b.mu.Unlock()
	}
	if s.result.History == nil || s.result.Err != nil {
		return s
	}
	for _, v := range checkers.Judge(s.result.History, b.judges) {
		if v.Outcome == checkers.Violation && !(b.mutant.Equivalent && b.advice(v.Property)) {
			s.seen = append(s.seen, v.Property)
		}
	}
	return s
}

func (b *bench) advice(property string) bool {
	c, ok := checkers.ByName(property)
	return ok && c.Doc().Advice
}

// outcome is what a search came to.
type outcome struct {
	runs  int
	kills map[string]bool
	kill  *sighting // by its own checker
	cut   bool      // by the user
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
func (b *bench) search(ctx context.Context, trials iter.Seq[trial], width int) outcome {
	o := outcome{kills: map[string]bool{}}
	next, stop := iter.Pull(trials)
	defer stop()
	for {
		wave := b.wave(ctx, next, width)
		for _, s := range wave {
			if b.count(&o, s) {
				return o
			}
		}
		if len(wave) < width || ctx.Err() != nil {
			o.cut = ctx.Err() != nil
			return o
		}
	}
}

// count adds a run to an outcome; true: it ends the search.
func (b *bench) count(o *outcome, s sighting) bool {
	o.runs++
	for _, name := range s.seen {
		o.kills[name] = true
	}
	if slices.Contains(s.seen, b.mutant.Anomaly) || b.mutant.Equivalent && len(s.seen) > 0 {
		o.kill = &s
	}
	return o.kill != nil
}

func (b *bench) wave(ctx context.Context, next func() (trial, bool), width int) []sighting {
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
func (b *bench) tries(ctx context.Context, trials []trial) []sighting {
	wave := make([]sighting, len(trials))
	var work sync.WaitGroup
	for i, t := range trials {
		work.Go(func() { wave[i] = b.try(ctx, t) })
	}
	work.Wait()
	return wave
}

// keep stores the run that killed the defect: its history, and a replay file.
func (b *bench) keep(s *sighting) error {
	if err := s.result.History.Save(filepath.Join(b.dir, results.HistoriesDir, b.mutant.Name+history.Extension)); err != nil {
		return err
	}
	r := results.NewReplay(s.result.History.Header)
	r.System = results.System{By: results.BuiltIn, Name: Reference}
	r.Tool = b.host.Tool
	if !b.mutant.Equivalent {
		r.Property = b.mutant.Anomaly
	}
	text, err := r.Encode(fmt.Sprintf("planted defect %s: %s\nplan: %s\n", b.mutant.Name, b.mutant.Text, s.trial.plan))
	if err != nil {
		return err
	}
	file := b.replayFile(b.mutant.Name)
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	return results.WriteFile(file, text)
}
