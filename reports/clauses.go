package reports

import (
	"fmt"
	"strings"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/results"
)

// riskLines say how often each property was at risk, and what could not be judged.
// Of the clauses they tell those that could mostly not be judged, or all. What is not
// applicable for one reason is one line, at the end.
func riskLines(r *results.Run, all bool) []cell {
	var out, reasons []cell
	names := map[string][]string{} // by reason
	for _, p := range r.Properties {
		if p.Verdict == checkers.NotApplicable {
			if names[p.Reason] == nil {
				reasons = append(reasons, cell{p.Reason, dim})
			}
			names[p.Reason] = append(names[p.Reason], p.Name)
			continue
		}
		out = append(out, riskLine(p))
		if len(p.Clauses) < 2 {
			continue
		}
		for _, k := range p.Clauses {
			if all || toTell(k) {
				out = append(out, clauseLine(k))
			}
		}
	}
	for _, c := range reasons {
		out = append(out, cell{strings.Join(names[c.Text], ", ") + ": not applicable: " + c.Text, c.Tone})
	}
	return out
}

// toTell: what is known of a clause is the lesser part. That it is open altogether
// is said of its property.
func toTell(k checkers.Count) bool { return !k.Open() && k.Unjudgeable > k.Judged() }

func riskLine(p results.Property) cell {
	c := cell{Text: fmt.Sprintf("%s: at risk %s in %d of %s", p.Name, words.Times(p.AtRisk), p.CellsAtRisk, words.Plural(p.Cells, "cell"))}
	switch {
	case p.Verdict == checkers.Vacuous && p.CellsAtRisk == 0:
		return cell{p.Name + ": never at risk: " + p.Reason, warn}
	case p.Verdict == checkers.Vacuous: // the reasons below say why
		return cell{c.Text + ", not proven", warn}
	case len(p.Clauses) == 1:
		c.Text += unjudged(p.Clauses[0])
	default:
		n := 0
		for _, k := range p.Clauses {
			n += k.Unjudgeable
		}
		if n > 0 {
			c.Text += fmt.Sprintf(", could not be judged %s", words.Times(n))
		}
	}
	if p.Findings > 0 {
		c.Text += fmt.Sprintf(", %s (advice)", words.Plural(p.Findings, "finding"))
	}
	return c
}

func clauseLine(k checkers.Count) cell {
	switch {
	case k.Lacks != "":
		return cell{fmt.Sprintf("  %s: not applicable: %s", k.Clause, k.Lacks), dim}
	case k.Open():
		return cell{fmt.Sprintf("  %s: judged in no cell%s", k.Clause, unjudged(k)), warn}
	}
	return cell{Text: fmt.Sprintf("  %s: judged %s%s", k.Clause, words.Times(k.Judged()), unjudged(k))}
}

// unjudged says how often a clause could not be judged, and why.
func unjudged(k checkers.Count) string {
	if k.Unjudgeable == 0 {
		return ""
	}
	return fmt.Sprintf(", could not be judged %s: %s", words.Times(k.Unjudgeable), k.Why)
}

// clauseTable has every clause of every property that is applicable.
func clauseTable(r *results.Run) (table, bool) {
	t := table{
		Title: "Clauses", Head: []string{"property", "clause", "held", "broken", "could not be judged", "why"}, Wrap: 5,
		Notes: []string{"A property is a list of promises, its clauses. It is green only if each of them was judged in some cell, or is not applicable."},
	}
	for _, p := range r.Properties {
		if p.Verdict == checkers.NotApplicable {
			continue
		}
		for _, k := range p.Clauses {
			t.Rows = append(t.Rows, clauseRow(p.Name, k))
		}
	}
	return t, len(t.Rows) > 0
}

func clauseRow(property string, k checkers.Count) []cell {
	row := plainCells(property, k.Clause)
	if k.Lacks != "" {
		return append(row, cell{"–", dim}, cell{"–", dim}, cell{"–", dim}, cell{"not applicable: " + k.Lacks, dim})
	}
	number := func(n int, t tone) cell {
		if n == 0 {
			t = plain
		}
		return cell{fmt.Sprint(n), t}
	}
	held := number(k.Held, good)
	if k.Open() {
		held = cell{"0", warn}
	}
	return append(row, held, number(k.Broken, bad), number(k.Unjudgeable, plain), cell{Text: k.Why})
}
