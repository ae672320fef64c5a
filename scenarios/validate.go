package scenarios

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/sagacheck/sagacheck/internal/yamlfile"
	"github.com/sagacheck/sagacheck/saga"
)

var (
	wordPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	namePattern = regexp.MustCompile(`^[^\s/]+$`)
)

// maxAmount is how large an amount may be: what all steps of all sagas of a cell
// move together has to fit into 64 bits.
const maxAmount = 1e12

const wordExpected = "expected lower-case letters, digits and hyphens, at most 63"

// Validate checks everything that can be known before a saga runs. The error
// joins a Problem for each thing that is wrong.
func (s *Scenario) Validate() error { return s.problems().Err() }

func (s *Scenario) problems() yamlfile.Problems {
	var ps yamlfile.Problems
	if !wordPattern.MatchString(s.Name) {
		ps.Add("name", "%q: %s", s.Name, wordExpected)
	}
	if strings.TrimSpace(s.Description) == "" {
		ps.Add("description", "expected a sentence that says what the saga does")
	}
	checkPrintable(&ps, "description", s.Description)
	if s.Sagas < 1 || s.Sagas > 1000 {
		ps.Add("sagas", "%d: expected 1 to 1000", s.Sagas)
	}
	if len(s.Steps) == 0 || len(s.Steps) > maxSteps {
		ps.Add("steps", "%d: expected 1 to %d steps", len(s.Steps), maxSteps)
		return ps
	}
	for i := range s.Steps {
		s.checkStep(&ps, i)
	}
	s.checkPolicies(&ps)
	s.checkBreakers(&ps)
	s.checkBudgets(&ps)
	s.checkRounds(&ps)
	s.checkReadBacks(&ps)
	s.checkRegisters(&ps)
	s.checkThread(&ps)
	if !ps.Touches("steps") { // the rest needs steps that are right one by one
		s.checkGraph(&ps)
	}
	if !ps.Touches("steps") && !ps.Touches("registers") {
		s.checkWrites(&ps)
	}
	if len(ps) == 0 {
		s.checkDefinitions(&ps)
	}
	return ps
}

