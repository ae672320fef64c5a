package reports

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/results"
)

func mutantHeadline(m *results.Mutants) string {
	parts := []string{words.Plural(len(m.Defects)-len(m.With(results.Silent))-len(m.With(results.FalseAlarms)), "defect")}
	for _, f := range []results.Fate{results.Killed, results.Misleading, results.Survived, results.Unfinished} {
		if n := len(m.With(f)); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, f))
		}
	}
	if n := len(m.With(results.Silent)); n > 0 {
		parts = append(parts, fmt.Sprintf("%d equivalent and silent", n))
	}
	return strings.Join(parts, " · ")
}

var fateTones = map[results.Fate]tone{results.Killed: good, results.Silent: good, results.Misleading: warn, results.Unfinished: warn, results.Survived: bad, results.FalseAlarms: bad}

func mutantTables(m *results.Mutants) []table {
	out := []table{runTable(m), killMatrix(m)}
	if len(m.With(results.Misleading)) > 0 {
		t := table{Title: "Killed only by a checker that is not its own", Head: []string{"defect", "own checker", "seen by"}, Wrap: 2}
		for _, d := range m.With(results.Misleading) {
			t.row(d.Name, d.Anomaly, strings.Join(d.Killers(), ", "))
		}
		out = append(out, t)
	}
	return out
}

// exploredTable is the run table of a search by enumeration.
func exploredTable(m *results.Mutants) table {
	t := table{
		Title: fmt.Sprintf("Planted defects, by exploration, at most %s", words.Plural(m.Limit, "plan")),
		Head:  []string{"defect", "fate", "own checker", "faults", "plans", "smallest plan"},
		Wrap:  5,
		Notes: []string{"faults: in the plan that was found; plans: how many ran until then"},
	}
	for _, d := range m.Defects {
		fate := d.Fate()
		faults, plans := "", ""
		if x := d.Explored; x != nil {
			plans = fmt.Sprint(x.Plans)
			if x.Found {
				faults = fmt.Sprint(x.Depth)
			}
		}
		t.row(d.Name, cell{string(fate), fateTones[fate]}, d.Anomaly, faults, plans, cmp.Or(d.Plan, d.Note))
	}
	return t
}

func runTable(m *results.Mutants) table {
	if slices.ContainsFunc(m.Defects, func(d results.Defect) bool { return d.Explored != nil }) {
		return exploredTable(m)
	}
	t := table{
		Title: fmt.Sprintf("Planted defects, %s each, at most %s", words.Plural(m.Seeds, "search"), words.Plural(m.Limit, "run")),
		Head:  []string{"defect", "fate", "own checker", "found", "median", "p95", "chance", "ratio", "smallest plan"},
		Wrap:  8,
		Notes: []string{"median, p95: runs until detection; chance: the median of the baseline, " + cmp.Or(m.Baseline, "faults by time and chance") + "; ratio: chance to median"},
	}
	for _, d := range m.Defects {
		fate := d.Fate()
		row := []any{d.Name, cell{string(fate), fateTones[fate]}, d.Anomaly}
		row = append(row, spreadCells(d.Runs, true)...)
		row = append(row, spreadCells(d.Baseline, false)...)
		t.row(append(row, ratioText(d), cmp.Or(d.Plan, d.Note))...)
	}
	return t
}

// spreadCells are found, median and p95, or only the median.
func spreadCells(s *results.Spread, whole bool) []any {
	found, median, p95 := "", "", ""
	if s != nil && s.Tries > 0 {
		found = fmt.Sprintf("%d/%d", s.Found, s.Tries)
		median, p95 = spreadNumber(s, s.Median), spreadNumber(s, s.P95)
	}
	if whole {
		return []any{found, median, p95}
	}
	return []any{median}
}

// spreadNumber of runs; a search that gave up makes it a lower bound.
func spreadNumber(s *results.Spread, v float64) string {
	text := fmt.Sprintf("%.4g", v)
	if s.Found == 0 {
		return ">" + text
	}
	return text
}

func ratioText(d results.Defect) string {
	ratio, atLeast := d.Ratio()
	switch {
	case ratio == 0:
		return ""
	case atLeast:
		return fmt.Sprintf("≥%.3g", ratio)
	}
	return fmt.Sprintf("%.3g", ratio)
}

// killMatrix is defect × checker; the checker's own defects are marked.
func killMatrix(m *results.Mutants) table {
	seen := map[string]bool{}
	for _, d := range m.Defects {
		for _, k := range d.Killers() {
			seen[k] = true
		}
	}
	checkers := slices.Sorted(maps.Keys(seen))
	t := table{Title: "Kill matrix", Head: []string{"defect"}}
	var legend []string
	for i, c := range checkers {
		t.Head = append(t.Head, fmt.Sprint(i+1))
		legend = append(legend, fmt.Sprintf("%d %s", i+1, c))
	}
	t.Notes = []string{
		"columns: " + strings.Join(legend, " · "),
		"a number: searches in which the checker saw a violation; ✓: the defect's own checker",
	}
	for _, d := range m.Defects {
		row := plainCells(d.Name)
		for _, c := range checkers {
			n := d.Kills[c]
			switch {
			case n == 0:
				row = append(row, cell{"·", dim})
			case c == d.Anomaly:
				row = append(row, cell{fmt.Sprintf("✓%d", n), good})
			default:
				row = append(row, cell{Text: fmt.Sprint(n)})
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// junitDefects is one case a defect.
func junitDefects(m *results.Mutants) []junitCase {
	var out []junitCase
	for _, d := range m.Defects {
		c := junitCase{Name: "defect " + d.Name, Out: &junitText{fmt.Sprintf("%s; seen by: %s; smallest plan: %s", d.Fate(), strings.Join(d.Killers(), ", "), d.Plan)}}
		if fate := d.Fate(); fate != results.Killed && fate != results.Silent {
			c.Failure = &junitProblem{Message: string(fate) + ": " + d.Text, Type: string(fate)}
		}
		out = append(out, c)
	}
	return out
}
