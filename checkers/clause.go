package checkers

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/sagacheck/sagacheck/history"
)

// Clause is one promise of a property, for one sort of situation: what an
// orchestrator could get right or wrong by itself. Each opportunity of it in a
// history is held, broken or unjudgeable; only the first two are risk.
type Clause struct {
	Name  string   // unique within its property, in lower case with hyphens
	Text  string   // what is promised, and when there is an opportunity for it
	Needs []string // capabilities of the orchestrator without which it is not applicable
	Wants []Trait  // of the scenario, without which it is not applicable
	// Sees is what of a call it judges (history.CallBody and its like); not applicable
	// where that comes from a mapping and not from the orchestrator.
	Sees []string
	// Does is what must be done to the orchestrator from outside for an opportunity
	// (history.Kill and its like); not applicable to one to which it can't be done.
	Does []string
	// Inside: it is about what happens inside of services; not applicable where real ones of
	// the user's own stand behind all steps.
	Inside bool
}

// Count is what one history, or many, show of one clause.
type Count struct {
	Clause      string `json:"clause"`
	Held        int    `json:"held"`
	Broken      int    `json:"broken"`
	Unjudgeable int    `json:"unjudgeable"`
	// Why is the reason of the first opportunity that could not be judged.
	Why string `json:"why,omitempty"`
	// Lacks is what the orchestrator or the scenario would need for the clause to
	// be applicable; empty: it is applicable.
	Lacks string `json:"not_applicable,omitempty"`
}

// Judged is how often the clause was at risk.
func (c Count) Judged() int { return c.Held + c.Broken }

// Open tells that the clause is applicable and was never judged: nobody knows
// whether it holds.
func (c Count) Open() bool { return c.Lacks == "" && c.Judged() == 0 }

// Join adds what other histories show of the same clause. It is applicable if it
// is so in any of them.
func (c Count) Join(o Count) Count {
	c.Held, c.Broken, c.Unjudgeable = c.Held+o.Held, c.Broken+o.Broken, c.Unjudgeable+o.Unjudgeable
	if c.Why == "" {
		c.Why = o.Why
	}
	if o.Lacks == "" {
		c.Lacks = ""
	}
	return c
}

// JoinCounts joins two lists of counts by their clauses, in the order of the first.
func JoinCounts(a, b []Count) []Count {
	a = slices.Clone(a)
	for _, o := range b {
		if i := slices.IndexFunc(a, func(c Count) bool { return c.Clause == o.Clause }); i >= 0 {
			a[i] = a[i].Join(o)
		} else {
			a = append(a, o)
		}
	}
	return a
}

// apply drops what a history shows of clauses that are not applicable to it: what
// the orchestrator does not claim to do breaks nothing. A trait of the scenario
// that is missing shows nothing while other promises hold: what was judged all the same counts.
func (v *Verdict) apply(clauses []Clause, h *history.History) {
	for i := range v.Clauses {
		c := &v.Clauses[i]
		j := slices.IndexFunc(clauses, func(k Clause) bool { return k.Name == c.Clause })
		if need := cmp.Or(missing(clauses[j].Needs, h), supplied(clauses[j].Sees, h)); need != "" {
			*c = Count{Clause: c.Clause, Lacks: need}
			v.Witnesses = slices.DeleteFunc(v.Witnesses, func(w Witness) bool { return w.Clause == c.Clause })
		} else if c.Judged()+c.Unjudgeable > 0 {
			c.Lacks = ""
		} else if c.Lacks == "" {
			c.Lacks = clauses[j].lacks(h)
		}
	}
	v.AtRisk = 0
	for _, c := range v.Clauses {
		v.AtRisk += c.Judged()
	}
}

// lacks says what the history is without that the clause is about; empty: nothing.
func (c Clause) lacks(h *history.History) string {
	if real := realOnes(c.Inside, h); real != "" {
		return real
	}
	if trait := without(c.Wants, h); trait != "" {
		return trait
	}
	return undone(c.Does, h)
}

// missing names the first capability that the orchestrator lacks.
func missing(needs []string, h *history.History) string {
	for _, need := range needs {
		switch {
		case slices.Contains(h.Header.Orchestrator.Capabilities, need):
		case h.Header.Workflow != "":
			return unpromised(need)
		default:
			return fmt.Sprintf("the orchestrator lacks the capability %q", need)
		}
	}
	return ""
}

// ReverseOrder is the capability of a workflow whose file promises that its steps are undone
// in the reverse order of their own; sagas that we make are, by the contract.
const ReverseOrder = "reverse-order"

// promises are the capabilities that a workflow of the user's own has if its file says so,
// and what that promises.
var promises = map[string]string{
	"idempotent-submit": "that a start may be repeated",
	"max-attempts":      "how often a call is made at the most",
	"permanent-errors":  "that a refusal is not tried again",
	"idempotency-key":   "that calls have keys",
	ReverseOrder:        "in which order steps are undone",
}

// unpromised is why a clause that needs a capability is not applicable to a workflow of the
// user's own, which has no list of capabilities.
func unpromised(need string) string {
	if p := promises[need]; p != "" {
		return "the workflow's file does not promise " + p + " (promises)"
	}
	return "it is asked of sagas that Sagacheck makes, and not of a workflow of the user's own"
}

// supplied names the first thing that a clause sees and the mapping supplies.
func supplied(sees []string, h *history.History) string {
	for _, s := range sees {
		if slices.Contains(h.Header.Orchestrator.Supplied, s) {
			if h.Header.Workflow != "" {
				return fmt.Sprintf("nobody but the workflow says what the %s of a call should be", s)
			}
			return fmt.Sprintf("the mapping supplies the %s of calls, not the orchestrator", s)
		}
	}
	return ""
}

// undone names the first thing that can't be done to the orchestrator.
func undone(does []string, h *history.History) string {
	names := map[string]string{history.Kill: "killed", history.Pause: "paused", history.StoreOutage: "cut off from its store"}
	for _, d := range does {
		if slices.Contains(h.Header.Orchestrator.Unable, d) {
			return "the orchestrator can't be " + names[d]
		}
	}
	return ""
}

// without names the first trait that the scenario lacks.
func without(wants []Trait, h *history.History) string {
	for _, t := range wants {
		if !t.has(h.Header.Definitions) {
			if h.Header.Workflow != "" {
				return "the workflow lacks " + t.Name
			}
			return "the scenario lacks " + t.Name
		}
	}
	return ""
}
