package reference

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/sagacheck/sagacheck/reference/policies"
	"github.com/sagacheck/sagacheck/saga"
)

// Rules are what the executor decides by, in one table: each decision that the
// contract, or common sense, could have put otherwise is one function of it. The
// executor asks them and knows no others. A package of planted defects lays another
// function over one of them.
//
// Rules about a State look at it and change nothing; the same state gives the same
// answer. Rules about an Op or an Attempt may be asked by several goroutines at once.
type Rules struct {
	// Which operation is next. A step is told by its index.

	// Critical: the saga can't complete without the step.
	Critical func(s *State, step int) bool
	// Satisfied: as far as this step goes, those after it may start.
	Satisfied func(s *State, step int) bool
	// Ready: the steps before it let a step start.
	Ready func(s *State, step int) bool
	// Deferred: a step that is given up goes on in the background.
	Deferred func(s *State, step int) bool
	// Failed: the step will not succeed any more, and that matters.
	Failed func(s *State, step int) bool
	// Turned: the saga is on its way back.
	Turned func(s *State) bool
	// OnTheWayBack: an action is attempted although its saga has turned.
	OnTheWayBack func(s *State, step int) bool
	// NeedsUndo: the action has, or may have, an effect that is to be compensated.
	NeedsUndo func(s *State, step int) bool
	// MayUndo: what comes later lets a step be compensated.
	MayUndo func(s *State, step int) bool
	// Stuck: a person is needed.
	Stuck func(s *State) bool
	// Starts lists the operations that are to be under way now.
	Starts func(s *State) []Ref
	// Margin: no compensation of a step begins before, so that what is to be undone can't
	// arrive after it.
	Margin func(s *State, step int) time.Time

	// What operators may ask for.

	// OperatorMay tells whether an operator may still ask for the rollback, or why not:
	// ErrPastPivot, ErrCompleted.
	OperatorMay func(s *State) error
	// Paused: an operator holds the saga back, so that no attempt of an operation begins.
	Paused func(s *State, r Ref) bool
	// Over: an operator has ended the saga, so that an operation is not attempted any more.
	Over func(s *State, r Ref) bool
	// Hurries: what waits is attempted at once when an operator asks for it.
	Hurries func(s *State) bool
	// Acted is told what was asked for when it is durable, and whether it changed anything. The
	// state says what follows; nothing else does.
	Acted func(e *Executor, s *State, a Asked, changed bool)

	// What is said of a saga.

	Status    func(s *State) saga.Status
	StepState func(s *State, step int) saga.StepState
	// Report is the answer to a status question; false: no such saga is known.
	Report func(s *State) (saga.Report, bool)

	// Which policies decide.

	// Policy is the version of the policies by which the next attempt of an operation is
	// made: its step has begun with one, or has not begun; one is in force.
	Policy func(o Op, begun bool, with, inForce int) int

	// Flags that are on.

	// Holds: a flag holds attempt n of an operation back.
	Holds func(f policies.Flag, o Op, n int) bool
	// Refuses: a flag keeps new sagas out.
	Refuses func(f policies.Flag) bool

	// Tells: an entry of the audit is shown.
	Tells func(a AuditEntry) bool

	// What is sent.

	// Key is the idempotency key of attempt n.
	Key    func(o Op, n int) string
	Header func(o Op, n int) http.Header
	Body   func(o Op) json.RawMessage
	// Bound bounds the whole of an attempt.
	Bound func(ctx context.Context, o Op) (context.Context, context.CancelFunc)
	// Send makes an attempt.
	Send func(ctx context.Context, a Attempt) Answer

	// What an answer means.

	// Meaning is what it tells about the operation.
	Meaning func(o Op, a Answer) saga.Answer
	// RetryAfter is the time that a Retry-After names, and whether it was cut.
	RetryAfter func(value string, now time.Time) (time.Time, bool)
	// Conclude is what becomes of the operation; left: its policy allows a further attempt.
	Conclude func(o Op, a Answer, left bool) Outcome

	// How often, and when.

	Limits func(s *State, r Ref) Limits
	// Wait draws the wait before attempt n: none before the first.
	Wait func(o Op, n int) time.Duration
	// Draw is the place of the wait before attempt n in its band, from 0 to 1.
	Draw func(n int) float64

	// Budgets, and what follows what is observed.

	// RetryBudget is the one that the retries of an operation take their tokens from; nil: none.
	RetryBudget func(o Op) *saga.RetryBudget
	// FirstTokens are those that a budget begins with, so long after the executor began.
	FirstTokens func(b saga.RetryBudget, up time.Duration) float64
	// Attempted is how many attempts count in the budget of a saga that bounds a step.
	Attempted func(s *State, step int) int
	// Spent: the budget of a saga lets no attempt of an operation begin at that time.
	Spent func(s *State, r Ref, at time.Time) bool
	// Adapt is a policy as it is when a latency is observed.
	Adapt func(p saga.RetryPolicy, latency time.Duration) saga.RetryPolicy

	// Circuit breakers.

	// Breaker is the one that an operation's calls ask; nil: none.
	Breaker func(o Op) *saga.Breaker
	// Passage is what an answer tells a breaker that is closed, or is not.
	Passage func(a saga.Answer, closed bool) Passage
	// Probe: a half-open breaker that has let so many calls through lets one more through.
	Probe func(b saga.Breaker, let int) bool

	// Drift is how what participants hold is compared with the record; Rounds how they are asked for it before they are called again.
	Drift  DriftRules
	Rounds RoundRules

	// What is written down.

	// Entries are the entries of a saga's journal that records become, after so many.
	Entries func(id string, after int, records []Record) [][]Record
	// IntentAtOnce: the intent of a first attempt shares the entry of what led to it.
	IntentAtOnce bool
	// Group is how many entries one commit holds at the most.
	Group int
	// StoreFailed is what to do about an error that may pass.
	StoreFailed func(err error) Remedy

	// After a restart, and when a client comes again.

	// Continue: an open saga is carried on.
	Continue func(e *Executor, s *State) bool
	// Recover is what is written down about an operation before that.
	Recover func(s *State, r Ref, now time.Time) []Record
	// Unreadable: a saga that can't be read is kept where it can be seen.
	Unreadable func(id string, why error) bool
	// Resubmit answers a client that submits a saga whose id is known: ErrConflict if
	// it is another one.
	Resubmit func(e *Executor, accepted, again saga.Definition) error
}

