package learn

import (
	"regexp"
	"slices"
)

const usualKey = "Idempotency-Key"

var keyHeader = regexp.MustCompile(`(?i)idempot|dedup`)

// keyOf is the header in which the calls of some operations carry a key; empty: not each of
// them does.
func keyOf(ops []*operation) string {
	var names []string
	for _, o := range ops {
		for _, c := range o.calls {
			var here []string
			for name := range c.Header {
				if keyHeader.MatchString(name) {
					here = append(here, name)
				}
			}
			if names == nil {
				names = here
			}
			names = slices.DeleteFunc(names, func(n string) bool { return !slices.Contains(here, n) })
			if len(names) == 0 {
				return ""
			}
		}
	}
	if slices.Contains(names, usualKey) {
		return usualKey
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return names[0]
}

// stable tells whether all attempts of a call had one key, and no other call had it; again
// is how many attempts after the first were seen.
func stable(ops []*operation, header string) (ok bool, again int) {
	first := map[string]*seen{}
	for _, o := range ops {
		for _, c := range o.calls {
			key := c.Header.Get(header)
			b := first[key]
			switch {
			case b == nil:
				first[key] = c
			case !b.Same(c.Call) || b.run != c.run:
				return false, again
			default:
				again++
			}
		}
		for _, c := range o.calls { // an attempt with another key
			for _, b := range o.calls {
				if b.run == c.run && b.Same(c.Call) && b.Header.Get(header) != c.Header.Get(header) {
					return false, again
				}
			}
		}
	}
	return true, again
}

// permanent are the codes with which calls of an operation were refused, if none of those
// was made again; refused is how many there were.
func (s *Shapes) permanent(op *operation) (codes []int, refused int) {
	for _, c := range op.calls {
		if c.Fate != Refused {
			continue
		}
		refused++
		codes = append(codes, c.Code)
		if slices.ContainsFunc(s.run[c.run].calls[c.at+1:], func(o *seen) bool { return o.Same(c.Call) }) {
			return nil, refused
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes), refused
}
