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

// permanent tells whether no refused call was made again, and how many were refused.
func (s *Shapes) permanent() (yes bool, refused int) {
	for _, r := range s.run {
		for i, c := range r.calls {
			if c.Fate != Refused {
				continue
			}
			refused++
			if slices.ContainsFunc(r.calls[i+1:], func(o *seen) bool { return o.Same(c.Call) }) {
				return false, refused
			}
		}
	}
	return refused > 0, refused
}
