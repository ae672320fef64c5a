package reference

import (
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// rebase moves the times of an earlier life to the clock of this one, whose readings
// are monotonic. What has passed is at least what passed between the records; a
// clock that was set back takes nothing of it away, and adds nothing to what is left.
func (s *State) rebase(now time.Time) {
	since := max(0, now.Sub(s.latest))
	for i := range s.Def.Steps {
		for _, r := range bothOf(i) {
			o := s.Op(r)
			if !o.first.IsZero() {
				o.first = now.Add(-since - max(0, s.latest.Sub(o.first)))
			}
			if !o.notBefore.IsZero() {
				left := o.notBefore.Sub(o.ended) - max(0, s.latest.Sub(o.ended)) - since
				o.notBefore = now.Add(min(max(0, left), maxRetryAfter))
			}
		}
	}
	s.latest = now
}

// recover says what a journal leaves open: an intent without an outcome is an
// attempt whose outcome is unknown. That it was cut short was no failure of the
// participant, so it is spared in the count of the policy's attempts: else some
// restarts would be enough to undo what is healthy.
func (s *State) recover(now time.Time) []Record {
	var records []Record
	for i := range s.Def.Steps {
		for _, r := range bothOf(i) {
			o := s.Op(r)
			if s.believedDone(r) {
				records = append(records, s.believe(r, now)...)
				continue
			}
			if !o.Open {
				continue
			}
			lo, _ := band(s.call(r).Retry, o.Attempts+1)
			records = append(records, Record{
				Kind: RecordOutcome, At: now, Step: r.Step, Direction: r.Dir, Attempt: o.Attempts, Answer: saga.Transient,
				Interrupted: true, Exhausted: s.limits(r).exhausted(o.Attempts-o.interrupted-1, o.first, now.Add(lo)),
			})
		}
	}
	return records
}

// believedDone holds the planted defects in which a restart takes for done what
// was not. Without them it is false.
func (s *State) believedDone(r Ref) bool {
	if s.Op(r).Settled() {
		return false
	}
	if r.Dir == saga.Compensation {
		return s.Failing() && s.NeedsUndo(r.Step) && s.defects.on("interrupted-compensation-is-done")
	}
	interrupted := func(i int) bool { return s.Actions[i].Open }
	return (interrupted(r.Step) || slices.ContainsFunc(s.graph.directly(r.Step), interrupted)) &&
		s.defects.on("interrupted-action-is-done")
}

// believe writes down that an operation is done.
func (s *State) believe(r Ref, now time.Time) []Record {
	rec := Record{Kind: RecordOutcome, At: now, Step: r.Step, Direction: r.Dir, Attempt: s.Op(r).Attempts, Answer: saga.Done}
	if s.Op(r).Open {
		return []Record{rec}
	}
	rec.Attempt++
	intent := rec
	intent.Kind, intent.Answer = RecordIntent, ""
	return []Record{intent, rec}
}
