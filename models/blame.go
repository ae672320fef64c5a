package models

import (
	"fmt"
	"slices"

	"github.com/anishathalye/porcupine"
	"github.com/sagacheck/sagacheck/saga"
)

// maxWitness is how many operations of a witness a person can still read.
const maxWitness = 24

// blame finds the operation that could not be placed, says which guarantee it
// broke, and picks the witness. before is all that could be placed, in order, of
// which the last are of the group.
func (r *Result) blame(before, placed, group []porcupine.Operation) {
	r.group = group
	spec := r.Partition.Spec
	illegal := firstToReturn(group, placed)
	state, _ := spec.run(before)
	if ok, _ := spec.Model.Step(state, illegal.Input, illegal.Output); ok || unknown(illegal) {
		// The longest order that was found does not end at this operation.
		r.Broken = fmt.Sprintf("broke the %s %q: no order of %d overlapping operations explains what was seen", r.Partition.Kind, r.Partition.Name, len(group))
		r.Witness = slices.Clone(group)
	} else {
		r.Broken = spec.Why(state, illegal.Input, illegal.Output)
		if len(group) > 1 {
			r.Broken += fmt.Sprintf(" (no order of the %d operations that overlap explains it)", len(group))
		}
		r.Witness = append(spec.explain(spec, slices.Clip(before), illegal), illegal)
	}
	if n := len(r.Witness); n > maxWitness {
		r.Broken += fmt.Sprintf(" (the last %d of %d operations are shown)", maxWitness, n)
		r.Witness = r.Witness[n-maxWitness:]
	}
	for _, op := range r.Witness {
		events, _ := op.Metadata.([]int)
		r.Events = append(r.Events, events...)
	}
	slices.Sort(r.Events)
	r.Events = slices.Compact(r.Events)
}

// firstToReturn is the operation of the group that returned first of those that
// were not placed: the one that the search stopped at.
func firstToReturn(group, placed []porcupine.Operation) porcupine.Operation {
	type id struct{ call, end int64 }
	left := map[id]int{}
	for _, op := range placed {
		left[id{op.Call, op.Return}]++
	}
	var first *porcupine.Operation
	for i, op := range group {
		k := id{op.Call, op.Return}
		if left[k] > 0 {
			left[k]--
			continue
		}
		if first == nil || op.Return < first.Return {
			first = &group[i]
		}
	}
	return *first
}

// Operation is the saga, step and direction that the witness points at; what its
// operations do not have in common is empty.
func (r *Result) Operation() saga.Operation {
	common := saga.Operation{Saga: r.Partition.Saga, Step: r.Partition.Step}
	if r.Partition.Saga != "" {
		return common
	}
	first := true
	for _, op := range r.Witness {
		var by saga.Operation
		switch in := op.Input.(type) {
		case Add:
			by = in.By.Op
		case Write:
			by = in.By.Op
		default:
			continue
		}
		switch {
		case first:
			common, first = by, false
		case by.Saga != common.Saga:
			return saga.Operation{}
		case by.Step != common.Step:
			common.Step, common.Direction = "", ""
		case by.Direction != common.Direction:
			common.Direction = ""
		}
	}
	return common
}

func unknown(op porcupine.Operation) bool {
	_, yes := op.Output.(Unknown)
	return yes
}
