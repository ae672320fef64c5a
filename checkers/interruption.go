package checkers

import (
	"math"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// What unneeded-compensation says of sagas whose orchestrator was killed or paused: that is no
// reason to go back while there are attempts left.

// interruption is the clause that what was done to the orchestrator before an event put at risk; empty: nothing
// was that makes an attempt of an action fail, or did while one failed.
func interruption(h *history.History, s *history.SagaRecord, ds []disturbance, before *history.Event) string {
	clause := ""
	for ref, o := range s.Ops {
		for _, a := range o.Attempts {
			if ref.Direction != saga.Action || a.Sent == nil || a.Sent.Seq > before.Seq {
				continue
			}
			if cutOff(a, ds) || a.Learnt() == saga.Transient && kills(ds, 0, a.Sent.Seq) > 0 {
				return forwardCutOff
			}
			if outlasted(h, o, a) {
				clause = forwardOutlasted
			}
		}
	}
	return clause
}

// cutOff tells whether a kill came while an attempt was under way.
func cutOff(a *history.Attempt, ds []disturbance) bool {
	over := math.MaxInt
	if a.Ended != nil {
		over = a.Ended.Seq
	}
	return kills(ds, a.Sent.Seq, over) > 0
}

// outlasted tells whether the process was paused while an attempt was under way, and longer than that may take.
func outlasted(h *history.History, o *history.OpRecord, a *history.Attempt) bool {
	limit := o.Call.Retry.AttemptTimeout()
	if limit == 0 || a.Ended == nil {
		return false
	}
	for i := range h.Events[a.Sent.Seq:max(a.Sent.Seq, a.Ended.Seq)] {
		e := &h.Events[a.Sent.Seq+i]
		if e.Kind != history.ProcessPaused {
			continue
		}
		if end := resumed(h, e); end != nil && end.At-e.At >= limit {
			return true
		}
	}
	return false
}

// resumed is the end of a pause; nil: it had none.
func resumed(h *history.History, pause *history.Event) *history.Event {
	for i := pause.Seq; i < len(h.Events); i++ {
		if h.Events[i].Kind == history.ProcessResumed {
			return &h.Events[i]
		}
	}
	return nil
}

// attemptsLeft tells whether each step that the saga can't do without surely had attempts left, however many
// were cut off, meant before a kill, or failed before they reached the wire, so that nothing but a person can
// be a reason to go back.
func attemptsLeft(ix *history.Index, s *history.SagaRecord, ds []disturbance, before *history.Event) bool {
	h := ix.History
	if len(s.Submitted) == 0 || s.Definition.HasRounds() || len(s.Definition.Fallbacks()) > 0 || starved(ix, s) ||
		slices.ContainsFunc(h.Header.Faults, func(f history.PlannedFault) bool { return !f.AtCalls() }) {
		return false
	}
	up := upFor(h, s.Submitted[0], before)
	for _, step := range s.Definition.Steps {
		p := step.Action.Retry
		if !critical(h, step) || p.Most() == 0 && p.DeadlineMS == 0 && step.Action.Breaker == nil {
			continue
		}
		if p.DeadlineMS > 0 || p.Rounds > 1 || step.Action.Breaker != nil || step.Action.RetryBudget != nil || h.MayBeRefused(action(s, step.Name)) {
			return false
		}
		o := s.Op(step.Name, saga.Action)
		n := lostUnsent(h, o, ds, before)
		if o != nil {
			if wasRefused(h, o) {
				return false
			}
			n += len(sent(o))
		}
		if limit := p.ShortestTimeout(); limit > 0 {
			n += int(up / limit)
		}
		if n >= p.Most() {
			return false
		}
	}
	return true
}

// upFor is how long between two events the orchestrator can have attempted something: it was not killed, or had been started again.
func upFor(h *history.History, from, to *history.Event) time.Duration {
	up := to.At - from.At
	var killed *history.Event
	for i := from.Seq; i < to.Seq; i++ {
		switch e := &h.Events[i]; {
		case e.Kind == history.ProcessKilled && killed == nil:
			killed = e
		case e.Kind == history.ProcessStarted && killed != nil:
			up -= e.At - killed.At
			killed = nil
		}
	}
	return up
}

// lostUnsent is how many attempts of an operation kills may have cost that were meant and never left: one each, but
// for those that struck at an attempt of its own of which the sender had heard nothing, and so meant no other.
func lostUnsent(h *history.History, o *history.OpRecord, ds []disturbance, before *history.Event) int {
	n := 0
	for _, d := range ds {
		if !d.kill || d.from > before.Seq {
			continue
		}
		struck := &h.Events[d.from-1]
		if o == nil || struck.Operation() != o.Op || !slices.ContainsFunc(o.Attempts, func(a *history.Attempt) bool {
			return a.N == struck.Attempt && lostAnswer(a)
		}) {
			n++
		}
	}
	return n
}

// wasRefused tells whether a participant gave the last word on an operation, whoever was there to read it.
func wasRefused(h *history.History, o *history.OpRecord) bool {
	return slices.ContainsFunc(o.Attempts, func(a *history.Attempt) bool {
		return slices.ContainsFunc(append(slices.Clip(a.Answered), a.Ended), func(e *history.Event) bool {
			return e != nil && h.LastWord(o.Op, e.Code)
		})
	})
}
