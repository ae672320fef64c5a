package results

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/sagacheck/sagacheck/checkers"
)

// consistent says what in a report contradicts something else in it: the field, and what was expected there. What
// another version of sagacheck may judge otherwise is none of that.
func (r *Run) consistent() error {
	if err := notNegative("totals", r.Totals); err != nil {
		return err
	}
	s := r.Summary
	if green := r.Green(); green != (s.Exit == ExitPass) && (green || r.Gate == nil || len(r.Gate.FailOn) == 0) {
		return fmt.Errorf("summary.exit: %d beside the outcome %q: expected 0 for pass and known, and for no other unless the gate lets it through", s.Exit, s.Outcome)
	}
	if r.Mutants != nil || r.Comparison != nil { // whose cells are meant to be red
		return nil
	}
	violated, err := r.consistentResults()
	if err != nil {
		return err
	}
	if err := r.consistentTotals(violated); err != nil {
		return err
	}
	return r.consistentPass()
}

// consistentResults holds verdicts against the cells that they are made of, and tells whether any is a violation.
func (r *Run) consistentResults() (violated bool, err error) {
	broken := map[string]bool{}
	for i, res := range r.Results {
		field := fmt.Sprintf("results[%d]", i)
		if err := notNegative(field+".cells", res.Cells); err != nil {
			return false, err
		}
		if want := res.Cells.outcome(); res.Verdict != want {
			return false, fmt.Errorf("%s.verdict: %q of %s in %s: expected %q, by its cells", field, res.Verdict, res.Property, res.Scenario, want)
		}
		broken[res.Property] = broken[res.Property] || res.Verdict == checkers.Violation
		violated = violated || res.Verdict == checkers.Violation
	}
	for i, p := range r.Properties {
		if (p.Verdict == checkers.Violation) != broken[p.Name] {
			return false, fmt.Errorf("properties[%d].verdict: %q of %s: expected what its results say (a violation there: %v)", i, p.Verdict, p.Name, broken[p.Name])
		}
		delete(broken, p.Name)
	}
	for name := range broken {
		return false, fmt.Errorf("properties: expected %s, which has results", name)
	}
	return violated, nil
}

func (r *Run) consistentTotals(violated bool) error {
	t := r.Totals
	if sum := t.Passed + t.Violated + t.Inconclusive + t.Vacuous + t.Errors; sum < t.Cells || sum > t.Cells+t.Repeated {
		return fmt.Errorf("totals: %d cells by outcome: expected cells, %d, and of the %d repeated those that broke something", sum, t.Cells, t.Repeated)
	}
	if violated != (t.Violated > 0) {
		return fmt.Errorf("totals.violated: %d: expected what the results say (a violation there: %v)", t.Violated, violated)
	}
	if listed := len(r.Cells) - len(slices.DeleteFunc(slices.Clone(r.Cells), func(c Cell) bool { return c.Verdict == checkers.Violation })); listed > t.Violated {
		return fmt.Errorf("totals.violated: %d: expected %d at the least, as many cells are listed", t.Violated, listed)
	}
	if violated && len(r.Found) == 0 {
		return fmt.Errorf("found: missing: expected what broke %d cells", t.Violated)
	}
	return nil
}

// consistentPass says what keeps a run from being the pass that it is called.
func (r *Run) consistentPass() error {
	if r.Summary.Outcome != Passed {
		return nil
	}
	t := r.Totals
	if t.Violated+t.Inconclusive+t.Vacuous+t.Errors+len(r.Errors) > 0 || t.Cells == 0 || r.Interrupted {
		return fmt.Errorf(`summary.outcome: "pass": expected another, by totals (%d cells, %d violated, %d inconclusive, %d vacuous, %d in error), errors (%d) and interrupted (%v)`,
			t.Cells, t.Violated, t.Inconclusive, t.Vacuous, t.Errors, len(r.Errors), r.Interrupted)
	}
	for i, p := range r.Properties {
		if !p.Advice && p.Verdict != checkers.Pass && p.Verdict != checkers.NotApplicable {
			return fmt.Errorf(`summary.outcome: "pass": expected another, since properties[%d], %s, is %q`, i, p.Name, p.Verdict)
		}
	}
	return nil
}

// notNegative names the count of a struct that is less than 0.
func notNegative(field string, counts any) error {
	v := reflect.ValueOf(counts)
	for i := range v.NumField() {
		if n := v.Field(i).Int(); n < 0 {
			return fmt.Errorf("%s.%s: %d: expected 0 or more", field, jsonName(v.Type().Field(i)), n)
		}
	}
	return nil
}
