package checkers

import (
	"math"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// disturbance is a time, by sequence numbers, in which the orchestrator did not
// run as it should: killed and not yet ready, paused, without its store, held back by a flag, or by an operator who
// paused a saga. It
// begins when the fault fired, since the event of a kill is written after it.
type disturbance struct {
	from, to int
	kill     bool
}

func disturbances(h *history.History, ix *history.Index) []disturbance {
	var ds []disturbance
	open := map[int]int{}      // fault, or −1 → index in ds
	paused := map[string]int{} // saga → index in ds
	for i := range h.Events {
		e := &h.Events[i]
		f := -1
		if e.Fault != nil {
			f = *e.Fault
		}
		switch e.Kind {
		case history.ProcessKilled, history.ProcessPaused, history.FlagSet:
			open[f] = len(ds)
			ds = append(ds, disturbance{from: began(ix, f, e), to: math.MaxInt, kill: e.Kind == history.ProcessKilled})
		case history.SagaOperated:
			if n, is := paused[e.Saga]; e.What == string(saga.ActPause) && !is && !refusedAct(e) {
				paused[e.Saga] = len(ds)
				ds = append(ds, disturbance{from: began(ix, f, e), to: math.MaxInt})
			} else if e.What == string(saga.ActResume) && is && saga.Classify(e.Code) == saga.Done {
				ds[n].to = e.Seq
				delete(paused, e.Saga)
			}
		case history.ProcessReady, history.ProcessResumed:
			if n, ok := open[f]; ok {
				ds[n].to = e.Seq
			}
		case history.FaultFired:
			if n, ok := open[f]; !h.CutsStore(f) || ok && ds[n].to == math.MaxInt {
				continue
			}
			open[f] = len(ds)
			ds = append(ds, disturbance{from: e.Seq, to: math.MaxInt})
		case history.FaultHealed:
			if n, ok := open[f]; ok && (h.CutsStore(f) || h.SetsFlag(f)) {
				ds[n].to = e.Seq
			}
		}
	}
	return ds
}

// began is the last time that the fault fired before the event.
func began(ix *history.Index, f int, e *history.Event) int {
	from := e.Seq
	for _, fired := range ix.Fired[f] {
		if fired.Seq < e.Seq {
			from = fired.Seq
		}
	}
	return from
}

// disturbed tells whether the orchestrator was disturbed between two events.
func disturbed(ds []disturbance, from, to int) bool { return countDisturbed(ds, from, to, false) > 0 }

// kills counts the kills between two events.
func kills(ds []disturbance, from, to int) int { return countDisturbed(ds, from, to, true) }

func countDisturbed(ds []disturbance, from, to int, onlyKills bool) int {
	n := 0
	for _, d := range ds {
		if d.from <= to && d.to >= from && (d.kill || !onlyKills) {
			n++
		}
	}
	return n
}

// notedLate tells whether an attempt that was noted after something may have left before
// it: the wire did not get to it in time.
func notedLate(sent *history.Event, at time.Duration) bool {
	return sent.Waited > 0 && sent.From() <= at
}

// mayHaveLearnt tells whether the orchestrator may have read such an answer,
// surely or not.
func mayHaveLearnt(o *history.OpRecord, answer saga.Answer) bool {
	if o == nil {
		return false
	}
	for _, a := range o.Attempts {
		if a.Ended != nil && a.Ended.Code != 0 && !a.Severed() && (saga.Classify(a.Ended.Code) == answer || answer == saga.Done && a.ToldDone()) {
			return true
		}
	}
	return false
}

// mayBeRefused tells whether the orchestrator may have read an answer that is the last word
// on the operation, surely or not.
func mayBeRefused(h *history.History, o *history.OpRecord) bool {
	return slices.ContainsFunc(o.Attempts, func(a *history.Attempt) bool {
		return a.Ended != nil && !a.Severed() && h.LastWord(o.Op, a.Ended.Code)
	})
}

// refusal is the first attempt of which the orchestrator surely read an answer that is the
// last word; nil: there is none, or it is not for this orchestrator, which tries what was refused again.
func refusal(h *history.History, o *history.OpRecord) *history.Attempt {
	if !keeps(h, "permanent-errors") {
		return nil
	}
	for _, a := range o.Attempts {
		if a.Learnt() != "" && a.Ended.Certain && a.InTime() && h.LastWord(o.Op, a.Ended.Code) {
			return a
		}
	}
	return nil
}

// keeps tells whether the orchestrator has a capability that the contract's promises are made with. What a workflow of
// the user's own promises is asked call by call.
func keeps(h *history.History, capability string) bool {
	return h.Header.Workflow != "" || slices.Contains(h.Header.Orchestrator.Capabilities, capability)
}

// endless tells whether the operation may be attempted beyond its policy.
func endless(s *history.SagaRecord, op saga.Operation) bool {
	step, _ := s.Definition.Step(op.Step)
	return op.Direction == saga.Action && step.Unbounded()
}

// usedUp tells whether the operation may have come to the end of its policy
// without success.
func usedUp(h *history.History, o *history.OpRecord) bool {
	if o == nil || o.Learnt(saga.Done) != nil {
		return false
	}
	p := o.Call.Retry
	if p.DeadlineMS > 0 || o.Call.Breaker != nil {
		return true
	}
	return p.Most() > 0 && (len(sent(o)) >= p.Most() || h.MayBeRefused(o.Op))
}

// pastPivot tells whether a pivot may have succeeded.
func pastPivot(s *history.SagaRecord) bool {
	for _, step := range s.Definition.Steps {
		if step.Kind == saga.Pivot && accepted(s.Op(step.Name, saga.Action)) != nil {
			return true
		}
	}
	return false
}

// stuckForAReason says why an orchestrator was right to stop and call a person:
// what must succeed was refused for good, or is at the end of its policy. Empty:
// there is no such reason.
func stuckForAReason(h *history.History, s *history.SagaRecord) string {
	if !s.Status().Left() {
		return ""
	}
	return personsMatter(h, s)
}

// misled is why nobody can be judged by what he made of an answer.
const misled = "an answer said something that was not true"

// personsMatter says why a saga may never end by itself; empty: it must. A pivot that
// has come to the end of its policy is no reason: with a compensation the saga turns
// and undoes it, without one it is attempted until its outcome is known.
func personsMatter(h *history.History, s *history.SagaRecord) string {
	past := pastPivot(s)
	if endedByHand(s) {
		return "an operator ended it by hand"
	}
	for _, o := range opsOf(s) {
		step, _ := s.Definition.Step(o.Op.Step)
		undo := o.Op.Direction == saga.Compensation
		must := undo || past && step.Kind != saga.Deferrable
		switch {
		case o.Misled() && s.Status().Left(): // it must not wait for ever without a word
			return misled + ", of " + o.Op.String()
		case !must || o.Learnt(saga.Done) != nil:
		case mayHaveLearnt(o, saga.Permanent):
			return o.Op.String() + " was refused for good"
		case usedUp(h, o) && (undo || step.Kind != saga.Pivot):
			return o.Op.String() + " came to the end of its retry policy"
		}
	}
	return ""
}
