package checkers

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// A saga that was run forward again (saga.Definition.InRound) is judged round by round: each but the last is a
// saga of its own that has to have ended compensated when the next begins, with other operations and
// other keys. So whatever holds of sagas holds of each, and what of an earlier round is left, or done later, is
// found by who finds it anywhere. Index.Saga has the whole.

// roundsApart are the rounds of a saga, in order, as far as they were called.
func roundsApart(s *history.SagaRecord) []*history.SagaRecord { return roundsFrom(s, roundBegins) }

// roundsSaid are the rounds of a saga with those of which there are reports and no calls: the budget may let no action of one
// begin. What was said of them is theirs; of what was called they say nothing, nor of rounds that were left.
func roundsSaid(s *history.SagaRecord) []*history.SagaRecord {
	return roundsFrom(s, func(s *history.SagaRecord) []*history.Event { return reportedBegins(s, roundBegins(s)) })
}

func roundsFrom(s *history.SagaRecord, begun func(*history.SagaRecord) []*history.Event) (parts []*history.SagaRecord) {
	if !s.Definition.HasRounds() {
		return []*history.SagaRecord{s}
	}
	begins := begun(s)
	for n := 1; n <= len(begins); n++ {
		parts = append(parts, roundOf(s, n, begins))
	}
	return parts
}

// reportedBegins adds to the first calls of rounds the first reports on those that follow, which have the names of that one
// alone.
func reportedBegins(s *history.SagaRecord, begins []*history.Event) []*history.Event {
	for _, r := range s.Reports {
		if len(r.Steps) == 0 {
			continue
		}
		_, n := saga.RoundOf(r.Steps[0].Name)
		others := slices.ContainsFunc(r.Steps, func(st saga.StepStatus) bool { _, of := saga.RoundOf(st.Name); return of != n })
		if others || n > s.Definition.Rounds {
			continue
		}
		first := *r
		first.Step, first.Steps = r.Steps[0].Name, nil
		for len(begins) < n { // a round of which nothing is known was over with the next
			begins = append(begins, &first)
		}
	}
	return begins
}

// roundBegins are the first calls of each round; of the first one, nil.
func roundBegins(s *history.SagaRecord) (begins []*history.Event) {
	begins = []*history.Event{nil}
	for _, e := range s.Calls {
		_, n := saga.RoundOf(e.Step)
		for len(begins) < n {
			begins = append(begins, nil)
		}
		if n > 1 && begins[n-1] == nil {
			begins[n-1] = e
		}
	}
	for n := len(begins) - 2; n > 0; n-- { // a round of which nothing is known was over with the next
		if begins[n] == nil {
			begins[n] = begins[n+1]
		}
	}
	return begins
}

// roundOf is one round.
func roundOf(s *history.SagaRecord, n int, begins []*history.Event) *history.SagaRecord {
	part := *s
	part.Definition = s.Definition.InRound(n)
	part.Definition.Rounds, part.Definition.RoundDelayMS = 0, 0
	mine := func(step string) bool { _, of := saga.RoundOf(step); return of == n }
	keepSteps(&part, mine)
	part.Reads = slices.DeleteFunc(slices.Clone(s.Reads), func(e *history.Event) bool { return !mine(e.Step) })
	if n > 1 {
		from := begins[n-1]
		part.Submitted, part.Accepted = begun(s.Submitted, from), begun(s.Accepted, from)
		part.Reports = onLaterRound(s, part.Reports, from)
		quiet := lastCall(s.Calls, from) + 1 // what is answered now may be about this round: its first call is on its way
		part.Operator, part.Operated = since(s.Operator, quiet), askedOf(s.Operated, quiet)
	}
	if n == len(begins) {
		return &part
	}
	next := begins[n]
	end := *next
	end.Kind, end.Status, end.Still = history.SagaEnded, saga.Compensated, next.At
	said := end
	said.Kind = history.SagaStatus
	part.Ended, part.Ends = &end, []*history.Event{&end}
	part.Reports = append(onTheWay(part.Reports, part.Calls, next), &said)
	part.Operator, part.Operated = upTo(part.Operator, next), upTo(part.Operated, next)
	return &part
}

