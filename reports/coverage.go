package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Coverage is which failure points an exploration reached, and what became of
// its plans.
type Coverage struct {
	Depth  int          `json:"depth"` // faults a plan, at most
	Points []PointCount `json:"points"`
	Plans  []PlanCount  `json:"plans"` // one entry a scenario
	// Rules are the equivalences by which plans were pruned, with their counts.
	Rules []RuleCount `json:"rules,omitempty"`
	// NotRun is what the budget or a missing capability left out.
	NotRun []NotRun `json:"not_run,omitempty"`
}

// PointCount is the failure points of one scenario, phase and kind of fault. A
// point is reachable if a run passed it, hit if a fault fired on it.
type PointCount struct {
	Scenario  string   `json:"scenario"`
	Phase     string   `json:"phase"` // a phase of an attempt, or "window"
	Kind      string   `json:"kind"`
	Reachable int      `json:"reachable"`
	Hit       int      `json:"hit"`
	Hits      []string `json:"hits,omitempty"`   // the points that were hit
	Missed    []string `json:"missed,omitempty"` // reachable, but not hit
}

// NewPointCount counts the points; both lists hold each point once.
func NewPointCount(scenario, phase, kind string, hits, missed []string) PointCount {
	slices.Sort(hits)
	slices.Sort(missed)
	return PointCount{
		Scenario: scenario, Phase: phase, Kind: kind, Hits: hits, Missed: missed,
		Hit: len(hits), Reachable: len(hits) + len(missed),
	}
}

// OtherShard is the reason for not running a plan that another shard runs. It
// vanishes when shards are joined.
const OtherShard = "in another shard"

// PlanCount is the plans of one scenario: raw, of which so many were pruned as
// equivalent to another, run, and left over.
type PlanCount struct {
	Scenario string `json:"scenario"`
	Raw      int    `json:"raw"`
	Pruned   int    `json:"pruned"`
	Run      int    `json:"run"`
	NotRun   int    `json:"not_run"`
}

// RuleCount is how many plans one rule of equivalence pruned.
type RuleCount struct {
	Rule  string `json:"rule"`
	Plans int    `json:"plans"`
}

// NotRun is a number of plans that were not run, and why.
type NotRun struct {
	Reason   string   `json:"reason"`
	Plans    int      `json:"plans"`
	Examples []string `json:"examples,omitempty"`
}

// Complete tells whether every reachable point was hit and every plan that was
// not pruned was run.
func (c *Coverage) Complete() bool {
	return !slices.ContainsFunc(c.Points, func(p PointCount) bool { return p.Hit < p.Reachable }) &&
		!slices.ContainsFunc(c.Plans, func(p PlanCount) bool { return p.NotRun > 0 })
}

func (c *Coverage) tables() []table {
	out := []table{c.pointTable(), c.planTable()}
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
func (c *Coverage) pointTable() table {
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
	columns := sortedKeys(phases)
	slices.SortStableFunc(columns, func(a, b string) int { return cmp.Compare(slices.Index(order, a), slices.Index(order, b)) })
	t := table{
		Title: fmt.Sprintf("Failure points hit of those reachable, up to %s a plan", plural(c.Depth, "fault")),
		Head:  append([]string{"fault"}, columns...),
		Notes: c.missedNotes(),
	}
	total := words("all")
	for _, phase := range columns {
		h, n := 0, 0
		for kind := range kinds {
			h += hit[place{kind, phase}]
			n += reachable[place{kind, phase}]
		}
		total = append(total, share(h, n))
	}
	for _, kind := range sortedKeys(kinds) {
		row := words(kind)
		for _, phase := range columns {
			row = append(row, share(hit[place{kind, phase}], reachable[place{kind, phase}]))
		}
		t.Rows = append(t.Rows, row)
	}
	t.Rows = append(t.Rows, total)
	return t
}

func (c *Coverage) missedNotes() []string {
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

func (c *Coverage) planTable() table {
	t := table{Title: "Plans", Head: []string{"scenario", "raw", "pruned", "run", "not run"}}
	sum := PlanCount{Scenario: "all"}
	add := func(p PlanCount) {
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
