package defects

import (
	"sync"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/policies"
)

// governedDefects do not keep to what governs all sagas, or do not say what was done.
var governedDefects = []Defect{
	{
		Name: "policy-at-once", Anomaly: "policy-not-applied", Needs: "a process of its own whose policies change while a step is attempted again",
		Description: "an attempt follows the policies in force, not those with which its step began",
		lay:         policyAtOnce,
	},
	{
		Name: "policy-of-first-step", Anomaly: "policy-not-applied", Needs: "a process of its own whose policies change before a step begins",
		Description: "a saga follows the policies with which its first step began",
		lay:         policyOfFirstStep,
	},
	{
		Name: "retries-not-held", Anomaly: "flag-ignored", Needs: "a process of its own under the flag no-retries",
		Description: "what is attempted again looks at no flag",
		lay:         retriesNotHeld,
	},
	{
		Name: "compensations-not-held", Anomaly: "flag-ignored", Needs: "a process of its own under the flag hold-compensations",
		Description: "compensations look at no flag",
		lay:         compensationsNotHeld,
	},
	{
		Name: "audit-of-first-attempts", Anomaly: "audit-gap", Needs: "a process of its own whose audit is read, and a transient error",
		Description: "the audit has the first attempt of each operation only",
		lay:         auditOfFirstAttempts,
	},
	{
		Name: "audit-without-flags", Anomaly: "audit-gap", Needs: "a process of its own under a flag",
		Description: "the audit does not have that flags were set or taken back",
		lay:         auditWithoutFlags,
	},
}

func policyAtOnce(r *reference.Rules) {
	r.Policy = func(_ op, _ bool, _, inForce int) int { return inForce }
}

func policyOfFirstStep(r *reference.Rules) {
	var first sync.Map // version by saga
	r.Policy = func(o op, _ bool, _, inForce int) int {
		version, _ := first.LoadOrStore(o.Saga.ID, inForce)
		return version.(int)
	}
}

// overHolds lays another function over which attempts a flag holds back.
func overHolds(r *reference.Rules, f func(flag policies.Flag, o op, n int, holds bool) bool) {
	was := r.Holds
	r.Holds = func(flag policies.Flag, o op, n int) bool { return f(flag, o, n, was(flag, o, n)) }
}

func retriesNotHeld(r *reference.Rules) {
	overHolds(r, func(_ policies.Flag, _ op, n int, holds bool) bool { return holds && n == 1 })
}

func compensationsNotHeld(r *reference.Rules) {
	overHolds(r, func(_ policies.Flag, o op, _ int, holds bool) bool { return holds && isAction(o) })
}

func auditOfFirstAttempts(r *reference.Rules) {
	r.Tells = func(a reference.AuditEntry) bool { return a.What != reference.AuditAttempt || a.Attempt == 1 }
}

func auditWithoutFlags(r *reference.Rules) {
	r.Tells = func(a reference.AuditEntry) bool {
		return a.What != reference.AuditFlagOn && a.What != reference.AuditFlagOff
	}
}
