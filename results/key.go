package results

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/checkers"
)

// noFault is the plan in words of a cell without a fault.
const noFault = "no fault"

// Key names a finding over many runs: which property was broken, in which scenario (that of a
// workflow has the workflow's name), with which participants, by which plan. It has nothing of a
// run's own: no cell, no seed, no version, no time. How long a fault at an attempt lasts and how many bytes
// pass is not part of it: plans that differ in nothing else are one. Start and length of a window are: what a
// short outage breaks is another matter than what a long one does.
type Key struct {
	Property     string `json:"property" yaml:"property"`
	Scenario     string `json:"scenario" yaml:"scenario"`
	Participants string `json:"participants" yaml:"participants"`
	Plan         string `json:"plan" yaml:"plan"` // its faults in words, sorted, as SortPlan writes them
}

// Finding is what was broken by a smallest plan. Smallest is, of the plans that broke the property in the
// scenario, each of which no other one is a part: a plan with more faults that holds a smaller one
// is explained by that, if that comes back each time. So a finding keeps its key whichever cell showed it first.
type Finding struct {
	Key
	// Also are other properties that the same cause broke with this plan.
	Also  []string `json:"also,omitempty" yaml:"also,omitempty"`
	Cells int      `json:"cells" yaml:"-"` // that it explains
	// Reproduced is how often its property was broken again in replays of its plan; nil: it was not replayed.
	Reproduced *Rate `json:"reproduced,omitempty" yaml:"-"`
}

// Flaky tells whether a finding did not come back each time it was replayed. It is as true as
// any other: its witness proves it.
func (f Finding) Flaky() bool { return f.Reproduced != nil && f.Reproduced.Hits < f.Reproduced.Tries }

// steady tells whether a finding says something of plans that hold its own. A flaky one does not: what broke it may not
// be its plan. Since each plan holds that without a fault, that one has to have come back.
func (f Finding) steady() bool {
	if f.Plan == noFault {
		return f.Reproduced != nil && !f.Flaky()
	}
	return !f.Flaky()
}

// SortPlan brings the faults of a plan in words into one order.
func SortPlan(plan string) string {
	if plan == "" {
		return noFault
	}
	faults := strings.Split(plan, ", ")
	slices.Sort(faults)
	return strings.Join(faults, ", ")
}

// ID is the key as a short name, for programs that compare runs: the same for the same key, always.
func (k Key) ID() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{k.Property, k.Scenario, k.Participants, k.Plan}, "\x00")))
	return hex.EncodeToString(sum[:16])
}

func (k Key) String() string {
	return fmt.Sprintf("%s in %s with %s participants: %s", k.Property, k.Scenario, k.Participants, k.Plan)
}

// Compare orders keys by property, scenario and participants, and puts plans with fewer faults first.
func (k Key) Compare(o Key) int {
	return cmp.Or(
		cmp.Compare(k.Property, o.Property), cmp.Compare(k.Scenario, o.Scenario), cmp.Compare(k.Participants, o.Participants),
		cmp.Compare(k.faults(), o.faults()), cmp.Compare(k.Plan, o.Plan),
	)
}

// byHarm puts keys first whose properties do more harm; others are in the order of Compare.
func (k Key) byHarm(o Key) int {
	return cmp.Or(cmp.Compare(checkers.Harm(k.Property), checkers.Harm(o.Property)), k.Compare(o))
}

// faults counts those of the plan.
func (k Key) faults() int {
	if k.Plan == noFault {
		return 0
	}
	return strings.Count(k.Plan, ", ") + 1
}

// Explains tells whether a finding is known where this one is: its property is one that this one
// broke, in the same scenario with the same participants, and its plan is this one's, or, if this one
// comes back each time, holds all its faults.
// The converse doesn't hold: what breaks with fewer faults than are known is news.
func (f Finding) Explains(o Finding) bool {
	return slices.Contains(f.broken(), o.Property) && f.beside(o)
}

// beside tells whether f says something of the plan of o, in the same scenario and with the same participants.
func (f Finding) beside(o Finding) bool { return f.partOf(o) && (f.Plan == o.Plan || f.steady()) }

// partOf tells whether the plan of o, in the same scenario and with the same participants, holds that of f.
func (f Finding) partOf(o Finding) bool {
	return f.Scenario == o.Scenario && f.Participants == o.Participants && holds(o.Plan, f.Plan)
}

// holds tells whether a sorted plan has all faults of another one, each as often.
func holds(plan, part string) bool {
	if part == noFault || plan == part {
		return true
	}
	rest := strings.Split(plan, ", ")
	for fault := range strings.SplitSeq(part, ", ") {
		i := slices.Index(rest, fault)
		if i < 0 {
			return false
		}
		rest = rest[i+1:] // both are sorted
	}
	return true
}

// KeyOf is the key of a failure's own plan: that of a finding, or what one explains.
func (r *Run) KeyOf(f Failure) Key {
	return Key{Property: f.Property, Scenario: f.Scenario, Participants: r.Profile, Plan: SortPlan(f.Plan)}
}

// smallest leaves out each finding of which those with smaller plans say all: its cells count there. One
// that broke another property besides is told too: nobody would know of that. What does the most harm comes first.
func smallest(all []Finding) (out []Finding) {
	all = joined(all)
	slices.SortFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.faults(), b.faults()), a.Compare(b.Key))
	})
	for _, f := range all {
		by, open := explain(out, f)
		if len(open) > 0 {
			out = append(out, f)
			continue
		}
		for _, i := range by {
			out[i].Cells += f.Cells
		}
	}
	slices.SortFunc(out, func(a, b Finding) int { return a.byHarm(b.Key) })
	return out
}

// joined has each key once.
func joined(all []Finding) (out []Finding) {
	place := map[Key]int{}
	for _, f := range all {
		i, there := place[f.Key]
		if !there {
			place[f.Key] = len(out)
			f.Also = slices.Clone(f.Also)
			out = append(out, f)
			continue
		}
		out[i].Cells += f.Cells
		out[i].Also = union(out[i].Also, f.Also)
		out[i].Reproduced = out[i].Reproduced.join(f.Reproduced)
	}
	return out
}

// join is how often both came back; nil: neither was replayed.
func (r *Rate) join(o *Rate) *Rate {
	if r == nil || o == nil {
		return cmp.Or(r, o)
	}
	return &Rate{Hits: r.Hits + o.Hits, Tries: r.Tries + o.Tries}
}

// explain tells what known findings say of one: each property that it broke is to be one that
// was broken, in the same scenario with the same participants, by a part of its plan. By are
// those of them that say something of it, open are the properties of which none says anything.
func explain(known []Finding, o Finding) (by []int, open []string) {
	open = o.broken()
	for i, f := range known {
		tells := func(property string) bool { return slices.Contains(f.broken(), property) }
		if f.beside(o) && slices.ContainsFunc(o.broken(), tells) {
			by = append(by, i)
			open = slices.DeleteFunc(open, tells)
		}
	}
	return by, open
}

// broken are all properties that a finding broke.
func (f Finding) broken() []string { return append([]string{f.Property}, f.Also...) }

// note counts a cell that broke a property, by its plan.
func (c *Collector) note(cell Cell, property string, also []string) {
	k := Key{Property: property, Scenario: cell.Scenario, Plan: SortPlan(cell.Plan)}
	f := c.keyed[k]
	if f == nil {
		f = &Finding{Key: k}
		c.keyed[k] = f
	}
	f.Cells++
	f.Also = union(f.Also, also)
}
