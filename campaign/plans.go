package campaign

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/saga"
)

// planned is a plan for a scenario.
type planned struct {
	subject *subject
	plan    faults.Plan
	seed    uint64
}

// planList is plans by their number: those that are listed, then those that are drawn
// when they are asked for. A run may have a hundred thousand of them.
type planList struct {
	listed []planned
	drawn  int
	draw   func(k int) planned // the same k, the same plan
}

func (l planList) len() int { return len(l.listed) + l.drawn }

// part is one of n parts of the list, i from 1: how many plans it has, and which.
func (l planList) part(i, n int) (int, iter.Seq[planned]) {
	return (l.len() + n - i) / n, func(yield func(planned) bool) {
		for k := i - 1; k < l.len(); k += n {
			if !yield(l.at(k)) {
				return
			}
		}
	}
}

func (l planList) at(k int) planned {
	if k < len(l.listed) {
		return l.listed[k]
	}
	return l.draw(k - len(l.listed))
}

// mine is the part of this shard.
func (x *session) mine(l planList) (int, iter.Seq[planned]) {
	if x.shard == nil {
		return l.part(1, 1)
	}
	return l.part(x.shard.I, x.shard.N)
}

// enoughDrawn is how many drawn plans stand for all in a digest: the same seed that
// draws these draws the same ones after them.
const enoughDrawn = 1000

// digest is a short name of the list.
func (l planList) digest() string {
	var b strings.Builder
	for k := range len(l.listed) + min(l.drawn, enoughDrawn) {
		p := l.at(k)
		fmt.Fprintf(&b, "%s %s %d\n", p.subject.Name, p.plan.ID(), p.seed)
	}
	fmt.Fprintln(&b, l.drawn)
	return hashOf([]byte(b.String()))
}

func (x *session) cellsOf(ps iter.Seq[planned]) iter.Seq[harness.Cell] {
	return func(yield func(harness.Cell) bool) {
		for p := range ps {
			if !yield(x.cell(p.subject, p.plan, p.seed)) {
				return
			}
		}
	}
}

// planned are plans for a subject, with the seed of the session.
func (x *session) planned(s *subject, plans []faults.Plan) []planned {
	var all []planned
	for _, p := range plans {
		all = append(all, planned{s, p, x.s.Seed})
	}
	return all
}

// plans are those of a run: the user's own, or the curated and the drawn.
func (x *session) plans(own *faults.Plan, curated bool, runs int) planList {
	var l planList
	subjects := x.subjects()
	var spaces []planning.Space
	for _, s := range subjects {
		switch {
		case own != nil:
			l.listed = append(l.listed, x.planned(s, []faults.Plan{*own})...)
		case curated:
			spaces = append(spaces, planning.Space{Name: s.Name, Definitions: s.blueprint(), Plans: slices.Concat(x.packPlans(s.Name), x.curated(s))})
		}
	}
	for _, o := range planning.InOrder(spaces) {
		l.listed = append(l.listed, planned{subjects[o.Space], o.Plan, x.s.Seed})
	}
	if own == nil {
		l.drawn, l.draw = runs, x.drawing(subjects)
	}
	return l
}

// curated are the plans that are made for a subject. What a workflow does is learnt from its runs, and
// nobody has made any for it.
func (x *session) curated(s *subject) []faults.Plan {
	if x.flow != nil {
		return nil
	}
	return planning.Curated(s.blueprint(), x.ability())
}

// drawing draws plans for the subjects in turn.
func (x *session) drawing(subjects []*subject) func(k int) planned {
	var blueprints [][]saga.Definition
	for _, s := range subjects {
		blueprints = append(blueprints, s.blueprint())
	}
	return func(k int) planned {
		n := k % len(subjects)
		seed := x.s.Seed*1_000_003 + uint64(k)
		return planned{subjects[n], planning.Draw(blueprints[n], x.ability(), seed), seed}
	}
}
