package results

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/words"
)

// ClauseKey names a clause of a property.
type ClauseKey struct{ Property, Clause string }

// Open lists the clauses that no cell has judged yet, of properties that would be
// green without them.
func (c *Collector) Open() []ClauseKey {
	c.mu.Lock()
	defer c.mu.Unlock()
	var open []ClauseKey
	for _, p := range c.run.Properties {
		var counts []checkers.Count
		for k, res := range c.results {
			if k.property == p.Name {
				counts = checkers.JoinCounts(counts, res.Clauses)
			}
		}
		broken := slices.ContainsFunc(counts, func(k checkers.Count) bool { return k.Broken > 0 })
		for _, k := range counts {
			if k.Open() && !broken && !p.Advice {
				open = append(open, ClauseKey{p.Name, k.Clause})
			}
		}
	}
	return open
}

// open says which clauses are applicable and were judged in no cell; empty: none.
// A promise that nobody has looked at is not kept. A replay asks for one clause only.
func (p Property) open(only string) string {
	var names []string
	applicable := 0
	for _, c := range p.Clauses {
		if c.Lacks != "" {
			continue
		}
		applicable++
		if !c.Open() || only != "" && c.Clause != only {
			continue
		}
		name := c.Clause
		if c.Unjudgeable > 0 {
			name += fmt.Sprintf(" (could not be %s: %s)", words.Times(c.Unjudgeable), c.Why)
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("%d of its %s judged in no cell: %s", len(names), words.Plural(applicable, "clause"), strings.Join(names, ", "))
}

// OpenWith says which clauses were judged in no cell of the run, and so in none of
// this scenario; empty: there is none that is applicable here.
func (r Result) OpenWith(p Property, only string) string {
	var open []checkers.Count
	for _, k := range r.Clauses {
		if k.Open() && slices.ContainsFunc(p.Clauses, func(x checkers.Count) bool { return x.Clause == k.Clause && x.Open() }) {
			open = append(open, k)
		}
	}
	return Property{Clauses: open}.open(only)
}
