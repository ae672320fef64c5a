package checkers

import (
	"slices"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// VersionChanged finds sagas that go by another version of their definition than the one with which they began.
//
// Source: practice of durable workflows, whose code changes while they are under way (Temporal, versioning;
// Durable Functions, zero-downtime deployment). Evidence: saga-accepted, call-sent with its header Saga-Id, killed.
// Each version has addresses of its own: a call names by its header the saga that it is made for, and by its address the
// version that it is of. Cost: linear in the calls, times the sagas of a name.
type VersionChanged struct{}

var _ Checker = VersionChanged{}

// The clauses of version-changed.
const (
	versionActions = "actions"
	versionUndos   = "compensations"
	versionOrder   = "order"
	versionCrash   = "after-crash"
	versionNew     = "new-sagas"
)

// redefinables: see saga.Definition.Next; swapped: two steps change places there.
var (
	redefinables = Trait{"one saga whose first step can be undone, and whose steps share nothing with other sagas", single(func(d saga.Definition) bool {
		_, ok := d.Next()
		return ok
	})}
	swapped = Trait{"one such saga with two steps behind the first that can change places", single(func(d saga.Definition) bool {
		first, _ := d.Swaps()
		return first != ""
	})}
)

// single tells whether there is one saga that is so, besides one of a next version.
func single(is func(saga.Definition) bool) func([]saga.Definition) bool {
	return func(ds []saga.Definition) bool {
		ds = slices.DeleteFunc(slices.Clone(ds), func(d saga.Definition) bool { return d.Version == saga.NextVersion })
		return len(ds) == 1 && is(ds[0])
	}
}

// Doc documents the checker.
func (VersionChanged) Doc() Doc {
	wants := []Trait{redefinables}
	return Doc{
		Name:       "version-changed",
		Definition: "A saga went on by another version of its definition than the one with which it began.",
		Source:     "practice: definitions that change while sagas run (Temporal, Versioning; Azure Durable Functions, Zero-downtime deployment); docs/contract.md on version",
		Clauses: []Clause{
			{Name: versionActions, Text: "an action of a saga that began before another version came is called as its own version has it: those that were called after that", Sees: []string{history.SagaHeaders}, Wants: wants},
			{Name: versionUndos, Text: "so is a compensation", Sees: []string{history.SagaHeaders}, Wants: wants},
			{Name: versionOrder, Text: "two steps that have changed places in the other version are called in the order of its own", Wants: []Trait{swapped}},
			{Name: versionCrash, Text: "actions and compensations are called as its own version has them where the orchestrator was killed after the other version came, too", Does: []string{history.Kill}, Sees: []string{history.SagaHeaders}, Wants: wants},
			{Name: versionNew, Text: "a saga that began by the new version is called as that has it", Sees: []string{history.SagaHeaders}, Wants: wants},
		},
		Evidence:  "the definitions of the cell's sagas, saga-accepted, and call-sent with its header Saga-Id.",
		Prevented: "Storing the definition, or its version, with the saga when it is accepted, and looking it up nowhere else.",
		Blind:     "Calls without the header Saga-Id. What of a version shows in no address and in no order. A definition that changes without a saga of the new version.",
		Cost:      "linear in the calls, times the sagas of a name",
		Whole:     true,
		Needs:     []string{"versions"},
		Wants:     wants,
	}
}

// Check judges a history.
func (c VersionChanged) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	ds := disturbances(h, ix)
	for _, s := range ix.Sagas {
		other := otherVersion(ix, s)
		if other == nil || len(s.Submitted) == 0 {
			continue
		}
		came, isNew := other.Accepted[0], other.Submitted[0].Seq < s.Submitted[0].Seq
		for _, o := range append(opsOf(s), opsOf(other)...) {
			for _, a := range sent(o) {
				clause := versionClause(o.Op, isNew, kills(ds, came.Seq, a.Sent.Seq) > 0)
				switch {
				case a.Sent.SagaID != s.ID, o.Op.Saga == s.ID && a.Sent.Seq < came.Seq:
				case o.Op.Saga == s.ID:
					t.held(clause, 1)
				default: // the other version can be known before it is noted that it was accepted
					t.violate(clause, saga.Operation{Saga: s.ID, Step: o.Op.Step, Direction: o.Op.Direction}, []*history.Event{came, a.Sent},
						"broke the version of a saga: %s began by version %s of %s, and attempt %d of %s is made for it by version %s", s.ID, s.Definition.Version, s.Definition.Name, a.N, o.Op.Ref(), other.Definition.Version)
				}
			}
		}
		if !isNew {
			checkOrderKept(t, s, other, came)
		}
	}
	return t.verdict("no saga was called for after another version of its definition had come")
}

// otherVersion is an accepted saga of the same name and another version; nil: there is none.
func otherVersion(ix *history.Index, s *history.SagaRecord) *history.SagaRecord {
	i := slices.IndexFunc(ix.Sagas, func(o *history.SagaRecord) bool {
		return o.Definition.Name == s.Definition.Name && o.Definition.Version != s.Definition.Version && len(o.Accepted) > 0 && len(o.Submitted) > 0
	})
	if i < 0 {
		return nil
	}
	return ix.Sagas[i]
}

// versionClause is the promise that a call of a saga is about.
func versionClause(op saga.Operation, isNew, killed bool) string {
	switch {
	case isNew:
		return versionNew
	case killed:
		return versionCrash
	case op.Direction == saga.Compensation:
		return versionUndos
	}
	return versionActions
}

// checkOrderKept judges two steps that have changed places in the other version.
func checkOrderKept(t *tally, s, other *history.SagaRecord, came *history.Event) {
	before, after := s.Definition.Swaps()
	if before == "" || other.Definition.StepIndex(before) < other.Definition.StepIndex(after) {
		return
	}
	first, second := firstSent(s.Op(before, saga.Action)), firstSent(s.Op(after, saga.Action))
	switch {
	case second == nil || second.Seq < came.Seq || first != nil && first.Seq < came.Seq:
	case first == nil || second.Seq < first.Seq:
		t.violate(versionOrder, second.Operation(), []*history.Event{came, second}, "broke the version of a saga: %s began by version %s of %s, which has %s before %s, and goes on in the order of version %s",
			s.ID, s.Definition.Version, s.Definition.Name, before, after, other.Definition.Version)
	default:
		t.held(versionOrder, 1)
	}
}
