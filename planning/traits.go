package planning

import (
	"fmt"
	"hash/fnv"
	"math/bits"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// likeness tells what plans for the sagas of a cell are like.
type likeness struct {
	def   saga.Definition
	cell  []string            // what its sagas have together
	steps map[string][]string // what each step is
}

func newLikeness(defs []saga.Definition) *likeness {
	d := defs[0]
	l := &likeness{def: d, steps: map[string][]string{}, cell: having(map[string]bool{
		"several": len(defs) > 1, "many": len(defs) >= 8, "rounds": d.Rounds > 1, "budget": d.Budget != saga.Budget{}, "time": d.Budget.TimeMS > 0,
	})}
	for i, s := range d.Steps {
		p := s.Action.Retry
		l.steps[s.Name] = having(map[string]bool{
			string(s.Kind): true, "jitter": p.Jitter > 0, "deadline": p.DeadlineMS > 0, "rounds": p.Rounds > 1, "adaptive": p.Adaptive != saga.Adaptive{},
			"breaker": s.Action.Breaker != nil, "retry budget": s.Action.RetryBudget != nil,
			"fallback": s.FallbackFor != "", "has a fallback": d.Fallbacks()[s.Name] != "",
			"beside others": s.After != nil, "behind others": len(d.Predecessors(i)) > 0, "before others": isBefore(d, s.Name),
			"without undo": s.Compensation == nil, "undo ends": s.Compensation != nil && s.Compensation.Retry.Most() > 0, "without end": p.Most() == 0,
		})
	}
	return l
}

// isBefore tells whether a step comes before another one.
func isBefore(d saga.Definition, name string) bool {
	return slices.ContainsFunc(d.Steps, func(o saga.Step) bool { return slices.Contains(d.Ancestors(o.Name), name) })
}

// having are the names of what is so, in order.
func having(what map[string]bool) (all []string) {
	for name, is := range what {
		if is {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// trait is what a plan is like, as a hash.
type trait struct {
	hash uint64
	blow int // which one of the plan it is about, from 1; 0: the plan as a whole
}

// traits are what a plan is like: as a whole, and what strikes which kind of step.
func (l *likeness) traits(p faults.Plan) (all []trait) {
	blow := 0
	seen := map[uint64]bool{}
	add := func(words ...string) {
		h := fnv.New64a()
		for _, w := range words {
			h.Write([]byte(w + "\x00"))
		}
		if t := h.Sum64(); !seen[t] {
			seen[t] = true
			all = append(all, trait{t, blow})
		}
	}
	var whole []string
	for i, b := range l.blows(p) {
		blow = i + 1
		whole = append(whole, b.what)
		if b.with != "" {
			add(b.what, b.with)
		}
		for _, s := range b.steps {
			name, _ := plainName(s)
			of, ok := l.steps[name]
			if !ok {
				of = []string{name}
			}
			for _, is := range of {
				add(b.what, is)
			}
		}
	}
	blow = 0
	add(strings.Join(whole, "; "))
	for _, c := range l.cell {
		add("cell", c)
	}
	return all
}

// blow is what strikes one operation, time after time, or a window.
type blow struct {
	what  string
	with  string // what it says or waits
	steps []string
}

func (l *likeness) blows(p faults.Plan) (all []blow) {
	for fs := p.Faults; len(fs) > 0; {
		f, n := fs[0], 1
		for n < len(fs) && sameBlow(f, fs[n]) {
			n++
		}
		if f.At.IsZero() {
			all = append(all, blow{fmt.Sprint(f.Kind, f.As, " for ", bits.Len(uint(f.ForMS/40))/2, " of ", min(len(f.Steps), 2)), with(f), f.Steps})
		} else {
			all = append(all, blow{fmt.Sprint(f.Kind, f.As, " ", f.At.Direction, " ", f.At.Phase, " ", l.often(f.At, n, fs[n-1].At.Attempt)), with(f), []string{f.At.Step}})
		}
		fs = fs[n:]
	}
	return all
}

// plainName is the name of a step without its round and the number of its instance, and which round that is.
func plainName(step string) (name string, round int) {
	name, round = saga.RoundOf(step)
	name, _ = saga.CutInstance(name)
	return name, round
}

// with is what a fault says or waits.
func with(f faults.Fault) string {
	if f.Code == 0 && f.DelayMS == 0 {
		return ""
	}
	if f.RetryAfterDate {
		return fmt.Sprint("with ", f.Code, " and a date")
	}
	return fmt.Sprint("with ", f.Code, " ", f.DelayMS)
}

// sameBlow tells whether two faults strike one operation in the same way, at one attempt and another.
func sameBlow(f, g faults.Fault) bool {
	return !f.At.IsZero() && f.Kind == g.Kind && f.As == g.As && f.Saga == g.Saga && f.At.Ref() == g.At.Ref() && f.At.Phase == g.At.Phase
}

// often tells how many of the attempts of an operation are struck, the last of them being so and so.
func (l *likeness) often(at saga.FailurePoint, n, last int) string {
	name, round := plainName(at.Step)
	call, _ := l.def.Call(saga.StepRef{Step: name, Direction: at.Direction})
	var words string
	switch most := call.Retry.MaxAttempts; {
	case last == 1 && most != 1:
		words = "once"
	case most > 0 && n == call.Retry.Most():
		words = "each time"
	case n == most:
		words = "each time of a round"
	case most > 0 && last > most:
		words = "after the last time"
	case last == most:
		words = "the last time"
	case n == 1:
		words = "again"
	case n > 10:
		words = "for long"
	default:
		words = "a few times"
	}
	return fmt.Sprint(words, " ", min(round, 3))
}
