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

func coverageTables(c *results.Coverage) []table {
	out := []table{pointTable(c), planTable(c)}
	if len(c.Rules) > 0 {
		t := table{Title: "Pruned as equivalent", Head: []string{"plans", "rule"}, Wrap: 1}
		for _, r := range c.Rules {
			t.row(r.Plans, r.Rule)
		}
		out = append(out, t)
	}
	if len(c.NotRun) > 0 {
		t := table{Title: "Not run", Head: []string{"plans", "why, for example"}, Wrap: 1}
		for _, n := range c.NotRun {
			why := n.Reason
			if len(n.Examples) > 0 {
				why += ": " + strings.Join(n.Examples[:min(3, len(n.Examples))], "; ")
			}
			t.row(n.Plans, why)
		}
		out = append(out, t)
	}
	return out
}

// pointTable is fault kind × phase, summed over the scenarios.
func pointTable(c *results.Coverage) table {
	type place struct{ kind, phase string }
	hit, reachable := map[place]int{}, map[place]int{}
	kinds, phases := map[string]bool{}, map[string]bool{}
	for _, p := range c.Points {
		k := place{p.Kind, p.Phase}
		hit[k] += p.Hit
		reachable[k] += p.Reachable
		kinds[p.Kind], phases[p.Phase] = true, true
	}
	order := []string{"connect", "request", "receive", "commit", "response", "window"}
	columns := slices.Sorted(maps.Keys(phases))
	slices.SortStableFunc(columns, func(a, b string) int { return cmp.Compare(slices.Index(order, a), slices.Index(order, b)) })
	t := table{
		Title: fmt.Sprintf("Failure points hit of those reachable, up to %s a plan", words.Plural(c.Depth, "fault")),
		Head:  append([]string{"fault"}, columns...),
		Notes: missedNotes(c),
	}
	total := plainCells("all")
	for _, phase := range columns {
		h, n := 0, 0
		for kind := range kinds {
			h += hit[place{kind, phase}]
			n += reachable[place{kind, phase}]
		}
		total = append(total, share(h, n))
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		row := plainCells(kind)
		for _, phase := range columns {
			row = append(row, share(hit[place{kind, phase}], reachable[place{kind, phase}]))
		}
		t.Rows = append(t.Rows, row)
	}
	t.Rows = append(t.Rows, total)
	return t
}

func missedNotes(c *results.Coverage) []string {
	var missed []string
	for _, p := range c.Points {
		for _, m := range p.Missed {
			missed = append(missed, p.Scenario+": "+p.Kind+" "+m)
		}
	}
	if len(missed) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("not hit (%d): %s", len(missed), strings.Join(missed[:min(len(missed), 10)], ", "))}
}

func share(hit, reachable int) cell {
	switch {
	case reachable == 0:
		return cell{}
	case hit < reachable:
		return cell{fmt.Sprintf("%d/%d", hit, reachable), warn}
	}
	return cell{fmt.Sprintf("%d/%d", hit, reachable), good}
}

func planTable(c *results.Coverage) table {
	t := table{Title: "Plans", Head: []string{"scenario", "raw", "pruned", "run", "not run"}}
	sum := results.PlanCount{Scenario: "all"}
	add := func(p results.PlanCount) {
		left := cell{Text: fmt.Sprint(p.NotRun)}
		if p.NotRun > 0 {
			left.Tone = warn
		}
		t.row(p.Scenario, p.Raw, p.Pruned, p.Run, left)
	}
	for _, p := range c.Plans {
		add(p)
		sum.Raw += p.Raw
		sum.Pruned += p.Pruned
		sum.Run += p.Run
		sum.NotRun += p.NotRun
	}
	add(sum)
	return t
}
