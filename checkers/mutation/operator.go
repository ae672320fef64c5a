package mutation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

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
	Turned    []string // verdicts that legal variations turned to a violation
}

// Row is one operator on all histories. A mutant of which the checker says that it
// can't be judged has not survived: there the property was not at risk.
type Row struct {
	Operator    Operator
	Mutants     int
	Killed      int            // the operator's property was violated
	Unjudged    int            // its checker could not judge
	Broken      map[string]int // "property/clause" → mutants in which it was broken
	Survived    []string       // the first places that survived, with what the checker said
	Unjudgeable []string       // the first places that could not be judged, with why
}

// mostTold is how many places of a kind a row tells.
const mostTold = 5

// Rate is the share of the mutants that could be judged and were killed, 0 to 1.
func (r Row) Rate() float64 {
	if r.Mutants == r.Unjudged {
		return 0
	}
	return float64(r.Killed) / float64(r.Mutants-r.Unjudged)
}

// Run applies operators to histories that were judged before, on all cores. most
// bounds the mutants that one operator makes of one history; 0: all.
func Run(ctx context.Context, hs iter.Seq2[*history.History, error], operators []Operator, most int) (Matrix, error) {
	m := newMatrix(operators)
	var mu sync.Mutex
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for h, err := range hs {
		if err != nil {
			return m, errors.Join(err, work.Wait())
		}
		if ctx.Err() != nil {
			break
		}
		work.Go(func() error {
			one := newMatrix(operators)
			one.mutate(h, most)
			mu.Lock()
			defer mu.Unlock()
			m.Histories++
			m.join(one)
			return ctx.Err()
		})
	}
	err := work.Wait()
	for i := range m.Rows {
		r := &m.Rows[i]
		slices.Sort(r.Survived)
		slices.Sort(r.Unjudgeable)
		r.Survived, r.Unjudgeable = r.Survived[:min(len(r.Survived), mostTold)], r.Unjudgeable[:min(len(r.Unjudgeable), mostTold)]
	}
	return m, err
}

func newMatrix(operators []Operator) Matrix {
	var m Matrix
	for _, o := range operators {
		m.Rows = append(m.Rows, Row{Operator: o, Broken: map[string]int{}})
	}
	return m
}

func (m *Matrix) mutate(h *history.History, most int) {
	before := map[string]checkers.Verdict{}
	for _, v := range checkers.Judge(h, checkers.All()) {
		before[v.Property] = v
	}
	for i := range m.Rows {
		r := &m.Rows[i]
		base := before[r.Operator.Property]
		if base.Outcome == checkers.Violation {
			continue // it can't be told what broke it once more
		}
		n := 0
		for where, mutant := range r.Operator.Mutants(h) {
			r.add(h.Header.Cell+" "+where, base, mutant)
			if n++; n == most {
				break
			}
		}
	}
}

func (m *Matrix) join(o Matrix) {
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
	switch doubt := cmp.Or(doubtOf(v), doubtOf(base)); {
	case v.Outcome == checkers.Violation:
		r.Killed++
	case doubt != "":
		r.Unjudged++
		r.Unjudgeable = append(r.Unjudgeable, where+": "+doubt)
	default:
		r.Survived = append(r.Survived, fmt.Sprintf("%s: %s %s", where, v.Outcome, v.Reason))
	}
}

// doubtOf is why a property was not judged at every opportunity of a history; empty:
// it was.
func doubtOf(v checkers.Verdict) string {
	for _, c := range v.Clauses {
		if c.Unjudgeable > 0 {
			return c.Clause + ": " + c.Why
		}
	}
	if v.AtRisk == 0 {
		return string(v.Outcome) + ": " + v.Reason
	}
	return ""
}

// Sound is the share of its places at which an operator must be seen.
const Sound = 0.99

// Weak lists what is wrong with the checkers, as far as the histories show it: an
// operator that was not seen often enough, or had no place, and clauses of a
// property that none of its operators broke.
func (m Matrix) Weak() []string {
	var why []string
	for _, r := range m.Rows {
		switch {
		case r.Mutants == r.Unjudged:
			why = append(why, fmt.Sprintf("operator %s had no place at which %s could be judged", r.Operator.Name, r.Operator.Property))
		case r.Rate() < Sound:
			why = append(why, fmt.Sprintf("%s saw operator %s at %d of %d places", r.Operator.Property, r.Operator.Name, r.Killed, r.Mutants-r.Unjudged))
		}
	}
	for _, clause := range m.Untouched() {
		why = append(why, "clause "+clause+" was broken by no operator")
	}
	for _, turned := range m.Turned {
		why = append(why, "a legal variation turned a verdict: "+turned)
	}
	return why
}

// Untouched lists the clauses of the catalogue that no operator broke at all.
func (m Matrix) Untouched() []string {
	var names []string
	for _, c := range checkers.All() {
		for _, k := range c.Doc().Clauses {
			name := c.Doc().Name + "/" + k.Name
			if !slices.ContainsFunc(m.Rows, func(r Row) bool { return r.Operator.Property == c.Doc().Name && r.Broken[name] > 0 }) {
				names = append(names, name)
			}
		}
	}
	return names
}
