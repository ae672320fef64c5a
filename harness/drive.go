package harness

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/saga"
)

// submitPause is how long after a submission that failed the same saga is sent again.
var submitPause = time.Duration(saga.SubmitPolicy.InitialIntervalMS) * time.Millisecond

// scale is how much slower than its policies say the client is.
func (h *Harness) scale(s orchestrators.System) float64 {
	if h.Scale > 0 {
		return h.Scale
	}
	return orchestrators.PaceOf(s).Scale
}

// drive submits the sagas and waits until the cell has settled.
func (r *cellRun) drive(ctx context.Context) error {
	defs := r.first()
	errs, accepted := make([]error, len(defs)), make([]bool, len(defs))
	var work sync.WaitGroup
	for i, d := range defs {
		work.Go(func() { accepted[i], errs[i] = r.submit(ctx, d) })
	}
	work.Wait()
	for i, d := range defs {
		if accepted[i] {
			r.accepted.add(d.ID)
		}
	}
	if err := unsubmitted(errs); err != nil {
		r.rec.Add(history.Event{Kind: history.Settled, Detail: "not submitted: " + err.Error()})
		return err
	}
	return r.settle(ctx)
}

// notSubmitted are sagas of a cell that were not accepted. What is wrong with the first is mostly wrong with all.
type notSubmitted struct {
	errs []error
	of   int
}

func (e *notSubmitted) Error() string {
	return fmt.Sprintf("%d of %d sagas were not accepted, the first: %v", len(e.errs), e.of, e.errs[0])
}

func (e *notSubmitted) Unwrap() []error { return e.errs }

// unsubmitted are the errors of the sagas of a cell, nil where there was none, as one.
func unsubmitted(errs []error) error {
	bad := slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return err == nil })
	switch len(bad) {
	case 0:
		return nil
	case 1:
		return bad[0]
	}
	return &notSubmitted{bad, len(errs)}
}

// submit sends a saga until the orchestrator has accepted it, as a client does
// that may safely repeat itself: same id, same body. Where it may not, it sends the
// saga once, and looks it up if there was no good answer. A repetition, or what a fault sent twice, may be
// refused as a conflict with a saga that is there: the one that was sent before, if it is known.
func (r *cellRun) submit(ctx context.Context, d saga.Definition) (accepted bool, err error) {
	op := saga.Operation{Saga: d.ID, Step: saga.SubmitStep, Direction: saga.Action}
	client := r.sys.Client(through(r.sys.Base(), r.endpoints[op].Addr()))
	deadline := time.Now().Add(r.h.Settle)
	for again := r.startStruck(); ; again = true {
		r.rec.Add(history.Event{Kind: history.SagaSubmitted, Saga: d.ID})
		try, cancel := r.patiently(ctx, d.ID)
		code, err := r.send(try, client, d)
		cancel()
		switch answer := saga.Classify(code); {
		case ctx.Err() != nil:
			return false, ctx.Err()
		case err == nil && answer == saga.Done:
			r.rec.Add(history.Event{Kind: history.SagaAccepted, Saga: d.ID, Code: code})
			return true, nil
		case code != 0 && answer == saga.Permanent, code == http.StatusConflict && !again:
			r.rec.Add(history.Event{Kind: history.SagaRefused, Saga: d.ID, Code: code, Detail: text(err)})
			return false, fmt.Errorf("the orchestrator refused saga %s: %w", d.ID, refusal(code, err))
		case orchestrators.Malformed(err):
			r.rec.Add(history.Event{Kind: history.SagaRefused, Saga: d.ID, Code: code, Detail: text(err)})
			return false, fmt.Errorf("the answer to the submission of saga %s can't be understood: %w", d.ID, err)
		case r.mayRepeat() && time.Now().After(deadline):
			return false, fmt.Errorf("the orchestrator did not accept saga %s within %v: %w", d.ID, r.h.Settle, refusal(code, err))
		}
		r.rec.Add(history.Event{Kind: history.SagaRefused, Saga: d.ID, Code: code, Detail: text(err)})
		if code == http.StatusConflict && r.known(ctx, d.ID) {
			r.rec.Add(history.Event{Kind: history.SagaAccepted, Saga: d.ID, Code: code, Detail: "it is there already, and known by its id"})
			return true, nil
		}
		if !r.mayRepeat() {
			return r.lookUp(ctx, d, refusal(code, err))
		}
		if err := pause(ctx, submitPause); err != nil {
			return false, err
		}
	}
}

