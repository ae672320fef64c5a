package history

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/saga"
)

// Kinds are all kinds of events.
var Kinds = []Kind{
	SagaSubmitted, SagaAccepted, SagaRefused, SagaStatus, SagaUnknown, SagaEnded, SagaOperator, SagaOperated,
	CallSent, CallReceived, CallCommitted, CallAnswered, CallEnded, CallStray, CallRead, CallBack, CallUnmatched,
	PoliciesChanged, FlagSet, FlagCleared, Audited, AuditRead,
	Drifted, DriftTold, DriftRead,
	FaultArmed, FaultFired, FaultHealed,
	ProcessKilled, ProcessPaused, ProcessResumed, ProcessStarted, ProcessReady, ProcessGone,
	InvariantChecked, Telemetry, Settled, LedgerRead,
}

// OfSaga tells whether an event of that kind belongs to a saga of the header.
func (k Kind) OfSaga() bool {
	switch k {
	case SagaSubmitted, SagaAccepted, SagaRefused, SagaStatus, SagaUnknown, SagaEnded, SagaOperator, SagaOperated, InvariantChecked, Drifted, DriftTold:
		return true
	}
	return k.OfCall()
}

// OfCall tells whether an event of that kind belongs to an attempt.
func (k Kind) OfCall() bool {
	switch k {
	case CallSent, CallReceived, CallCommitted, CallAnswered, CallEnded:
		return true
	}
	return false
}

// validator refuses what the index would otherwise pass over in silence: an
// event that belongs to nothing must not make a history greener.
type validator struct {
	header *Header
	steps  map[string]*saga.Definition
	seen   map[once]int // the number of the event
}

// once is what an attempt has one of: the wire counts attempts, so a second one is
// never the orchestrator's doing, and must not take the place of the first.
type once struct {
	kind    Kind
	op      saga.Operation
	attempt int
	copy    int
}

// Profiles are the protections of participants that histories know.
var Profiles = []string{"naive", "keyed", "fenced"}

func newValidator(h *Header) (*validator, error) {
	v := &validator{header: h, steps: map[string]*saga.Definition{}, seen: map[once]int{}}
	if h.Profile != "" && !slices.Contains(Profiles, h.Profile) {
		return nil, fmt.Errorf("profile: %q: expected one of %s", h.Profile, strings.Join(Profiles, ", "))
	}
	for i := range h.Definitions {
		d := &h.Definitions[i]
		if err := d.Validate(); err != nil {
			return nil, fmt.Errorf("definitions[%d]: %w", i, err)
		}
		if v.steps[d.ID] != nil {
			return nil, fmt.Errorf("definitions[%d]: id: %q is there twice", i, d.ID)
		}
		v.steps[d.ID] = d
	}
	return v, nil
}

func (v *validator) event(e *Event) error {
	if !slices.Contains(Kinds, e.Kind) {
		return fmt.Errorf("kind: %q is no kind of event", e.Kind)
	}
	if (e.Kind == FaultArmed || e.Kind == FaultFired || e.Kind == FaultHealed) && e.Fault == nil {
		return fmt.Errorf("fault: %s must name the fault", e.Kind)
	}
	if e.Fault != nil && (*e.Fault < 0 || *e.Fault >= len(v.header.Faults)) {
		return fmt.Errorf("fault: %d: the header has %d faults, counted from 0", *e.Fault, len(v.header.Faults))
	}
	if e.Kind == SagaStatus && e.Status == "" {
		return errors.New("status: must be given")
	}
	if e.Kind == SagaEnded && !e.Status.Ended() {
		return fmt.Errorf("status: %q: expected completed or compensated", e.Status)
	}
	if (e.Kind == Telemetry) != (e.Signal != nil) {
		return errors.New("signal: expected in telemetry, and only there")
	}
	if !e.Kind.OfSaga() {
		return nil
	}
	d := v.steps[e.Saga]
	if d == nil {
		return fmt.Errorf("saga: %q is not in the header", e.Saga)
	}
	if !e.Kind.OfCall() {
		return nil
	}
	if err := validCall(d, e); err != nil {
		return err
	}
	return v.onlyOnce(e)
}

// onlyOnce refuses a second beginning, and a second end, of one attempt.
func (v *validator) onlyOnce(e *Event) error {
	if e.Kind != CallSent && e.Kind != CallEnded {
		return nil
	}
	k := once{e.Kind, e.Operation(), e.Attempt, e.Copy}
	if first, again := v.seen[k]; again {
		return fmt.Errorf("attempt: %d of %s has its %s already in event %d", e.Attempt, e.Operation(), e.Kind, first)
	}
	v.seen[k] = e.Seq
	return nil
}

func validCall(d *saga.Definition, e *Event) error {
	switch {
	case d.StepIndex(e.Step) < 0 && e.Step != saga.SubmitStep:
		return fmt.Errorf("step: saga %q has no step %q", e.Saga, e.Step)
	case e.Direction != saga.Action && e.Direction != saga.Compensation:
		return fmt.Errorf("direction: %q: expected action or compensation", e.Direction)
	case !validPart(d, e):
		return fmt.Errorf("part: %d: saga %q has no such part of %s", e.Part, e.Saga, e.Operation())
	case e.Attempt < 1:
		return fmt.Errorf("attempt: %d: expected 1 or more", e.Attempt)
	}
	return nil
}

// validPart: the first part has no number, and the definition has all the others.
func validPart(d *saga.Definition, e *Event) bool {
	step, _ := d.Step(e.Step)
	return e.Part == 0 || e.Part > 1 && e.Direction == saga.Compensation && e.Part-2 < len(step.Parts)
}
