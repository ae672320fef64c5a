package planning

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// has tells whether a plan has a fault of a kind at a phase of a step.
func has(p faults.Plan, kind, step string, phase saga.Phase) bool {
	return slices.ContainsFunc(p.Faults, func(f faults.Fault) bool { return f.Kind == kind && f.At.Step == step && f.At.Phase == phase })
}

func TestShrinkFindsTheSmallestCase(t *testing.T) {
	c := Case{
		Plan: faults.Plan{Faults: []faults.Fault{
			{Kind: "slow", At: point("a", 1, saga.Request), KBps: 8},
			{Kind: "crash-participant", At: point("c", 2, saga.Commit), DelayMS: 5},
			{Kind: "throttle", At: point("d", 1, saga.Receive), RetryAfterS: 1},
		}},
		Definitions: []saga.Definition{chain("s-1", "a", "b", "c", "d"), chain("s-2", "a", "b", "c", "d")},
	}
	// The bug: whatever loses the answer of c shows it.
	fails := func(c Case) bool {
		return has(c.Plan, "crash-participant", "c", saga.Commit) || has(c.Plan, "lose", "c", saga.Response)
	}
	tried := map[string]bool{}
	s := Shrinker{MaxTries: 200, Batch: 4, Try: func(_ context.Context, cases []Case) []bool {
		var out []bool
		for _, c := range cases {
			if tried[c.key()] {
				t.Errorf("%s is tried twice", c.Plan)
			}
			tried[c.key()] = true
			out = append(out, fails(c))
		}
		return out
	}}
	small, tries := s.Shrink(t.Context(), c)
	if want := "lose c#1@response"; small.Plan.String() != want {
		t.Errorf("shrunk to %q, want %q", small.Plan, want)
	}
	if len(small.Definitions) != 1 || len(small.Definitions[0].Steps) != 1 {
		t.Errorf("shrunk to %d sagas of %d steps, want one of one", len(small.Definitions), len(small.Definitions[0].Steps))
	}
	if tries != len(tried) || tries > 40 {
		t.Errorf("%d tries counted, %d made", tries, len(tried))
	}
}

func TestShrinkKeepsItsBudget(t *testing.T) {
	c := Case{Plan: faults.Plan{Faults: []faults.Fault{{Kind: "outage", Steps: []string{"a", "b"}, ForMS: 60}}}, Definitions: []saga.Definition{chain("s-1", "a", "b")}}
	made := 0
	s := Shrinker{MaxTries: 3, Batch: 2, Try: func(_ context.Context, cases []Case) []bool {
		made += len(cases)
		return make([]bool, len(cases))
	}}
	if _, tries := s.Shrink(t.Context(), c); tries != 3 || made != 3 {
		t.Errorf("%d tries counted and %d made, want 3", tries, made)
	}
}

// TestSmallerEnds walks all moves from many cases: each is valid, and they end.
func TestSmallerEnds(t *testing.T) {
	d := chain("s-1", "a", "b")
	a := Ability{Process: true, Store: true}
	var starts []faults.Plan
	for _, at := range predict(d, faults.Plan{Faults: []faults.Fault{{Kind: "error", At: point("a", 1, saga.Commit)}}}, 1).points {
		for _, f := range variantsAt(Visit{At: at}, d, a) {
			starts = append(starts, faults.Plan{Faults: []faults.Fault{f}})
		}
	}
	for _, f := range windowVariants(d, a) {
		starts = append(starts, faults.Plan{Faults: []faults.Fault{f}})
	}
	for _, p := range starts {
		seen := map[string]bool{}
		var walk func(c Case, path int)
		walk = func(c Case, path int) {
			if path > 30 {
				t.Fatalf("from %s the moves do not end: %s", p, c.Plan)
			}
			for _, s := range c.Smaller() {
				if err := s.Plan.Validate(); err != nil {
					t.Fatalf("%s: %v", s.Plan, err)
				}
				for _, def := range s.Definitions {
					if err := def.Validate(); err != nil {
						t.Fatalf("%s: %v", s.Plan, err)
					}
				}
				if !seen[s.key()] {
					seen[s.key()] = true
					walk(s, path+1)
				}
			}
		}
		walk(Case{Plan: p, Definitions: []saga.Definition{d}}, 0)
	}
}

func TestStepsThatCannotGo(t *testing.T) {
	d := chain("s-1", "open", "pay", "close")
	write := func(i int, from, to string) {
		d.Steps[i].Action.Body = saga.Effect{Writes: []saga.Write{{Register: "r", From: from, To: to}}}.Body()
	}
	write(0, "", "open")
	write(2, "open", "closed")
	var left []string
	for _, c := range fewerSteps(Case{Plan: faults.Plan{}, Definitions: []saga.Definition{d}}) {
		left = append(left, fmt.Sprint(len(c.Definitions[0].Steps)))
	}
	if !slices.Equal(left, []string{"2"}) {
		t.Errorf("steps left: %v, want only the step between two of one register to go", left)
	}
}

func TestWhatCameAfterADroppedStep(t *testing.T) {
	d := chain("s-1", "a", "b", "c").Without("b")
	if got := d.Predecessors(d.StepIndex("c")); !slices.Equal(got, []string{"a"}) {
		t.Errorf("c comes after %v, want a", got)
	}
	d = chain("s-1", "a", "b").Without("a")
	if got := d.Predecessors(0); len(got) != 0 {
		t.Errorf("b comes after %v, want nothing", got)
	}
}
