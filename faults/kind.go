package faults

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/saga"
)

// KindDoc documents a kind of fault; the reference page is generated from it.
type KindDoc struct {
	Name   string
	Text   string
	Phases []saga.Phase // empty: a window
	Fields []string     // the fields of Fault that it uses, besides kind, saga and at
	// Transient: an orchestrator that keeps the contract tries again.
	// Otherwise the fault goes unnoticed, or is permanent.
	Transient bool
	// Process: it needs a process of the orchestrator that may be killed or paused.
	Process bool
	// Store: it needs an orchestrator that can be cut off from its store.
	Store bool
	// Operator: it needs an orchestrator that can be asked for a rollback.
	Operator bool
	// Governs: it needs an orchestrator whose policies and flags can be changed while it
	// runs. Plans name it; nobody draws it.
	Governs bool
	// Operates: it needs an orchestrator of which operators may ask something. Explorers
	// place it only if they are told to.
	Operates bool
	// Drifts: it needs an orchestrator that reads back what participants hold. Plans name it;
	// nobody draws it.
	Drifts bool
	// Redefines: it needs an orchestrator to which a definition may come in several versions, and a saga
	// that has a next one. Plans name it; nobody draws it.
	Redefines bool
	// Keys: it needs a service that forgets idempotency keys, which is one of a workflow.
	Keys bool
	// InARow is where several attempts of one call meet it one after the other, so that a
	// policy shows; empty: it makes no sense in a row.
	InARow saga.Phase
	// Answers: it answers in the participant's place, which can be done once.
	Answers bool
	// Follows is what the orchestrator should make of it, where the marks above do not
	// say so.
	Follows string
	// Own: it needs an answer of a service of the user's own.
	Own bool
	// WithBody: it needs an answer that has a body; the orchestrator's own to the
	// client need not have one.
	WithBody bool
	// Example is what the example of the reference page has as.
	Example string
}

// Window tells whether the kind lasts over a time instead of hitting a point.
func (d KindDoc) Window() bool { return len(d.Phases) == 0 }

// Kind is a kind of fault: one file each.
type Kind interface {
	Doc() KindDoc
	// Validate says which field is wrong and what was expected.
	Validate(f Fault) error
	// Injection is what a valid fault does to the attempt that meets it; nth counts from 0
	// those that have met a window before.
	Injection(f Fault, nth int) Injection
	// Usual fills in the fields that nobody chose with values that matter under the
	// policy of the call that it strikes; the first of them stands for all.
	Usual(f Fault, p saga.RetryPolicy) []Fault
	// Draw draws the same fields.
	Draw(t *rapid.T, f Fault, p saga.RetryPolicy) Fault
	// Simpler are faults of other kinds at about the same place that need fewer words.
	Simpler(f Fault, p saga.RetryPolicy) []Fault
}

// plain is a kind without fields, and without a simpler one.
type plain struct{}

func (plain) Usual(f Fault, _ saga.RetryPolicy) []Fault          { return []Fault{f} }
func (plain) Draw(_ *rapid.T, f Fault, _ saga.RetryPolicy) Fault { return f }
func (plain) Simpler(Fault, saga.RetryPolicy) []Fault            { return nil }

// instead is a fault that does something else at the same attempt.
func instead(f Fault, phase saga.Phase, p saga.RetryPolicy, does func(Injection) bool) Fault {
	g := Fault{Saga: f.Saga, At: f.At}
	g.At.Phase = phase
	return UsuallyDoing(g, p, does)
}

// Defaults fills in the fields of a fault at a point with the usual values.
func Defaults(f Fault, p saga.RetryPolicy) Fault {
	k, err := KindByName(f.Kind)
	if err != nil || k.Doc().Window() {
		return f
	}
	return k.Usual(f, p)[0]
}

// firstCall is a fault that does that at the first call of a window's first step.
func firstCall(f Fault, phase saga.Phase, p saga.RetryPolicy, does func(Injection) bool) []Fault {
	if len(f.Steps) == 0 {
		return nil
	}
	at := saga.FailurePoint{Step: f.Steps[0], Direction: saga.Action, Attempt: 1, Phase: phase}
	return []Fault{UsuallyDoing(Fault{At: at}, p, does)}
}

