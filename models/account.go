package models

import (
	"fmt"
	"math"

	"github.com/anishathalye/porcupine"
)

// Add is the input of an operation on an account: Amount is added.
type Add struct {
	Amount int64
	By     Delivery
}

// Balance is the input of an operation that reads an account; the output is the
// balance as an int64.
type Balance struct{ Participant string }

// Account specifies an account of a ledger, and a stock, which is an account in
// pieces: it starts at 0, additions commute, and a read sees the sum of all
// additions before it. name and unit are for people.
func Account(name, unit string) Spec {
	return Spec{
		Model: porcupine.Model{
			Init: func() any { return int64(0) },
			Step: func(state, input, output any) (bool, any) {
				sum := state.(int64)
				if add, ok := input.(Add); ok {
					return true, sum + add.Amount
				}
				return output.(int64) == sum, sum
			},
			DescribeOperation: func(input, output any) string {
				if add, ok := input.(Add); ok {
					return fmt.Sprintf("%v: %+d %s%s", add.By, add.Amount, unit, maybe(output))
				}
				return fmt.Sprintf("read: %d %s", output, unit)
			},
			DescribeState: func(state any) string { return fmt.Sprintf("%d %s", state, unit) },
		},
		Why: func(state, _, output any) string {
			return fmt.Sprintf("broke the ledger: the effects on account %q sum to %d %s, but it was read as %d", name, state, unit, output)
		},
		explain: uncancelled,
	}
}

// uncancelled leaves out pairs of additions that cancel each other, so that the
// sum stays what it is.
func uncancelled(_ Spec, before []porcupine.Operation, _ porcupine.Operation) []porcupine.Operation {
	open := map[int64][]int{} // positions of additions of that amount that are not cancelled
	gone := make([]bool, len(before))
	for i, op := range before {
		add, ok := op.Input.(Add)
		if !ok || add.Amount == 0 {
			gone[i] = true
			continue
		}
		if o := open[-add.Amount]; len(o) > 0 && add.Amount != math.MinInt64 {
			gone[i], gone[o[len(o)-1]] = true, true
			open[-add.Amount] = o[:len(o)-1]
			continue
		}
		open[add.Amount] = append(open[add.Amount], i)
	}
	var kept []porcupine.Operation
	for i, op := range before {
		if !gone[i] {
			kept = append(kept, op)
		}
	}
	return kept
}

func maybe(output any) string {
	if _, ok := output.(Unknown); ok {
		return " (outcome unknown)"
	}
	return ""
}
