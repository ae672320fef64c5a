package reference

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/sagacheck/sagacheck/reference/definitions"
	"github.com/sagacheck/sagacheck/reference/policies"
	"github.com/sagacheck/sagacheck/saga"
)

// Participants are asked what they hold of the actions that can be read back: right after an action or
// a compensation is done, and all of them again and again, of sagas that are open and of those that have
// ended a while ago. What they tell is compared with the record, and a difference is written down. It
// changes nothing of how the saga goes on: the record says what was done, and a person has to find out
// what became of it, but for what may be repaired: see drift_repair.go.

// reconciler is what is asked, and what was found.
type reconciler struct {
	every, keep time.Duration
	repair      bool                // what may be repaired
	places      *semaphore.Weighted // of questions at once
	repairs     *semaphore.Weighted // of repairs at once

	mu        sync.Mutex
	watched   map[string]*watched // by saga
	open      map[string][]Drift  // by saga
	repairing map[repairOf]bool   // in this life
}

// watched is a saga that is asked about.
type watched struct {
	ended time.Time    // zero: it is open
	over  map[int]bool // steps of which nobody knows any more
}

func newReconciler(o Options) reconciler {
	return reconciler{
		every: o.ReconcileEvery, keep: o.ReconcileFor, repair: o.ReconcileRepair, places: semaphore.NewWeighted(readBacksAtOnce), repairs: semaphore.NewWeighted(repairsAtOnce),
		watched: map[string]*watched{}, open: map[string][]Drift{}, repairing: map[repairOf]bool{},
	}
}

// How participants are asked.
const (
	readBackPatience = 2 * time.Second
	readBacksAtOnce  = 8
	maxReadBack      = definitions.MaxBody // bytes of an answer
	mostReadBack     = 10_000              // sagas that are looked up at the start
)

// errOver: the participant has forgotten, and will not know again.
var errOver = errors.New("gone for good")

// readsBack tells whether a participant can be asked about some step of a saga.
func readsBack(d saga.Definition) bool {
	return slices.ContainsFunc(d.Steps, func(s saga.Step) bool { return s.ReadBack != "" })
}

// note keeps what has become durable of a saga in mind, and asks about what is done now.
func (c *reconciler) note(r *run, records []Record) {
	s := r.state
	if c.every == 0 || !readsBack(s.Def) {
		return
	}
	c.watch(r.e, s)
	id := s.Def.ID
	for _, rec := range records {
		if rec.Kind != RecordOutcome && rec.Kind != RecordRepair || rec.Answer != saga.Done || s.Def.Steps[rec.Step].ReadBack == "" {
			continue
		}
		if c.places.TryAcquire(1) { // else the schedule asks
			r.e.spawn(func() {
				defer c.places.Release(1)
				r.e.askStep(id, &r.view, rec.Step)
			})
		}
	}
}

// watch has the schedule look at a saga.
func (c *reconciler) watch(e *Executor, s *State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.watched[s.Def.ID]
	if w == nil {
		w = &watched{over: map[int]bool{}}
		c.watched[s.Def.ID] = w
	}
	if !s.status().Over() {
		w.ended = time.Time{}
	} else if w.ended.IsZero() {
		w.ended = e.now()
	}
	if s.OpenDrifts() == 0 {
		delete(c.open, s.Def.ID)
		return
	}
	c.open[s.Def.ID] = slices.DeleteFunc(slices.Clone(s.drifts), func(d Drift) bool { return !d.Gone.IsZero() })
}

// keepAsking asks about all sagas, round after round, until the executor closes. The first is about
// those that had ended before it began, too.
func (e *Executor) keepAsking() {
	c := &e.reconciler
	ids, err := e.store.Latest(e.ctx, e.now().Add(-c.keep), mostReadBack)
	if err != nil {
		e.log.Warn("sagas that have ended can't be found: they are not compared with what participants hold", "error", err)
	}
	if len(ids) == mostReadBack {
		e.log.Warn("there may be more sagas that have ended: those that ended first are not compared with what participants hold", "sagas", mostReadBack)
	}
	for _, id := range ids {
		if f, err := e.find(e.ctx, id); err == nil && f.broken == nil {
			f.view.mu.Lock()
			if readsBack(f.view.s.Def) {
				c.watch(e, f.view.s)
			}
			f.view.mu.Unlock()
		}
	}
	ticker := time.NewTicker(c.every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			e.askAll()
		case <-e.ctx.Done():
			return
		}
	}
}

// askAll is one round.
func (e *Executor) askAll() {
	c := &e.reconciler
	c.mu.Lock()
	now := e.now()
	maps.DeleteFunc(c.watched, func(_ string, w *watched) bool { return !w.ended.IsZero() && now.Sub(w.ended) > c.keep })
	ids := slices.Sorted(maps.Keys(c.watched))
	c.mu.Unlock()
	var work sync.WaitGroup
	for _, id := range ids {
		if c.places.Acquire(e.ctx, 1) != nil {
			break
		}
		work.Go(func() {
			defer c.places.Release(1)
			e.askSaga(id)
		})
	}
	work.Wait()
}

