package history

import (
	"slices"

	"github.com/sagacheck/sagacheck/saga"
)

// repairing is the capability without which there are no repairs.
const repairing = "repair"

// repairs takes an event that is about an attempt at a repair; false: it is not.
func (ix *Index) repairs(s *SagaRecord, e *Event) bool {
	switch e.Kind {
	case CallSent, CallReceived, CallCommitted, CallAnswered, CallEnded:
	default:
		return false
	}
	if e.Direction != saga.Compensation || s.Ended == nil || !slices.Contains(ix.History.Header.Orchestrator.Capabilities, repairing) {
		return false
	}
	if o := s.Repairs[e.Operation().Ref()]; e.Kind != CallSent && (o == nil || !slices.ContainsFunc(o.Attempts, func(a *Attempt) bool { return a.N == e.Attempt })) {
		return false
	}
	if !slices.ContainsFunc(ix.Drifts, func(d *Event) bool { return d.Kind == Drifted && d.Operation() == e.Operation() }) {
		return false
	}
	s.among(s.Repairs, e).add(e)
	return true
}

// WithRepairs are all attempts of an operation, those at repairs too.
func (s *SagaRecord) WithRepairs(o *OpRecord) *OpRecord {
	r := s.Repairs[o.Op.Ref()]
	if r == nil {
		return o
	}
	return &OpRecord{Op: o.Op, Call: o.Call, Attempts: slices.Concat(o.Attempts, r.Attempts), Effects: slices.Concat(o.Effects, r.Effects), Found: o.Found}
}

// RepairEffects are the effects of repairs, saga by saga.
func (ix *Index) RepairEffects() (all []*Event) {
	for _, s := range ix.Sagas {
		for _, o := range s.Repairs {
			all = append(all, o.Effects...)
		}
	}
	slices.SortFunc(all, func(a, b *Event) int { return a.Seq - b.Seq })
	return all
}
