package planning

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// Over some hundred seeds each kind that the orchestrator can be given is drawn, and none
// that it can't.
func TestDrawnKinds(t *testing.T) {
	defs := []saga.Definition{branches()}
	for _, a := range []Ability{able, {}} {
		drawn := map[string]bool{}
		for seed := range uint64(3000) {
			for _, f := range Draw(defs, a, seed).Faults {
				drawn[f.Kind] = true
			}
		}
		for _, k := range faults.Kinds() {
			if d := k.Doc(); drawn[d.Name] != a.Allows(d) {
				t.Errorf("%+v: %s is drawn: %v, and allowed: %v", a, d.Name, drawn[d.Name], a.Allows(d))
			}
		}
	}
}

// A plan has a few faults at the most, beside an opening, and no two that clash.
func TestDrawnPlansHoldNoClash(t *testing.T) {
	defs := []saga.Definition{branches(), branches()}
	for seed := range uint64(2000) {
		fs := Draw(defs, able, seed).Faults
		if len(fs) > mostFaults+longestBurst {
			t.Errorf("seed %d: %d faults", seed, len(fs))
		}
		for i, f := range fs {
			for _, o := range fs[:i] {
				if !f.At.IsZero() && !o.At.IsZero() && f.Saga == o.Saga && clashes(defs[0], o, f, false) {
					t.Errorf("seed %d: %s beside %s", seed, f, o)
				}
			}
		}
	}
}

// A burst is the same failure at the attempts of one call, from the first on and no more
// than its policy has.
func TestBurstsAreInARow(t *testing.T) {
	step := branches().Steps[1]
	var kinds []faults.KindDoc
	for _, k := range faults.Kinds() {
		kinds = append(kinds, k.Doc())
	}
	rapid.Check(t, func(t *rapid.T) {
		fs := drawBurst(t, step, kinds)
		if len(fs) == 0 || len(fs) > step.Action.Retry.MaxAttempts {
			t.Fatalf("%d failures", len(fs))
		}
		for i, f := range fs {
			k, err := faults.KindByName(f.Kind)
			if err != nil {
				t.Fatal(err)
			}
			want := point(step.Name, i+1, k.Doc().InARow)
			done := i == 0 && f.At == point(step.Name, 1, saga.Commit) // the first may be done, and not answered
			if f.Kind != fs[0].Kind || f.At != want && !done {
				t.Fatalf("%s at %d", f, i)
			}
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		windows := slices.DeleteFunc(slices.Clone(kinds), func(k faults.KindDoc) bool { return !k.Window() })
		if fs := drawBurst(t, step, windows); fs != nil {
			t.Fatalf("%v of windows", fs)
		}
	})
}

// Of sagas that compete only first attempts are sure.
func TestOfCompetingSagasOnlyFirstAttemptsAreStruck(t *testing.T) {
	d := branches()
	d.Steps[3].Action.Body = []byte(`{"writes":[{"register":"seat","from":"free","to":"taken"}]}`)
	for seed := range uint64(500) {
		for _, f := range Draw([]saga.Definition{d, d}, able, seed).Faults {
			if f.At.Attempt > 1 {
				t.Errorf("seed %d: %s", seed, f)
			}
		}
	}
}
