package defects

import (
	"math"
	"net/url"
	"time"

	"github.com/sagacheck/sagacheck/reference"
)

// againDefects go wrong between the rounds of a saga.
var againDefects = []Defect{
	{
		Name: "saga-rounds-endless", Anomaly: "retry-budget", Needs: "as many transient errors in each round of a saga as an action has attempts, in all its rounds",
		Description: "a saga is run forward again as long as its attempts come to nothing",
		lay:         sagaRoundsEndless,
	},
	{
		Name: "saga-round-early", Anomaly: "partial-success", Needs: "a saga with rounds that is rolled back because attempts came to nothing",
		Description: "another round of a saga begins although not all of the one before is undone, and the rest is forgotten",
		lay:         sagaRoundEarly,
	},
	{
		Name: "saga-round-refused", Anomaly: "retry-budget", Needs: "a saga with rounds of which an action is refused",
		Description: "a saga is run forward again although an action had been refused for good",
		lay:         sagaRoundRefused,
	},
	{
		Name: "saga-round-same-keys", Anomaly: "key-misuse", Needs: "a saga with rounds that is run forward again",
		Description: "in another round of a saga its operations have the keys that they had before, so that what was undone is believed done",
		lay:         sagaRoundSameKeys,
	},
	{
		Name: "saga-round-budget", Anomaly: "retry-budget", Needs: "as many transient errors in each round of a saga that its budget is spent in the last",
		Description: "the attempts of earlier rounds are forgotten in the budget of the saga",
		lay:         sagaRoundBudget,
	},
	{
		Name: "saga-round-at-once", Anomaly: "retry-budget", Needs: "a saga with rounds that is run forward again",
		Description: "another round of a saga begins as soon as the one before is undone, and round_delay_ms is never read",
		lay:         sagaRoundAtOnce,
	},
	{
		Name: "saga-round-at-once-after-restart", Anomaly: "retry-budget", Needs: "a crash before a saga with rounds is run forward again",
		Description: "the wait between rounds of a saga is a timer in memory: after a restart the next one begins at once",
		lay:         sagaRoundAtOnceAfterRestart,
	},
	{
		Name: "saga-round-time", Anomaly: "retry-budget", Needs: "a saga with rounds and a budget of time, of which one takes so long that no other may begin",
		Description: "the time of a saga's budget ends its first round only",
		lay:         sagaRoundTime,
	},
}

func sagaRoundsEndless(r *reference.Rules) {
	r.Rounds.Saga.Most = func(*state) int { return math.MaxInt }
}

func sagaRoundEarly(r *reference.Rules) {
	r.Rounds.Saga.Over = func(*state) bool { return true }
}

func sagaRoundRefused(r *reference.Rules) {
	r.Rounds.Saga.Passing = func(s *state) bool { return !s.Operator }
}

func sagaRoundSameKeys(r *reference.Rules) {
	r.Key = func(o op, _ int) string {
		return url.PathEscape(o.Saga.ID) + "/" + o.Saga.FirstName(o.Step) + "/" + string(o.Dir)
	}
}

func sagaRoundBudget(r *reference.Rules) {
	r.Attempted = func(s *state, _ int) (n int) {
		for i, st := range s.Def.Steps {
			if st.Budgeted() {
				n += s.Actions[i].Attempts
			}
		}
		return n
	}
}

func sagaRoundAtOnce(r *reference.Rules) {
	r.Rounds.Saga.Wait = func(*state) time.Duration { return 0 }
}

func sagaRoundAtOnceAfterRestart(r *reference.Rules) {
	was, restarted := r.Rounds.Saga.Wait, hasRestarted(r)
	r.Rounds.Saga.Wait = func(s *state) time.Duration {
		if restarted.Load() {
			return 0
		}
		return was(s)
	}
}

func sagaRoundTime(r *reference.Rules) {
	r.Rounds.Saga.Spent = func(*state) bool { return false }
	was := r.Spent
	r.Spent = func(s *state, ref reference.Ref, at time.Time) bool {
		if s.Round() > 1 {
			at = time.Time{}
		}
		return was(s, ref, at)
	}
	overLimits(r, func(s *state, _ reference.Ref, l *reference.Limits) {
		if s.Round() > 1 {
			l.Until = time.Time{}
		}
	})
}
