package planning

import (
	"cmp"
	"container/heap"
	"fmt"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/saga"
)

// Fair orders probes so that a budget cuts all alike, and what is like nothing before comes
// first. Scenarios take turns; of each, points that no plan before has struck with that kind
// come first, and of them the plan with the largest share of traits, and pairs of them, that
// no plan of any scenario had before it (greedy pairwise coverage: Bryce and Colbourn,
// Information and Software Technology 48, 2006). Where that is the same, the plan's hash decides.
func Fair(probes []*Probe) []*Probe {
	out, _ := fair(probes)
	return out
}

// fair also tells which of them have anything that none before them had.
func fair(probes []*Probe) (out, telling []*Probe) {
	var spaces []string
	queues := map[string]*novelties{}
	for _, p := range probes {
		q := queues[p.Space]
		if q == nil {
			spaces = append(spaces, p.Space)
			q = &novelties{}
			queues[p.Space] = q
		}
		traits := p.pairs()
		*q = append(*q, novelty{p, traits, 1, hash(p), len(traits)})
	}
	for _, q := range queues {
		heap.Init(q)
	}
	seen := map[string]bool{}
	for len(out) < len(probes) {
		for _, s := range spaces {
			if len(*queues[s]) == 0 {
				continue
			}
			n := queues[s].newest(seen)
			out = append(out, n.probe)
			if n.new > 0 {
				telling = append(telling, n.probe)
			}
		}
	}
	return out, telling
}

// newest takes the probe with the most that is new, and marks it as seen. What is new of a plan
// only gets less while others are taken, so that only the first of the heap has to be counted again.
func (q *novelties) newest(seen map[string]bool) novelty {
	for {
		first := &(*q)[0]
		left := slices.DeleteFunc(first.traits, func(t string) bool { return seen[t] })
		if share := float64(len(left)) / float64(first.of); share < first.new {
			first.traits, first.new = left, share
			heap.Fix(q, 0)
			continue
		}
		for _, t := range left {
			seen[t] = true
		}
		return heap.Pop(q).(novelty)
	}
}

// novelty is a probe with what is new of it.
type novelty struct {
	probe  *Probe
	traits []string
	new    float64 // the share of its traits
	hash   uint64
	of     int
}

type novelties []novelty

func (q novelties) Len() int { return len(q) }

func (q novelties) Less(i, j int) bool {
	if q[i].probe.fresh != q[j].probe.fresh {
		return q[i].probe.fresh
	}
	return cmp.Or(-cmp.Compare(q[i].new, q[j].new), cmp.Compare(q[i].hash, q[j].hash)) < 0
}
func (q novelties) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *novelties) Push(x any)   { *q = append(*q, x.(novelty)) }

func (q *novelties) Pop() any {
	last := len(*q) - 1
	n := (*q)[last]
	*q = (*q)[:last]
	return n
}

// pairs are the traits of a probe, each with each.
func (p *Probe) pairs() (all []string) {
	traits := p.traits()
	for i, a := range traits {
		for _, b := range traits[i:] {
			all = append(all, a+" "+b)
		}
	}
	what := p.fault.Kind
	if p.journey {
		what = p.shape()
	}
	for _, l := range p.like {
		all = append(all, l+" "+what)
	}
	return all
}

// likeness is what sagas have that few have: it is told apart what a fault does to one that has.
func likeness(defs []saga.Definition) (all []string) {
	has := map[string]bool{
		"several": len(defs) > 1, "many": len(defs) >= 8,
		"budget": defs[0].Budget != saga.Budget{},
	}
	for _, s := range defs[0].Steps {
		p := s.Action.Retry
		for name, is := range map[string]bool{
			"jitter": p.Jitter > 0, "deadline": p.DeadlineMS > 0, "rounds": p.Rounds > 1, "adaptive": p.Adaptive != saga.Adaptive{},
			"breaker": s.Action.Breaker != nil, "fallback": s.FallbackFor != "", "side by side": s.After != nil, string(s.Kind): true,
		} {
			has[name] = has[name] || is
		}
	}
	for name, is := range has {
		if is {
			all = append(all, "has:"+name)
		}
	}
	slices.Sort(all)
	return all
}

// traits are what the fault that was added last is and where it strikes, and how the plan
// began.
func (p *Probe) traits() []string {
	if p.journey {
		return []string{"journey:" + p.shape()}
	}
	traits := []string{"after:" + p.after}
	f := p.fault
	if f.Kind == "" {
		return traits
	}
	traits = append(traits, "kind:"+f.Kind+f.As)
	if f.At.IsZero() {
		return append(traits, "steps:"+strings.Join(f.Steps, ","), fmt.Sprint("for:", f.ForMS))
	}
	again := "first"
	if f.At.Attempt > 1 {
		again = "again"
	}
	return append(traits, "phase:"+string(f.At.Phase), "way:"+string(f.At.Direction)+" "+string(p.kind), "attempt:"+again, stepTrait+f.At.Step, fmt.Sprint("with:", f.DelayMS, f.Code))
}

// stepTrait begins the trait that names a step.
const stepTrait = "step:"

// kindOf is the kind of a step, or what else comes in.
func kindOf(d saga.Definition, step string) saga.Kind {
	if i := d.StepIndex(step); i >= 0 {
		return d.Steps[i].Kind
	}
	return saga.Kind(step)
}
