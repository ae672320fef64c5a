package models

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// Limits bound a search.
type Limits struct {
	Time       time.Duration // for one partition
	Unknown    int           // operations of unknown outcome that are searched
	Concurrent int           // operations that overlap, directly or through others
}

// DefaultLimits are two seconds a partition, 10 operations of unknown outcome
// and 4096 that overlap (porcupine's memory grows with their square).
func DefaultLimits() Limits {
	return Limits{Time: 2 * time.Second, Unknown: 10, Concurrent: 4096}
}

// Result is the judgement of one partition.
type Result struct {
	Partition *Partition
	// Verdict is porcupine.Ok, Illegal, or Unknown, which Reason explains.
	Verdict porcupine.CheckResult
	Reason  string
	Broken  string // the broken guarantee, if Illegal
	// Witness is the operations that show it, the illegal one last, and Events
	// the sequence numbers of their events, ascending.
	Witness []porcupine.Operation
	Events  []int

	group []porcupine.Operation // the overlapping operations that have no order
	state any                   // the state before them, or at the end
}

// Check searches for a linearization of the partition. It is illegal only if
// every choice for the operations of unknown outcome is.
func (p *Partition) Check(lim Limits) Result {
	end := time.Now().Add(lim.Time)
	r := p.search(byCall(p.Ops), lim, end)
	if r.Verdict == porcupine.Illegal && len(p.Unknown) > lim.Unknown {
		r = Result{Partition: p, Verdict: porcupine.Unknown, Reason: fmt.Sprintf("%d operations of unknown outcome, more than the %d that are searched", len(p.Unknown), lim.Unknown)}
	} else if r.Verdict == porcupine.Illegal && len(p.Unknown) > 0 {
		r = p.search(byCall(slices.Concat(p.Ops, p.Unknown)), lim, end)
	}
	if r.Verdict == porcupine.Ok && p.Missing != "" {
		r.Verdict, r.Reason = porcupine.Unknown, p.Missing
	}
	return r
}

// search judges one group of overlapping operations after the other. Between
// groups nothing is open, so the state that one ends in is where the next one
// starts: any two legal orders of a group end in equivalent states.
func (p *Partition) search(ops []porcupine.Operation, lim Limits, end time.Time) Result {
	r := Result{Partition: p, Verdict: porcupine.Ok, state: p.Spec.Model.Init()}
	var before []porcupine.Operation // in a legal order
	for group := range overlapping(ops) {
		order := p.searchGroup(&r, group, lim, end)
		before = append(before, order...)
		switch r.Verdict {
		case porcupine.Illegal:
			r.blame(before, order, group)
			return r
		case porcupine.Unknown:
			return r
		}
	}
	return r
}

// searchGroup finds an order of a group, or the longest part of one, and if it
// is whole moves the state on.
func (p *Partition) searchGroup(r *Result, group []porcupine.Operation, lim Limits, end time.Time) []porcupine.Operation {
	if len(group) == 1 { // one place only: no search needed
		ok, next := p.Spec.Model.Step(r.state, group[0].Input, group[0].Output)
		if !ok {
			r.Verdict = porcupine.Illegal
			return nil
		}
		r.state = next
		return group
	}
	left := time.Until(end)
	switch {
	case len(group) > lim.Concurrent:
		r.Verdict, r.Reason = porcupine.Unknown, fmt.Sprintf("%d operations overlap, more than the %d that are searched", len(group), lim.Concurrent)
		return nil
	case left <= 0:
		r.Verdict, r.Reason = porcupine.Unknown, timeUp(lim)
		return nil
	}
	model := p.Spec.from(r.state)
	verdict, info := porcupine.CheckOperationsVerbose(model, group, left)
	if r.Verdict = verdict; verdict == porcupine.Unknown {
		r.Reason = timeUp(lim)
		return nil
	}
	order := longest(group, info)
	if verdict == porcupine.Ok {
		for _, op := range order {
			_, r.state = model.Step(r.state, op.Input, op.Output)
		}
	}
	return order
}

func timeUp(lim Limits) string { return fmt.Sprintf("no answer within %v", lim.Time) }

// byCall sorts operations by the time of their call, as the search wants them.
func byCall(ops []porcupine.Operation) []porcupine.Operation {
	order := func(a, b porcupine.Operation) int {
		return cmp.Or(cmp.Compare(a.Call, b.Call), cmp.Compare(a.Return, b.Return))
	}
	if slices.IsSortedFunc(ops, order) {
		return ops
	}
	ops = slices.Clone(ops)
	slices.SortStableFunc(ops, order)
	return ops
}

// overlapping yields the groups of operations, sorted by call, between which
// nothing is open.
func overlapping(ops []porcupine.Operation) func(yield func([]porcupine.Operation) bool) {
	return func(yield func([]porcupine.Operation) bool) {
		start, end := 0, int64(0)
		for i, op := range ops {
			if i > start && op.Call > end {
				if !yield(ops[start:i]) {
					return
				}
				start = i
			}
			end = max(end, op.Return)
		}
		if start < len(ops) {
			yield(ops[start:])
		}
	}
}

// longest is the longest part of a group that porcupine could order; of several
// the one that keeps most to the order of calls, for porcupine gives them in no
// particular order and a verdict must be the same each time.
func longest(group []porcupine.Operation, info porcupine.LinearizationInfo) []porcupine.Operation {
	var best []int
	for _, orders := range info.PartialLinearizations() {
		for _, order := range orders {
			if len(order) > len(best) || len(order) == len(best) && slices.Compare(order, best) < 0 {
				best = order
			}
		}
	}
	ops := make([]porcupine.Operation, len(best))
	for i, id := range best {
		ops[i] = group[id]
	}
	return ops
}
