package harness_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/saga"
)

// A saga of the next version comes while the first one is under way, both end, and each goes by its own.
func TestAnotherVersionComes(t *testing.T) {
	s := scenario(t, "long-chain")
	plans := slices.DeleteFunc(planning.Curated([]saga.Definition{blueprint(s)}, planning.Ability{Versions: true}), func(p faults.Plan) bool {
		return !slices.ContainsFunc(p.Faults, func(f faults.Fault) bool { return f.Kind == "change-definition" })
	})
	if len(plans) != 2 {
		t.Fatalf("%d curated plans change the definition, want 2: with and without a turn", len(plans))
	}
	for _, r := range runPlans(t, startLocal(t), s, participants.Fenced, plans) {
		var versions []string
		for _, d := range r.History.Header.Definitions {
			versions = append(versions, d.Version)
		}
		ends, at := 0, map[history.Kind]int{}
		for _, e := range r.History.Events {
			if e.Kind == history.SagaEnded {
				ends++
			}
			at[e.Kind] = e.Seq // the last one
		}
		if !slices.Equal(versions, []string{saga.FirstVersion, saga.NextVersion}) || ends != 2 {
			t.Errorf("%s: versions %v, %d ends", r.Cell.Plan, versions, ends)
		}
		if at[history.FaultFired] == 0 || at[history.SagaSubmitted] > at[history.SagaAccepted] {
			t.Errorf("%s: the next version was not accepted when the fault struck", r.Cell.Plan)
		}
		for _, v := range checkers.Judge(r.History, checkers.All()) {
			if v.Outcome == checkers.Violation || v.Property == "version-changed" && v.Outcome != checkers.Pass {
				t.Errorf("%s: %s: %+v", r.Cell.Plan, v.Property, v)
			}
		}
	}
}

// defining is a system that reads a file of definitions: it notes what is done to it, and no process ends.
type defining struct {
	local
	mu   sync.Mutex
	last saga.Definition
	did  []string
}

func (d *defining) note(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.did = append(d.did, what)
}

func (d *defining) Define(def saga.Definition) error {
	d.note("define " + def.Version)
	d.last = def
	return nil
}

func (d *defining) Kill(context.Context) error    { d.note("kill"); return nil }
func (d *defining) Restart(context.Context) error { d.note("restart"); return nil }
func (d *defining) Stop(context.Context) error    { return nil }
func (d *defining) Client(base string) orchestrators.Client {
	return byName{orchestrators.NewContract(base), d}
}

type byName struct {
	orchestrators.Client
	d *defining
}

func (c byName) Start(ctx context.Context, _, name string) (int, error) {
	c.d.note("start " + name)
	return c.Submit(ctx, c.d.last)
}

// Where the orchestrator reads definitions from a file and is killed, its saga is started by the name that it has there, and
// before the kill the file has the next version only.
func TestTheFileOfDefinitionsChanges(t *testing.T) {
	sys := &defining{local: startLocal(t)}
	h, err := harness.New(harness.Options{
		System: sys, Parallel: 1, Processes: 1, Dir: t.TempDir(), Settle: 5 * time.Second,
		Start: func(context.Context) (orchestrators.System, error) { return sys, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	s := scenario(t, "long-chain")
	plan := faults.Plan{Faults: []faults.Fault{
		{Kind: "change-definition", At: mustPoint("quote#1@receive"), Saga: 1}, {Kind: "crash-orchestrator", At: mustPoint("quote#1@response"), Saga: 1},
	}}
	err = h.Run(t.Context(), func(yield func(harness.Cell) bool) {
		yield(harness.Cell{ID: nextID(), Scenario: s.Name, Source: s, Sagas: 1, Plan: plan, Profile: participants.Fenced})
	}, func(r harness.Result) {
		if r.Err != nil {
			t.Error(r.Err)
		}
	})
	if err := errors.Join(err, h.Close()); err != nil {
		t.Error(err)
	}
	want := []string{"define 1", "kill", "restart", "start long-chain", "define 2", "kill", "restart"}
	if !slices.Equal(sys.did, want) {
		t.Errorf("it was done %v, want %v", sys.did, want)
	}
}
