package faults

import (
	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/saga"
)

// forgetKeys is an absence that is longer than a service remembers idempotency keys: the
// orchestrator is killed as by crash-orchestrator, and when it is started again the
// service of the step knows none of the keys that it had answered. What it did is there,
// and can be looked for; what is sent again is new to it.
//
// Keys are never forgotten without the absence. A service whose keys live for a day
// remembers them through all retries of a cell, whose waits are milliseconds: a workflow
// that tries again at once is right to rely on its key, and must not be blamed. The
// absence is as long, in the cell, as the keys live there (Workflow.TTL), so that a
// workflow that reckons with their age, and was told it, is right, too. And nothing is
// forgotten while an attempt is still on its way to a service: none is for a day.
type forgetKeys struct{}

var _ Kind = forgetKeys{}

func (forgetKeys) Doc() KindDoc {
	return KindDoc{
		Name: "forget-keys", Phases: []saga.Phase{saga.Commit, saga.Response}, Fields: []string{"delay_ms"}, Process: true, Keys: true,
		Text:    "the orchestrator is killed (SIGKILL) while the attempt is held still, and started again on the same store after delay_ms; until then the service of the step has forgotten all keys that it had answered",
		Follows: "after its return it finds out what was done before it sends anything again",
	}
}

func (forgetKeys) Validate(f Fault) error { return positive("delay_ms", f.DelayMS) }

// Injection is that of a kill, and keys that are gone.
func (forgetKeys) Injection(f Fault, nth int) Injection {
	e := crashOrchestrator{}.Injection(f, nth)
	e.Forgets = true
	return e
}

// Usual is as long as keys live in a cell at the most.
func (forgetKeys) Usual(f Fault, _ saga.RetryPolicy) []Fault {
	f.DelayMS = 300
	return []Fault{f}
}

// Draw draws how much longer it is away.
func (k forgetKeys) Draw(t *rapid.T, f Fault, p saga.RetryPolicy) Fault {
	f = k.Usual(f, p)[0]
	f.DelayMS += rapid.IntRange(0, 50).Draw(t, "longer_ms")
	return f
}

// Simpler is an absence through which the keys are remembered.
func (forgetKeys) Simpler(f Fault, _ saga.RetryPolicy) []Fault {
	return []Fault{Doing(f, Injection.Kills)}
}
