package mutation

import (
	"fmt"
	"iter"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
)

// Operator makes one mistake of a kind. Property is the one that it breaks; which
// of its clauses depends on the place.
type Operator struct {
	Name     string
	Property string
	Text     string
	// places yields each place of a history where the property was at risk of this
	// mistake, with the history as it would be with it.
	places func(ix *history.Index, yield func(where string, mutant *edit) bool)
}

// Mutants yields the mutants of a history. The history itself is not changed.
func (o Operator) Mutants(h *history.History) iter.Seq2[string, *history.History] {
	return func(yield func(string, *history.History) bool) {
		o.places(history.NewIndex(h), func(where string, m *edit) bool { return yield(where, m.history()) })
	}
}

// Matrix is which clauses each operator broke, and what survived.
type Matrix struct {
	Histories int
	Rows      []Row
	Turned    []string       // verdicts that legal variations turned to a violation
	Sampling  Sampling       // what was changed of what could have been
	AtRisk    map[string]int // "property/clause" → histories in which it was judged
	Places    int            // pairs of operator and history with a place
	Changed   int            // of them, those that were changed
}

// Row is one operator on all histories. A mutant of which the checker says that it
// can't be judged has not survived: there the property was not at risk.
type Row struct {
	Operator    Operator
	Places      int // histories with a place
	Mutants     int
	Killed      int            // the operator's property was violated
	Unjudged    int            // its checker could not judge
	Broken      map[string]int // "property/clause" → mutants in which it was broken
	Survived    []string       // the first places that survived, with what the checker said
	Unjudgeable []string       // the first places that could not be judged, with why
}

// mostTold is how many places of a kind a row tells.
const mostTold = 5

// Judged is how many mutants could be judged.
func (r Row) Judged() int { return r.Mutants - r.Unjudged }

// Rate is the share of the mutants that could be judged and were killed, 0 to 1.
func (r Row) Rate() float64 { return float64(r.Killed) / float64(max(1, r.Judged())) }

func newMatrix(operators []Operator) Matrix {
	m := Matrix{AtRisk: map[string]int{}}
	for _, o := range operators {
		m.Rows = append(m.Rows, Row{Operator: o, Broken: map[string]int{}})
	}
	return m
}

// mutate applies the chosen operators to a history, and adds what the checkers say.
func (m *Matrix) mutate(h *history.History, base map[string]checkers.Verdict, operators []int, most int) {
	ix := history.NewIndex(h)
	for _, i := range operators {
		r, n := &m.Rows[i], 0
		r.Operator.places(ix, func(where string, mutant *edit) bool {
			r.add(h.Header.Cell+" "+where, base[r.Operator.Property], mutant.history())
			n++
			return n != most
		})
	}
}

func (m *Matrix) join(o Matrix) {
	m.Turned = append(m.Turned, o.Turned...)
	for i := range m.Rows {
		r, x := &m.Rows[i], o.Rows[i]
		r.Mutants, r.Killed, r.Unjudged = r.Mutants+x.Mutants, r.Killed+x.Killed, r.Unjudged+x.Unjudged
		r.Survived, r.Unjudgeable = append(r.Survived, x.Survived...), append(r.Unjudgeable, x.Unjudgeable...)
		for clause, n := range x.Broken {
			r.Broken[clause] += n
		}
	}
}

func (r *Row) add(where string, base checkers.Verdict, mutant *history.History) {
	r.Mutants++
	for _, v := range checkers.Judge(mutant, checkers.All()) {
		for _, c := range v.Clauses {
			if c.Broken > 0 {
				r.Broken[v.Property+"/"+c.Clause]++
			}
		}
		if v.Property == r.Operator.Property {
			r.note(where, base, v)
		}
	}
}

// note takes the verdict of the operator's own property.
func (r *Row) note(where string, base, v checkers.Verdict) {
	switch doubt := doubtOf(base, v); {
	case v.Outcome == checkers.Violation:
		r.Killed++
	case doubt != "":
		r.Unjudged++
		r.Unjudgeable = append(r.Unjudgeable, where+": "+doubt)
	default:
		r.Survived = append(r.Survived, fmt.Sprintf("%s: %s %s", where, v.Outcome, v.Reason))
	}
}

// doubtOf is why the checker could not tell whether a mistake was made: more could not
// be judged than before, or nothing could; empty: it passed it by.
func doubtOf(base, v checkers.Verdict) string {
	before := map[string]int{}
	for _, c := range base.Clauses {
		before[c.Clause] = c.Unjudgeable
	}
	for _, c := range v.Clauses {
		if c.Unjudgeable > before[c.Clause] {
			return c.Clause + ": " + c.Why
		}
	}
	if v.AtRisk == 0 {
		return string(v.Outcome) + ": " + v.Reason
	}
	return ""
}
