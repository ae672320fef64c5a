package tinyorch

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// Habits are what the contract leaves open, and orchestrators in the field do
// differently from each other: none of them may turn a verdict.
type Habits struct {
	Name string
	// BeforeStep and BeforeUndo are how long it thinks before the first attempt of
	// an action, or of a compensation.
	BeforeStep, BeforeUndo time.Duration
	// BeforeAccept is how long a submit takes; BeforeTell how old a status report is.
	BeforeAccept, BeforeTell time.Duration
	HalfWritten              bool // now and then a status report comes empty: it is just being written
	OneUndoAtATime           bool
	HashedKeys               bool // keys are digests
	BareKeys                 bool // keys without the quotes of a structured field
	UndoNames                bool // Saga-Step of a compensation is "charge.undo"
	NoSteps                  bool // status reports without steps
	Longest, Shortest        bool // each wait is at the end of its band: there is no jitter
	ReadBack                 bool // asks with GET before it repeats a call
	BodiesAnew               bool // bodies are read and written anew, to the last digit
	ConflictOnRepeat         bool // a start that is repeated is answered 409
	HeadOnly                 bool // takes an answer for what its head says
	// Sweeps is how long after it was put off a deferrable step is tried again, whatever its policy says.
	Sweeps time.Duration
	Send   Sender // how it speaks HTTP; nil: as Go does
}

// AllHabits is the catalogue of legal variations: one orchestrator each.
func AllHabits() []Habits {
	list := []Habits{
		{Name: "plain"},
		{Name: "slow-between-steps", BeforeStep: 300 * time.Millisecond},
		{Name: "slow-to-roll-back", BeforeUndo: 200 * time.Millisecond},
		{Name: "slow-to-accept", BeforeAccept: 150 * time.Millisecond},
		{Name: "late-status", BeforeTell: 120 * time.Millisecond},
		{Name: "half-written-status", HalfWritten: true},
		{Name: "one-undo-at-a-time", OneUndoAtATime: true},
		{Name: "hashed-keys", HashedKeys: true},
		{Name: "bare-keys", BareKeys: true},
		{Name: "undo-named", UndoNames: true},
		{Name: "no-step-status", NoSteps: true},
		{Name: "longest-waits", Longest: true},
		{Name: "shortest-waits", Shortest: true},
		{Name: "read-back", ReadBack: true},
		{Name: "bodies-anew", BodiesAnew: true},
		{Name: "head-only", HeadOnly: true},
		{Name: "conflict-on-repeat", ConflictOnRepeat: true},
	}
	for _, s := range Senders() {
		list = append(list, Habits{Name: s.Name, Send: s.sender()})
	}
	return append(list, Habits{Name: "sweeps", Sweeps: 3 * time.Second, NoSteps: true})
}

// key is the idempotency key of an operation.
func (h Habits) key(op string) string {
	if h.HashedKeys {
		op = fmt.Sprintf("%x", sha256.Sum256([]byte(op)))
	}
	if h.BareKeys {
		return op
	}
	return fmt.Sprintf("%q", op)
}

// stepName is what the header Saga-Step says.
func (h Habits) stepName(name string, d saga.Direction) string {
	if h.UndoNames {
		return saga.StepRef{Step: name, Direction: d}.String()
	}
	return name
}

// before is how long it thinks before the first attempt of an operation.
func (h Habits) before(d saga.Direction) time.Duration {
	if d == saga.Compensation {
		return h.BeforeUndo
	}
	return h.BeforeStep
}
