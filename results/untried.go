package results

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
)

// Untried says, a sentence each, what no verdict of the run speaks of, or rests on an assumption, because of how the system
// under test was reached.
func (r *Run) Untried() (said []string) {
	if r.Totals.Cells == 0 || r.Comparison != nil || r.Mutants != nil {
		return nil
	}
	if slices.Contains(r.Orchestrator.Unable, history.Kill) {
		why := "its manifest names no crashable process"
		switch r.System.By {
		case ByURL:
			why = "it was started by somebody else: a manifest has Sagacheck start it, and kill it"
		case ByWorkflow:
			why = "its file names no crashable process"
		}
		said = append(said, "no kill and no pause of the orchestrator was tried ("+why+"): what becomes of its sagas then is not proven")
	}
	if r.System.Silent {
		said = append(said, "the orchestrator claims no capabilities, so it was taken to be capable of everything in the contract: let GET /healthz list what it can do, and nothing else is asked of it")
	}
	return said
}
