package results

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/words"
)

// violatedReasons names each property that was violated: first those under which a
// cause is told, then those that the same cells broke besides.
func (r *Run) violatedReasons() []string {
	var out, besides []string
	for _, p := range r.Properties {
		if p.Verdict != checkers.Violation || p.Advice || r.accepted(p.Name) {
			continue
		}
		n := r.countsOf(p.Name)
		if n.Beside == n.Violation {
			besides = append(besides, fmt.Sprintf("%s in %s", p.Name, words.Plural(n.Violation, "cell")))
		} else {
			out = append(out, fmt.Sprintf("%s was violated in %s", p.Name, words.Plural(n.Violation, "cell"))+n.elsewhere())
		}
	}
	if len(besides) > 0 {
		out = append(out, "the same cells also broke "+strings.Join(besides, ", "))
	}
	if len(out) > 0 {
		out = append(out, r.Gate.news()...)
	}
	return out
}

// elsewhere says in how many of the violated cells the story is one of another property.
func (c Counts) elsewhere() string {
	if c.Beside == 0 {
		return ""
	}
	return fmt.Sprintf(", in %d of them told under another property", c.Beside)
}

// countsOf are the cells of a property, over all scenarios.
func (r *Run) countsOf(property string) (n Counts) {
	for _, res := range r.Results {
		if res.Property == property {
			n.join(res.Cells)
		}
	}
	return n
}

// BesideKnown is what is open of a property that was violated in ways only that don't fail the run, since they
// are known or let through: that proves nothing.
func (r *Run) BesideKnown(p Property) (inconclusive, vacuous []string) {
	if p.Advice || p.Verdict != checkers.Violation || !r.excused(p.Name) {
		return nil, nil
	}
	beside := "beside what is known"
	if !r.accepted(p.Name) {
		beside = "beside what is let through"
	}
	if n := r.countsOf(p.Name).Inconclusive; n > 0 {
		inconclusive = append(inconclusive, fmt.Sprintf("%s is inconclusive in %s, %s", p.Name, words.Plural(n, "cell"), beside))
	}
	if why := p.open(r.Clause); why != "" {
		vacuous = append(vacuous, p.Name+" is not proven, "+beside+": "+why)
	}
	return inconclusive, vacuous
}

func (r *Run) errorReasons() []string {
	out := slices.Clone(r.Errors)
	if n := r.Totals.Errors; n > 0 {
		why := words.Plural(n, "cell") + " failed to run"
		if i := slices.IndexFunc(r.Cells, func(c Cell) bool { return c.Error != "" }); i >= 0 {
			why += fmt.Sprintf(", the first (%s): %s", r.Cells[i].ID, r.Cells[i].Error)
		}
		out = append(out, why)
	}
	return out
}

// LeftOutReasons says how many plans were not run, of how many, and why; and how
// many are missing without a word, as those of a run that was killed.
func (r *Run) LeftOutReasons() []string {
	out := slices.Clone(r.Unfinished)
	left := 0
	var why []string
	for _, n := range r.LeftOut {
		left += n.Plans
		why = append(why, n.Reason)
		if len(r.LeftOut) > 1 {
			why[len(why)-1] += fmt.Sprintf(" (%d)", n.Plans)
		}
	}
	if left > 0 {
		of := words.Plural(left, "plan")
		if r.Planned >= left {
			of = fmt.Sprintf("%d of %s", left, words.Plural(r.Planned, "plan"))
		}
		out = append(out, of+" not run: "+strings.Join(why, "; "))
	}
	if missing := r.Planned - r.Totals.Cells - left; missing > 0 && len(r.Unfinished) == 0 {
		out = append(out, fmt.Sprintf("incomplete: %d of %s are there", r.Totals.Cells, words.Plural(r.Planned, "planned cell")))
	}
	return out
}

// unreached says that the system under test called nobody, so that nothing was
// tested, whatever else the cells show.
func (r *Run) unreached() []string {
	if r.Totals.Calls > 0 || r.Address == "" {
		return nil
	}
	return []string{"no call reached a participant: does it call the addresses that it is sent? for example " + r.Address}
}

func (r *Run) unprovenReasons() (inconclusive, vacuous []string) {
	if r.Totals.Cells == 0 && len(r.Errors) == 0 {
		vacuous = append(vacuous, "no cell was judged")
	}
	if n := r.Totals.Vacuous; n > 0 {
		why := "a planned fault did not fire in " + words.Plural(n, "cell")
		if i := slices.IndexFunc(r.Cells, func(c Cell) bool { return c.Verdict == checkers.Vacuous }); i >= 0 {
			why += fmt.Sprintf(", the first (%s): %s", r.Cells[i].ID, r.Cells[i].Missing())
		}
		vacuous = append(vacuous, why)
	}
	if why := r.NothingJudged(); why != "" {
		vacuous = append(vacuous, why)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Sometimes)) {
		if r.Sometimes[name] == 0 {
			vacuous = append(vacuous, fmt.Sprintf("the invariant %s was true in no saga: expected sometimes", name))
		}
	}
	for _, p := range r.Properties {
		switch {
		case p.Advice:
		case p.Verdict == checkers.Violation:
			open, unproven := r.BesideKnown(p)
			inconclusive, vacuous = append(inconclusive, open...), append(vacuous, unproven...)
		case p.Verdict == checkers.Inconclusive:
			inconclusive = append(inconclusive, p.Name+" is inconclusive: "+cmp.Or(p.Reason, "no reason was given"))
		case p.Verdict == checkers.Vacuous && r.Totals.Cells > 0:
			vacuous = append(vacuous, p.Name+unproven(p)+cmp.Or(p.Reason, "no reason was given"))
		}
	}
	return inconclusive, vacuous
}

// NothingJudged says why a run has shown nothing although no property is open:
// all that was selected is advice, or not applicable. Empty: something was judged.
func (r *Run) NothingJudged() string {
	if r.Totals.Cells == 0 {
		return ""
	}
	var whys []string
	for _, p := range r.Properties {
		switch {
		case p.Advice:
		case p.Verdict == checkers.NotApplicable:
			whys = append(whys, p.Name+": "+p.Reason)
		default:
			return ""
		}
	}
	if len(whys) == 0 {
		return "nothing was judged: only advice was selected, which is never red"
	}
	return "nothing was judged: no selected property is applicable: " + strings.Join(whys, "; ")
}

// unproven tells a property that was never at risk from one of which a part was not.
func unproven(p Property) string {
	if p.CellsAtRisk > 0 {
		return " is not proven: "
	}
	return " was never at risk: "
}
