package checkers

import (
	"github.com/sagacheck/sagacheck/history"
)

// Outcome is what a checker says of one history. Only Pass is green.
type Outcome string

// The outcomes, from the worst to the mildest.
const (
	Violation     Outcome = "violation"
	Inconclusive  Outcome = "inconclusive"   // time ran out, or evidence is missing
	Vacuous       Outcome = "vacuous"        // nothing in the history could have shown the anomaly
	NotApplicable Outcome = "not-applicable" // the reason is given
	Pass          Outcome = "pass"
)

// Verdict is the judgement of one property on one history.
type Verdict struct {
	Property  string    `json:"property"`
	Outcome   Outcome   `json:"verdict"`
	AtRisk    int       `json:"at_risk"` // opportunities that were judged, of all clauses
	Clauses   []Count   `json:"clauses,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	Witnesses []Witness `json:"witnesses,omitempty"` // the smallest first

	gap   string // evidence that is missing for the whole history
	never string // the reason if nothing was judged
}

// Witness proves one violation.
type Witness struct {
	Clause string `json:"clause,omitempty"`
	// Broken is the broken guarantee in words: "broke exact compensation: ...".
	Broken string `json:"broken"`
	Saga   string `json:"saga,omitempty"`
	Step   string `json:"step,omitempty"`
	Events []int  `json:"events"` // sequence numbers, ascending
	// At is the first event that was wrong: what comes before it in Events explains it.
	At int `json:"at,omitempty"`
}

// Doc documents a checker; the reference page is generated from it.
type Doc struct {
	Name       string // of the anomaly and of the property
	Definition string
	Source     string // paper, RFC, thread
	Evidence   string // which events it needs
	Prevented  string // by what practice
	Blind      string // what it cannot see
	Cost       string
	Clauses    []Clause
	Needs      []string // capabilities of the orchestrator without which it is not applicable
	Promised   []string // the same, where a workflow of the user's own is judged
	Wants      []Trait  // of the scenario without which it is not applicable
	Advice     bool     // reported, never red
	Whole      bool     // judges what is told of sagas, or how they came in: as wholes, also where they went a way round
	Said       bool     // judges reports: a round of a saga of which there are only reports is one, too
	Own        bool     // only of a workflow of the user's own, whose services give names to their effects
}

// Checker judges one property.
type Checker interface {
	Doc() Doc
	// Check counts and proves; Judge decides the outcome. The index is shared by all checkers of a history
	// and must not be changed.
	Check(h *history.History, ix *history.Index) Verdict
}
