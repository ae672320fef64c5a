package results

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Mutants is the kill matrix: which planted defect was found by which checker,
// after how many runs, compared with faults placed by time and chance.
type Mutants struct {
	Seeds    int      `json:"seeds"`    // searches made for each defect
	Limit    int      `json:"limit"`    // runs after which a search gives up
	Baseline string   `json:"baseline"` // how the baseline places its faults
	Defects  []Defect `json:"defects"`
}

// Defect is one planted defect, or one equivalent switch, with what found it.
type Defect struct {
	Name       string `json:"name"`
	Text       string `json:"text,omitempty"`
	Anomaly    string `json:"anomaly,omitempty"` // whose checker should kill it
	Equivalent bool   `json:"equivalent,omitempty"`
	Place      string `json:"place,omitempty"` // reference, participant
	// Kills is in how many searches each checker saw a violation, by its name.
	Kills map[string]int `json:"kills"`
	// Runs is the number of runs until its own checker (else any) saw it.
	Runs     *Spread `json:"runs,omitempty"`
	Baseline *Spread `json:"baseline,omitempty"`
	// Explored is how an enumeration of all plans found it.
	Explored *Explored `json:"explored,omitempty"`
	Plan     string    `json:"smallest_plan,omitempty"`
	Note     string    `json:"note,omitempty"`
}

// Explored is the search of an explorer: how many faults the last plan had, and how
// many plans ran up to it.
type Explored struct {
	Found bool `json:"found"`
	Depth int  `json:"depth"`
	Plans int  `json:"plans"`
}

// Spread sums up the runs until detection over the searches. A search that gave
// up counts as the limit and not as found.
type Spread struct {
	Median float64 `json:"median"`
	P95    float64 `json:"p95"`
	Found  int     `json:"found"`
	Tries  int     `json:"tries"`
}

// NewSpread sums up: runs until detection of the searches that found, and how
// many gave up after limit runs.
func NewSpread(runs []int, gaveUp, limit int) *Spread {
	all := slices.Clone(runs)
	for range gaveUp {
		all = append(all, limit)
	}
	slices.Sort(all)
	s := &Spread{Found: len(runs), Tries: len(all)}
	if len(all) == 0 {
		return s
	}
	mid := len(all) / 2
	s.Median = float64(all[mid])
	if len(all)%2 == 0 {
		s.Median = float64(all[mid-1]+all[mid]) / 2
	}
	rank := (95*len(all) + 99) / 100 // nearest rank
	s.P95 = float64(all[rank-1])
	return s
}

// Fate is what became of a defect.
type Fate string

// The fates. Killed and Silent are as they should be.
const (
	Killed      Fate = "killed"      // by its own checker
	Misleading  Fate = "misleading"  // killed, but only by another's checker
	Survived    Fate = "survived"    // not found
	Unfinished  Fate = "unfinished"  // interrupted before a search had ended
	Silent      Fate = "silent"      // an equivalent switch that stayed green
	FalseAlarms Fate = "false-alarm" // an equivalent switch that went red
)

// Fate of the defect.
func (d Defect) Fate() Fate {
	switch {
	case d.Equivalent && len(d.Killers()) > 0:
		return FalseAlarms
	case d.Equivalent:
		return Silent
	case d.Kills[d.Anomaly] > 0:
		return Killed
	case d.Explored == nil && (d.Runs == nil || d.Runs.Tries == 0):
		return Unfinished
	case len(d.Killers()) > 0:
		return Misleading
	}
	return Survived
}

// Killers are the checkers that saw it, its own first, then by count.
func (d Defect) Killers() []string {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(d.Kills)), func(n string) bool { return d.Kills[n] == 0 })
	slices.SortStableFunc(names, func(a, b string) int {
		own := func(n string) int {
			if n == d.Anomaly {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(own(a), own(b)), -cmp.Compare(d.Kills[a], d.Kills[b]))
	})
	return names
}

// Ratio is how many times fewer runs were needed than by chance, in the median;
// 0 if that can't be told. If chance never found it, it is a lower bound.
func (d Defect) Ratio() (ratio float64, atLeast bool) {
	if d.Runs == nil || d.Baseline == nil || d.Runs.Found == 0 || d.Runs.Median == 0 {
		return 0, false
	}
	return d.Baseline.Median / d.Runs.Median, 2*d.Baseline.Found <= d.Baseline.Tries
}

// With are the defects of one fate.
func (m *Mutants) With(f Fate) []Defect {
	return slices.DeleteFunc(slices.Clone(m.Defects), func(d Defect) bool { return d.Fate() != f })
}

// reasons say why the matrix is not green: a defect that no checker killed, or
// only another's, and an equivalent switch that went red.
func (m *Mutants) reasons() []string {
	return slices.Concat(m.named(Survived, "survived"), m.named(Misleading, "killed only by another's checker"),
		m.named(FalseAlarms, "equivalent switch that went red"))
}

// unfinished names the defects whose searches were cut short: nothing is known of
// them.
func (m *Mutants) unfinished() []string { return m.named(Unfinished, "unfinished") }

// named says which defects had a fate; empty: none had.
func (m *Mutants) named(f Fate, what string) []string {
	var names []string
	for _, d := range m.With(f) {
		names = append(names, d.Name)
	}
	if len(names) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s (%d): %s", what, len(names), strings.Join(names, ", "))}
}
