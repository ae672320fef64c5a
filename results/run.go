package results

import (
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
)

// Version is the version of report.json. A report of another version is refused.
const Version = 1

// Run is one run of cells with its verdicts; report.json is this.
type Run struct {
	Version      int                  `json:"sagacheck_report"`
	Tool         string               `json:"tool"`    // version of sagacheck
	Command      string               `json:"command"` // as typed, for example "run --seed 7"
	Started      time.Time            `json:"started"`
	DurationMS   int64                `json:"duration_ms"`
	Seed         uint64               `json:"seed"`
	Orchestrator history.Orchestrator `json:"orchestrator"`
	System       System               `json:"system,omitzero"` // how the orchestrator was reached
	Profile      string               `json:"profile"`         // of the participants
	Shard        *Shard               `json:"shard,omitempty"`
	Content      Content              `json:"content,omitzero"`
	Sources      []Source             `json:"sources,omitempty"`
	Clause       string               `json:"clause,omitempty"` // of a replay: the one that was broken
	Interrupted  bool                 `json:"interrupted,omitempty"`
	Unfinished   []string             `json:"unfinished,omitempty"` // why stored runs are not whole
	Summary      Summary              `json:"summary"`
	Totals       Totals               `json:"totals"`
	// Properties are the selected ones, each with its verdict over all scenarios.
	Properties []Property `json:"properties"`
	// Results has one entry a property and scenario that was judged.
	Results []Result `json:"results"`
	// Failures has one entry for each cause of violations in a cell, under the most
	// telling property, and one a property, scenario and cell that was inconclusive, the
	// smallest first; at most 20 a property and scenario.
	Failures []Failure `json:"failures"`
	// Beside has the smallest failure of each property of which no violation is in Failures by itself: it was broken
	// only in cells that are told under others.
	Beside []Failure `json:"beside,omitempty"`
	// Found is what was violated in all cells, by keys that are the same in each run: one entry
	// a property, scenario and smallest plan. It is never cut.
	Found []Finding `json:"found,omitempty"`
	// Advice is like Failures for properties that are advice: never red.
	Advice []Failure `json:"advice,omitempty"`
	// Gate is what the findings were held against; absent: nothing, and there were none.
	Gate *Gate `json:"gate,omitempty"`
	// Sometimes counts, for each invariant that must be true sometimes, the sagas in which
	// it was.
	Sometimes map[string]int `json:"sometimes,omitempty"`
	// Errors are troubles of the run as a whole, outside any cell.
	Errors []string `json:"errors,omitempty"`
	Cells  []Cell   `json:"cells"`
	// Maps are which failure points the cells came to, one a scenario.
	Maps []Map `json:"maps,omitempty"`
	// Planned is how many plans were to run here, each as one cell (0: not known), and
	// LeftOut which of them did not, and why.
	Planned int `json:"planned,omitempty"`
	// Alone is how many of Planned were planned later, to run once more, alone: the machine had been too late to judge
	// what came of their plans among others.
	Alone   int      `json:"alone,omitempty"`
	LeftOut []NotRun `json:"left_out,omitempty"`
	// Address is one that the system under test was sent, if it called none at all.
	Address string `json:"address,omitempty"`

	Coverage   *Coverage   `json:"coverage,omitempty"`
	Mutants    *Mutants    `json:"mutants,omitempty"`
	Comparison *Comparison `json:"comparison,omitempty"`

	// Dir is the folder that the report was loaded from or saved to; empty: it was not
	// saved.
	Dir string `json:"-"`

	kept string // the folder with its record
}

// Shard says which part of a divided run this is: I of N, from 1. Merged is how
// many parts a joined report was made of.
type Shard struct {
	I      int `json:"i"`
	N      int `json:"n"`
	Merged int `json:"merged,omitempty"`
}

// Summary is the verdict of the whole run.
type Summary struct {
	Outcome State    `json:"outcome" jsonschema:"enum=pass,enum=violation,enum=incomplete,enum=inconclusive,enum=vacuous,enum=error,enum=interrupted,enum=known,enum=stale"`
	Exit    int      `json:"exit"`              // exit code of the process; 0 beside another outcome than pass: what the gate lets through
	Reasons []string `json:"reasons,omitempty"` // why it is not green
}

// State is the outcome of a whole run.
type State string

