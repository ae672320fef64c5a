package planning

import (
	"container/heap"
	"iter"
	"math"
	"slices"

	"github.com/sagacheck/sagacheck/faults"
)

// Ordered is a plan of a space, in the order in which plans are worth the most.
type Ordered struct {
	Space int // its place among the spaces
	Plan  faults.Plan
	// Telling: it has something that none before it has, not only two things together.
	Telling bool
}

// InOrder puts the plans of spaces in order: what is least like those before first. Spaces take turns;
// of each comes the plan with the most traits that no plan of any space has had before it, and pairs of those of two
// blows (greedy pairwise coverage: Bryce and Colbourn, Information and Software Technology 48, 2006),
// by the root of how many it has, so that a plan of many faults does not win by their number. In a turn the space
// whose plan has the most comes first. Where that is the same, the plan that was listed first. The very first one begins
// in any case: as a rule it has no fault, and what is wrong without one is told first.
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

// deal takes the newest of each queue in turn, of those whose turn it is the newest first, until all are empty. What was seen
// is new no more.
func deal(queues []novelties, seen map[uint64]bool) iter.Seq2[int, novelty] {
	return func(yield func(int, novelty) bool) {
		for i := range queues {
			heap.Init(&queues[i])
		}
		for had := make([]bool, len(queues)); ; {
			best := -1
			for i := range queues {
				if had[i] || len(queues[i]) == 0 {
					continue
				}
				if queues[i].settle(seen); best < 0 || queues[i][0].before(queues[best][0]) {
					best = i
				}
			}
			if best < 0 {
				if !slices.Contains(had, true) {
					return
				}
				clear(had)
				continue
			}
			had[best] = true
			if !yield(best, queues[best].take(seen)) {
				return
			}
		}
	}
}

// novelty is a plan with what is new of it.
type novelty struct {
	traits  []uint64 // that none before it had
	single  int      // so many of them are no pairs: the first ones
	singles float64  // the root of how many it has in all, and
	pairs   float64  // that with the pairs
	new     float64
	fresh   bool   // comes before all that are not
	place   uint64 // that of two which are as new, the lower comes first
	telling bool
	probe   *Probe
}

func newNovelty(traits []trait, place uint64) novelty {
	n := novelty{single: len(traits), place: place}
	for _, t := range traits {
		n.traits = append(n.traits, t.hash)
	}
	for i, a := range traits {
		for _, b := range traits[i+1:] {
			if a.blow != b.blow {
				n.traits = append(n.traits, pairedWith(a.hash, b.hash))
			}
		}
	}
	n.singles, n.pairs = math.Sqrt(max(1, float64(n.single))), math.Sqrt(max(1, float64(len(n.traits))))
	n.weigh()
	return n
}

// byItself is how much more a trait weighs that is new than two that are new together.
const byItself = 10

func (n *novelty) weigh() {
	n.new = byItself*float64(n.single)/n.singles + float64(len(n.traits)-n.single)/n.pairs
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
	n.traits, n.single = left, single
	n.weigh()
}

// novelties are a heap: the newest plan is the first.
type novelties []novelty

// settle lets the first of the heap be the newest. What is new of a plan only gets less while others are taken, so
// that only the first one has to be counted again.
func (q *novelties) settle(seen map[uint64]bool) {
	for {
		first := &(*q)[0]
		before := first.new
		if first.drop(seen); first.new >= before {
			return
		}
		heap.Fix(q, 0)
	}
}

// take takes the first of a settled heap, and marks what it has as seen.
func (q *novelties) take(seen map[uint64]bool) novelty {
	n := heap.Pop(q).(novelty)
	for _, t := range n.traits {
		seen[t] = true
	}
	n.telling = n.single > 0
	return n
}

// before tells whether a plan comes before that of another space.
func (n novelty) before(o novelty) bool {
	if n.fresh != o.fresh {
		return n.fresh
	}
	return n.new > o.new
}

func (q novelties) Len() int { return len(q) }

func (q novelties) Less(i, j int) bool {
	if q[i].before(q[j]) || q[j].before(q[i]) {
		return q[i].before(q[j])
	}
	return q[i].place < q[j].place
}
func (q novelties) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *novelties) Push(x any)   { *q = append(*q, x.(novelty)) }

func (q *novelties) Pop() any {
	last := len(*q) - 1
	n := (*q)[last]
	*q = (*q)[:last]
	return n
}
