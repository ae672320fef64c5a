package scenarios

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/saga"
)

var (
	wordPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	namePattern = regexp.MustCompile(`^[^\s/]+$`)
)

const wordExpected = "expected lower-case letters, digits and hyphens, at most 63"

// Validate checks everything that can be known before a saga runs. The error
// joins a Problem for each thing that is wrong.
func (s *Scenario) Validate() error { return s.problems().err() }

func (s *Scenario) problems() problems {
	var ps problems
	if !wordPattern.MatchString(s.Name) {
		ps.add("name", "%q: %s", s.Name, wordExpected)
	}
	if strings.TrimSpace(s.Description) == "" {
		ps.add("description", "expected a sentence that says what the saga does")
	}
	if s.Sagas < 1 || s.Sagas > 1000 {
		ps.add("sagas", "%d: expected 1 to 1000", s.Sagas)
	}
	if len(s.Steps) == 0 || len(s.Steps) > maxSteps {
		ps.add("steps", "%d: expected 1 to %d steps", len(s.Steps), maxSteps)
		return ps
	}
	for i := range s.Steps {
		s.checkStep(&ps, i)
	}
	s.checkPolicies(&ps)
	s.checkBreakers(&ps)
	s.checkRegisters(&ps)
	s.checkThread(&ps)
	if len(ps) == 0 { // the rest needs steps that are right one by one
		s.checkGraph(&ps)
	}
	if len(ps) == 0 {
		s.checkWrites(&ps)
	}
	if len(ps) == 0 {
		s.checkDefinitions(&ps)
	}
	return ps
}

func (s *Scenario) checkStep(ps *problems, i int) {
	st, at := &s.Steps[i], fmt.Sprintf("steps[%d]", i)
	switch {
	case !wordPattern.MatchString(st.Name):
		ps.add(at+".name", "%q: %s", st.Name, wordExpected)
	case st.Name == saga.SubmitStep:
		ps.add(at+".name", "%q: expected another name: this one stands for the client's call", st.Name)
	case s.at(st.Name) < i:
		ps.add(at+".name", "%q: expected a name of its own: steps[%d] has it already", st.Name, s.at(st.Name))
	}
	if !wordPattern.MatchString(st.Participant) {
		ps.add(at+".participant", "%q: %s", st.Participant, wordExpected)
	}
	switch st.Kind {
	case saga.Compensatable, saga.Pivot, saga.Retriable, saga.Deferrable:
	default:
		ps.add(at+".kind", "%q: expected compensatable, pivot, retriable or deferrable", st.Kind)
	}
	for j, name := range st.After {
		field := fmt.Sprintf("%s.after[%d]", at, j)
		switch {
		case s.at(name) < 0:
			ps.add(field, "%q: expected the name of a step: one of %s", name, s.otherSteps(i))
		case s.at(name) == i:
			ps.add(field, "%q: expected another step: a step can't wait for itself", name)
		case slices.Index(st.After, name) < j:
			ps.add(field, "%q: expected each step once", name)
		}
	}
	checkChanges(ps, at+".do", st.Do)
	if u := st.Undo; u != nil {
		switch u.Mode {
		case UndoInverse, UndoNone:
		case "":
			checkChanges(ps, at+".undo", u.Do)
		default:
			ps.add(at+".undo", "%q: expected inverse, none or a list of changes", u.Mode)
		}
	}
}

func (s *Scenario) otherSteps(i int) string {
	var names []string
	for j, st := range s.Steps {
		if j != i {
			names = append(names, st.Name)
		}
	}
	return strings.Join(names, ", ")
}

func checkChanges(ps *problems, field string, changes []Change) {
	if len(changes) == 0 {
		ps.add(field, "expected at least one of transfer, set, create, delete")
	}
	for i, c := range changes {
		at := fmt.Sprintf("%s[%d]", field, i)
		n := 0
		if c.Transfer != nil {
			n++
			checkTransfer(ps, at+".transfer", c.Transfer)
		}
		if c.Set != nil {
			n++
			checkSet(ps, at+".set", c.Set)
		}
		if c.Create != nil {
			n++
			checkName(ps, at+".create.record", c.Create.Record)
		}
		if c.Delete != nil {
			n++
			checkName(ps, at+".delete.record", c.Delete.Record)
		}
		if n != 1 {
			ps.add(at, "expected exactly one of transfer, set, create, delete, not %d", n)
		}
	}
}

