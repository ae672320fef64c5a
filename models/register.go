package models

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// Write is the input of an operation that sets a register to To. Its output is
// the value that it found there (a string), or Unknown.
type Write struct {
	To string
	By Delivery
}

// Value is the input of an operation that reads a register; the output is its
// value as a string.
type Value struct{ Participant string }

// Register specifies a register (the status of an order, the existence of a
// record): a write finds the value that the write before it left, and a read
// sees the last one. The empty value means that there is no record.
func Register(name, initial string) Spec {
	return Spec{
		Model: porcupine.Model{
			Init: func() any { return initial },
			Step: func(state, input, output any) (bool, any) {
				found, known := output.(string)
				ok := !known || found == state.(string)
				if w, write := input.(Write); write {
					return ok, w.To
				}
				return ok, state
			},
			DescribeOperation: func(input, output any) string {
				if w, ok := input.(Write); ok {
					return fmt.Sprintf("%v: %v → %q%s", w.By, quoted(output), w.To, maybe(output))
				}
				return fmt.Sprintf("read: %v", quoted(output))
			},
			DescribeState: func(state any) string { return fmt.Sprintf("%q", state) },
		},
		Why: func(state, input, output any) string {
			if w, ok := input.(Write); ok {
				return fmt.Sprintf("broke the register: %v found register %q to be %q, but it was left as %q", w.By, name, output, state)
			}
			return fmt.Sprintf("broke the register: register %q was left as %q, but it was read as %q", name, state, output)
		},
		explain: func(_ Spec, before []porcupine.Operation, _ porcupine.Operation) []porcupine.Operation {
			for i := len(before) - 1; i >= 0; i-- {
				if _, ok := before[i].Input.(Write); ok {
					return before[i : i+1]
				}
			}
			return nil
		},
	}
}

func quoted(output any) string {
	if v, ok := output.(string); ok {
		return fmt.Sprintf("%q", v)
	}
	return "?"
}
