package scenarios

import (
	"math/bits"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/saga"
)

// maxSteps is how many steps fit into a set.
const maxSteps = 64

// set is a set of steps by index.
type set uint64

func (a set) has(i int) bool      { return a&(1<<i) != 0 }
func (a set) with(i int) set      { return a | 1<<i }
func (a set) contains(b set) bool { return b&^a == 0 }
func (a set) without(b set) set   { return a &^ b }
func (a set) first() (i int)      { return bits.TrailingZeros64(uint64(a)) }
func (s *Scenario) at(n string) int {
	return slices.IndexFunc(s.Steps, func(st Step) bool { return st.Name == n })
}

// predecessors are the indices of the steps that step i waits for; names that are
// not there are left out.
func (s *Scenario) predecessors(i int) set {
	if s.Steps[i].After == nil {
		if i == 0 {
			return 0
		}
		return set(0).with(i - 1)
	}
	var ps set
	for _, name := range s.Steps[i].After {
		if j := s.at(name); j >= 0 {
			ps = ps.with(j)
		}
	}
	return ps
}

// order lists the steps so that each comes after all it waits for, together with
// the steps that come before each in the graph. ok is false if there is a cycle.
func (s *Scenario) order() (sorted []int, before []set, ok bool) {
	before = make([]set, len(s.Steps))
	var done set
	for len(sorted) < len(s.Steps) {
		progress := false
		for i := range s.Steps {
			ps := s.predecessors(i)
			if done.has(i) || !done.contains(ps) {
				continue
			}
			before[i] = ps
			for j := range s.Steps {
				if ps.has(j) {
					before[i] |= before[j]
				}
			}
			sorted, done, progress = append(sorted, i), done.with(i), true
		}
		if !progress {
			return sorted, before, false
		}
	}
	return sorted, before, true
}

// cycle names the steps of a cycle, each followed by one that it waits for; the
// first is the last, too. There must be a cycle.
func (s *Scenario) cycle() []string {
	sorted, _, _ := s.order()
	var done set
	for _, i := range sorted {
		done = done.with(i)
	}
	// Whoever can't be ordered waits for another one that can't.
	way, seen := []int{}, map[int]int{}
	for i := (^done).first(); ; i = s.predecessors(i).without(done).first() {
		if from, again := seen[i]; again {
			way = append(way[from:], i)
			break
		}
		seen[i] = len(way)
		way = append(way, i)
	}
	var names []string
	for _, i := range way {
		names = append(names, s.Steps[i].Name)
	}
	return names
}

// levels groups the steps by the length of the longest way to them.
func (s *Scenario) levels() [][]int {
	sorted, _, _ := s.order()
	depth := make([]int, len(s.Steps))
	var levels [][]int
	for _, i := range sorted {
		ps := s.predecessors(i)
		for j := range s.Steps {
			if ps.has(j) {
				depth[i] = max(depth[i], depth[j]+1)
			}
		}
		for len(levels) <= depth[i] {
			levels = append(levels, nil)
		}
		levels[depth[i]] = append(levels[depth[i]], i)
	}
	for _, l := range levels {
		slices.Sort(l)
	}
	return levels
}

// Graph is the scenario in one line: steps that may run side by side in
// brackets, the pivot marked with !, retriable steps with *, deferrable ones
// with ?: "[flight hotel car] → payment → ship! → notify?".
func (s *Scenario) Graph() string {
	var parts []string
	for _, level := range s.levels() {
		var names []string
		for _, i := range level {
			names = append(names, s.Steps[i].Name+mark(s.Steps[i].Kind))
		}
		part := strings.Join(names, " ")
		if len(names) > 1 {
			part = "[" + part + "]"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " → ")
}

func mark(k saga.Kind) string {
	switch k {
	case saga.Pivot:
		return "!"
	case saga.Retriable:
		return "*"
	case saga.Deferrable:
		return "?"
	}
	return ""
}