func checkTransfer(ps *problems, at string, t *Transfer) {
	checkName(ps, at+".from", t.From)
	checkName(ps, at+".to", t.To)
	if t.From == t.To {
		ps.add(at+".to", "%q: expected another account than from", t.To)
	}
	if t.Amount < 1 || t.Amount > 1e15 {
		ps.add(at+".amount", "%d: expected a whole number of 1 or more, in the smallest unit (cents, pieces)", t.Amount)
	}
	checkName(ps, at+".unit", t.Unit)
}

func checkSet(ps *problems, at string, set *Set) {
	checkName(ps, at+".register", set.Register)
	checkValue(ps, at+".from", set.From)
	checkValue(ps, at+".to", set.To)
	if set.From == set.To {
		ps.add(at+".to", "%q: expected another value than from", set.To)
	}
}

// checkName refuses names that could not be told apart in a ledger: the slash
// ends the participant's name, white space ends the account's.
func checkName(ps *problems, field, name string) {
	if !namePattern.MatchString(name) {
		ps.add(field, "%q: expected a name without spaces and slashes; the participant's name is put before it", name)
		return
	}
	checkValue(ps, field, name)
}

func checkValue(ps *problems, field, value string) {
	if strings.ContainsAny(strings.ReplaceAll(value, placeholder, ""), "{}") {
		ps.add(field, "%q: expected %s as the only placeholder", value, placeholder)
	}
}

func (s *Scenario) checkRegisters(ps *problems) {
	participants := s.Participants()
	for name, value := range s.Registers {
		field := "registers." + name
		participant, register, ok := strings.Cut(name, "/")
		switch {
		case !ok:
			ps.add(field, "%q: expected participant/register", name)
		case !slices.Contains(participants, participant):
			ps.add(field, "%q: expected a participant of a step before the slash: one of %s", name, strings.Join(participants, ", "))
		default:
			checkName(ps, field, register)
		}
		if value == "" {
			ps.add(field, "expected a value: a register that is not listed does not exist yet")
		}
		checkValue(ps, field, value)
	}
	slices.SortStableFunc(*ps, func(a, b *Problem) int { // the map has no order of its own
		if strings.HasPrefix(a.Field, "registers.") && strings.HasPrefix(b.Field, "registers.") {
			return strings.Compare(a.Field, b.Field)
		}
		return 0
	})
}

func (s *Scenario) checkThread(ps *problems) {
	t := s.Thread
	if t == nil {
		return
	}
	for _, f := range []struct{ name, value string }{
		{"ref", t.Ref},
		{"symptom", t.Symptom},
		{"trigger", t.Trigger},
		{"defect", t.Defect},
		{"checker", t.Checker},
	} {
		if strings.TrimSpace(f.value) == "" {
			ps.add("thread."+f.name, "expected a text")
		}
	}
	if !slices.Contains([]string{"", "naive", "keyed", "fenced"}, t.Participants) {
		ps.add("thread.participants", "%q: expected naive, keyed or fenced", t.Participants)
	}
	if _, ok := t.Plan["faults"].([]any); !ok {
		ps.add("thread.plan", "expected a plan: {faults: [...]}; the empty list is the run without faults")
	}
}

// checkDefinitions is the safety net: what orchestrators are sent must be valid.
func (s *Scenario) checkDefinitions(ps *problems) {
	defs, _ := s.Build(exampleIDs(1), func(int, saga.StepRef) string { return "http://127.0.0.1" })
	for _, d := range defs {
		if err := d.Validate(); err != nil {
			ps.add("", "%v", err)
		}
		for i, st := range d.Steps {
			for _, call := range []*saga.Call{&st.Action, st.Compensation} {
				if call == nil {
					continue
				}
				if e, err := call.Effect(); err != nil {
					ps.add(fmt.Sprintf("steps[%d]", i), "%v", err)
				} else if err := e.Validate(); err != nil {
					ps.add(fmt.Sprintf("steps[%d]", i), "%v", err)
				}
			}
		}
	}
}