// askSaga asks about all steps of a saga.
func (e *Executor) askSaga(id string) {
	f, err := e.find(e.ctx, id)
	if err != nil || f.broken != nil {
		if errors.Is(err, ErrNotFound) || err == nil {
			e.reconciler.forget(id)
		}
		return
	}
	f.view.mu.Lock()
	def, looks := f.view.s.Def, e.rules.Drift.LooksBack(f.view.s)
	f.view.mu.Unlock()
	known := false // by somebody
	for i := range def.Steps {
		if def.Steps[i].ReadBack == "" {
			continue
		}
		if looks {
			e.askStep(id, f.view, i)
		}
		known = known || !e.reconciler.isOver(id, i)
	}
	if !known {
		e.reconciler.forget(id)
	}
}

// askStep asks about one step, unless nobody knows of it any more. That it could not be told is
// no error: it is asked again.
func (e *Executor) askStep(id string, v *view, step int) {
	c := &e.reconciler
	if c.isOver(id, step) {
		return
	}
	if err := e.reconcile(e.ctx, id, v, step); errors.Is(err, errOver) {
		c.setOver(id, step)
	}
}

func (c *reconciler) isOver(id string, step int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.watched[id]
	return w != nil && w.over[step]
}

func (c *reconciler) setOver(id string, step int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w := c.watched[id]; w != nil {
		w.over[step] = true
	}
}

func (c *reconciler) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.watched, id)
}

// reconcile asks a participant what it holds of a step, and writes down what is new.
func (e *Executor) reconcile(ctx context.Context, id string, v *view, step int) error {
	v.mu.Lock()
	expects, h := e.rules.Drift.Expects(v.s, step), holding{step: step, asked: e.now(), tries: v.s.tries(step)}
	def := v.s.Def
	o, cut := Op{Saga: &def, Ref: Ref{step, saga.Action}, executor: e}, e.cutShort(v.s, step)
	v.mu.Unlock()
	if cut != nil {
		return e.tell(ctx, id, message{holds: &holding{step: step, repair: cut}})
	}
	if _, held, _ := e.control.flags.first(e.now(), func(f policies.Flag) bool { return e.rules.Holds(f, o, 1) }); held || expects == Anything {
		return nil
	}
	if err := e.readBack(ctx, o, &h); err != nil {
		e.log.Debug("nobody knows what a participant holds", "saga", id, "step", o.SagaStep().Name, "error", err)
		return err
	}
	v.mu.Lock()
	_, news := v.s.reconciled(h, e.now())
	news = news || e.repairDue(v.s, h)
	v.mu.Unlock()
	if !news {
		return nil
	}
	return e.tell(ctx, id, message{holds: &h})
}

// readBack asks a participant. Only 200 and 404 say what it holds.
func (e *Executor) readBack(ctx context.Context, o Op, h *holding) error {
	ctx, cancel := context.WithTimeout(ctx, readBackPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.SagaStep().ReadBack, nil)
	if err != nil {
		return err
	}
	req.Header = http.Header{"Accept": {"application/json"}, "Idempotency-Key": {e.rules.Key(o, 1)}, "Saga-Id": {o.Saga.ID}, "Saga-Step": {o.SagaStep().Name}}
	if !e.slots.take(ctx) {
		return ctx.Err()
	}
	defer e.slots.give()
	resp, err := e.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReadBack+1))
	switch {
	case err != nil:
		return err
	case resp.StatusCode == http.StatusNotFound:
		return nil
	case resp.StatusCode == http.StatusGone:
		return errOver
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("answered %d", resp.StatusCode)
	case len(body) > maxReadBack || !json.Valid(body):
		return errors.New("the answer is no JSON, or too long")
	}
	h.there, h.told = true, body
	return nil
}

// tell has a saga take a message, whether or not anybody works at it.
func (e *Executor) tell(ctx context.Context, id string, m message) error {
	f, err := e.readable(ctx, id)
	if err != nil {
		return err
	}
	if f.run != nil && f.run.inbox.post(m) {
		return nil
	}
	_, err = e.wake(ctx, id, m)
	return err
}

// takeHolding compares what a participant told with the state as it is now.
func (r *run) takeHolding(records *[]Record, h holding) {
	if h.repair != nil {
		r.takeRepair(records, *h.repair)
		return
	}
	rec, news := r.state.reconciled(h, r.e.now())
	if !news {
		r.repairs(records, h)
		return
	}
	r.take(records, rec)
	if rec.Drift == nil {
		r.e.log.Info("the participant holds what is written down again", "saga", r.state.Def.ID, "step", r.state.Def.Steps[h.step].Name)
		return
	}
	r.e.log.Warn("the participant does not hold what is written down", "saga", r.state.Def.ID, "step", r.state.Def.Steps[h.step].Name, "what", string(rec.Drift.What))
}

// ReconcileEvery is how often participants are asked; 0: never.
func (e *Executor) ReconcileEvery() time.Duration { return e.reconciler.every }

// Drifts lists the differences that are known: of one saga also those that are gone, else those that
// are still there. The error is ErrNotFound, ErrQuarantined or ErrUnavailable.
func (e *Executor) Drifts(ctx context.Context, id string) ([]Drift, error) {
	all := []Drift{}
	if id == "" {
		e.reconciler.mu.Lock()
		defer e.reconciler.mu.Unlock()
		for _, saga := range slices.Sorted(maps.Keys(e.reconciler.open)) {
			all = append(all, e.reconciler.open[saga]...)
		}
		return all, nil
	}
	f, err := e.readable(ctx, id)
	if err != nil {
		return nil, err
	}
	f.view.mu.Lock()
	defer f.view.mu.Unlock()
	return append(all, f.view.s.drifts...), nil
}