func refusal(code int, err error) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("answered %d %s", code, http.StatusText(code))
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// watch is what the harness knows of one saga from its reports.
type watch struct {
	id      string
	last    saga.Report
	unknown bool
	ended   bool
	still   time.Time // when the last question was asked that was answered with no end
	same    time.Time // when the last one was asked that was answered as last says; zero: it was not known since
	err     error     // of the last question
	failing time.Time

	answers  orchestrators.Puzzle
	hopeless bool // its answers are
}

// pending says what still has to happen, in words; empty: nothing.
func (w *watch) pending() string {
	switch {
	case w.err != nil:
		return fmt.Sprintf("saga %s: no status: %v", w.id, w.err)
	case w.unknown:
		return fmt.Sprintf("saga %s: unknown to the orchestrator", w.id)
	case w.last.Status == saga.EndedByHand:
		return ""
	case !w.last.Status.Ended():
		return fmt.Sprintf("saga %s: %s%s", w.id, w.last.Status.Said(w.last.Word), steps(w.last, saga.StepPending, saga.StepRunning, saga.StepFailed, saga.StepCompensating))
	}
	if open := steps(w.last, saga.StepDeferred, saga.StepRunning, saga.StepCompensating); open != "" {
		return fmt.Sprintf("saga %s: %s, but%s", w.id, w.last.Status, open)
	}
	return ""
}

func steps(r saga.Report, states ...saga.StepState) string {
	s := ""
	for _, st := range r.Steps {
		if slices.Contains(states, st.Status) {
			s += fmt.Sprintf(" %s %s", st.Name, st.Status)
		}
	}
	return s
}

// report asks for a saga's status, once, and does not wait for ever.
func (r *cellRun) report(ctx context.Context, c orchestrators.Client, id string) (saga.Report, int, error) {
	ctx, cancel := context.WithTimeout(ctx, r.unreachable())
	defer cancel()
	return c.Report(ctx, id)
}

// unreachable is how long the orchestrator may leave questions for a status without an answer.
func (r *cellRun) unreachable() time.Duration {
	return time.Duration(float64(unreachableLimit) * max(r.h.scale(r.sys), 1))
}

// ask gets a saga's status and records what is new.
func (r *cellRun) ask(ctx context.Context, c orchestrators.Client, w *watch) {
	asked := time.Now()
	report, code, err := r.report(ctx, c, w.id)
	w.hopeless = w.answers.Hopeless(err)
	if code == http.StatusNotFound && r.keptNothing(w.id) {
		report, code, err = saga.Report{ID: w.id, Status: saga.Compensated, Word: "nothing is kept of it"}, http.StatusOK, nil
	}
	switch {
	case err != nil && code != http.StatusNotFound:
		if w.err == nil {
			w.failing = asked
		}
		if struck := r.rec.Activity().LastFault; struck.After(w.failing) { // which may be the reason
			w.failing = time.Now()
		}
		w.err = err
		return
	case code == http.StatusNotFound:
		w.err = nil
		if !w.unknown {
			w.unknown, w.same = true, time.Time{}
			r.rec.Add(history.Event{Kind: history.SagaUnknown, Saga: w.id, Code: code})
		}
		return
	}
	w.err = nil
	if !report.Status.Ended() {
		w.still = asked
	}
	same := w.same
	w.same, w.last.Word = asked, report.Word // another word for the same is news for who reads the end, and none for who judges
	if !w.unknown && report.Status == w.last.Status && slices.Equal(report.Steps, w.last.Steps) {
		return
	}
	w.unknown, w.last = false, report
	e := history.Event{Kind: history.SagaStatus, Saga: w.id, Status: report.Status, Word: report.Word, Steps: report.Steps}
	if !same.IsZero() {
		e.Still = r.rec.Clock(same)
	}
	r.rec.Add(e)
	if report.Status.Ended() && !w.ended {
		w.ended = true
		e := history.Event{Kind: history.SagaEnded, Saga: w.id, Status: report.Status, Word: report.Word}
		if !w.still.IsZero() {
			e.Still = r.rec.Clock(w.still)
		}
		r.rec.Add(e)
		r.in.Ended(w.id)
	}
}
