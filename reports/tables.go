package reports

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/results"
)

// tables are all tables of a run, in the order of the report.
func tables(r *results.Run) []table {
	var out []table
	if len(r.Results) > 0 {
		out = append(out, matrix(r))
	}
	if r.Coverage != nil {
		out = append(out, coverageTables(r.Coverage)...)
	}
	if r.Mutants != nil {
		out = append(out, mutantTables(r.Mutants)...)
	}
	if r.Comparison != nil {
		out = append(out, comparisonTables(r.Comparison)...)
	}
	return out
}

const matrixLegend = "✓ n: held, at risk n times · ✗ n: broken in n cells · ? n: inconclusive in n cells · ○: never at risk · –: not applicable · i n: advice, n findings"

// flakyLegend stands below the matrix where there is such a mark.
const flakyLegend = flakyMark + " n: broken in n cells, and none of the findings came back in each replay: flaky"

// flakyMark is that of what is violated, and flaky: it is told apart without colours.
const flakyMark = "✗~"

// matrix is property × scenario.
func matrix(r *results.Run) table {
	t := table{Title: "Property × scenario", Notes: legend(r), Head: append([]string{"property"}, r.Scenarios()...)}
	rows, note := applicable(r)
	t.Notes = append(t.Notes, note...)
	for _, p := range rows {
		cells := plainCells(p.Name)
		for _, s := range t.Head[1:] {
			res, ok := r.Result(p.Name, s)
			if !ok {
				cells = append(cells, cell{})
				continue
			}
			cells = append(cells, resultCell(r, res))
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

// applicable are the properties that have a row: those that are not applicable are a number in a note, and the
// lines below the table say which and why. If none is applicable, all have one.
func applicable(r *results.Run) (rows []results.Property, note []string) {
	for _, p := range r.Properties {
		if p.Verdict != checkers.NotApplicable {
			rows = append(rows, p)
		}
	}
	n := len(r.Properties) - len(rows)
	switch {
	case len(rows) == 0:
		return r.Properties, nil
	case n == 1:
		note = append(note, "1 more property is not applicable: why is said below")
	case n > 1:
		note = append(note, fmt.Sprintf("%d more properties are not applicable: why is said below", n))
	}
	return rows, note
}

// legend explains the marks of the matrix.
func legend(r *results.Run) []string {
	if slices.ContainsFunc(r.Results, func(res results.Result) bool { return flakyOnly(r, res) }) {
		return []string{matrixLegend, flakyLegend}
	}
	return []string{matrixLegend}
}

func resultCell(r *results.Run, res results.Result) cell {
	switch res.Verdict {
	case checkers.Violation:
		if flakyOnly(r, res) {
			return cell{fmt.Sprintf("%s %d", flakyMark, res.Cells.Violation), bad}
		}
		return cell{fmt.Sprintf("✗ %d", res.Cells.Violation), bad}
	case checkers.Inconclusive:
		return cell{fmt.Sprintf("? %d", res.Cells.Inconclusive), warn}
	case checkers.Pass:
		if res.Findings > 0 {
			return cell{fmt.Sprintf("i %d", res.Findings), warn}
		}
		return cell{fmt.Sprintf("✓ %d", res.AtRisk), good}
	case checkers.NotApplicable:
		return cell{"–", dim}
	}
	return cell{"○", dim}
}

// condensed is the matrix for a place too narrow for it: one line a property,
// that names only the scenarios where it did not hold.
func condensed(r *results.Run) table {
	t := table{Title: "Properties", Head: []string{"property", "verdict", "scenarios"}, Wrap: 2, Notes: legend(r)}
	rows, note := applicable(r)
	t.Notes = append(t.Notes, note...)
	for _, p := range rows {
		by := map[string][]string{}
		held := 0
		for _, res := range r.Results {
			switch {
			case res.Property != p.Name:
			case res.Verdict == checkers.Pass && res.Findings == 0:
				held++
			default:
				mark := resultCell(r, res).Text
				by[mark] = append(by[mark], res.Scenario)
			}
		}
		parts := []string{}
		if held > 0 {
			parts = append(parts, fmt.Sprintf("✓ in %d", held))
		}
		for _, mark := range slices.Sorted(maps.Keys(by)) {
			parts = append(parts, mark+" "+strings.Join(by[mark], " "))
		}
		t.row(p.Name, propertyCell(p), strings.Join(parts, " · "))
	}
	return t
}

func propertyCell(p results.Property) cell {
	tones := map[checkers.Outcome]tone{
		checkers.Pass: good, checkers.Violation: bad, checkers.Inconclusive: warn, checkers.Vacuous: warn, checkers.NotApplicable: dim,
	}
	if p.Advice && p.Verdict == checkers.Vacuous {
		return cell{string(p.Verdict), dim}
	}
	return cell{string(p.Verdict), tones[p.Verdict]}
}

// troubled are the listed cells that had an error or missed a fault.
func troubled(r *results.Run) []results.Cell {
	var out []results.Cell
	for _, c := range r.Cells {
		if c.Error != "" || c.Verdict == checkers.Vacuous {
			out = append(out, c)
		}
	}
	return out[:min(len(out), 100)]
}

// trouble says what was wrong with a cell.
func trouble(c results.Cell) string {
	if c.Error != "" {
		return c.Error
	}
	return "did not fire: " + c.Missing()
}

func troubledTable(r *results.Run) (table, bool) {
	t := table{Title: "Cells without a verdict", Head: []string{"cell", "scenario", "plan", "why"}}
	for _, c := range troubled(r) {
		t.row(c.ID, c.Scenario, c.Plan, trouble(c))
	}
	return t, len(t.Rows) > 0
}

// facts are what a reader needs to know to run it again.
func facts(r *results.Run) table {
	t := table{Title: "This run", Head: []string{"what", "value"}}
	who := strings.TrimSpace(r.Orchestrator.Name + " " + r.Orchestrator.Version)
	for _, f := range [][2]string{
		{"command", "sagacheck " + r.Command},
		{"sagacheck", r.Tool},
		{"orchestrator", who},
		{"capabilities", strings.Join(r.Orchestrator.Capabilities, ", ")},
		{"participants", r.Profile},
		{"seed", fmt.Sprint(r.Seed)},
		{"started", r.Started.UTC().Format(time.RFC3339)},
		{"duration", (time.Duration(r.DurationMS) * time.Millisecond).String()},
		{"events judged", fmt.Sprint(r.Totals.Events)},
		{"exit code", fmt.Sprint(r.Summary.Exit)},
	} {
		if f[1] != "" {
			t.row(f[0], f[1])
		}
	}
	if r.Shard != nil && r.Shard.Merged > 0 {
		t.row("joined from", words.Plural(r.Shard.Merged, "shard"))
	}
	return t
}