// Kinds is the catalogue, in the order of the phases.
func Kinds() []Kind {
	return []Kind{
		refuse{},
		lose{},
		reset{},
		delay{},
		slow{},
		truncate{},
		breakBody{},
		stallBody{},
		duplicate{},
		reject{},
		unavailable{},
		throttle{},
		serverError{},
		corrupt{},
		wrongType{},
		answer{},
		crashParticipant{},
		crashOrchestrator{},
		forgetKeys{},
		pauseOrchestrator{},
		askRollback{},
		operate{},
		operateCrash{},
		changePolicy{},
		setFlag{},
		drift{},
		changeDefinition{},
		outage{},
		latency{},
		errorRate{},
		orchestratorOutage{},
		storeOutage{},
	}
}

var kindsByName = sync.OnceValue(func() map[string]Kind {
	m := map[string]Kind{}
	for _, k := range Kinds() {
		m[k.Doc().Name] = k
	}
	return m
})

// KindByName finds a kind.
func KindByName(name string) (Kind, error) {
	if k, ok := kindsByName()[name]; ok {
		return k, nil
	}
	var names []string
	for _, k := range Kinds() {
		names = append(names, k.Doc().Name)
	}
	return nil, fmt.Errorf("kind: %q: expected one of %v", name, names)
}

// Validate checks the plan against the catalogue of kinds. The error joins a
// yamlfile.Problem for each mistake, which names the fault by its number and the
// field.
func (p Plan) Validate() error { return p.problems().Err() }

// Validate checks one fault.
func (f Fault) Validate() error {
	k, err := KindByName(f.Kind)
	if err != nil {
		return err
	}
	d := k.Doc()
	if d.Window() != f.At.IsZero() {
		if d.Window() {
			return fmt.Errorf("at: %s is a window: expected steps, from_ms and for_ms", f.Kind)
		}
		return fmt.Errorf("at: must be given: expected a failure point with a phase of %v", d.Phases)
	}
	if d.Window() && f.ForMS <= 0 {
		return fmt.Errorf("for_ms: %d: expected more than 0", f.ForMS)
	}
	if !d.Window() && !slices.Contains(d.Phases, f.At.Phase) {
		return fmt.Errorf("at: %s cannot happen at %s: expected a phase of %v", f.Kind, f.At.Phase, d.Phases)
	}
	if f.Saga < 0 {
		return fmt.Errorf("saga: %d: expected 1 or more", f.Saga)
	}
	if saga.Inbound(f.At.Step) && (f.At.Phase == saga.Receive || f.At.Phase == saga.Commit) {
		return fmt.Errorf("at: %s: phase %s lies inside the orchestrator: expected connect, request or response", f.At, f.At.Phase)
	}
	if _, back := saga.CutCallback(f.At.Step); back && f.At.Phase == saga.Connect {
		return fmt.Errorf("at: %s: the address of the orchestrator is its own: expected request or response", f.At)
	}
	if saga.Inbound(f.At.Step) && d.WithBody {
		return fmt.Errorf("at: %s: the answer of an orchestrator need not have a body: expected a step of the saga", f.At)
	}
	if err := d.unused(f); err != nil {
		return err
	}
	return k.Validate(f)
}

// unused refuses fields that the kind does not use: they would be ignored in
// silence.
func (d KindDoc) unused(f Fault) error {
	for _, field := range []struct {
		name string
		set  bool
	}{
		{"after", !f.After.IsZero()},
		{"delay_ms", f.DelayMS != 0},
		{"bytes", f.Bytes != 0},
		{"kbps", f.KBps != 0},
		{"code", f.Code != 0},
		{"retry_after_s", f.RetryAfterS != 0},
		{"retry_after_date", f.RetryAfterDate},
		{"as", f.As != ""},
		{"consoles", f.Consoles != 0},
		{"times", f.Times != 0},
		{"steps", f.Steps != nil},
		{"from_ms", f.FromMS != 0},
		{"for_ms", f.ForMS != 0},
		{"calls", f.Calls != nil},
	} {
		if field.set && !d.Uses(field.name) {
			return fmt.Errorf("%s: %s does not use it: expected %s", field.name, d.Name, orNone(d.Fields))
		}
	}
	return nil
}

// Uses tells whether a kind uses a field of a fault.
func (d KindDoc) Uses(field string) bool { return slices.Contains(d.Fields, field) }

func orNone(fields []string) string {
	if len(fields) == 0 {
		return "kind, saga and at only"
	}
	return strings.Join(fields, ", ")
}

func positive(field string, v int) error {
	if v <= 0 {
		return fmt.Errorf("%s: %d: expected more than 0", field, v)
	}
	return nil
}
