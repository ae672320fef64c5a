package planning

import (
	"cmp"
	"container/heap"
	"iter"
	"math"

	"github.com/sagacheck/sagacheck/faults"
)

// Ordered is a plan of a space, in the order in which plans are worth the most.
type Ordered struct {
	Space int // its place among the spaces
	Plan  faults.Plan
	// Telling: it has something that none before it has, not only two things together.
	Telling bool
}

// InOrder puts the plans of spaces in order: what has not been at risk yet first. Spaces take turns;
// of each comes the plan with the most traits, and pairs of them, that no plan of any space has had
// before it (greedy pairwise coverage: Bryce and Colbourn, Information and Software Technology 48, 2006),
// by the root of how many it has, so that a plan of many faults does not win by their number. Where that
// is the same, the plan that was listed first. The very first one begins in any case: as a rule it has no
// fault, and what is wrong without one is told first.
func InOrder(spaces []Space) []Ordered {
	queues, n := make([]novelties, len(spaces)), 0
	for i, s := range spaces {
		like := newLikeness(s.Definitions)
		for k, p := range s.Plans {
			n := newNovelty(like.traits(p), uint64(k))
			n.fresh = i == 0 && k == 0
			queues[i] = append(queues[i], n)
		}
		n += len(s.Plans)
	}
	all := make([]Ordered, 0, n)
	for i, n := range deal(queues, map[uint64]bool{}) {
		all = append(all, Ordered{i, spaces[i].Plans[n.place], n.telling})
	}
	return all
}

// deal takes the newest of each queue in turn, until all are empty. What was seen is new no more.
func deal(queues []novelties, seen map[uint64]bool) iter.Seq2[int, novelty] {
	return func(yield func(int, novelty) bool) {
		for i := range queues {
			heap.Init(&queues[i])
		}
		for left := true; left; {
			left = false
			for i := range queues {
				if len(queues[i]) == 0 {
					continue
				}
				if left = true; !yield(i, queues[i].newest(seen)) {
					return
				}
			}
		}
	}
}

// novelty is a plan with what is new of it.
type novelty struct {
	traits  []uint64 // that none before it had
	single  int      // so many of them are no pairs: the first ones
	root    float64  // of how many it has in all
	new     float64
	fresh   bool   // comes before all that are not
	place   uint64 // that of two which are as new, the lower comes first
	telling bool
	probe   *Probe
}

func newNovelty(traits []uint64, place uint64) novelty {
	n := novelty{traits: traits, single: len(traits), root: math.Sqrt(float64(len(traits)*(len(traits)+1)) / 2), place: place}
	for i, a := range traits {
		for _, b := range traits[i+1:] {
			n.traits = append(n.traits, pairedWith(a, b))
		}
	}
	n.new = float64(len(n.traits)) / n.root
	return n
}

// pairedWith is the trait of having both.
func pairedWith(a, b uint64) uint64 { return (a^b)*0x9e3779b97f4a7c15 + a&b }

// drop forgets what others have had.
func (n *novelty) drop(seen map[uint64]bool) {
	left, single := n.traits[:0], 0
	for i, t := range n.traits {
		if seen[t] {
			continue
		}
		if i < n.single {
			single++
		}
		left = append(left, t)
	}
	n.traits, n.single, n.new = left, single, float64(len(left))/n.root
}

// novelties are a heap: the newest plan is the first.
type novelties []novelty

// newest takes the plan with the most that is new, and marks it as seen. What is new of a plan only gets
// less while others are taken, so that only the first of the heap has to be counted again.
func (q *novelties) newest(seen map[uint64]bool) novelty {
	for {
		first := &(*q)[0]
		before := first.new
		if first.drop(seen); first.new < before {
			heap.Fix(q, 0)
			continue
		}
		for _, t := range first.traits {
			seen[t] = true
		}
		first.telling = first.single > 0
		return heap.Pop(q).(novelty)
	}
}

func (q novelties) Len() int { return len(q) }

func (q novelties) Less(i, j int) bool {
	if q[i].fresh != q[j].fresh {
		return q[i].fresh
	}
	return cmp.Or(-cmp.Compare(q[i].new, q[j].new), cmp.Compare(q[i].place, q[j].place)) < 0
}
func (q novelties) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *novelties) Push(x any)   { *q = append(*q, x.(novelty)) }

func (q *novelties) Pop() any {
	last := len(*q) - 1
	n := (*q)[last]
	*q = (*q)[:last]
	return n
}
