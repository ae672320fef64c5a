package reference

import (
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// rebase moves the times of an earlier life to the clock of this one, whose readings
// are monotonic. What has passed is at least what passed between the records; a
// clock that was set back takes nothing of it away, and adds nothing to what is left.
func (s *state) rebase(now time.Time) {
	since := max(0, now.Sub(s.latest))
	for i := range s.def.Steps {
		for _, r := range bothOf(i) {
			o := s.op(r)
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
func (s *state) recover(now time.Time) []record {
	var records []record
	for i := range s.def.Steps {
		for _, r := range bothOf(i) {
			o := s.op(r)
			if s.believedDone(r) {
				records = append(records, s.believe(r, now)...)
				continue
			}
			if !o.open {
				continue
			}
			lo, _ := band(s.call(r).Retry, o.attempts+1)
			records = append(records, record{
				Kind: recOutcome, At: now, Step: r.step, Direction: r.dir, Attempt: o.attempts, Answer: saga.Transient,
				Interrupted: true, Exhausted: s.limits(r).exhausted(o.attempts-o.interrupted-1, o.first, now.Add(lo)),
			})
		}
	}
	return records
}

// believedDone holds the planted defects in which a restart takes for done what
// was not. Without them it is false.
func (s *state) believedDone(r ref) bool {
	if s.op(r).settled() {
		return false
	}
	if r.dir == saga.Compensation {
		return s.failing() && s.needsUndo(r.step) && s.defects.on("interrupted-compensation-is-done")
	}
	interrupted := func(i int) bool { return s.actions[i].open }
	return (interrupted(r.step) || slices.ContainsFunc(s.graph.directly(r.step), interrupted)) &&
		s.defects.on("interrupted-action-is-done")
}

// believe writes down that an operation is done.
func (s *state) believe(r ref, now time.Time) []record {
	rec := record{Kind: recOutcome, At: now, Step: r.step, Direction: r.dir, Attempt: s.op(r).attempts, Answer: saga.Done}
	if s.op(r).open {
		return []record{rec}
	}
	rec.Attempt++
	intent := rec
	intent.Kind, intent.Answer = recIntent, ""
	return []record{intent, rec}
}
