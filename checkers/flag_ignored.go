package checkers

import (
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// FlagIgnored finds attempts that began although a flag that was on holds them back.
//
// Source: practice of kill switches (feature flags for operations, Hodgson 2017); docs/contract.md
// on PUT /flags/{name}. Evidence: flag-set, flag-cleared, call-sent, call-answered, call-ended.
// An attempt surely began under a flag if what it waited for (the attempt before it, a step
// before it, the turn of its saga) came after the flag was answered to be on: what was on its
// way then is no violation. It was held if such an attempt was sent after the flag was to be taken
// back, although all that it waits for, its wait included, was over before. Cost: linear in the attempts, times the flags.
type FlagIgnored struct{}

var _ Checker = FlagIgnored{}

// The clauses of flag-ignored are the flags of the contract that hold attempts back.
const (
	holdCompensations = "hold-compensations"
	holdParticipant   = "hold-participant"
	noRetries         = "no-retries"
	drainFlag         = "drain"
)

// Doc documents the checker.
func (FlagIgnored) Doc() Doc {
	wants, does := []Trait{governedPairs}, []string{history.Kill}
	return Doc{
		Name:       "flag-ignored",
		Definition: "An attempt began although a flag that was on holds it back.",
		Source:     "practice: operational flags (Hodgson, Feature Toggles, 2017); docs/contract.md on PUT /flags/{name}",
		Clauses: []Clause{
			{Name: holdParticipant, Text: "while hold-participant is on, no call to the participant begins", Wants: wants, Does: does},
			{Name: noRetries, Text: "while no-retries is on, no attempt but a first one begins", Wants: wants, Does: does},
			{Name: drainFlag, Text: "while drain is on, no attempt begins", Wants: wants, Does: does},
			{Name: holdCompensations, Text: "while hold-compensations is on, no attempt of a compensation begins", Wants: wants, Does: does},
		},
		Evidence:  "flag-set, flag-cleared, call-sent, call-answered and call-ended.",
		Prevented: "Reading the flags right before each attempt leaves, after its wait.",
		Blind:     "Attempts of which it can't be told whether they were on their way when the flag was thrown: after a timeout, in sagas that an operator rolled back, in branches side by side. That new sagas are refused.",
		Cost:      "linear in the attempts, times the flags",
		Needs:     []string{"flags"},
	}
}

// Check judges a history.
func (c FlagIgnored) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	for i, set := range ix.Changes {
		if set.Kind != history.FlagSet || saga.Classify(set.Code) != saga.Done {
			continue
		}
		var cleared *history.Event
		if n := slices.IndexFunc(ix.Changes[i:], func(e *history.Event) bool { return e.Kind == history.FlagCleared && e.Flag == set.Flag }); n >= 0 {
			cleared = ix.Changes[i+n]
		}
		for _, s := range singleSagas(h, ix) {
			for _, o := range opsOf(s) {
				checkFlag(t, s, o, set, cleared)
			}
		}
	}
	return t.verdict("no flag that was on held an attempt back")
}

// checkFlag judges the attempts of an operation under a flag that was on from one event to
// another; nil: to the end.
func checkFlag(t *tally, s *history.SagaRecord, o *history.OpRecord, set, cleared *history.Event) {
	for _, a := range sent(o) {
		if !held(set, o.Op, a.N) || a.Sent.Seq < set.Seq {
			continue
		}
		after, on := causedAfter(s, o, a, set), cleared == nil || a.Sent.Seq < cleared.Seq
		switch {
		case on && (!after || notedLate(a.Sent, set.At)):
			t.unjudgeable(set.Flag, "it may have been on its way when the flag was thrown")
		case on:
			t.violate(set.Flag, o.Op, []*history.Event{set, a.Sent}, "broke the flag %s: attempt %d of %s began %v after it was on", set.Flag, a.N, o.Op, ms(a.Sent.From()-set.At))
		case after && due(s, o, a) < cleared.At:
			t.held(set.Flag, 1)
		}
	}
}

// held tells whether a flag holds an attempt back.
func held(set *history.Event, op saga.Operation, n int) bool {
	switch set.Flag {
	case holdCompensations:
		return op.Direction == saga.Compensation
	case holdParticipant:
		return slices.Contains(set.For, op.Step)
	case noRetries:
		return n > 1
	case drainFlag:
		return true
	}
	return false
}

// due is when an attempt would have been made at the latest but for flags: what it waits
// for was there, and its wait over.
func due(s *history.SagaRecord, o *history.OpRecord, a *history.Attempt) (at time.Duration) {
	as := sent(o)
	if i := slices.Index(as, a); i > 0 {
		_, hi := o.Call.Retry.Band(a.N)
		return latestFailure(as[i-1], o.Call.Retry) + max(hi, retryAfter(as[i-1]))
	}
	for _, other := range opsOf(s) {
		for _, b := range sent(other) {
			if b.Ended != nil && b.Sent.Seq < a.Sent.Seq {
				at = max(at, b.LearntAt())
			}
		}
	}
	if free := freed(s, o.Op.Step); free != nil && o.Op.Direction == saga.Action {
		at = max(at, free.At)
	}
	if done := s.Op(o.Op.Step, saga.Action); o.Op.Direction == saga.Compensation && done != nil {
		for _, b := range sent(done) { // what is of unknown outcome may be undone when its time-out is over
			at = max(at, b.Sent.At+done.Call.Retry.AttemptTimeout())
		}
	}
	return at
}
