package reference

import (
	"context"
	"errors"

	"github.com/sagacheck/sagacheck/saga"
)

// The reasons why the rollback that an operator asks for is refused.
var (
	ErrPastPivot = errors.New("the saga is past its pivot, the point of no return")
	ErrCompleted = errors.New("the saga has completed")
)

// operatorMay tells whether an operator may still ask for the rollback.
func (s *State) operatorMay() error { return s.rules.OperatorMay(s) }

// notTooLate: a pivot under way may already have happened.
func (s *State) notTooLate() error {
	for i, st := range s.Def.Steps {
		if o := &s.Actions[i]; st.Kind == saga.Pivot && (o.Done() || o.Attempts > 0 && !o.Refused() && !s.Failing()) {
			return ErrPastPivot
		}
	}
	if s.status() == saga.Completed {
		return ErrCompleted
	}
	return nil
}

// Compensate asks for the rollback of a saga, as an operator would. It returns
// nil when the request is durable, or when the saga is on its way back anyway;
// ErrPastPivot or ErrCompleted when it is too late; or ErrNotFound.
func (e *Executor) Compensate(ctx context.Context, id string) error {
	f, err := e.find(ctx, id)
	if err != nil {
		return err
	}
	if f.broken != nil {
		return ErrQuarantined
	}
	reply := make(chan error, 1)
	if f.run == nil || !f.run.inbox.post(message{operator: reply}) {
		return f.view.operatorMay()
	}
	e.log.Info("an operator asks for the rollback", "saga", id)
	return e.answer(ctx, f.run, reply)
}

// ErrNothingWaits is returned when no operation of the saga will be attempted again.
var ErrNothingWaits = errors.New("nothing of the saga waits")

// RetryNow ends the waits of a saga, as an operator would who knows that a
// participant is well again: what waits for its next attempt, by its policy or by
// a Retry-After, makes it at once. It counts as any other.
func (e *Executor) RetryNow(ctx context.Context, id string) error {
	f, err := e.find(ctx, id)
	if err != nil {
		return err
	}
	if f.broken != nil {
		return ErrQuarantined
	}
	reply := make(chan error, 1)
	if f.run == nil || !f.run.inbox.post(message{hurry: reply}) {
		return ErrNothingWaits
	}
	e.log.Info("an operator asks to retry now", "saga", id)
	return e.answer(ctx, f.run, reply)
}

func (e *Executor) answer(ctx context.Context, r *run, reply <-chan error) error {
	ctx, cancel := context.WithTimeout(ctx, submitPatience)
	defer cancel()
	select {
	case err := <-reply:
		return err
	case <-r.ctx.Done():
		select { // the saga may have ended with the answer
		case err := <-reply:
			return err
		default:
			return ErrClosed
		}
	case <-ctx.Done():
		return unavailable("not durable yet: it may still happen")
	}
}
