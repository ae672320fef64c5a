package campaign

import (
	"time"

	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/results"
)

// Reference is the orchestrator that is built in.
const Reference = "reference"

// SagasPerCore is how many sagas run at once by default: most of their time is waiting.
const SagasPerCore = 32

// SagasPerCoreBuiltIn is that of the reference executor, which nobody else's machine or settings
// slow down: with fewer of them, scenarios of many sagas a cell kept all others waiting.
const SagasPerCoreBuiltIn = 2 * SagasPerCore

// ProcessesPerCore is how many cells run at once by default with a process of their own, and
// ProcessesPerCoreBuiltIn how many with one of the reference executor, which takes little memory, while
// no cell waits that shares its orchestrator with others.
const (
	ProcessesPerCore        = 2
	ProcessesPerCoreBuiltIn = 2 * ProcessesPerCore
)

// RestingPerCore is how many cells more may have a process of their own in which nothing happens any
// more, unless the user says how many in all; RestingPerCoreBuiltIn that of the reference executor.
const (
	RestingPerCore        = ProcessesPerCore
	RestingPerCoreBuiltIn = 2 * ProcessesPerCoreBuiltIn
)

// EnoughFailures is how many cells may break one property, or fail to run, before a
// run ends: more of them show nothing new, and those that wait for sagas that never
// end cost the whole settle time each.
const EnoughFailures = 100

// EnoughAlike is how many cells that are slow for the same reason may fail after the whole wait before
// one a scenario is enough, unless the user says otherwise.
const EnoughAlike = 10

// Settings are what every campaign is told that runs cells. Start from [Defaults].
type Settings struct {
	// Orchestrator is the system under test: Reference, the name of a manifest, the
	// path of one, or a URL that speaks the contract.
	Orchestrator string
	// Workflow is the file of a workflow of the user's own, which is then what is tested,
	// in the place of orchestrator and scenarios; empty: none.
	Workflow     string
	WaitFor      string   // a URL that has to answer first; empty: none
	Scenarios    []string // globs of the catalogue, and paths of files; none: all
	Packs        []string // packs of scenarios and plans, in the place of the catalogue: names, folders, git repositories
	DrawnSagas   int      // how many random scenarios beside them
	Properties   []string // globs; none: all
	Participants string   // naive, keyed or fenced
	Defects      []string // planted defects, by name
	Seed         uint64   // of everything that is drawn; 0: one from the clock
	Parallel     int      // sagas at once; 0: SagasPerCore, SagasPerCoreBuiltIn, or as the manifest says
	Processes    int      // cells at once with a process of their own; 0: ProcessesPerCore, or ProcessesPerCoreBuiltIn
	Settle       time.Duration
	Quiet        time.Duration // how long the wires must be silent at the end; 0: from the policies, or the manifest
	Scale        float64       // of all times of policies; 0: 1, or the manifest's
	MaxFailures  int           // cells that break the same properties with nothing new since, or fail to run, after which no more begin; 0: no limit
	MaxAlike     int           // cells alike that fail after the whole Settle, after which one a scenario is enough; 0: no limit
	Keep         results.Keep  // histories of cells that passed; empty: all
	Out          string        // folder of the folders of runs

	clause string // of a replay: the one that was broken
}

// Defaults are the settings of a command without flags.
func Defaults() Settings {
	return Settings{
		Orchestrator: Reference, Participants: string(participants.Fenced), Seed: 1,
		Settle: harness.DefaultSettle, Out: "sagacheck-out",
	}
}
