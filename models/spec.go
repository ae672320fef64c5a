package models

import (
	"github.com/anishathalye/porcupine"
)

// Spec is the sequential specification of one partition.
type Spec struct {
	// Model is the specification as porcupine takes it. Its states are comparable
	// and any two legal orders of the same operations end in the same state.
	Model porcupine.Model
	// Why says in words which guarantee an operation breaks in a state; it is
	// asked only where Model.Step refuses.
	Why func(state, input, output any) string
	// explain picks those of the operations before an illegal one that a person
	// needs to see why it is illegal.
	explain func(s Spec, before []porcupine.Operation, illegal porcupine.Operation) []porcupine.Operation
}

// Unknown as the output of an operation says that nobody saw its outcome: it may
// have had its effect, or not.
type Unknown struct{}

// from is the specification with another initial state.
func (s Spec) from(state any) porcupine.Model {
	m := s.Model
	m.Init = func() any { return state }
	return m
}

// run applies operations in the order given. It tells where it ended and whether
// all of them were legal.
func (s Spec) run(ops []porcupine.Operation) (state any, ok bool) {
	state = s.Model.Init()
	for _, op := range ops {
		if ok, state = s.Model.Step(state, op.Input, op.Output); !ok {
			return state, false
		}
	}
	return state, true
}

// dropBudget bounds the steps that minimising a witness may take.
const dropBudget = 100_000

// drop leaves out operations, the earliest first, as long as the illegal one
// stays illegal for the same reason.
func drop(s Spec, before []porcupine.Operation, illegal porcupine.Operation) []porcupine.Operation {
	reason := func(ops []porcupine.Operation) string {
		state, ok := s.run(ops)
		if !ok {
			return ""
		}
		if ok, _ := s.Model.Step(state, illegal.Input, illegal.Output); ok {
			return ""
		}
		return s.Why(state, illegal.Input, illegal.Output)
	}
	want := reason(before)
	for i, spent := 0, 0; i < len(before) && spent < dropBudget; spent += len(before) {
		fewer := append(before[:i:i], before[i+1:]...)
		if reason(fewer) == want {
			before = fewer
		} else {
			i++
		}
	}
	return before
}
