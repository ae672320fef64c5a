package faults_test

import (
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// What a history says of a fault by its kind's name is what the kind does.
func TestHistoriesKnowWhatKindsDo(t *testing.T) {
	for _, k := range faults.Kinds() {
		for _, f := range examples(k) {
			e := f.Injection(0)
			h := &history.History{Header: history.Header{Faults: []history.PlannedFault{{Kind: f.Kind, At: f.At}}}}
			planned, _ := h.Planned(0)
			onlySilence := e.Victim == "" && len(e.Bends) > 0 && !slices.ContainsFunc(e.Bends, func(b faults.Bend) bool {
				return b.How != faults.Swallowed && b.How != faults.Late
			})
			for what, is := range map[string][2]bool{
				"loses":          {planned.Loses(), e.Silent()},
				"silences":       {planned.Silences(), onlySilence},
				"copies":         {h.Copies(0), e.Copied},
				"sets a flag":    {h.SetsFlag(0), e.Flag != ""},
				"cuts the store": {h.CutsStore(0), e.Victim == faults.StoreCutOff},
				"is at calls":    {planned.AtCalls(), leavesAlone(k.Doc(), f)},
			} {
				if is[0] != is[1] {
					t.Errorf("%s %s: a history says %v, the kind does %v", f, what, is[0], is[1])
				}
			}
		}
	}
}

// leavesAlone: nothing but calls and the process of the orchestrator is struck.
func leavesAlone(d faults.KindDoc, f faults.Fault) bool {
	if d.Window() {
		return d.Process && !d.Store
	}
	return f.At.Phase != saga.Connect && !d.Store && !d.Governs && !d.Redefines && !d.Drifts && !d.Keys && d.Name != "crash-participant"
}

// examples are the usual faults of a kind at each of its phases.
func examples(k faults.Kind) []faults.Fault {
	d, policy := k.Doc(), saga.RetryPolicy{MaxAttempts: 3, InitialIntervalMS: 10, MaxIntervalMS: 100, AttemptTimeoutMS: 200}
	if d.Window() {
		return k.Usual(faults.Fault{Kind: d.Name, Steps: []string{"charge"}, ForMS: 60}, policy)
	}
	var fs []faults.Fault
	for _, phase := range d.Phases {
		at := saga.FailurePoint{Step: "charge", Attempt: 1, Phase: phase}
		fs = append(fs, k.Usual(faults.Fault{Kind: d.Name, At: at}, policy)...)
	}
	return fs
}
