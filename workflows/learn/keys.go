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

// keeping tells what an operation does with its keys.
type keeping string

const (
	noKey     keeping = ""       // not each of its calls has one
	sameKey   keeping = "same"   // all attempts of a call have one, and no other call has it
	ownKeys   keeping = "own"    // attempts of one call have keys of their own
	sharedKey keeping = "shared" // another call has the same
)

// keeps tells what an operation does with its keys, all operations being known; again is how
// many attempts after the first had the first one's.
func keeps(op *operation, all []*operation, header string) (how keeping, again int) {
	if keyOf([]*operation{op}) != header {
		return noKey, 0
	}
	for i, c := range op.calls {
		key, first := c.Header.Get(header), true
		for _, b := range op.calls[:i] {
			if b.run != c.run || !b.Same(c.Call) {
				continue
			}
			if first = false; b.Header.Get(header) != key {
				return ownKeys, 0
			}
		}
		if !first {
			again++
		}
		for _, o := range all {
			for _, b := range o.calls {
				if b.Header.Get(header) == key && (b.run != c.run || !b.Same(c.Call)) {
					return sharedKey, 0
				}
			}
		}
	}
	return sameKey, again
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
