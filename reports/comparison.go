package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/results"
)

func comparisonHeadline(c *results.Comparison) string {
	found := 0
	for _, m := range c.Marks {
		if m.Mark == results.IsViolated {
			found++
		}
	}
	return fmt.Sprintf("%s × %s × %s · %s", words.Plural(len(c.Engines), "engine"), words.Plural(len(c.Profiles), "profile"),
		words.Plural(len(c.Anomalies), "anomaly"), words.Plural(found, "finding"))
}

var compareCells = map[results.MarkOf]cell{
	results.Holds: {"✓", good}, results.IsViolated: {"✗", bad}, results.NotApplicable: {"–", dim},
	results.NotAtRisk: {"○", dim}, results.Undecided: {"?", warn}, results.NotRunAtAll: {"!", warn},
}

const compareLegend = "✓ holds · ✗ violated · ○ not at risk · – not applicable · ? inconclusive · ! not run"

func comparisonTables(c *results.Comparison) []table {
	var out []table
	for _, profile := range c.Profiles {
		out = append(out, profileTable(c, profile))
	}
	out = append(out, findingTable(c), engineTable(c))
	if reasons := reasonTable(c); len(reasons.Rows) > 0 {
		out = append(out, reasons)
	}
	return out
}

func profileTable(c *results.Comparison, profile string) table {
	t := table{Title: "Engine × anomaly, " + profile + " participants", Head: append([]string{"engine"}, c.Anomalies...), Notes: []string{compareLegend}}
	for _, e := range c.Engines {
		row := plainCells(e.Name)
		for _, a := range c.Anomalies {
			m, ok := c.Mark(e.Name, profile, a)
			if !ok {
				row = append(row, cell{})
				continue
			}
			row = append(row, compareCells[m.Mark])
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// findingTable lists what was violated, with the smallest plan.
func findingTable(c *results.Comparison) table {
	t := table{Title: "Findings", Head: []string{"engine", "participants", "anomaly", "replays", "behaviour", "smallest plan"}, Wrap: 5}
	for _, m := range c.Marks {
		if m.Mark != results.IsViolated {
			continue
		}
		rate := ""
		if m.Replays != nil {
			rate = fmt.Sprintf("%d/%d", m.Replays.Hits, m.Replays.Tries)
		}
		behaviour := strings.TrimSpace(m.Behaviour + " " + m.Source)
		t.row(m.Engine, m.Profile, m.Anomaly, rate, behaviour, m.Plan)
	}
	if len(t.Rows) == 0 {
		t.Notes = []string{"No anomaly was found."}
	}
	return t
}

func engineTable(c *results.Comparison) table {
	t := table{Title: "Versions and settings", Head: []string{"engine", "version", "sagas/s", "of reference", "settings"}, Wrap: 4}
	if c.Machine != "" {
		t.Notes = []string{"measured on: " + c.Machine}
	}
	if c.AtOnce > 0 {
		note := fmt.Sprintf("sagas/s: without faults, %d at once", c.AtOnce)
		if slices.ContainsFunc(c.Engines, func(e results.Engine) bool { return e.Ratio > 0 }) {
			note += "; of reference: the ratio to the reference executor in the same run"
		}
		t.Notes = append(t.Notes, note)
	}
	for _, e := range c.Engines {
		rate, ratio := "", ""
		if e.SagasPerSecond > 0 {
			rate = fmt.Sprintf("%.3g", e.SagasPerSecond)
		}
		if e.Ratio > 0 {
			ratio = fmt.Sprintf("%.2f", e.Ratio)
		}
		t.row(e.Name, e.Version, rate, ratio, strings.Join(append(slices.Clone(e.Settings), strings.Fields(e.Note)...), " "))
	}
	return t
}

// reasonTable lists why a mark is neither holds nor violated, the engines and
// profiles with the same reason in one line.
func reasonTable(c *results.Comparison) table {
	t := table{Title: "Marks that are neither ✓ nor ✗", Head: []string{"anomaly", "mark", "engine (participants)", "reason"}, Wrap: 3}
	type why struct {
		anomaly string
		mark    results.MarkOf
		reason  string
	}
	who := map[why][]string{}
	var order []why
	for _, m := range c.Marks {
		if m.Mark == results.Holds || m.Mark == results.IsViolated {
			continue
		}
		k := why{m.Anomaly, m.Mark, m.Reason}
		if m.Mark == results.NotRunAtAll {
			k.anomaly = "all"
		}
		if who[k] == nil {
			order = append(order, k)
		}
		if name := fmt.Sprintf("%s (%s)", m.Engine, m.Profile); !slices.Contains(who[k], name) {
			who[k] = append(who[k], name)
		}
	}
	for _, k := range order {
		t.row(k.anomaly, string(k.mark), strings.Join(who[k], ", "), k.reason)
	}
	return t
}