// begun is a first event of a saga as that of a later round, which began with a call.
func begun(es []*history.Event, from *history.Event) []*history.Event {
	if len(es) == 0 {
		return nil
	}
	e := *es[0]
	e.Seq, e.At = from.Seq, from.At
	return []*history.Event{&e}
}

func since(es []*history.Event, seq int) []*history.Event {
	return slices.DeleteFunc(slices.Clone(es), func(e *history.Event) bool { return e.Seq < seq })
}

// askedOf are the acts that operators asked for in a later round, or before it: what was skipped is skipped in all
// that follow.
func askedOf(operated []*history.Event, seq int) []*history.Event {
	return slices.DeleteFunc(slices.Clone(operated), func(e *history.Event) bool {
		return e.Seq < seq && e.What != string(saga.ActSkip)
	})
}

// lastCall is the last that was seen of calls before a round. What the network still does of an operation that the
// orchestrator has heard is done, as with a request that was delayed, keeps nothing under way.
func lastCall(calls []*history.Event, next *history.Event) (last int) {
	done := map[saga.Operation]bool{}
	for _, e := range calls {
		op := e.Operation()
		if e.Seq >= next.Seq || done[op] && e.Kind != history.CallSent {
			continue
		}
		last = max(last, e.Seq)
		done[op] = done[op] || e.Kind == history.CallEnded && saga.Classify(e.Code) == saga.Done
	}
	return last
}

// onLaterRound are the reports on a saga, of which said has the steps of one round only, as those on that one since
// it began. The first may have been under way then, and be about the round before. Who goes on to report under the
// names of an earlier round reports steps that this one does not have.
func onLaterRound(s *history.SagaRecord, said []*history.Event, from *history.Event) (of []*history.Event) {
	var first *history.Event
	for i, r := range said {
		if r.Seq < from.Seq {
			continue
		}
		if first == nil {
			first = r
		}
		earlier := len(r.Steps) == 0 && saysEarlier(s.Reports[i], from)
		late := earlier && !r.Status.Ended() || len(s.Reports[i].Steps) == 0 && r.Status == saga.Compensating
		if late && r.At == first.At && !stood(s.Reports, i, s.Ended) {
			continue
		}
		if earlier {
			r.Steps = s.Reports[i].Steps
		}
		of = append(of, r)
	}
	return of
}

// saysEarlier tells whether a report has the names of a round before the one that began with a call.
func saysEarlier(r, from *history.Event) bool {
	_, now := saga.RoundOf(from.Step)
	return slices.ContainsFunc(r.Steps, func(st saga.StepStatus) bool { _, n := saga.RoundOf(st.Name); return n < now })
}

// onTheWay are the reports on a saga as those on a round that is over when another one begins: that it is
// running may be said of that one as soon as nothing of this one is under way.
func onTheWay(reports, calls []*history.Event, next *history.Event) []*history.Event {
	last := lastCall(calls, next)
	return slices.DeleteFunc(upTo(reports, next), func(e *history.Event) bool { return e.Seq > last && e.Status == saga.Running })
}

// inRounds are the steps of a saga in all its rounds.
func inRounds(s *history.SagaRecord) []saga.Step { return s.Definition.AllRounds() }

// roundAt is the last round that had begun before an event.
func roundAt(s *history.SagaRecord, e *history.Event) *history.SagaRecord {
	parts := roundsApart(s)
	for _, part := range slices.Backward(parts) {
		if len(part.Calls) > 0 && part.Calls[0].Seq < e.Seq {
			return part
		}
	}
	return parts[0]
}

// LastRound is the round in which a saga ended, or is; the saga itself where it has no others.
func LastRound(s *history.SagaRecord) *history.SagaRecord {
	parts := roundsApart(s)
	return parts[len(parts)-1]
}

// onlyLastRound is why what drifted of another one is not judged.
const onlyLastRound = "another round of the saga has begun since, and only the last one is read back"

// isOfLastRound tells whether a step is one of the last round of its saga.
func isOfLastRound(s *history.SagaRecord, step string) bool {
	_, of := LastRound(s).Definition.Step(step)
	return of
}