// The states of a run. Only Passed is green.
const (
	Passed       State = "pass"
	Violated     State = "violation"
	Inconclusive State = "inconclusive"
	Vacuous      State = "vacuous"    // something that was to be tested was never at risk
	Incomplete   State = "incomplete" // not every planned cell ran
	Errored      State = "error"      // the system under test or the infrastructure failed
	Interrupted  State = "interrupted"
	Tolerated    State = "known" // violated, and the baseline knows all of it
	Stale        State = "stale" // the baseline has findings that are gone
)

// The exit codes of every command that runs or judges cells.
const (
	ExitPass        = 0
	ExitViolation   = 1
	ExitUnproven    = 2 // inconclusive, vacuous or incomplete
	ExitUsage       = 3 // usage or configuration
	ExitSystem      = 4 // the system under test or the infrastructure failed
	ExitInterrupted = 130
)

// Totals are exact counts, also where the lists of the report are cut.
type Totals struct {
	Cells         int `json:"cells"` // those that ran, but for repeated ones: one a plan
	Passed        int `json:"passed"`
	Violated      int `json:"violated"`
	Inconclusive  int `json:"inconclusive"`
	Vacuous       int `json:"vacuous"` // a planned fault did not fire
	Errors        int `json:"errors"`
	Repeated      int `json:"repeated,omitempty"` // further cells: tries whose fault missed, so that their plan was run again
	Alone         int `json:"alone,omitempty"`    // those of Cells that ran once more, alone
	Probes        int `json:"probes,omitempty"`   // cells of an explorer that may miss their fault
	Missed        int `json:"missed,omitempty"`   // probes whose fault did not fire
	FaultsPlanned int `json:"faults_planned"`     // but for probes
	FaultsFired   int `json:"faults_fired"`
	Events        int `json:"events"`
	Calls         int `json:"calls,omitempty"`              // of the system under test that arrived on the wire
	CellsLeftOut  int `json:"cells_left_out,omitempty"`     // not listed in cells
	NotKept       int `json:"histories_not_kept,omitempty"` // of cells that passed
}

// Property is one selected property over all scenarios.
type Property struct {
	Name        string           `json:"name"`
	Definition  string           `json:"definition,omitempty"`
	Advice      bool             `json:"advice,omitempty"` // reported, never red
	Verdict     checkers.Outcome `json:"verdict" jsonschema:"enum=violation,enum=inconclusive,enum=vacuous,enum=not-applicable,enum=pass"`
	AtRisk      int              `json:"at_risk"`       // how often the anomaly could have shown
	CellsAtRisk int              `json:"cells_at_risk"` // in how many cells
	Clauses     []checkers.Count `json:"clauses"`       // what was judged, promise by promise
	Cells       int              `json:"cells"`         // judged
	Findings    int              `json:"findings,omitempty"`
	Reason      string           `json:"reason,omitempty"`
}

// Result is the verdict of one property on all cells of one scenario.
type Result struct {
	Property    string           `json:"property"`
	Scenario    string           `json:"scenario"`
	Verdict     checkers.Outcome `json:"verdict" jsonschema:"enum=violation,enum=inconclusive,enum=vacuous,enum=not-applicable,enum=pass"`
	AtRisk      int              `json:"at_risk"`
	CellsAtRisk int              `json:"cells_at_risk"`
	Clauses     []checkers.Count `json:"clauses"`
	Cells       Counts           `json:"cells"` // by outcome
	// Together is in how many cells the property was broken by a cause that is told under it, by what that
	// broke beside it.
	Together []Together `json:"together,omitempty"`
	Findings int        `json:"findings,omitempty"`
	Advice   bool       `json:"advice,omitempty"`
	Reason   string     `json:"reason,omitempty"`  // of the verdict, if it is not a pass
	Example  string     `json:"example,omitempty"` // the cell that the reason is from
}

// Together is how many cells were broken by causes that broke the same properties.
type Together struct {
	Also  []string `json:"also,omitempty"` // other properties
	Cells int      `json:"cells"`
}

// Counts is how many cells had each outcome.
type Counts struct {
	Pass          int `json:"pass"`
	Violation     int `json:"violation"`
	Beside        int `json:"beside,omitempty"` // of the violations: by a cause that is told under another property
	Inconclusive  int `json:"inconclusive"`
	Vacuous       int `json:"vacuous"`
	NotApplicable int `json:"not_applicable"`
}

