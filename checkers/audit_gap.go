package checkers

import (
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// AuditGap finds attempts and changes of which the orchestrator's audit says nothing, or
// attempts of which it does not say why they were made again, and changes of which it does
// not say who asked for them.
//
// Source: practice of audit trails (NIST SP 800-92); docs/contract.md on GET /audit.
// Evidence: call-sent, policies-changed, flag-set, flag-cleared, audited, audit-read. Attempts
// are counted by operation: those that never left, which the audit may have too, say less
// than one that is missing. Cost: linear.
type AuditGap struct{}

var _ Checker = AuditGap{}

// The clauses of audit-gap.
const (
	auditedAttempts = "attempts"
	auditedReasons  = "reasons"
	auditedChanges  = "changes"
)

// What entries of an audit are about, see docs/contract.md.
const (
	ofAttempt   = "attempt"
	ofWithdrawn = "withdrawn"
	ofPolicies  = "policies-changed"
	ofFlagOn    = "flag-on"
	ofFlagOff   = "flag-off"
)

// Doc documents the checker.
func (AuditGap) Doc() Doc {
	does := []string{history.Kill}
	return Doc{
		Name:       "audit-gap",
		Definition: "The orchestrator's audit lacks an attempt that it made, why it made one again, or a change of policies or flags and who asked for it.",
		Source:     "practice: audit trails (NIST SP 800-92); docs/contract.md on GET /audit",
		Clauses: []Clause{
			{Name: auditedAttempts, Text: "of each operation the audit has as many attempts as left", Does: does, Wants: []Trait{governedPairs}},
			{Name: auditedReasons, Text: "of each further attempt it says why it was made", Does: does, Wants: []Trait{governedPairs}},
			{Name: auditedChanges, Text: "it has each change of policies and flags, with who asked for it", Does: does, Wants: []Trait{governedPairs}},
		},
		Evidence:  "call-sent, policies-changed, flag-set, flag-cleared, audited and audit-read.",
		Prevented: "Writing the audit in the commit of what it tells, not after it.",
		Blind:     "Cells in which policies and flags are not changed: there the audit is not read. Whether a reason is true.",
		Cost:      "linear",
		Whole:     true,
		Needs:     []string{"audit"},
	}
}

// Check judges a history.
func (c AuditGap) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	switch {
	case ix.AuditRead == nil && len(ix.Changes) > 0:
		t.unknown(auditedChanges, "the audit was not read")
	case ix.AuditRead != nil:
		checkAuditedAttempts(t, h, ix)
		checkAuditedChanges(t, ix)
	}
	return t.verdict("the audit was not read")
}

func checkAuditedAttempts(t *tally, h *history.History, ix *history.Index) {
	told := map[saga.Operation][]int{} // the attempts that may leave
	for _, e := range ix.Audited {
		op := e.Operation()
		switch e.What {
		case ofAttempt:
			told[op] = append(told[op], e.Attempt)
			if e.Attempt < 2 {
				continue
			}
			if e.Detail == "" {
				t.violate(auditedReasons, op, []*history.Event{e}, "broke the audit: it does not say why attempt %d of %s was made", e.Attempt, op)
			} else {
				t.held(auditedReasons, 1)
			}
		case ofWithdrawn:
			if i := slices.Index(told[op], e.Attempt); i >= 0 { // one that never was to leave takes none back
				told[op] = slices.Delete(told[op], i, i+1)
			}
		}
	}
	for _, s := range singleSagas(h, ix) {
		for _, o := range opsOf(s) {
			as := sent(o)
			if n := len(as); n > len(told[o.Op]) {
				t.violate(auditedAttempts, o.Op, []*history.Event{as[n-1].Sent, ix.AuditRead}, "broke the audit: %d attempts of %s left, and it has %d", n, o.Op, len(told[o.Op]))
			} else {
				t.held(auditedAttempts, n)
			}
		}
	}
}

// checkAuditedChanges looks for each change among those that the audit has.
func checkAuditedChanges(t *tally, ix *history.Index) {
	told := map[string]int{} // by what and flag
	for _, e := range ix.Audited {
		if e.Saga == "" && e.Detail != "" { // somebody asked for it
			told[e.What+" "+e.Flag]++
		}
	}
	what := map[history.Kind]string{history.PoliciesChanged: ofPolicies, history.FlagSet: ofFlagOn, history.FlagCleared: ofFlagOff}
	for _, e := range ix.Changes {
		key := what[e.Kind] + " " + e.Flag
		if told[key]--; told[key] < 0 {
			t.violate(auditedChanges, saga.Operation{}, []*history.Event{e, ix.AuditRead}, "broke the audit: it does not have, with who asked for it: %s", strings.TrimSpace(key))
		} else {
			t.held(auditedChanges, 1)
		}
	}
}
