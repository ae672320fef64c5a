package mutation

import (
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// statusOperators change what the orchestrator says, and how things end.
func statusOperators() []Operator {
	return []Operator{
		{"end-left-out", "stuck-saga", "a saga never ends, and the settle time passes", endLeftOut},
		{"stuck-and-silent", "stuck-saga", "a saga that needs a person goes on saying that it is being undone, or is running", stuckSilently},
		{"forgotten", "lost-saga", "the orchestrator does not know an accepted saga any more", forgotten},
		{"ended-early", "false-status", "a saga is reported as ended before its last effect", endedEarly},
		{"end-taken-back", "false-status", "a saga is reported as running after its end", endTakenBack},
		{"step-told-early", "false-status", "a step is reported as succeeded before its effect", stepToldEarly},
		{"undo-told-early", "false-status", "a step is reported as compensated before it is", undoToldEarly},
		{"status-moved-back", "not-linearizable", "a saga is reported as compensated, and then as running", endTakenBack},
		{"ledger-of-another-order", "not-linearizable", "an account's balance is explained by no order of its bookings", ledgerChanged(+1)},
		{"never-made-up", "degradation-failure", "a deferred step is never done", neverMadeUp},
		{"deferred-lost-in-crash", "degradation-failure", "a deferred step is forgotten in a crash", deferredLostInCrash},
		{"failed-by-a-deferrable", "degradation-failure", "a saga is rolled back because a deferrable step failed", failedByDeferrable},
		{"called-while-open", "breaker-violation", "a call leaves while its breaker is open", calledWhileOpen},
		{"called-after-a-probe", "breaker-violation", "a call leaves at once when the probe of a half-open breaker has failed", calledAfterProbe},
		{"other-called-while-open", "breaker-violation", "a call of another operation leaves while the breaker that they share is open", otherWhileOpen},
		{"probed-twice", "breaker-violation", "a half-open breaker lets a second call pass beside its one probe", probedTwice},
		{"held-back-while-closed", "breaker-violation", "a call is held back by a breaker that counts one failure too many, failures that are not in a row, or refusals", heldBackWhileClosed},
		{"refund-after-all", "ignored-rollback", "an operator's rollback is accepted and the saga completes", rollbackIgnored},
	}
}

// endLeftOut takes the end of an accepted saga away, and what it did last, and lets
// the settle time pass.
func endLeftOut(ix *history.Index, yield func(string, *edit) bool) {
	if ix.Settled == nil {
		return
	}
	for _, s := range ix.Sagas {
		if s.Ended == nil || len(s.Accepted) == 0 {
			continue
		}
		m := change(ix.History)
		m.drop(func(e *history.Event) bool {
			return e.Saga == s.ID && (e.Kind == history.SagaEnded || e.Kind == history.SagaStatus && e.Status.Ended())
		})
		m.delay(ix.Settled.Seq, 2*time.Duration(ix.History.Header.SettleMS)*time.Millisecond)
		m.set(ix.Settled.Seq, func(e *history.Event) { e.Detail = "saga " + s.ID + ": running" })
		if !yield("saga "+s.ID, m) {
			return
		}
	}
}

// stuckSilently takes the word stuck out of the reports on a saga that says it to the
// end.
func stuckSilently(ix *history.Index, yield func(string, *edit) bool) {
	if ix.Settled == nil {
		return
	}
	for _, s := range ix.Sagas {
		if s.Status() != saga.Stuck || len(s.Accepted) == 0 {
			continue
		}
		said := saga.Running
		if slices.ContainsFunc(s.Reports, func(e *history.Event) bool { return e.Status == saga.Compensating }) {
			said = saga.Compensating
		}
		m := change(ix.History)
		for _, r := range s.Reports {
			if r.Status == saga.Stuck {
				m.set(r.Seq, func(e *history.Event) { e.Status = said })
			}
		}
		m.delay(ix.Settled.Seq, 2*time.Duration(ix.History.Header.SettleMS)*time.Millisecond)
		if !yield("saga "+s.ID, m) {
			return
		}
	}
}

func forgotten(ix *history.Index, yield func(string, *edit) bool) {
	for _, s := range ix.Sagas {
		if len(s.Accepted) == 0 || ix.Settled == nil || len(s.Reports) == 0 {
			continue
		}
		gone := history.Event{Kind: history.SagaUnknown, Saga: s.ID, Code: 404}
		if !yield("saga "+s.ID, change(ix.History).before(ix.Settled.Seq, gone)) {
			return
		}
	}
}

// endedEarly moves the report of an end in front of the last effect that it needs.
func endedEarly(ix *history.Index, yield func(string, *edit) bool) {
	for s, o := range each(ix) {
		step, _ := s.Definition.Step(o.Op.Step)
		want := saga.Completed
		if o.Op.Direction == saga.Compensation {
			want = saga.Compensated
		}
		if ended(s) != want || len(o.Effects) == 0 || step.Kind == saga.Deferrable {
			continue
		}
		first := o.Effects[0]
		told := endReport(s)
		if told == nil || first.Copy != 0 {
			continue
		}
		m := change(ix.History).moveBefore(told.Seq, first.Seq).moveBefore(s.Ended.Seq, first.Seq)
		m.drop(func(e *history.Event) bool {
			return e.Saga == s.ID && e.Kind == history.SagaStatus && !e.Status.Ended()
		})
		if !yield(place(o, first.Attempt), m) {
			return
		}
	}
}

// endReport is the status report of a saga's end.
func endReport(s *history.SagaRecord) *history.Event {
	for _, r := range s.Reports {
		if r.Kind == history.SagaStatus && r.Status == s.Ended.Status {
			return r
		}
	}
	return nil
}

func endTakenBack(ix *history.Index, yield func(string, *edit) bool) {
	for _, s := range ix.Sagas {
		if s.Ended == nil {
			continue
		}
		again := history.Event{Kind: history.SagaStatus, Saga: s.ID, Status: saga.Running}
		if !yield("saga "+s.ID, change(ix.History).after(s.Ended.Seq, again)) {
			return
		}
	}
}

// stepToldEarly puts a report that a step succeeded in front of its effect.
func stepToldEarly(ix *history.Index, yield func(string, *edit) bool) {
	toldEarly(ix, saga.Action, saga.StepSucceeded, yield)
}

// undoToldEarly does the same for a compensation.
func undoToldEarly(ix *history.Index, yield func(string, *edit) bool) {
	toldEarly(ix, saga.Compensation, saga.StepCompensated, yield)
}

func toldEarly(ix *history.Index, d saga.Direction, state saga.StepState, yield func(string, *edit) bool) {
	if !slices.Contains(ix.History.Header.Orchestrator.Capabilities, "step-status") {
		return
	}
	for s, o := range ofDirection(ix, d) {
		if act := s.Op(o.Op.Step, saga.Action); act == nil || len(act.Effects) == 0 {
			continue
		}
		if len(o.Effects) == 0 || o.Effects[0].Copy != 0 || len(s.Accepted) == 0 || s.Accepted[0].Seq > o.Effects[0].Seq {
			continue
		}
		status := saga.Running
		if d == saga.Compensation {
			status = saga.Compensating
		}
		lie := history.Event{Kind: history.SagaStatus, Saga: s.ID, Status: status, Steps: []saga.StepStatus{{Name: o.Op.Step, Status: state}}}
		if !yield(place(o, o.Effects[0].Attempt), change(ix.History).before(o.Effects[0].Seq, lie)) {
			return
		}
	}
}

// rollbackIgnored has an operator ask for the rollback before the pivot, in vain.
func rollbackIgnored(ix *history.Index, yield func(string, *edit) bool) {
	for _, s := range ix.Sagas {
		if ended(s) != saga.Completed || len(s.Operator) > 0 || disturbed(ix) {
			continue
		}
		for _, step := range s.Definition.Steps {
			o := s.Op(step.Name, saga.Action)
			if o == nil || o.Attempts[0].Sent == nil || step.Kind == saga.Pivot {
				break
			}
			ask := history.Event{Kind: history.SagaOperator, Saga: s.ID, Code: 202}
			if !yield(place(o, 1), change(ix.History).after(o.Attempts[0].Sent.Seq, ask)) {
				return
			}
			break
		}
	}
}

// Operators is the catalogue.
func Operators() []Operator {
	return slices.Concat(effectOperators(), callOperators(), bodyOperators(), statusOperators(), situationOperators(), driftOperators(), versionOperators(), roundOperators(), againOperators())
}
