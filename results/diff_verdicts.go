package results

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/words"
)

// VerdictChange is a property with another verdict.
type VerdictChange struct {
	Property string           `json:"property"`
	Scenario string           `json:"scenario,omitempty"` // empty: over all of them
	Then     checkers.Outcome `json:"then,omitempty"`     // empty: not judged, as is the next
	Now      checkers.Outcome `json:"now,omitempty"`
}

// lost tells whether something was decided then and not now.
func (v VerdictChange) lost() bool { return decided(v.Then) && !decided(v.Now) }

// broke tells whether something is broken that was not.
func (v VerdictChange) broke() bool {
	return v.Then != checkers.Violation && v.Now == checkers.Violation
}

// verdicts compares what was judged, property by property, in each scenario that both ran and over
// all: what one scenario shows makes up for nothing in another one.
func (d *Diff) verdicts(then, now *Run) {
	d.NotRun = orEmpty(without(then.Scenarios(), now.Scenarios()))
	d.Verdicts, d.Open = []VerdictChange{}, []string{}
	both := common(then.Scenarios(), now.Scenarios())
	for _, name := range propertyNames(then) {
		var changes []VerdictChange
		for _, s := range both {
			a, _ := then.Result(name, s)
			b, _ := now.Result(name, s)
			if a.Verdict != b.Verdict {
				changes = append(changes, VerdictChange{name, s, a.Verdict, b.Verdict})
			}
			if n := b.Cells.Inconclusive; n > 0 && a.Cells.Inconclusive == 0 && b.Verdict == checkers.Violation {
				d.Open = append(d.Open, fmt.Sprintf("%s in %s: in %s", name, s, words.Plural(n, "cell")))
			}
		}
		all := VerdictChange{Property: name, Then: then.verdict(name), Now: now.verdict(name)}
		told := func(c VerdictChange) bool { return c.Then == all.Then && c.Now == all.Now }
		if all.Then != all.Now && !slices.ContainsFunc(changes, told) {
			changes = append(changes, all)
		}
		d.Verdicts = append(d.Verdicts, changes...)
	}
	a, b := then.judged(both), now.judged(both)
	d.Unjudged, d.Judged = orEmpty(without(a, b)), orEmpty(without(b, a))
}

// verdict is that of a property over all scenarios; empty: it was not selected.
func (r *Run) verdict(property string) checkers.Outcome {
	i := slices.IndexFunc(r.Properties, func(p Property) bool { return p.Name == property })
	if i < 0 {
		return ""
	}
	return r.Properties[i].Verdict
}

// judged are the clauses that were judged in any of the scenarios, each as "property in scenario: clause".
func (r *Run) judged(scenarios []string) []string {
	var out []string
	for _, res := range r.Results {
		for _, k := range res.Clauses {
			if k.Judged() > 0 && slices.Contains(scenarios, res.Scenario) {
				out = append(out, fmt.Sprintf("%s in %s: %s", res.Property, res.Scenario, k.Clause))
			}
		}
	}
	return out
}

// Text is the change on one line.
func (v VerdictChange) Text() string {
	where := ""
	if v.Scenario != "" {
		where = " in " + v.Scenario
	}
	return fmt.Sprintf("%s%s: %s → %s", v.Property, where, cmp.Or(v.Then, "not judged"), cmp.Or(v.Now, "not judged"))
}

// decide takes the exit code from what changed, and from how the run of now ended.
func (d *Diff) decide() {
	why := func(n int, what, reason string) {
		if n > 0 {
			d.Reasons = append(d.Reasons, words.Plural(n, what)+reason)
		}
	}
	lost, broke := 0, 0
	for _, v := range d.Verdicts {
		if v.lost() {
			lost++
		}
		if v.broke() {
			broke++
		}
	}
	why(len(d.New), "new finding", "")
	if len(d.New) == 0 { // which tell it, where there are any
		why(broke, "verdict", " of then broken now")
	}
	why(len(d.NotTried), "finding", " of then could not show now")
	why(len(d.NotRun), "scenario", " of then not run now")
	why(lost, "verdict", " of then open now")
	why(len(d.Open), "broken property", " left open besides")
	why(len(d.Unjudged), "clause", " judged then and not now")
	switch o := d.Now.Outcome; o {
	case Incomplete, Errored, Interrupted, Inconclusive, Vacuous:
		d.Reasons = append(d.Reasons, "the run of now is "+string(o))
	default: // a violation, of which all may be known, weighs more
		if len(d.Now.Troubles) > 0 {
			d.Reasons = append(d.Reasons, "the run of now is not whole")
		}
	}
	switch {
	case len(d.New)+broke > 0:
		d.Exit = ExitViolation
	case len(d.Reasons) > 0:
		d.Exit = ExitUnproven
	}
}
