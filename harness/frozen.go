package harness

import (
	"strings"

	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
)

// Frozen makes the sagas of a stored cell again: the same steps, effects and
// policies, under new ids and addresses.
type Frozen struct {
	Definitions []saga.Definition
	Registers   map[string]string
}

var _ Source = Frozen{}

// Build puts the new ids in the place of the old ones, also where they are part
// of the name of an account or a register.
func (f Frozen) Build(ids []string, address scenarios.Address) ([]saga.Definition, map[string]string) {
	var pairs []string
	for n, d := range f.Definitions {
		pairs = append(pairs, d.ID, ids[n])
	}
	renew := strings.NewReplacer(pairs...)
	var defs []saga.Definition
	for n, d := range f.Definitions {
		again := saga.Definition{ID: ids[n], Name: d.Name}
		for _, s := range d.Steps {
			again.Steps = append(again.Steps, f.step(s, n, renew, address))
		}
		defs = append(defs, again)
	}
	registers := map[string]string{}
	for name, value := range f.Registers {
		registers[renew.Replace(name)] = renew.Replace(value)
	}
	return defs, registers
}

func (f Frozen) step(s saga.Step, n int, renew *strings.Replacer, address scenarios.Address) saga.Step {
	s.Action.Body = []byte(renew.Replace(string(s.Action.Body)))
	s.Action.Breaker = renewBreaker(s.Action.Breaker, renew)
	s.Action.URL = address(n, saga.StepRef{Step: s.Name, Direction: saga.Action})
	if s.Compensation != nil {
		undo := *s.Compensation
		undo.Body = []byte(renew.Replace(string(undo.Body)))
		undo.Breaker = renewBreaker(undo.Breaker, renew)
		undo.URL = address(n, saga.StepRef{Step: s.Name, Direction: saga.Compensation})
		s.Compensation = &undo
	}
	return s
}

func renewBreaker(b *saga.Breaker, renew *strings.Replacer) *saga.Breaker {
	if b == nil {
		return nil
	}
	again := *b
	again.Name = renew.Replace(again.Name)
	return &again
}
