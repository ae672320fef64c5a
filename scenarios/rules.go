package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/internal/yamlfile"
	"github.com/sagacheck/sagacheck/saga"
)

// checkPolicies checks the defaults first: a step that overrides nothing shares
// their mistakes and would only repeat them.
func (s *Scenario) checkPolicies(ps *yamlfile.Problems) {
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
			ps.Add(at+"retry.max_attempts", "%d: expected 0 (until it succeeds): a retriable step must not be given up", action.MaxAttempts)
		}
		if st.Kind == saga.Retriable && action.DeadlineMS != 0 {
			ps.Add(at+"retry.deadline_ms", "%d: expected 0 (none): a retriable step must not be given up", action.DeadlineMS)
		}
		if action.Rounds > 1 && (!st.ReadBack || st.Kind != saga.Compensatable) {
			ps.Add(at+"retry.rounds", "%d: expected a compensatable step with read_back: nobody can be asked between rounds, or it is not given up", action.Rounds)
		}
		if undo := s.undoPolicy(st); undo.Rounds > 1 {
			ps.Add(at+"undo_retry.rounds", "%d: expected none: only an action has rounds", undo.Rounds)
		}
		if st.UndoRetry != nil && st.undoMode() == UndoNone {
			ps.Add(at+"undo_retry", "expected nothing: the step has no compensation")
		}
	}
}

// checkPolicy puts the field that the policy complains of into the path.
func checkPolicy(ps *yamlfile.Problems, at string, p saga.RetryPolicy) {
	n := len(*ps)
	checkRange(ps, at+".max_attempts", p.MaxAttempts, 0, maxAttempts)
	checkRange(ps, at+".initial_interval_ms", p.InitialIntervalMS, 0, maxTimeMS)
	checkRange(ps, at+".max_interval_ms", p.MaxIntervalMS, 0, maxTimeMS)
	checkRange(ps, at+".attempt_timeout_ms", p.AttemptTimeoutMS, minTimeoutMS, maxTimeMS)
	checkRange(ps, at+".deadline_ms", p.DeadlineMS, 0, maxTimeMS)
	checkRange(ps, at+".round_delay_ms", p.RoundDelayMS, 0, maxTimeMS)
	if len(*ps) > n {
		return
	}
	if a := p.Adaptive; !a.IsZero() && !wordPattern.MatchString(a.Name) {
		ps.Add(at+".adaptive.name", "%q: %s", a.Name, wordExpected)
	}
	addProblem(ps, at, p.Validate())
}

// Limits of the numbers of policies and breakers: a call can't be made in less than
// minTimeoutMS, nobody waits longer than an hour, and a failure point has an
// attempt of at most four digits.
const (
	maxAttempts  = saga.MostAttempts
	minTimeoutMS = 5
	maxTimeMS    = 3_600_000
)

func checkRange(ps *yamlfile.Problems, field string, v, lo, hi int) {
	if v < lo || v > hi {
		ps.Add(field, "%d: expected %d to %d", v, lo, hi)
	}
}

func (s *Scenario) checkBreakers(ps *yamlfile.Problems) {
	first := map[string]int{}
	for i, st := range s.Steps {
		b := st.Breaker
		if b == nil {
			continue
		}
		at := fmt.Sprintf("steps[%d].breaker", i)
		if !wordPattern.MatchString(b.Name) {
			ps.Add(at+".name", "%q: %s", b.Name, wordExpected)
		}
		checkRange(ps, at+".failures", b.Failures, 1, maxAttempts)
		checkRange(ps, at+".open_ms", b.OpenMS, 1, maxTimeMS)
		checkRange(ps, at+".probes", b.Probes, 1, maxAttempts)
		if j, ok := first[b.Name]; !ok {
			first[b.Name] = i
		} else if *b != *s.Steps[j].Breaker {
			ps.Add(at, "%q: expected the same numbers as in steps[%d], which shares the breaker", b.Name, j)
		}
	}
}

// checkReadBacks refuses what can't be read back.
func (s *Scenario) checkReadBacks(ps *yamlfile.Problems) {
	for i, st := range s.Steps {
		if st.ReadBack && slices.ContainsFunc(st.Do, func(c Change) bool { return c.Transfer == nil }) {
			ps.Add(fmt.Sprintf("steps[%d].read_back", i), "expected a step that does transfers only")
		}
	}
}

