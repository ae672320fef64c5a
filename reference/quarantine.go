package reference

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/sagacheck/sagacheck/reference/store"
	"github.com/sagacheck/sagacheck/saga"
)

// A saga that can't be read, or whose work panics, is quarantined: nothing more is
// done for it, it is reported as stuck, and the others go on.

// ErrQuarantined is returned for what can't be done with a saga in quarantine.
var ErrQuarantined = errors.New("the saga is in quarantine: the executor's log says why, and sagacheck reference inspect shows it")

// guard runs the work of a saga; a panic ends that saga's work only.
func (r *run) guard(work func()) {
	defer func() {
		if p := recover(); p != nil {
			r.e.log.Error("panic", "saga", r.state.first.ID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			r.quarantine(fmt.Errorf("panic: %v", p))
		}
	}()
	work()
}

// quarantine ends the work on a running saga. A later start tries again.
func (r *run) quarantine(why error) {
	if r.broken.CompareAndSwap(nil, &why) {
		r.e.countQuarantined(r.state.first.ID, why)
	}
	r.inbox.abandon()
	r.stop()
}

// isolate keeps a saga that can't be recovered where it can be seen.
func (e *Executor) isolate(id string, why error) {
	e.countQuarantined(id, why)
	k := &known{ready: make(chan struct{}), broken: why}
	close(k.ready)
	e.mu.Lock()
	e.sagas[id] = k
	e.mu.Unlock()
}

func (e *Executor) countQuarantined(id string, why error) {
	e.log.Error("saga quarantined", "saga", id, "error", why)
	e.quarantined.Add(1)
	if e.observer != nil {
		e.observer.Quarantined(id)
	}
}

// brokenReport is the report of a saga in quarantine: a person is needed.
func brokenReport(id string, v *view) saga.Report {
	r := saga.Report{ID: id, Steps: []saga.StepStatus{}}
	if v != nil {
		r, _ = v.report()
	}
	r.Status = saga.Stuck
	return r
}

// giveUp ends the work on a saga whose records could not be made durable.
func (r *run) giveUp(starts []*operation, err error) {
	for _, o := range starts {
		o.vacate()
	}
	var refused *store.RefusedError
	if errors.As(err, &refused) {
		r.quarantine(err)
	}
}
