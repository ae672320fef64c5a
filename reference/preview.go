package reference

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/sagacheck/sagacheck/saga"
)

// Preview is what an operator is shown before anything is asked for: what the record says was
// done, what is not known, and what a rollback would do about it.
type Preview struct {
	ID      string       `json:"id"`
	Name    string       `json:"name"`
	Version string       `json:"version,omitempty"`
	Status  saga.Status  `json:"status"`
	Paused  *saga.ByHand `json:"paused,omitempty"`
	ByHand  *saga.ByHand `json:"ended_by,omitempty"`
	// Rollback is "possible", "under way", "done", or why it is not possible.
	Rollback string        `json:"rollback"`
	Steps    []PreviewStep `json:"steps"`
	// Acts are what can be asked for now; a retry only if something waits then.
	Acts []saga.Act `json:"acts"`
}

// PreviewStep is one step of it.
type PreviewStep struct {
	Name string    `json:"name"`
	Kind saga.Kind `json:"kind"`
	// Outcome is what is known of its action: none, under way, done, unknown, nothing (it was refused
	// for good) or undone.
	Outcome string `json:"outcome"`
	// Rollback is what a rollback would do: undo, undo if it was done, stay, learn first, nothing.
	Rollback string `json:"rollback"`
	// Took is what was asked for under which key, Undo what would be.
	Took *PreviewCall `json:"took,omitempty"`
	Undo *PreviewCall `json:"undo,omitempty"`
}

// PreviewCall is what a call asks for, as the record has it.
type PreviewCall struct {
	Key    string          `json:"key"`
	Body   json.RawMessage `json:"body,omitempty"`
	Effect string          `json:"effect,omitempty"` // in words, of a body that Sagacheck understands
}

// The outcomes of a preview, and what a rollback would do.
const (
	OutcomeNone     = "none"
	OutcomeUnderWay = "under way"
	OutcomeDone     = "done"
	OutcomeUnknown  = "unknown"
	OutcomeNothing  = "nothing"
	OutcomeUndone   = "undone"

	WouldUndo       = "undo"
	WouldUndoIfDone = "undo if it was done"
	WouldStay       = "stay"
	WouldLearn      = "learn first"
	WouldDoNothing  = "nothing"
)

// possible is what a preview says of a rollback that can be asked for.
const possible = "possible"

// preview is what the record says.
func (s *State) preview(e *Executor) Preview {
	p := Preview{ID: s.Def.ID, Name: s.Def.Name, Version: s.Def.Version, Status: s.status(), Paused: s.Paused, ByHand: s.ByHand, Rollback: possible, Acts: []saga.Act{}}
	if err := s.mayRollBack(); err != nil {
		p.Rollback = err.Error()
	}
	switch {
	case s.Failing() && s.status() == saga.Compensated:
		p.Rollback = "done"
	case s.Failing() && s.Operator:
		p.Rollback = "under way"
	case s.Failing() && s.mayRunAgain():
		p.Rollback = "under way, and another round may follow"
	case s.Failing():
		p.Rollback = "under way"
	}
	for i, st := range s.Def.Steps {
		one := PreviewStep{Name: st.Name, Kind: st.Kind, Outcome: s.outcome(i), Rollback: s.wouldDo(i)}
		if one.Outcome != OutcomeNone {
			one.Took = s.called(e, Ref{i, saga.Action})
		}
		if one.Rollback == WouldUndo || one.Rollback == WouldUndoIfDone {
			one.Undo = s.called(e, Ref{i, saga.Compensation})
		}
		p.Steps = append(p.Steps, one)
	}
	for _, act := range saga.Acts() {
		may := func(step string) bool {
			already, err := s.mayAct(Asked{Act: act, Step: step}, !s.Quiet())
			return err == nil && !already
		}
		if act != saga.ActSkip && may("") || act == saga.ActSkip && slices.ContainsFunc(s.Def.Steps, func(st saga.Step) bool { return may(st.Name) }) {
			p.Acts = append(p.Acts, act)
		}
	}
	return p
}

// outcome is what is known of an action.
func (s *State) outcome(i int) string {
	switch o := &s.Actions[i]; {
	case o.Attempts == 0:
		return OutcomeNone
	case s.Undos[i].Done():
		return OutcomeUndone
	case o.Open:
		return OutcomeUnderWay
	case o.Done():
		return OutcomeDone
	case o.Doubtful:
		return OutcomeUnknown
	}
	return OutcomeNothing
}

// wouldDo is what a rollback would do about a step.
func (s *State) wouldDo(i int) string {
	outcome := s.outcome(i)
	switch {
	case outcome == OutcomeNone, outcome == OutcomeNothing, outcome == OutcomeUndone:
		return WouldDoNothing
	case s.mustLearn(i):
		return WouldLearn
	case s.Def.Steps[i].Compensation == nil, s.PastPivot():
		return WouldStay
	case outcome == OutcomeDone:
		return WouldUndo
	}
	return WouldUndoIfDone
}

// called is what a call asks for, as it is sent.
func (s *State) called(e *Executor, r Ref) *PreviewCall {
	o := e.Op(s.Def, r)
	c := &PreviewCall{Key: e.rules.Key(o, max(1, s.Op(r).Attempts)), Body: e.rules.Body(o)}
	if effect, err := callOf(&s.Def, r).Effect(); err == nil && !effect.IsZero() {
		c.Effect = effect.String()
	}
	return c
}

// tag names what a preview shows: of a saga in which something else has happened, or can be, it
// is another one.
func (s *State) tag() string {
	type seen struct{ Outcome, Rollback string }
	shown := struct {
		Status   saga.Status
		Paused   bool
		Rollback string
		Steps    []seen
		Round    int `json:",omitempty"`
	}{Status: s.status(), Paused: s.Paused != nil, Round: s.Def.Round}
	if err := s.mayRollBack(); err != nil {
		shown.Rollback = err.Error()
	}
	for i := range s.Def.Steps {
		shown.Steps = append(shown.Steps, seen{s.outcome(i), s.wouldDo(i)})
	}
	text, err := json.Marshal(shown)
	if err != nil { // plain data
		panic(err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// Preview shows what a saga has come to and what may be asked of it, and the tag of that. The
// error is ErrNotFound, ErrQuarantined or ErrUnavailable.
func (e *Executor) Preview(id string) (p Preview, tag string, err error) {
	f, err := e.readable(e.ctx, id)
	if err != nil {
		return p, "", err
	}
	f.view.mu.Lock()
	defer f.view.mu.Unlock()
	return f.view.s.preview(e), f.view.s.tag(), nil
}
