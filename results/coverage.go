package results

import "slices"

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

// join takes the union of the points: one that any shard hit was hit. Each shard
// counts the same raw and pruned plans and runs its own.
func (c *Coverage) join(o *Coverage) {
	for _, p := range o.Points {
		i := slices.IndexFunc(c.Points, func(x PointCount) bool {
			return x.Scenario == p.Scenario && x.Phase == p.Phase && x.Kind == p.Kind
		})
		if i < 0 {
			c.Points = append(c.Points, p)
			continue
		}
		hits := union(c.Points[i].Hits, p.Hits)
		missed := slices.DeleteFunc(union(c.Points[i].Missed, p.Missed), func(m string) bool { return slices.Contains(hits, m) })
		c.Points[i] = NewPointCount(p.Scenario, p.Phase, p.Kind, hits, missed)
	}
	for _, p := range o.Plans {
		i := slices.IndexFunc(c.Plans, func(x PlanCount) bool { return x.Scenario == p.Scenario })
		if i < 0 {
			c.Plans = append(c.Plans, p)
			continue
		}
		x := &c.Plans[i]
		x.Raw, x.Pruned, x.Run = max(x.Raw, p.Raw), max(x.Pruned, p.Pruned), x.Run+p.Run
		x.NotRun = max(0, x.Raw-x.Pruned-x.Run)
	}
	for _, rule := range o.Rules {
		i := slices.IndexFunc(c.Rules, func(x RuleCount) bool { return x.Rule == rule.Rule })
		if i < 0 {
			c.Rules = append(c.Rules, rule)
			continue
		}
		c.Rules[i].Plans = max(c.Rules[i].Plans, rule.Plans)
	}
	for _, n := range o.NotRun {
		if n.Reason != OtherShard {
			c.NotRun = joinNotRun(c.NotRun, n)
		}
	}
}

func union(a, b []string) []string {
	all := slices.Sorted(slices.Values(slices.Concat(a, b)))
	return slices.Compact(all)
}