// Total is the number of cells.
func (c Counts) Total() int {
	return c.Pass + c.Violation + c.Inconclusive + c.Vacuous + c.NotApplicable
}

// Cell is one scenario under one plan.
type Cell struct {
	ID            string                 `json:"id"`
	Scenario      string                 `json:"scenario"`
	PlanID        string                 `json:"plan_id,omitempty"`
	Plan          string                 `json:"plan,omitempty"`        // in words
	PlanFaults    []history.PlannedFault `json:"plan_faults,omitempty"` // those of the plan
	FaultsPlanned int                    `json:"faults_planned"`
	FaultsFired   int                    `json:"faults_fired"`
	Unfired       []string               `json:"unfired,omitempty"`     // planned faults that did not fire
	UnfiredWhy    string                 `json:"unfired_why,omitempty"` // why the first of them that was not reached was not, if that is known
	Probe         bool                   `json:"probe,omitempty"`
	Again         bool                   `json:"again,omitempty"`                                                                                            // its plan was run again, as another cell
	Alone         bool                   `json:"alone,omitempty"`                                                                                            // its plan had run before, beside others
	Verdict       checkers.Outcome       `json:"verdict,omitempty" jsonschema:"enum=violation,enum=inconclusive,enum=vacuous,enum=not-applicable,enum=pass"` // the worst; absent after an error
	History       string                 `json:"history,omitempty"`                                                                                          // file, relative to the report
	NotKept       bool                   `json:"history_not_kept,omitempty"`                                                                                 // it passed, and --keep lets its history go
	DurationMS    int64                  `json:"duration_ms"`
	Error         string                 `json:"error,omitempty"` // of the system under test or the harness
}

// Failure is one broken (or undecided) property in one cell, with the witness
// as data and as a story.
type Failure struct {
	Property string           `json:"property"`
	Scenario string           `json:"scenario"`
	Cell     string           `json:"cell"`
	Verdict  checkers.Outcome `json:"verdict" jsonschema:"enum=violation,enum=inconclusive,enum=vacuous,enum=not-applicable,enum=pass"`
	Clause   string           `json:"clause,omitempty"` // of the property
	Broken   string           `json:"broken"`           // the guarantee in words; the reason if inconclusive
	// Also are the other properties that the same cause broke in this cell.
	Also []string `json:"also,omitempty"`
	// Under is the property that the cell is told under, of a failure of Run.Beside.
	Under  string `json:"told_under,omitempty"`
	Saga   string `json:"saga,omitempty"`
	Step   string `json:"step,omitempty"`
	Events []int  `json:"events"`                   // the witness: sequence numbers
	More   int    `json:"more_witnesses,omitempty"` // further witnesses in the same cell
	PlanID string `json:"plan_id"`
	Plan   string `json:"plan"` // in words
	Faults int    `json:"faults"`
	// PlanFaults are those of the plan.
	PlanFaults []history.PlannedFault `json:"plan_faults,omitempty"`
	Story      Story                  `json:"story"`
	// Ledger is every account and register at the end of the cell, as it should be and as it was.
	Ledger  []checkers.Entry `json:"ledger,omitempty"`
	History string           `json:"history,omitempty"` // file, relative to the report
	File    string           `json:"replay,omitempty"`  // replay file, relative to the report
	// Picture is a drawing of the operations behind the first failure of its property
	// and scenario, where a model speaks of the property: a file, relative to the report.
	Picture string `json:"picture,omitempty"`
	// ShrunkFrom is the plan, in words, that this smaller one was made from.
	ShrunkFrom string `json:"shrunk_from,omitempty"`
	// Reproduced is how often it failed again in replays.
	Reproduced *Rate `json:"reproduced,omitempty"`
	// Protected is how often the same plan broke the property with participants of more protection.
	Protected []Protection `json:"protected,omitempty"`

	// Replay is what Save writes to File.
	Replay *Replay `json:"-"`
}

// Protection is what came of a plan with participants that protect themselves in another way.
type Protection struct {
	Participants string `json:"participants"`
	Broken       Rate   `json:"broken"`
}

// Rate is so many out of so many.
type Rate struct {
	Hits  int `json:"hits"`
	Tries int `json:"tries"`
}

// Add counts others too.
func (r *Rate) Add(o Rate) {
	r.Hits += o.Hits
	r.Tries += o.Tries
}
