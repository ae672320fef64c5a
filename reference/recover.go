package reference

import (
	"time"

	"github.com/sagacheck/sagacheck/reference/bounds"
	"github.com/sagacheck/sagacheck/saga"
)

// rebase moves the times of an earlier life to the clock of this one, whose readings
// are monotonic. What has passed is at least what passed between the records; a
// clock that was set back takes nothing of it away, and adds nothing to what is left.
func (s *State) rebase(now time.Time) {
	since := max(0, now.Sub(s.latest))
	s.accepted = now.Add(-since - max(0, s.latest.Sub(s.accepted)))
	for i := range s.Def.Steps {
		for _, r := range bothOf(i) {
			o := s.Op(r)
			if !o.notBefore.IsZero() {
				left := o.notBefore.Sub(o.ended) - max(0, s.latest.Sub(o.ended)) - since
				o.notBefore = now.Add(min(max(0, left), bounds.RetryAfter))
			}
			for _, at := range []*time.Time{&o.first, &o.began, &o.ended} {
				if !at.IsZero() {
					*at = now.Add(-since - max(0, s.latest.Sub(*at)))
				}
			}
		}
	}
	s.latest = now
}

// recover says what is to be written down about what a journal leaves open.
func (s *State) recover(now time.Time) []Record {
	var records []Record
	for i := range s.Def.Steps {
		for _, r := range bothOf(i) {
			records = append(records, s.rules.Recover(s, r, now)...)
		}
	}
	return records
}

// interrupted: an intent without an outcome is an attempt whose outcome is unknown.
// That it was cut short was no failure of the participant, so it is spared in the
// count of the policy's attempts: else some restarts would be enough to undo what is
// healthy.
func (s *State) interrupted(r Ref, now time.Time) []Record {
	o := s.Op(r)
	if !o.Open {
		return nil
	}
	lo, _ := band(s.call(r).Retry, o.Attempts+1)
	return []Record{{
		Kind: RecordOutcome, At: now, Step: r.Step, Direction: r.Dir, Attempt: o.Attempts, Answer: saga.Transient,
		Interrupted: true, Exhausted: s.limits(r).exhausted(o.Attempts-o.interrupted-1, o.first, now.Add(lo)),
	}}
}
