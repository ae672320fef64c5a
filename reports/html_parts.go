package reports

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/results"
)

// tile is a figure at the head of the page.
type tile struct {
	cell
	What string
}

// tiles are what the verdict rests on, at a glance.
func tiles(r *results.Run) []tile {
	t := r.Totals
	if t.Cells == 0 {
		return nil
	}
	ran, planned := plans(r)
	planned = max(planned, ran)
	out := []tile{
		{cell{fmt.Sprintf("%d of %d", ran, planned), toneIf(ran < planned, warn, plain)}, "planned cells run"},
		{cell{fmt.Sprint(t.Violated), toneIf(t.Violated > 0, bad, good)}, "cells violated"},
	}
	if t.FaultsPlanned > 0 || t.Probes == 0 {
		out = append(out, tile{cell{fmt.Sprintf("%d of %d", t.FaultsFired, t.FaultsPlanned), toneIf(t.FaultsFired < t.FaultsPlanned, warn, good)}, "planned faults fired"})
	}
	if t.Probes > 0 {
		out = append(out, tile{cell{fmt.Sprintf("%d of %d", t.Probes-t.Missed, t.Probes), toneIf(t.Missed > 0, warn, good)}, "probes hit"})
	}
	n := map[checkers.Outcome]int{}
	risk := 0
	for _, p := range r.Properties {
		risk += p.AtRisk
		if !p.Advice {
			n[p.Verdict]++
		}
	}
	out = append(out, tile{cell{fmt.Sprint(risk), plain}, "times at risk"})
	for _, p := range []struct {
		outcomes []checkers.Outcome
		tone     tone
		what     string
	}{
		{[]checkers.Outcome{checkers.Violation}, bad, "properties broken"},
		{[]checkers.Outcome{checkers.Pass}, good, "properties held"},
		{[]checkers.Outcome{checkers.Vacuous, checkers.Inconclusive}, warn, "properties not proven"},
		{[]checkers.Outcome{checkers.NotApplicable}, dim, "not applicable"},
	} {
		sum := 0
		for _, o := range p.outcomes {
			sum += n[o]
		}
		if sum > 0 {
			out = append(out, tile{cell{fmt.Sprint(sum), p.tone}, p.what})
		}
	}
	return out
}

func toneIf(yes bool, then, or tone) tone {
	if yes {
		return then
	}
	return or
}

// matrixPage is the matrix with a link behind each mark.
type matrixPage struct {
	Scenarios []string
	Rows      []matrixRow
	None      []string // properties that are not applicable anywhere
}

type matrixRow struct {
	Property string
	Marks    []matrixMark
}

type matrixMark struct {
	cell
	Scenario, Link, Said string
}

// newMatrixPage links each mark to the finding that it tells of, or to what is known of the property.
func newMatrixPage(r *results.Run, found []*cause) *matrixPage {
	p := &matrixPage{Scenarios: r.Scenarios()}
	links := map[string]string{} // by property and scenario
	for _, own := range []bool{true, false} {
		for _, c := range found {
			names := []string{c.Property}
			if !own {
				names = c.Also
			}
			for _, name := range names {
				k := name + " " + c.Scenario
				links[k] = cmp.Or(links[k], c.ID)
			}
		}
	}
	for _, x := range r.Properties {
		if x.Verdict == checkers.NotApplicable {
			p.None = append(p.None, x.Name)
			continue
		}
		row := matrixRow{Property: x.Name}
		for _, s := range p.Scenarios {
			m := matrixMark{Scenario: s}
			if res, ok := r.Result(x.Name, s); ok {
				m.cell = resultCell(r, res)
				m.Link, m.Said = "property-"+x.Name, fmt.Sprintf("%s in %s: %s, at risk %d", x.Name, s, res.Verdict, res.AtRisk)
				if flakyOnly(r, res) {
					m.Said += ", flaky"
				}
				if m.Tone == bad || m.Tone == warn {
					m.Link = cmp.Or(links[x.Name+" "+s], m.Link)
				}
			}
			row.Marks = append(row.Marks, m)
		}
		p.Rows = append(p.Rows, row)
	}
	return p
}

// promise is a property with what is known of it.
type promise struct {
	results.Property
	Verdict cell
	Why     string
	Clauses []cell
}

func promises(r *results.Run) []promise {
	var out []promise
	for _, p := range r.Properties {
		x := promise{Property: p, Verdict: propertyCell(p)}
		x.Verdict.Text = map[tone]string{good: "✓ ", bad: "✗ ", warn: "○ ", dim: "– "}[x.Verdict.Tone] + x.Verdict.Text
		if p.Verdict != checkers.Pass && p.Verdict != checkers.Violation {
			x.Why = p.Reason
		}
		for _, k := range p.Clauses {
			if c := clauseLine(k); p.Verdict != checkers.NotApplicable {
				c.Text = strings.TrimSpace(c.Text)
				x.Clauses = append(x.Clauses, c)
			}
		}
		out = append(out, x)
	}
	return out
}

// filter is a choice of what is shown.
type filter struct {
	Label, Name string
	Values      []string
}

func filters(r *results.Run, found []*cause) []filter {
	all := []filter{{Label: "Property", Name: "property"}, {Label: "Scenario", Name: "scenario", Values: r.Scenarios()}, {Label: "Fault", Name: "fault"}, {Label: "Step", Name: "step"}}
	for _, p := range r.Properties {
		all[0].Values = append(all[0].Values, p.Name)
	}
	kinds, steps := map[string]bool{}, map[string]bool{}
	note := func(to map[string]bool, list []string) {
		for _, v := range list {
			to[v] = true
		}
	}
	for _, c := range r.Cells {
		note(kinds, kindsOf(c.PlanFaults))
		note(steps, stepsOf(c.PlanFaults))
	}
	for _, c := range found {
		note(kinds, c.Kinds)
		note(steps, c.Steps)
	}
	all[2].Values, all[3].Values = slices.Sorted(maps.Keys(kinds)), slices.Sorted(maps.Keys(steps))
	return all
}

// cellVerdict is what came of a cell.
func cellVerdict(c results.Cell) cell {
	switch {
	case c.Error != "":
		return cell{"✗ error: " + c.Error, bad}
	case c.Verdict == checkers.Violation:
		return cell{"✗ violation", bad}
	case c.Again && c.Verdict == checkers.Pass:
		return cell{"○ its fault did not fire: run again", dim}
	case c.Verdict == checkers.Pass:
		return cell{"✓ pass", good}
	}
	return cell{"○ " + string(c.Verdict), warn}
}

// cellsInBlock is how many cells are a table of their own: a browser lays out only those that are seen.
const cellsInBlock = 200

// block is some of the cells.
type block struct {
	From, To int
	Cells    []results.Cell
}

func blocks(cells []results.Cell) []block {
	var out []block
	for list := range slices.Chunk(cells, cellsInBlock) {
		from := len(out)*cellsInBlock + 1
		out = append(out, block{from, from + len(list) - 1, list})
	}
	return out
}
