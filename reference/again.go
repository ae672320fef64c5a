package reference

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// The rounds of a saga: see saga.Definition.InRound. Whether another one follows is said by the records alone,
// so that the end of a saga is one whoever replays them: until it begins, in an entry of its own, the saga
// is on its way back. Then all its operations are new ones, with keys of their own.

// RecordRound: another round of the saga begins.
const RecordRound RecordKind = "round"

// earlier is what became of a saga before the round that is under way.
type earlier struct {
	first *saga.Definition // as it was accepted
	past  []pastRound
	since time.Time // when the round that is under way began; zero: it is the first one
}

// pastRound is what became of the operations of a round that is over.
type pastRound struct{ actions, undos []OpState }

// SagaRoundRules are a part of RoundRules.
type SagaRoundRules struct {
	// Most is how often a saga is run forward at the most.
	Most func(s *State) int
	// Over: what a round did is undone.
	Over func(s *State) bool
	// Passing: what turned the saga may pass, so that running it again may help.
	Passing func(s *State) bool
	// Spent: the budget of the saga lets no action begin in another round.
	Spent func(s *State) bool
	// Wait is how long after the last attempt of a round another one begins at the earliest.
	Wait func(s *State) time.Duration
}

func defaultSagaRoundRules() SagaRoundRules {
	return SagaRoundRules{
		Most:    func(s *State) int { return s.Def.Rounds },
		Over:    func(s *State) bool { return !s.all.left() },
		Passing: (*State).passing,
		Spent:   (*State).spentForGood,
		Wait:    func(s *State) time.Duration { return s.Def.RoundDelay() },
	}
}

// passing: nobody refused anything in this round, and no operator asked for the rollback.
func (s *State) passing() bool {
	for i := range s.Actions {
		if s.Actions[i].Refused() {
			return false
		}
	}
	return !s.Operator
}

// mayRunAgain: there are rounds left, whatever becomes of this one.
func (s *State) mayRunAgain() bool {
	return s.Def.HasRounds() && max(1, s.Def.Round) < s.rules.Rounds.Saga.Most(s)
}

// again: another round follows, as nothing is left of this one.
func (s *State) again() bool {
	return s.mayRunAgain() && s.ByHand == nil && s.Failing() && !s.all.open() && !s.rules.Stuck(s) &&
		s.rules.Rounds.Saga.Over(s) && s.rules.Rounds.Saga.Passing(s) && !s.rules.Rounds.Saga.Spent(s)
}

// spentForGood tells whether the definition's own budget lets no action begin in another round. What a template says
// is left to when it is asked for: it changes.
func (s *State) spentForGood() bool {
	b := s.Def.Budget
	if b.TimeMS > 0 && s.roundEnded().Add(s.Def.RoundDelay()).After(s.accepted.Add(b.Time())) {
		return true
	}
	n := 0
	for i, st := range s.Def.Steps {
		if st.Budgeted() {
			n += s.attempted(i)
		}
	}
	return b.Attempts > 0 && n >= b.Attempts
}

// attempted is how often an action was attempted, over all rounds, but for what was cut short.
func (s *State) attempted(step int) int {
	n := s.Actions[step].Attempts - s.Actions[step].interrupted
	for _, p := range s.past {
		n += p.actions[step].Attempts - p.actions[step].interrupted
	}
	return n
}

// roundEnded is when the last attempt of a round was over; of one without any, when it began.
func (s *State) roundEnded() time.Time {
	at := later(s.accepted, s.since)
	for i := range s.Actions {
		at = later(at, later(s.Actions[i].ended, s.Undos[i].ended))
	}
	return at
}

// whole takes a record that is about the whole saga.
func (s *State) whole(r Record) error {
	switch {
	case r.Kind == RecordOperator:
		s.operated(r)
	case r.Kind == RecordRound && r.Attempt == max(1, s.Def.Round)+1 && !s.all.open():
		s.begin(r.Attempt, r.At)
	default:
		return noSuch(r)
	}
	return nil
}

func noSuch(r Record) error {
	return fmt.Errorf("%s of step %d, %s: no such operation", r.Kind, r.Step, r.Direction)
}

// begin begins a round. What an operator has said is not to be done is not done in it, either.
func (s *State) begin(round int, at time.Time) {
	s.since = at
	s.past = append(s.past[:len(s.past):len(s.past)], pastRound{s.Actions, s.Undos})
	s.Def = s.first.InRound(round)
	s.policies = nil
	s.Actions, s.Undos = make([]OpState, len(s.Def.Steps)), make([]OpState, len(s.Def.Steps))
	for i, was := range s.past[len(s.past)-1].actions {
		s.Actions[i].Skipped = was.Skipped
	}
	s.all = newOverview(s)
}

// AuditRound is what the audit says of a round that begins.
const AuditRound = "round"

// round fills in what is told of a round that has begun.
func (a *auditor) round(one *AuditEntry) {
	one.What = AuditRound
	one.Why = fmt.Sprintf("attempts of round %d came to nothing, and all of it is undone: round %d of %d begins", a.state.Round()-1, a.state.Round(), a.state.Def.Rounds)
	clear(a.ended)
}

// nextWait is the wait before another round.
type nextWait struct {
	waits bool
	over  atomic.Bool
}

// def is a copy of what is run now: another round has another one.
func (r *run) def() *saga.Definition { return new(r.state.Def) }

// again: the operation is an action in a saga that is run again, so that its first attempt is a retry, too.
func (o Op) again() bool { return o.Saga.Round > 1 && o.Dir == saga.Action }

// tries is which attempt attempt n is, for who holds retries back.
func (o Op) tries(n int) int {
	if o.again() {
		return n + 1
	}
	return n
}

// nextRound begins another round when it is due, in an entry of its own: what is told of what came before
// has the names of before.
func (r *run) nextRound(records *[]Record) {
	switch {
	case !r.state.again() || r.e.draining():
	case !r.again.waits:
		r.again.waits = true
		delay := r.e.rules.Rounds.Saga.Wait(r.state) // and up to half as much again, that not all who were turned back come at once
		delay += time.Duration(r.e.rules.Draw(1) * float64(delay) / 2)
		time.AfterFunc(r.state.roundEnded().Add(delay).Sub(r.e.now()), func() {
			r.again.over.Store(true)
			r.inbox.post(message{})
		})
	case !r.again.over.Load() || r.state.Paused != nil: // whoever ends that wakes us
	case len(*records) > 0:
		r.inbox.post(message{})
	default:
		r.again.waits = false
		r.again.over.Store(false)
		clear(r.under) // of the round before, and over
		r.take(records, Record{Kind: RecordRound, At: r.e.now(), Attempt: max(1, r.state.Def.Round) + 1})
	}
}

// waitForRound is the wait before another round.
func (s *State) waitForRound() Wait {
	w := Wait{Step: saga.InRound(s.first.Steps[0].Name, s.Round()+1), Direction: saga.Action, Attempt: 1}
	if s.Paused != nil {
		w.Why = "an operator, who has paused the saga"
		return w
	}
	w.From, w.Why = s.roundEnded().Add(s.Def.RoundDelay()), "the wait before another round of the saga"
	w.To = w.From.Add(s.Def.RoundDelay() / 2)
	return w
}

// Round is which round of the saga is under way, from 1.
func (s *State) Round() int { return max(1, s.Def.Round) }

// BetweenRounds: a round is over, and another one follows.
func (s *State) BetweenRounds() bool { return s.again() }
