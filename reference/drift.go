package reference

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/internal/jsonvalue"
	"github.com/sagacheck/sagacheck/saga"
)

// Drift is a difference between what a participant holds of an action and what is written down.
type Drift struct {
	Saga string `json:"saga"`
	Step string `json:"step"`
	Difference
	Found time.Time `json:"found"`
	Gone  time.Time `json:"gone,omitzero"` // zero: it is still so, as far as is known
	// Repair is what was done about it; zero: nothing.
	Repair DriftRepair `json:"repair,omitzero"`
	step   int
}

// Difference is one of them.
type Difference struct {
	What DriftWhat `json:"what"`
	Told string    `json:"told,omitempty"` // by the participant, as far as it fits
}

// DriftWhat is what is different.
type DriftWhat string

// The differences.
const (
	DriftMissing DriftWhat = "missing" // the action is done, and nothing of it is there
	DriftOther   DriftWhat = "other"   // the action is done, and something else is there
	DriftStill   DriftWhat = "still"   // the action is undone, and something of it is there
)

// DriftRules are a part of Rules.
type DriftRules struct {
	// Expects is what follows from the record about what a participant holds of a step.
	Expects func(s *State, step int) Expectation
	// Differs: what it tells is not what the action's body asked for.
	Differs func(body, told json.RawMessage) bool
	// LooksBack: the schedule asks about a saga.
	LooksBack func(s *State) bool
	// Repairs: the record proves how what is different at a step is to be repaired.
	Repairs func(s *State, step int) bool
}

// Expectation is what follows from the record about what a participant holds of an action.
type Expectation int

// The expectations.
const (
	Anything Expectation = iota // nothing follows: it is not done yet, or being undone, or nobody knows
	Effect                      // what its body asked for
	Nothing
)

// expects: what is done is there, and what is undone is not. While a compensation is under way
// anything may be.
func (s *State) expects(step int) Expectation {
	action, undo := &s.Actions[step], &s.Undos[step]
	switch {
	case action.Open || undo.Open || s.Repairing(step):
		return Anything
	case undo.Done(): // also what nobody knew of: it may arrive late
		return Nothing
	case action.Done() && undo.Attempts == 0:
		return Effect
	}
	return Anything
}

// differs tells whether a participant holds something else than an action's body asked for: each field
// that it tells has to have the value that it has there. It need not tell them all. No body asks for no field.
func differs(body, told json.RawMessage) bool {
	if len(body) == 0 {
		body = json.RawMessage(`{}`)
	}
	asked, holds := fields(body), fields(told)
	if asked == nil || holds == nil {
		return !jsonvalue.Equal(body, told)
	}
	for name, value := range holds {
		if !jsonvalue.Equal(asked[name], value) {
			return true
		}
	}
	return false
}

func fields(object json.RawMessage) map[string]json.RawMessage {
	var fs map[string]json.RawMessage
	_ = json.Unmarshal(object, &fs) // nil: it is no object
	return fs
}

// holding is what a participant told of an action.
type holding struct {
	step  int
	asked time.Time
	tries int  // of both operations, when it was asked
	there bool // something is
	told  json.RawMessage
	// repair is what came of an attempt at a repair instead; nil: it is no such word.
	repair *Record
}

// tries is how many attempts the two operations of a step have had.
func (s *State) tries(step int) int {
	n := s.Actions[step].Attempts + s.Undos[step].Attempts
	for _, p := range s.past {
		n += p.actions[step].Attempts + p.undos[step].Attempts
	}
	return n
}

// found is what of a holding is not as it is written down; "": nothing. Not ok: it can't be told,
// since the step has gone on since the participant was asked.
func (s *State) found(h holding) (what DriftWhat, ok bool) {
	if s.tries(h.step) != h.tries {
		return "", false
	}
	switch s.rules.Drift.Expects(s, h.step) {
	case Effect:
		if !h.there {
			return DriftMissing, true
		}
		if s.rules.Drift.Differs(s.Def.Steps[h.step].Action.Body, h.told) {
			return DriftOther, true
		}
		return "", true
	case Nothing:
		if h.there {
			return DriftStill, true
		}
		return "", true
	}
	return "", false
}

// drift is what differs at a step now, as far as is known; "": nothing.
func (s *State) drift(step int) DriftWhat {
	if d := s.differing(step); d != nil {
		return d.What
	}
	return ""
}

// stays tells whether a holding shows a difference that is known.
func (s *State) stays(h holding) bool {
	what, ok := s.found(h)
	return ok && what != "" && what == s.drift(h.step)
}

// reconciled is the record that a holding makes; false: it says nothing new.
func (s *State) reconciled(h holding, now time.Time) (r Record, news bool) {
	what, ok := s.found(h)
	if !ok || what == s.drift(h.step) {
		return r, false
	}
	r = Record{Kind: RecordDrift, At: now, Step: h.step, Direction: saga.Action}
	if what != "" {
		r.Drift = &Difference{what, strings.ToValidUTF8(string(h.told[:min(len(h.told), maxWord)]), "")}
	}
	return r, true
}

// drifted takes in that something differs at a step, or that nothing does any more, or an attempt at
// a repair.
func (s *State) drifted(r Record) {
	if r.Kind == RecordRepair {
		s.repaired(r)
		return
	}
	if d := s.differing(r.Step); d != nil {
		if d.Gone = r.At; d.Repair.State != "" && r.Drift == nil {
			d.Repair.State = Repaired
		}
	}
	if r.Drift != nil {
		s.drifts = append(s.drifts, Drift{Saga: s.Def.ID, Step: s.Def.Steps[r.Step].Name, Difference: *r.Drift, Found: r.At, step: r.Step})
	}
}

// afterEnd tells whether records are only about what is looked at after a saga's end, too: it ended before.
func afterEnd(records []Record) bool {
	return !slices.ContainsFunc(records, func(r Record) bool { return r.Kind != RecordDrift && r.Kind != RecordRepair })
}

// OpenDrifts is how many steps differ now, as far as is known.
func (s *State) OpenDrifts() int {
	n := 0
	for i := range s.drifts {
		if s.drifts[i].Gone.IsZero() {
			n++
		}
	}
	return n
}
