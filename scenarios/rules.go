package scenarios

import (
	"fmt"
	"strings"

	"github.com/sagacheck/sagacheck/saga"
)

// checkPolicies checks the defaults first: a step that overrides nothing shares
// their mistakes and would only repeat them.
func (s *Scenario) checkPolicies(ps *problems) {
	n := len(*ps)
	checkPolicy(ps, "retry", s.Retry.over(DefaultRetry))
	checkPolicy(ps, "undo_retry", s.UndoRetry.over(DefaultUndoRetry))
	if len(*ps) > n {
		return
	}
	for i := range s.Steps {
		st, at := &s.Steps[i], fmt.Sprintf("steps[%d].", i)
		action := s.actionPolicy(st)
		checkPolicy(ps, at+"retry", action)
		checkPolicy(ps, at+"undo_retry", s.undoPolicy(st))
		if st.Kind == saga.Retriable && action.MaxAttempts != 0 {
			ps.add(at+"retry.max_attempts", "%d: expected 0 (until it succeeds): a retriable step must not be given up", action.MaxAttempts)
		}
		if st.Kind == saga.Retriable && action.DeadlineMS != 0 {
			ps.add(at+"retry.deadline_ms", "%d: expected 0 (none): a retriable step must not be given up", action.DeadlineMS)
		}
		if st.UndoRetry != nil && st.undoMode() == UndoNone {
			ps.add(at+"undo_retry", "expected nothing: the step has no compensation")
		}
	}
}

// checkPolicy puts the field that the policy complains of into the path.
func checkPolicy(ps *problems, at string, p saga.RetryPolicy) {
	if err := p.Validate(); err != nil {
		field, reason, _ := strings.Cut(err.Error(), ": ")
		ps.add(at+"."+field, "%s", reason)
	}
}

func (s *Scenario) checkBreakers(ps *problems) {
	first := map[string]int{}
	for i, st := range s.Steps {
		b := st.Breaker
		if b == nil {
			continue
		}
		at := fmt.Sprintf("steps[%d].breaker", i)
		if !wordPattern.MatchString(b.Name) {
			ps.add(at+".name", "%q: %s", b.Name, wordExpected)
		}
		for _, f := range []struct {
			name  string
			value int
		}{{"failures", b.Failures}, {"open_ms", b.OpenMS}, {"probes", b.Probes}} {
			if f.value < 1 {
				ps.add(at+"."+f.name, "%d: expected 1 or more", f.value)
			}
		}
		if j, ok := first[b.Name]; !ok {
			first[b.Name] = i
		} else if *b != *s.Steps[j].Breaker {
			ps.add(at, "%q: expected the same numbers as in steps[%d], which shares the breaker", b.Name, j)
		}
	}
}

// checkGraph checks that the saga can always end all-done or all-undone: once a
// step that can't be undone has succeeded, nothing may be left that can fail.
func (s *Scenario) checkGraph(ps *problems) {
	_, before, ok := s.order()
	if !ok {
		ps.add("steps", "expected an order: after has a cycle")
		return
	}
	pivot := -1
	for i, st := range s.Steps {
		if st.Kind != saga.Pivot {
			continue
		}
		if pivot >= 0 {
			ps.add(fmt.Sprintf("steps[%d].kind", i), "expected one pivot: %q is one already", s.Steps[pivot].Name)
			return
		}
		pivot = i
	}
	for i, st := range s.Steps {
		var must set // the steps that must come before this one
		for j, other := range s.Steps {
			if other.Kind == saga.Compensatable && (st.Kind == saga.Pivot || st.Kind == saga.Retriable) ||
				other.Kind == saga.Pivot && st.Kind == saga.Retriable {
				must = must.with(j)
			}
		}
		if missing := must.without(before[i]); missing != 0 {
			other := s.Steps[missing.first()]
			ps.add(fmt.Sprintf("steps[%d].after", i), "expected that the %s %q comes before the %s %q: %s",
				other.Kind, other.Name, st.Kind, st.Name, "when it fails, what came before must still be undone")
		}
		s.checkDeferrables(ps, i)
	}
}

// checkDeferrables refuses a core step that waits for a deferrable one, because
// then the deferrable step would be critical.
func (s *Scenario) checkDeferrables(ps *problems, i int) {
	if s.Steps[i].Kind == saga.Deferrable {
		return
	}
	waits := s.predecessors(i)
	for j, other := range s.Steps {
		if waits.has(j) && other.Kind == saga.Deferrable {
			ps.add(fmt.Sprintf("steps[%d].after", i), "%q is deferrable: expected that only deferrable steps wait for it; name other steps in after", other.Name)
		}
	}
}

// checkWrites follows each register through a saga that runs alone: its writers
// must be ordered, and each must find the value that it starts from. Else the
// participants would refuse the step for ever.
func (s *Scenario) checkWrites(ps *problems) {
	sorted, before, _ := s.order()
	id := exampleIDs(1)[0]
	value, writer := map[string]string{}, map[string]int{}
	for name, v := range s.Registers {
		value[fill(name, id)] = fill(v, id)
	}
	for _, i := range sorted {
		st := &s.Steps[i]
		for _, w := range st.writes(id) {
			at := fmt.Sprintf("steps[%d].do[%d]", i, w.change)
			if k, ok := writer[w.Register]; ok && k != i && !before[i].has(k) {
				ps.add(at, "register %q is written by %q too: expected one of the two steps to come after the other", w.Register, s.Steps[k].Name)
				continue
			}
			if have := value[w.Register]; have != w.From {
				ps.add(at, "register %q is changed from %q: expected %q, the value that it has by then", w.Register, w.From, have)
			}
			value[w.Register], writer[w.Register] = w.To, i
		}
	}
}

type indexedWrite struct {
	saga.Write
	change int // index in do
}

// writes are the writes of the action with the change that each comes from.
func (st *Step) writes(id string) []indexedWrite {
	var ws []indexedWrite
	for i := range st.Do {
		for _, w := range effect(st.Do[i:i+1], st.Participant, id).Writes {
			ws = append(ws, indexedWrite{w, i})
		}
	}
	return ws
}
