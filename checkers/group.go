package checkers

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/sagacheck/sagacheck/saga"
)

// Finding is what one cause broke in one history.
type Finding struct {
	Properties []string `json:"properties"` // the most telling first
	Saga       string   `json:"saga,omitempty"`
	Step       string   `json:"step,omitempty"`
	// At is the first event that was wrong.
	At int `json:"at"`
	// Witness proves the first of the properties.
	Witness Witness `json:"witness"`
}

// telling orders the properties by how much they tell of a cause: what went wrong
// first, and most exactly, before what follows from it. Sums over many events come
// last.
var telling = []string{
	"broken-invariant", "lost-saga", "duplicate-saga", "version-changed", "mangled-body", "key-misuse",
	"policy-not-applied", "flag-ignored", "ignored-operator", "ignored-rollback", "retried-permanent-error", "step-order", "pivot-violation", "action-after-turn", "compensation-order",
	"degradation-failure", "unneeded-compensation",
	"wrong-reference", "diverged-effect", "inexact-compensation", "hanging-action", "empty-compensation", "duplicate-compensation", "duplicate-effect", "lost-compensation", "orphaned-effect",
	"lost-update", "dirty-read", "partial-success", "stuck-saga", "false-status",
	"retry-amplification", "adaptive-out-of-bounds", "retry-budget", "breaker-violation", "backoff-violation", "thundering-herd",
	"over-credit", "double-credit", "not-linearizable", "untraceable-call", "wrong-repair", "drift-unnoticed", "audit-gap", "unaudited-action", "silent-rollback", "broken-trace", "missing-log", "untruthful-metric", "redundant-call",
}

// aloof are the properties of which a violation says nothing of what else went wrong
// at the same operation: they belong together only where it was the same event.
var aloof = []string{"mangled-body", "wrong-repair", "drift-unnoticed", "silent-rollback", "broken-trace", "missing-log", "untruthful-metric", "untraceable-call", "audit-gap", "unaudited-action", "retry-amplification", "backoff-violation", "breaker-violation", "thundering-herd"}

func tells(property string) int {
	if i := slices.Index(telling, property); i >= 0 {
		return i
	}
	return len(telling)
}

// Group sorts the violations of one history by their causes. Two witnesses have one
// cause if the event that was wrong in one is part of the other, if both concern the
// same step of a saga, or the same saga of which one tells as a whole. Advice is left
// out. A property with several causes is in several findings. The most telling
// finding comes first. Cost: nearly linear in the witnesses and their events.
func Group(verdicts []Verdict) []Finding {
	g := grouping{parent: map[string]string{}}
	all := violations(verdicts)
	wrong, whole := map[int]bool{}, map[string]bool{}
	for _, v := range all {
		wrong[v.At] = true
		whole[v.Saga] = whole[v.Saga] || v.Saga != "" && v.Step == "" && !v.aloof()
	}
	for i, v := range all {
		self := fmt.Sprint("witness ", i)
		for _, seq := range v.Events {
			if wrong[seq] {
				g.join(self, fmt.Sprint("event ", seq))
			}
		}
		switch {
		case v.aloof() || v.Saga == "":
		case whole[v.Saga]:
			g.join(self, "saga "+v.Saga)
		default:
			g.join(self, "step "+v.Saga+"/"+saga.CutRef(v.Step).Step)
		}
	}
	groups := map[string][]violation{}
	var order []string
	for i, v := range all {
		root := g.root(fmt.Sprint("witness ", i))
		if groups[root] == nil {
			order = append(order, root)
		}
		groups[root] = append(groups[root], v)
	}
	findings := make([]Finding, 0, len(order))
	for _, root := range order {
		findings = append(findings, finding(groups[root]))
	}
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(tells(a.Properties[0]), tells(b.Properties[0])), cmp.Compare(a.At, b.At))
	})
	return findings
}

// violation is one witness of one property.
type violation struct {
	property string
	Witness
}

func (v violation) aloof() bool { return slices.Contains(aloof, v.property) }

// violations are the witnesses of all violations but advice, the most telling
// property first.
func violations(verdicts []Verdict) []violation {
	var all []violation
	for _, v := range verdicts {
		if v.Outcome != Violation || isAdvice(v.Property) {
			continue
		}
		for _, w := range v.Witnesses {
			all = append(all, violation{v.Property, w})
		}
	}
	slices.SortStableFunc(all, func(a, b violation) int { return cmp.Compare(tells(a.property), tells(b.property)) })
	return all
}

// finding is made of violations of one cause, the most telling first.
func finding(vs []violation) Finding {
	first := vs[0]
	f := Finding{Saga: first.Saga, Step: first.Step, At: first.At, Witness: first.Witness}
	for _, v := range vs {
		f.At = min(f.At, v.At)
		if !slices.Contains(f.Properties, v.property) {
			f.Properties = append(f.Properties, v.property)
		}
	}
	return f
}

// grouping is a union-find over names.
type grouping struct{ parent map[string]string }

func (g *grouping) root(name string) string {
	for {
		up, ok := g.parent[name]
		if !ok {
			return name
		}
		if top, ok := g.parent[up]; ok {
			g.parent[name] = top // halve the way for the next one
		}
		name = up
	}
}

func (g *grouping) join(a, b string) {
	if ra, rb := g.root(a), g.root(b); ra != rb {
		g.parent[ra] = rb
	}
}