func (s *Scenario) checkStep(ps *yamlfile.Problems, i int) {
	st, at := &s.Steps[i], fmt.Sprintf("steps[%d]", i)
	switch {
	case !wordPattern.MatchString(st.Name):
		ps.Add(at+".name", "%q: %s", st.Name, wordExpected)
	case st.Name == saga.SubmitStep:
		ps.Add(at+".name", "%q: expected another name: this one stands for the client's call", st.Name)
	case s.at(st.Name) < i:
		ps.Add(at+".name", "%q: expected a name of its own: steps[%d] has it already", st.Name, s.at(st.Name))
	}
	if !wordPattern.MatchString(st.Participant) {
		ps.Add(at+".participant", "%q: %s", st.Participant, wordExpected)
	}
	switch st.Kind {
	case saga.Compensatable, saga.Pivot, saga.Retriable, saga.Deferrable:
	default:
		ps.Add(at+".kind", "%q: expected compensatable, pivot, retriable or deferrable", st.Kind)
	}
	for j, name := range st.After {
		field := fmt.Sprintf("%s.after[%d]", at, j)
		switch {
		case s.at(name) < 0:
			ps.Add(field, "%q: expected the name of a step: one of %s", name, s.otherSteps(i))
		case s.at(name) == i:
			ps.Add(field, "%q: expected another step: a step can't wait for itself", name)
		case slices.Index(st.After, name) < j:
			ps.Add(field, "%q: expected each step once", name)
		}
	}
	checkChanges(ps, at+".do", st.Do)
	if u := st.Undo; u != nil {
		switch u.Mode {
		case UndoInverse, UndoNone:
		case "":
			checkChanges(ps, at+".undo", u.Do)
		default:
			ps.Add(at+".undo", "%q: expected inverse, none or a list of changes", u.Mode)
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

func checkChanges(ps *yamlfile.Problems, field string, changes []Change) {
	if len(changes) == 0 {
		ps.Add(field, "expected at least one of transfer, set, create, delete")
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
			ps.Add(at, "expected exactly one of transfer, set, create, delete, not %d", n)
		}
	}
}

func checkTransfer(ps *yamlfile.Problems, at string, t *Transfer) {
	checkName(ps, at+".from", t.From)
	checkName(ps, at+".to", t.To)
	if t.From == t.To {
		ps.Add(at+".to", "%q: expected another account than from", t.To)
	}
	if t.Amount < 1 || t.Amount > maxAmount {
		ps.Add(at+".amount", "%d: expected a whole number of 1 to %d, in the smallest unit (cents, pieces)", t.Amount, int64(maxAmount))
	}
	checkName(ps, at+".unit", t.Unit)
}

func checkSet(ps *yamlfile.Problems, at string, set *Set) {
	checkName(ps, at+".register", set.Register)
	checkValue(ps, at+".from", set.From)
	checkValue(ps, at+".to", set.To)
	if set.From == set.To {
		ps.Add(at+".to", "%q: expected another value than from", set.To)
	}
}

// checkName refuses names that could not be told apart in a ledger: the slash
// ends the participant's name, white space ends the account's.
func checkName(ps *yamlfile.Problems, field, name string) {
	if !namePattern.MatchString(name) {
		ps.Add(field, "%q: expected a name without spaces and slashes; the participant's name is put before it", name)
		return
	}
	checkValue(ps, field, name)
}

// checkPrintable refuses what can't be shown, but for the ends of lines.
func checkPrintable(ps *yamlfile.Problems, field, text string) {
	for _, r := range text {
		if !unicode.IsPrint(r) && r != '\n' {
			ps.Add(field, "%q: expected no control characters: %U is one", text, r)
			return
		}
	}
}

func checkValue(ps *yamlfile.Problems, field, value string) {
	checkPrintable(ps, field, value)
	if strings.ContainsAny(strings.ReplaceAll(value, placeholder, ""), "{}") {
		ps.Add(field, "%q: expected %s as the only placeholder", value, placeholder)
	}
}

func (s *Scenario) checkRegisters(ps *yamlfile.Problems) {
	participants := s.Participants()
	for name, value := range s.Registers {
		field := "registers." + name
		participant, register, ok := strings.Cut(name, "/")
		switch {
		case !ok:
			ps.Add(field, "%q: expected participant/register", name)
		case !slices.Contains(participants, participant):
			ps.Add(field, "%q: expected a participant of a step before the slash: one of %s", name, strings.Join(participants, ", "))
		default:
			checkName(ps, field, register)
		}
		if value == "" {
			ps.Add(field, "expected a value: a register that is not listed does not exist yet")
		}
		checkValue(ps, field, value)
	}
	slices.SortStableFunc(*ps, func(a, b *yamlfile.Problem) int { // the map has no order of its own
		if strings.HasPrefix(a.Field, "registers.") && strings.HasPrefix(b.Field, "registers.") {
			return strings.Compare(a.Field, b.Field)
		}
		return 0
	})
}

func (s *Scenario) checkThread(ps *yamlfile.Problems) {
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
			ps.Add("thread."+f.name, "expected a text")
		}
	}
	if !slices.Contains([]string{"", "naive", "keyed", "fenced"}, t.Participants) {
		ps.Add("thread.participants", "%q: expected naive, keyed or fenced", t.Participants)
	}
	if _, ok := t.Plan["faults"].([]any); !ok {
		ps.Add("thread.plan", "expected a plan: {faults: [...]}; the empty list is the run without faults")
	}
}

// checkDefinitions is the safety net: what orchestrators are sent must be valid.
func (s *Scenario) checkDefinitions(ps *yamlfile.Problems) {
	defs, _ := s.Build(exampleIDs(1), func(int, saga.StepRef) string { return "http://127.0.0.1" })
	for _, d := range defs {
		if err := d.Validate(); err != nil {
			field, reason, _ := strings.Cut(err.Error(), ": ")
			ps.Add(field, "%s", reason)
		}
		for i, st := range d.Steps {
			for _, call := range []*saga.Call{&st.Action, st.Compensation} {
				if call == nil {
					continue
				}
				if e, err := call.Effect(); err != nil {
					ps.Add(fmt.Sprintf("steps[%d]", i), "%v", err)
				} else if err := e.Validate(); err != nil {
					ps.Add(fmt.Sprintf("steps[%d]", i), "%v", err)
				}
			}
		}
	}
}
