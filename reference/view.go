package reference

import (
	"maps"
	"slices"
	"sync"

	"github.com/sagacheck/sagacheck/saga"
)

// view is the durable state of a saga, for those who ask: it follows the state that
// decides by one commit, and no copy is made of either.
type view struct {
	mu sync.Mutex
	s  *State
}

// apply takes in what has become durable.
func (v *view) apply(records []Record) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, r := range records {
		if r.Kind == recAccepted {
			continue
		}
		if err := v.s.apply(r); err != nil { // it fitted the state that it was made for
			panic(err)
		}
	}
}

// report is the answer to a status question; false: no such saga is known.
func (v *view) report() (saga.Report, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.s.rules.Report(v.s)
}

// decide tells what would come of what an operator asks for, of a saga at which nobody works.
func (v *view) decide(a Asked) (ruling, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.s.decide(a, false)
}

// clone is a copy that changes by itself.
func (s *State) clone() *State {
	c := *s
	c.Actions, c.Undos, c.policies = slices.Clone(s.Actions), slices.Clone(s.Undos), slices.Clone(s.policies)
	c.asked, c.drifts = maps.Clone(s.asked), slices.Clone(s.drifts)
	c.all = newOverview(&c)
	return &c
}