// checkBudgets checks what bounds the retries of several calls together.
func (s *Scenario) checkBudgets(ps *yamlfile.Problems) {
	first := map[string]int{}
	for i, st := range s.Steps {
		b := st.RetryBudget
		if b == nil {
			continue
		}
		at := fmt.Sprintf("steps[%d].retry_budget", i)
		if !wordPattern.MatchString(b.Name) {
			ps.Add(at+".name", "%q: %s", b.Name, wordExpected)
		}
		checkRange(ps, at+".burst", b.Burst, 1, maxAttempts)
		addProblem(ps, at, b.Validate())
		if j, ok := first[b.Name]; !ok {
			first[b.Name] = i
		} else if *b != *s.Steps[j].RetryBudget {
			ps.Add(at, "%q: expected the same numbers as in steps[%d], which shares the budget", b.Name, j)
		}
	}
	checkRange(ps, "budget.attempts", s.Budget.Attempts, 0, len(s.Steps)*maxAttempts)
	checkRange(ps, "budget.time_ms", s.Budget.TimeMS, 0, maxTimeMS)
	addProblem(ps, "budget", s.Budget.Validate(len(s.Steps)))
}

// checkRounds refuses rounds of the saga in which something would be done twice.
func (s *Scenario) checkRounds(ps *yamlfile.Problems) {
	checkRange(ps, "rounds", s.Rounds, 0, 10)
	checkRange(ps, "round_delay_ms", s.RoundDelayMS, 0, maxTimeMS)
	if s.RoundDelayMS > 0 && s.Rounds < 2 {
		ps.Add("round_delay_ms", "%d: expected rounds of 2 or more", s.RoundDelayMS)
	}
	for i, st := range s.Steps {
		switch at := fmt.Sprintf("steps[%d].", i); {
		case s.Rounds < 2:
		case st.FallbackFor != "":
			ps.Add(at+"fallback_for", "expected none in a saga with rounds")
		case st.undoMode() == UndoNone && (st.Kind == saga.Compensatable || st.Kind == saga.Deferrable):
			ps.Add(at+"undo", "expected one in a saga with rounds: the step would be done again in each")
		}
	}
}

// addProblem puts the field that an error begins with into the path.
func addProblem(ps *yamlfile.Problems, at string, err error) {
	if err == nil {
		return
	}
	field, reason, _ := strings.Cut(err.Error(), ": ")
	if at += "." + field; !slices.ContainsFunc(*ps, func(p *yamlfile.Problem) bool { return p.Field == at }) {
		ps.Add(at, "%s", reason)
	}
}

// checkGraph checks that the saga can always end all-done or all-undone: once a
// step that can't be undone has succeeded, nothing may be left that can fail.
func (s *Scenario) checkGraph(ps *yamlfile.Problems) {
	_, before, ok := s.order()
	if !ok {
		ps.Add("steps", "expected an order: after has a cycle: %s", strings.Join(s.cycle(), " waits for "))
		return
	}
	pivot := -1
	for i, st := range s.Steps {
		if st.Kind != saga.Pivot {
			continue
		}
		if pivot >= 0 {
			ps.Add(fmt.Sprintf("steps[%d].kind", i), "expected one pivot: %q is one already", s.Steps[pivot].Name)
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
			ps.Add(fmt.Sprintf("steps[%d].after", i), "expected that the %s %q comes before the %s %q: %s",
				other.Kind, other.Name, st.Kind, st.Name, "when it fails, what came before must still be undone")
		}
		if st.Kind == saga.Retriable && pivot < 0 {
			ps.Add(fmt.Sprintf("steps[%d].kind", i), "retriable: expected a pivot before it: nobody could tell from when on nothing is undone any more")
		}
		s.checkDeferrables(ps, i)
	}
}

// checkDeferrables refuses a core step that waits for a deferrable one, because
// then the deferrable step would be critical.
func (s *Scenario) checkDeferrables(ps *yamlfile.Problems, i int) {
	if s.Steps[i].Kind == saga.Deferrable {
		return
	}
	waits := s.predecessors(i)
	for j, other := range s.Steps {
		if waits.has(j) && other.Kind == saga.Deferrable {
			ps.Add(fmt.Sprintf("steps[%d].after", i), "%q is deferrable: expected that only deferrable steps wait for it; name other steps in after", other.Name)
		}
	}
}

// checkWrites follows each register through a saga that runs alone: its writers
// must be ordered, and each must find the value that it starts from. Else the
// participants would refuse the step for ever.
func (s *Scenario) checkWrites(ps *yamlfile.Problems) {
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
				ps.Add(at, "register %q is written by %q too: expected one of the two steps to come after the other", w.Register, s.Steps[k].Name)
				continue
			}
			if have := value[w.Register]; have != w.From {
				ps.Add(at, "register %q is changed from %q: expected %q, the value that it has by then", w.Register, w.From, have)
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