// Outcome is what becomes of an operation after an attempt.
type Outcome struct {
	Answer    saga.Answer
	Exhausted bool // no further attempt in the normal course
	Again     bool // another attempt follows, if the state asks for one
}

// Remedy is what is done when the store does not take an entry.
type Remedy int

// The remedies.
const (
	TryAgain Remedy = iota
	Ignore          // as if it were written
	GiveUp          // nothing more is written
)

// rules are those by which the executor is right.
var rules = DefaultRules()

// DefaultRules are those by which the executor is right, to lay others over.
func DefaultRules() *Rules {
	r := &Rules{
		Critical:     func(s *State, step int) bool { return s.Def.Steps[step].Kind != saga.Deferrable },
		Satisfied:    (*State).passes,
		Ready:        (*State).ready,
		Deferred:     func(s *State, step int) bool { return !s.Critical(step) },
		Failed:       (*State).fails,
		Turned:       func(s *State) bool { return (s.Operator || s.AnyFailed()) && !s.PastPivot() },
		OnTheWayBack: (*State).mustLearn,
		NeedsUndo:    (*State).mayHaveEffect,
		MayUndo:      (*State).mayUndo,
		Stuck:        func(s *State) bool { return s.all.undoLost() || s.PastPivot() && s.AnyFailed() },
		Starts:       next,
		Margin:       (*State).noLateArrival,

		OperatorMay: (*State).notTooLate,
		Paused:      func(s *State, _ Ref) bool { return s.Paused != nil },
		Over:        func(s *State, _ Ref) bool { return s.ByHand != nil },
		Hurries:     func(*State) bool { return true },
		Acted:       func(*Executor, *State, Asked, bool) {},

		Status:    (*State).defaultStatus,
		StepState: (*State).defaultStepState,
		Report:    func(s *State) (saga.Report, bool) { return s.report(), true },

		Policy: func(_ Op, begun bool, with, inForce int) int {
			if begun {
				return with
			}
			return inForce
		},

		Holds:   func(f policies.Flag, o Op, n int) bool { return f.Holds(o.Dir, o.Call().URL, o.tries(n)) },
		Refuses: policies.Flag.Refuses,
		Tells:   func(AuditEntry) bool { return true },

		Key:  idempotencyKey,
		Body: func(o Op) json.RawMessage { return o.Call().Body },
		Bound: func(ctx context.Context, o Op) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, o.Timeout())
		},
		Send: func(ctx context.Context, a Attempt) Answer { return a.executor.deliver(ctx, &a) },

		Meaning:    Op.meaning,
		RetryAfter: retryAfter,

		Limits: (*State).defaultLimits,
		Draw:   func(int) float64 { return rand.Float64() },

		RetryBudget: func(o Op) *saga.RetryBudget { return o.Call().RetryBudget },
		FirstTokens: firstTokens,
		Attempted:   (*State).Attempted,
		Spent:       (*State).spent,
		Adapt:       saga.RetryPolicy.At,

		Breaker: func(o Op) *saga.Breaker { return o.Call().Breaker },
		Passage: func(a saga.Answer, _ bool) Passage { return passOrFail(a != saga.Transient) },
		Probe:   func(b saga.Breaker, let int) bool { return let < b.Probes },

		Drift:  DriftRules{Expects: (*State).expects, Differs: differs, LooksBack: func(*State) bool { return true }, Repairs: (*State).repairable},
		Rounds: defaultRoundRules(),

		Entries:      func(_ string, _ int, records []Record) [][]Record { return [][]Record{records} },
		IntentAtOnce: true,
		Group:        maxGroup,
		StoreFailed:  func(error) Remedy { return TryAgain },

		Continue:   func(*Executor, *State) bool { return true },
		Recover:    (*State).interrupted,
		Unreadable: func(string, error) bool { return true },
		Resubmit:   func(_ *Executor, accepted, again saga.Definition) error { return sameDefinition(accepted, again) },
	}
	r.Header = func(o Op, n int) http.Header { return header(o, n, r.Key(o, n)) }
	r.Wait = func(o Op, n int) time.Duration { return waitWithin(o.Retry(), n, r.Draw(n)) }
	r.Conclude = func(o Op, a Answer, left bool) Outcome {
		m := r.Meaning(o, a)
		return Outcome{Answer: m, Exhausted: m == saga.Transient && !left, Again: m == saga.Transient}
	}
	return r
}
