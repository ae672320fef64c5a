package planning

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/faults"
)

// WindowPlace is the phase under which windows are counted.
const WindowPlace = "window"

// PointCover is the places of one space, phase and kind: those where a fault of
// the kind fired; those that runs passed, but where none fired; and those that a
// run passed once, but the runs that were to strike there did not: a race decides
// whether they are passed at all, so they can't be called reachable.
type PointCover struct {
	Space, Phase, Kind string
	Hit, Missed, Raced []string
}

func pairOf(f faults.Fault) pair {
	if f.At.IsZero() {
		place := "all steps"
		if len(f.Steps) == 1 {
			place = strings.Join(f.Steps, " ")
		}
		return pair{f.Kind, WindowPlace, place}
	}
	place := f.At.String()
	if f.Saga > 1 {
		place = faults.Fault{Saga: f.Saga, At: f.At}.String()
	}
	return pair{f.Kind, string(f.At.Phase), strings.TrimSpace(place)}
}

// Cover tells which kinds struck at which of the places that can be reached: those
// that the runs of all levels but the deepest passed.
func (x *Explorer) Cover() []PointCover {
	var all []PointCover
	for _, s := range x.spaces {
		covers := map[pair]*PointCover{}
		at := func(p pair) *PointCover {
			k := pair{p.kind, p.phase, ""}
			if covers[k] == nil {
				covers[k] = &PointCover{Space: s.Name, Phase: p.phase, Kind: p.kind}
			}
			return covers[k]
		}
		for p := range s.hit {
			c := at(p)
			c.Hit = append(c.Hit, p.place)
		}
		for p := range s.reached {
			switch c := at(p); {
			case s.hit[p]:
			case s.unpassed[p] && !s.unfired[p]:
				c.Raced = append(c.Raced, p.place)
			default:
				c.Missed = append(c.Missed, p.place)
			}
		}
		of := slices.SortedFunc(maps.Values(covers), func(a, b *PointCover) int {
			return cmp.Or(cmp.Compare(a.Phase, b.Phase), cmp.Compare(a.Kind, b.Kind))
		})
		for _, c := range of {
			slices.Sort(c.Hit)
			slices.Sort(c.Missed)
			slices.Sort(c.Raced)
			all = append(all, *c)
		}
	}
	return all
}

// Counts are the plans made so far, by space.
func (x *Explorer) Counts() map[string]SpaceCount {
	counts := map[string]SpaceCount{}
	for _, s := range x.spaces {
		counts[s.Name] = s.counts
	}
	return counts
}

// Total is how many plans were left out.
func (c SpaceCount) Total() int {
	n := 0
	for _, k := range c.Pruned {
		n += k
	}
	return n
}
