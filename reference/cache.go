package reference

import (
	"slices"
	"unsafe"

	"github.com/sagacheck/sagacheck/saga"
)

// maxCached bounds the ended sagas in memory, in bytes; the store knows the others.
const maxCached = 16 << 20

// cache remembers in which order sagas ended, and what they weigh.
type cache struct {
	ids   []string // the oldest first
	sizes []int64
	total int64
}

// add returns the ids of those for which there is no room any more.
func (c *cache) add(id string, size int64) (gone []string) {
	c.ids, c.sizes = append(c.ids, id), append(c.sizes, size)
	c.total += size
	n := 0
	for ; c.total > maxCached && n < len(c.ids); n++ {
		c.total -= c.sizes[n]
	}
	gone = c.ids[:n:n]
	c.ids, c.sizes = c.ids[n:], c.sizes[n:]
	return gone
}

// remove takes one out of the row that is not at rest any more.
func (c *cache) remove(id string) {
	if i := slices.Index(c.ids, id); i >= 0 {
		c.total -= c.sizes[i]
		c.ids, c.sizes = slices.Delete(slices.Clone(c.ids), i, i+1), slices.Delete(slices.Clone(c.sizes), i, i+1)
	}
}

// openSize is what a saga takes in memory while it is open: as much as when it has
// ended, and a goroutine with what belongs to it for each operation that may be under way.
func openSize(d saga.Definition) int64 {
	const run, operation = 12 << 10, 10 << 10 // as measured, roughly
	return sizeOf(d) + run + operation*int64(width(d))
}

// width is how many steps may be under way at once, at the most: no more than there are
// chains into which the steps fall.
func width(d saga.Definition) int {
	extended := make(map[string]bool, len(d.Steps))
	chains := len(d.Steps)
	for i := range d.Steps {
		for _, p := range d.Predecessors(i) {
			if !extended[p] {
				extended[p] = true
				chains--
				break
			}
		}
	}
	return chains
}

// sizeOf is what a saga takes in memory, roughly.
func sizeOf(d saga.Definition) int64 {
	const run = 1000 // the run, its channels and its entry
	perStep := int64(unsafe.Sizeof(saga.Step{})+4*unsafe.Sizeof(OpState{})) + 200
	n := run + perStep*int64(len(d.Steps))
	for _, s := range d.Steps {
		n += int64(len(s.Action.Body)+len(s.Action.URL)) + 24*int64(len(s.After))
		if s.Compensation != nil {
			n += int64(unsafe.Sizeof(*s.Compensation)) + int64(len(s.Compensation.Body)+len(s.Compensation.URL))
		}
	}
	return n
}
