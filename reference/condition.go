package reference

import (
	"errors"
	"fmt"

	"github.com/sagacheck/sagacheck/reference/store"
)

// Condition is how an executor is.
type Condition struct {
	// Status: ready; degraded: sagas are accepted, and something is wrong; standby: another
	// executor owns the store; trouble: sagas are refused; draining; closed.
	Status      string `json:"status"`
	Cause       string `json:"cause,omitempty"`       // in words that may leave the house
	Quarantined int64  `json:"quarantined,omitempty"` // sagas of which nothing more is done
}

// Accepts tells whether sagas are accepted.
func (c Condition) Accepts() bool { return c.Status == "ready" || c.Status == "degraded" }

// Condition is how the executor is now.
func (e *Executor) Condition() Condition {
	c := Condition{Quarantined: e.quarantined.Load()}
	c.Status, c.Cause = e.condition()
	return c
}

func (e *Executor) condition() (status, cause string) {
	switch serious, owned := e.health.Serious(), e.store.Owned(); {
	case e.ctx.Err() != nil:
		return "closed", ""
	case e.draining():
		return "draining", ""
	case serious != "":
		return "trouble", "can't " + serious
	case errors.Is(owned, store.ErrUnsure):
		return "trouble", store.ErrUnsure.Error()
	case owned != nil:
		return "standby", store.ErrSuperseded.Error()
	}
	now, on := e.health.Any(), e.Flags()
	switch {
	case now != "":
		return "degraded", "can't " + now
	case len(on) > 0:
		return "degraded", fmt.Sprintf("the flag %s is on", on[0].Name)
	case e.quarantined.Load() > 0:
		return "degraded", "sagas in quarantine"
	}
	return "ready", ""
}

// Owned: the store is this executor's, so that it may answer for what is in it. The
// error may be store.ErrUnsure or store.ErrSuperseded.
func (e *Executor) Owned() error { return e.store.Owned() }

// Lost is closed when the store is no longer this executor's, and never will be.
func (e *Executor) Lost() <-chan struct{} { return e.store.Lost() }
