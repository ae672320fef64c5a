package checkers

import (
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// PolicyNotApplied finds attempts that follow other policies than those that were in force
// when their step began.
//
// Source: practice of services whose policies change without a deployment (Envoy, Polly's
// reloads): what is under way keeps what it began with; docs/contract.md on PUT /policies.
// Evidence: policies-changed, fault-fired, call-sent, call-answered, call-ended. A step surely
// began before a change if its first attempt was on the wire when the change was asked for,
// and after it if a step that it waits for succeeded after the change was answered. A wait
// is judged as backoff-violation judges short ones: measured from the earliest moment at
// which the failure can have been learnt, less 2 ms, if no wait at all would have been seen.
// Cost: linear.
type PolicyNotApplied struct{}

var _ Checker = PolicyNotApplied{}

// The clauses of policy-not-applied.
const (
	changedBefore = "changed-before"
	changedSince  = "changed-since"
)

// Doc documents the checker.
func (PolicyNotApplied) Doc() Doc {
	needs, does := []string{"policies", "exponential-backoff"}, []string{history.Kill}
	return Doc{
		Name:       "policy-not-applied",
		Definition: "An attempt after a change of the policies follows the old version although its step began after it, or the new one although its step began before it.",
		Source:     "practice: policies that are changed while sagas run; docs/contract.md on PUT /policies",
		Clauses: []Clause{
			{Name: changedBefore, Text: "the wait before a further attempt of a step that began after a change is not shorter than the changed policies say", Wants: []Trait{governedPairs}, Does: does},
			{Name: changedSince, Text: "nor is it where they have been changed again since the step began", Wants: []Trait{governedPairs}, Does: does},
		},
		Evidence:  "policies-changed, call-sent, call-answered and call-ended.",
		Prevented: "Storing the version of the policies with a step when it begins, and deciding its attempts by that.",
		Blind:     "Steps that began while a change was under way, and waits that the changed policies make shorter; what policies say but for waits; waits after a kill or a pause, or while a flag was on.",
		Cost:      "linear",
		Needs:     needs,
	}
}

// Check judges a history.
func (c PolicyNotApplied) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	tm := newTiming(ix)
	for _, s := range singleSagas(h, ix) {
		for _, o := range opsOf(s) {
			waits, with, sure := policiesAtBeginning(ix, s, o.Op.Step)
			for _, w := range tm.waitsOf(s, o) {
				if with == nil && sure || !policiesChanged(ix, w.next.Seq) {
					continue // it follows its own policies: backoff-violation's matter, or nobody's
				}
				checkVersion(t, ix, w, waits, with, sure)
			}
		}
	}
	return t.verdict("no step was attempted again that began after a change of the policies")
}

// policiesAtBeginning is what the policies said of waits when a step began, and the change
// by which they said so; nil: none. Not sure: that can't be told.
func policiesAtBeginning(ix *history.Index, s *history.SagaRecord, step string) (waits time.Duration, with *history.Event, sure bool) {
	o := s.Op(step, saga.Action)
	first := firstSent(o)
	for _, change := range ix.Changes {
		switch {
		case change.Kind != history.PoliciesChanged || saga.Classify(change.Code) != saga.Done:
		case first == nil:
			return 0, with, false
		case first.Seq < asked(ix, change):
			return waits, with, true
		case causedAfter(s, o, sent(o)[0], change):
			waits, with = change.Waits, change
		default:
			return waits, with, false
		}
	}
	return waits, with, true
}

func checkVersion(t *tally, ix *history.Index, w wait, waits time.Duration, with *history.Event, sure bool) {
	clause := changedBefore
	for _, change := range ix.Changes {
		if change.Kind == history.PoliciesChanged && with != nil && change.Seq > with.Seq && asked(ix, change) < w.next.Seq {
			clause = changedSince
		}
	}
	hidden := w.longest - w.shortest + timerTolerance
	switch {
	case !sure:
		t.unjudgeable(clause, "the step began while the policies were being changed")
	case waits <= timerTolerance: // nothing is promised that can be measured
	case w.unknown != "" && w.unknown != otherPolicies:
		t.unjudgeable(clause, "%s", w.unknown)
	case w.longest >= waits-timerTolerance && hidden >= waits:
		t.unjudgeable(clause, "a retry at once would not have been seen")
	case w.longest >= waits-timerTolerance:
		t.held(clause, 1)
	default:
		t.violate(clause, w.op, append([]*history.Event{with}, w.events()...),
			"broke the policies in force: attempt %d of %s came at most %v after the failure, and by the policies with which its step began it waits %v", w.next.Attempt, w.op, ms(w.longest), waits)
	}
}
