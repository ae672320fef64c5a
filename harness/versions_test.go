package harness_test

import (
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
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
