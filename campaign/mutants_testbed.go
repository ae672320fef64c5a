package campaign

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/participants"
	participantdefects "github.com/sagacheck/sagacheck/participants/defects"
	"github.com/sagacheck/sagacheck/results"
)

// testbed is the place where one defect is measured: an orchestrator that has it,
// and a harness.
type testbed struct {
	*measurement
	mutant mutant
	rules  *participants.Rules // that the mutant is laid over; nil: it is none of the participants
	system *embedded
	h      *harness.Harness
	judges []checkers.Checker
	number atomic.Int64 // of cells
	mu     sync.Mutex
	errors int
	first  error
}

func (x *measurement) prepare(ctx context.Context, m mutant) (*testbed, error) {
	var switches, args []string
	var rules *participants.Rules
	var err error
	if m.Place == "reference" {
		switches, args = []string{m.Name}, []string{"--defect", m.Name}
	} else if rules, err = participantdefects.Rules(m.Name); err != nil {
		return nil, err
	}
	system, err := startEmbedded(ctx, x.host.Tool, switches)
	if err != nil {
		return nil, err
	}
	start := func(ctx context.Context) (orchestrators.System, error) {
		return orchestrators.Start(ctx, Reference, orchestrators.Options{Args: args})
	}
	settle := x.options.Settle
	if m.Equivalent { // nothing hangs, so patience costs nothing
		settle = max(settle, harness.DefaultSettle)
	}
	run, err := harness.New(harness.Options{
		System: system, Start: start, Parallel: x.options.Parallel, Processes: 4, Settle: settle, Defects: switches,
	})
	if err != nil {
		return nil, errors.Join(err, system.Stop(context.WithoutCancel(ctx)))
	}
	return &testbed{measurement: x, mutant: m, rules: rules, system: system, h: run, judges: checkers.All()}, nil
}

func (b *testbed) close(ctx context.Context) error {
	return errors.Join(b.h.Close(), b.system.Stop(context.WithoutCancel(ctx)))
}

// observation is what one run showed.
type observation struct {
	trial  trial
	result harness.Result
	seen   []string // the checkers that reported a violation
}

// try runs and judges one cell.
func (b *testbed) try(ctx context.Context, t trial) observation {
	s := observation{trial: t}
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
		Scenario: t.scenario.Name, Source: t.scenario, Sagas: sagas, Plan: t.plan, Profile: t.profile, Seed: t.seed, Rules: b.rules,
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

func (b *testbed) advice(property string) bool {
	c, ok := checkers.ByName(property)
	return ok && c.Doc().Advice
}

// keep stores the run that killed the defect: its history, and a replay file.
func (b *testbed) keep(s *observation) error {
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

// replayFile is where the run that killed a defect is kept.
func (x *measurement) replayFile(name string) string {
	return filepath.Join(x.dir, results.FailuresDir, name+".yaml")
}
