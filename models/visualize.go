package models

import (
	"errors"
	"fmt"
	"html"
	"io"
	"slices"

	"github.com/anishathalye/porcupine"
	"github.com/sagacheck/sagacheck/history"
)

// ErrNothingToDraw says that no model speaks of the property in that history.
var ErrNothingToDraw = errors.New("nothing to draw: no model speaks of it")

// drawn names the partitions that show something about a property. All
// properties that are not here have no picture.
var drawn = map[string][]Kind{
	"not-linearizable":       {AccountKind, StockKind, RegisterKind, EndpointKind, LifecycleKind},
	"duplicate-effect":       {EndpointKind},
	"duplicate-compensation": {EndpointKind},
	"empty-compensation":     {EndpointKind},
	"hanging-action":         {EndpointKind},
	"false-status":           {LifecycleKind},
	"lost-saga":              {LifecycleKind},
	"double-credit":          {AccountKind, StockKind},
	"lost-update":            {RegisterKind},
	"dirty-read":             {RegisterKind},
}

// Bounds of a picture that a browser still shows.
const (
	maxDrawnPartitions = 20
	maxDrawnOps        = 400
)

// Visualize writes porcupine's HTML picture of the partitions that bear on a
// property: the illegal ones if there are any, else those that were at risk. Of
// a partition too large for a picture only the operations that have no order are
// drawn, and of those the last. ErrNothingToDraw if there is none.
func Visualize(_ *history.History, ix *history.Index, property string, w io.Writer) error {
	parts := pictures(ix, drawn[property])
	if len(parts) == 0 {
		return fmt.Errorf("%w: %q", ErrNothingToDraw, property)
	}
	var ops []porcupine.Operation
	for i, p := range parts {
		for _, op := range rows(p.ops) {
			op.Input = placed{i, op.Input}
			ops = append(ops, op)
		}
	}
	model := together(parts)
	_, info := porcupine.CheckOperationsVerbose(model, ops, DefaultLimits().Time)
	return porcupine.Visualize(model, info, w)
}

// picture is a partition, or a part of one, and where it starts.
type picture struct {
	p     *Partition
	ops   []porcupine.Operation
	state any
}

func pictures(ix *history.Index, kinds []Kind) []picture {
	var illegal, others []picture
	for _, p := range Partitions(ix) {
		if !slices.Contains(kinds, p.Kind) {
			continue
		}
		if r := p.Check(DefaultLimits()); r.Verdict == porcupine.Illegal {
			illegal = append(illegal, p.window(r))
		} else if p.AtRisk {
			others = append(others, p.whole())
		}
	}
	if len(illegal) > 0 {
		others = illegal
	}
	return others[:min(len(others), maxDrawnPartitions)]
}

func (p *Partition) whole() picture {
	ops := p.Ops[:min(len(p.Ops), maxDrawnOps)]
	return picture{p, ops, p.Spec.Model.Init()}
}

// window is the illegal partition up to where it breaks.
func (p *Partition) window(r Result) picture {
	last := slices.MaxFunc(r.group, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) }).Call
	all := slices.DeleteFunc(slices.Concat(p.Ops, p.Unknown), func(op porcupine.Operation) bool { return op.Call > last })
	if len(all) <= maxDrawnOps {
		return picture{p, all, p.Spec.Model.Init()}
	}
	return picture{p, r.group[max(0, len(r.group)-maxDrawnOps):], r.state}
}

// rows gives operations that overlap a row each (porcupine's client).
func rows(ops []porcupine.Operation) []porcupine.Operation {
	ops = slices.Clone(ops)
	slices.SortStableFunc(ops, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	var free []int64 // when each row is free
	for i := range ops {
		row := slices.IndexFunc(free, func(end int64) bool { return end < ops[i].Call })
		if row < 0 {
			row, free = len(free), append(free, 0)
		}
		ops[i].ClientId, free[row] = row, ops[i].Return
	}
	return ops
}

// placed is an input with the number of its picture.
type placed struct {
	picture int
	input   any
}

// together is one model for several partitions, as a picture wants it.
func together(parts []picture) porcupine.Model {
	type state struct {
		set   bool
		spec  int
		value any
	}
	spec := func(input any) Spec { return parts[input.(placed).picture].p.Spec }
	return porcupine.Model{
		Partition: func(ops []porcupine.Operation) [][]porcupine.Operation {
			all := make([][]porcupine.Operation, len(parts))
			for _, op := range ops {
				i := op.Input.(placed).picture
				all[i] = append(all[i], op)
			}
			return all
		},
		Init: func() any { return state{} },
		Step: func(st, input, output any) (bool, any) {
			in, s := input.(placed), st.(state)
			if !s.set {
				s.value = parts[in.picture].state
			}
			ok, next := spec(input).Model.Step(s.value, in.input, output)
			return ok, state{true, in.picture, next}
		},
		DescribeOperation: func(input, output any) string {
			in := input.(placed)
			return parts[in.picture].p.String() + ": " + spec(input).Model.DescribeOperation(in.input, output)
		},
		DescribeState: func(st any) string {
			if s, ok := st.(state); ok && s.set {
				return html.EscapeString(parts[s.spec].p.Spec.Model.DescribeState(s.value)) // the page takes it for markup
			}
			return ""
		},
		DescribeOperationMetadata: func(m any) string { return fmt.Sprintf("events %v", m) },
	}
}
