package checkers

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// What an action promises that is attempted in rounds: see saga.RetryPolicy.

// The clauses of retry-budget about rounds.
const (
	roundsMost  = "attempts-of-rounds"
	roundsAsked = "asked-between-rounds"
	roundsFound = "found-is-done"
)

var rounds = Trait{"an action that is attempted in rounds", anyStep(saga.Step.HasRounds)}

func roundClauses() []Clause {
	needs := []string{"rounds"}
	return []Clause{
		{Name: roundsMost, Text: "an action with rounds is attempted no more often than max_attempts times rounds: those that failed as often as that", Wants: []Trait{rounds}, Needs: needs},
		{Name: roundsAsked, Text: "no round but the first begins before the participant has been asked what it holds, but for one attempt more a kill: attempts that came after they were told that nothing is there", Wants: []Trait{rounds}, Needs: needs},
		{Name: roundsFound, Text: "an action that the participant was found to hold is not attempted again: those of which no answer had come before", Wants: []Trait{rounds}, Needs: needs},
	}
}

// checkRounds follows the attempts of an action and what its participant told between them.
func checkRounds(t *tally, s *history.SagaRecord, o *history.OpRecord, as []*history.Attempt, ds []disturbance) {
	if o.Op.Direction != saga.Action || o.Call.Retry.Rounds < 2 {
		return
	}
	var told *history.Event // the last
	var round []*history.Event
	for _, a := range as {
		reads := readsBetween(s, o, told, a.Sent)
		if len(reads) > 0 {
			told, round = reads[len(reads)-1], nil
			t.held(roundsAsked, 1)
		}
		if i := slices.IndexFunc(reads, isThere); i >= 0 {
			t.violate(roundsFound, o.Op, []*history.Event{reads[i], a.Sent}, "broke the retry policy: %s was attempted again, although its participant had said that it is done", o.Op)
			return
		}
		round = append(round, a.Sent)
		if most := o.Call.Retry.MaxAttempts + kills(ds, round[0].Seq, a.Sent.Seq); len(round) > most {
			t.violate(roundsAsked, o.Op, round, "broke the retry policy: %s was attempted %d times, and its participant was not asked in between what it holds: a round is %d", o.Op, len(round), o.Call.Retry.MaxAttempts)
			return
		}
	}
	if reads := readsBetween(s, o, told, nil); failedAll(as) && slices.ContainsFunc(reads, isThere) {
		t.held(roundsFound, 1)
	}
}

func isThere(e *history.Event) bool { return saga.Classify(e.Code) == saga.Done }

// readsBetween are what a participant told of an action between two events; nil: from the beginning, or
// to the end.
func readsBetween(s *history.SagaRecord, o *history.OpRecord, after, before *history.Event) (all []*history.Event) {
	for _, e := range s.Reads {
		if e.Operation() == o.Op && e.Code != 0 && (after == nil || e.Seq > after.Seq) && (before == nil || e.Seq < before.Seq) {
			all = append(all, e)
		}
	}
	return all
}
