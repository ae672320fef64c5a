package mutation

import (
	"context"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
)

// Source is histories, in an order of their own. Load may be called several times for
// one, and side by side.
type Source struct {
	Len  int
	Load func(i int) (*history.History, error)
}

// Sampling bounds what is changed; the zero value changes everything. What is chosen
// depends on the histories and their order alone.
type Sampling struct {
	Histories int // for each operator and clause of its property, evenly spread
	Places    int // of each of them
	Vary      int // each legal variation is made of every Vary-th history; 0: of all
}

// All tells that nothing is left out.
func (s Sampling) All() bool { return s == Sampling{} }

// Run applies operators and legal variations to histories, on all cores: those that
// were violated before are left as they are.
func Run(ctx context.Context, src Source, operators []Operator, variations []Variation, s Sampling) (Matrix, error) {
	m := newMatrix(operators)
	m.Sampling, m.Histories = s, src.Len
	surveys, err := survey(ctx, src, operators)
	if err != nil {
		return m, err
	}
	chosen := m.choose(surveys, s.Histories)
	var mu sync.Mutex
	err = parallel(ctx, src, func(i int, h *history.History) {
		one := newMatrix(operators)
		one.mutate(h, surveys[i].base, chosen[i], s.Places)
		for k, v := range variations {
			if s.Vary == 0 || (i+k)%s.Vary == 0 {
				one.vary(h, surveys[i].base, v)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		m.join(one)
	})
	slices.Sort(m.Turned)
	for i := range m.Rows {
		r := &m.Rows[i]
		slices.Sort(r.Survived)
		slices.Sort(r.Unjudgeable)
		r.Survived, r.Unjudgeable = r.Survived[:min(len(r.Survived), mostTold)], r.Unjudgeable[:min(len(r.Unjudgeable), mostTold)]
	}
	return m, err
}

// surveyed is what is known of a history before it is changed.
type surveyed struct {
	base   map[string]checkers.Verdict // by property
	places []bool                      // by operator: it has a place, and its property was not violated
}

func survey(ctx context.Context, src Source, operators []Operator) ([]surveyed, error) {
	all := make([]surveyed, src.Len)
	err := parallel(ctx, src, func(i int, h *history.History) {
		s := surveyed{base: map[string]checkers.Verdict{}, places: make([]bool, len(operators))}
		for _, v := range checkers.Judge(h, checkers.All()) {
			s.base[v.Property] = v
		}
		ix := history.NewIndex(h)
		for k, o := range operators {
			if s.base[o.Property].Outcome != checkers.Violation { // else it can't be told what broke it once more
				o.places(ix, func(string, *edit) bool { s.places[k] = true; return false })
			}
		}
		all[i] = s
	})
	return all, err
}

// choose picks the histories that each operator changes, and gives for each history the
// operators: for each clause of its property up to most in which that was judged, and up
// to most of all.
func (m *Matrix) choose(all []surveyed, most int) [][]int {
	chosen := make([][]int, len(all))
	for k := range m.Rows {
		r := &m.Rows[k]
		var with []int
		judged := map[string][]int{}
		for i, s := range all {
			if !s.places[k] {
				continue
			}
			with = append(with, i)
			for _, c := range s.base[r.Operator.Property].Clauses {
				if c.Judged() > 0 {
					judged[c.Clause] = append(judged[c.Clause], i)
				}
			}
		}
		picked := spread(with, most)
		for _, is := range judged {
			picked = append(picked, spread(is, most)...)
		}
		slices.Sort(picked)
		picked = slices.Compact(picked)
		r.Places = len(with)
		m.Places, m.Changed = m.Places+len(with), m.Changed+len(picked)
		for _, i := range picked {
			chosen[i] = append(chosen[i], k)
		}
	}
	for _, s := range all {
		for _, v := range s.base {
			for _, c := range v.Clauses {
				if c.Judged() > 0 {
					m.AtRisk[v.Property+"/"+c.Clause]++
				}
			}
		}
	}
	return chosen
}

// spread picks up to most of a list, at equal distances; 0: all.
func spread(is []int, most int) []int {
	if most == 0 || len(is) <= most {
		return slices.Clone(is)
	}
	picked := make([]int, most)
	for n := range picked {
		picked[n] = is[n*len(is)/most]
	}
	return picked
}

// parallel loads each history and does something with it, on all cores.
func parallel(ctx context.Context, src Source, do func(i int, h *history.History)) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i := range src.Len {
		work.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			h, err := src.Load(i)
			if err != nil {
				return err
			}
			do(i, h)
			return nil
		})
	}
	return work.Wait()
}
