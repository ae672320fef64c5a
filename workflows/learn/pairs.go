package learn

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// pair says what an operation undoes, and how it names it.
type pair struct {
	of    *operation
	which guess  // empty text: it names none
	item  *item  // that it names; nil: the whole of it
	by    string // the field of the request that names the item
}

// undone finds what an operation undoes that only refusals and losses brought about; nil:
// nothing of its service.
func (s *Shapes) undone(u *operation, forward []*operation) *pair {
	var same []*operation
	for _, f := range forward {
		if f.service == u.service {
			same = append(same, f)
		}
	}
	for _, from := range []struct {
		of, why string
		leaves  func(*seen) []leaf
	}{
		{"action.answer.body", "an answer of %s said it", answered},
		{"action.request", "%s said it", requested},
	} {
		for _, l := range u.naming() {
			for _, f := range same {
				why := fmt.Sprintf(from.why, f.request())
				if field := s.namedBy(u, l.path, f, from.leaves); field != "" {
					action := from.of + strings.TrimPrefix(strings.TrimPrefix(field, "answer.body"), "request")
					alike := sameType(typeOf(u.calls, requested, l.path), typeOf(f.calls, from.leaves, field))
					return &pair{of: f, which: guess{equal(l.path, action, alike), why}}
				}
				if field := s.namedByShape(u, l.path, f, from.leaves, anyItem); field != "" && l.path == anyItem(l.path) {
					item := &item{list: "action." + field[:strings.Index(field, "[]")]}
					rest := field[len(item.list)-len("action.")+len("[]"):]
					first := strings.Replace(field, "[]", "[0]", 1)
					item.is = equal("#"+rest, l.path, sameType(typeOf(u.calls, requested, l.path), typeOf(f.calls, from.leaves, first)))
					return &pair{of: f, which: guess{item.which(), why + ", one of each item"}, item: item, by: l.path}
				}
			}
		}
	}
	if len(same) == 1 {
		return &pair{of: same[0]}
	}
	return nil
}

// naming are the fields of an operation that may name what it is about, ids first: no amount,
// and nothing that each run says alike, such as a currency, unless it is called an id.
func (o *operation) naming() []leaf {
	var all []leaf
	for _, l := range o.common() {
		if !amountKey.MatchString(l.key) && (idKey.MatchString(l.key) || !o.constant(l)) {
			all = append(all, l)
		}
	}
	drawn := func(l leaf) int {
		if o.constant(l) || !idKey.MatchString(l.key) && !looksDrawn(l.text) {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(all, func(a, b leaf) int { return cmp.Compare(drawn(a), drawn(b)) })
	return all
}

// constant tells whether the calls of several runs say the same at a place.
func (o *operation) constant(l leaf) bool {
	several := false
	for _, c := range o.calls {
		if v, _ := find(c.request, l.path); v.text != l.text {
			return false
		}
		several = several || c.run != o.calls[0].run
	}
	return several
}

// namedBy is the field of the calls of f that holds, for exactly one of them in each run,
// the value with which u names it; empty: there is none.
func (s *Shapes) namedBy(u *operation, path string, f *operation, of func(*seen) []leaf) string {
	return s.namedByShape(u, path, f, of, func(path string) string { return path })
}

// namedByShape is namedBy where fields of one shape are one.
func (s *Shapes) namedByShape(u *operation, path string, f *operation, of func(*seen) []leaf, shape func(path string) string) string {
	var fields []string
	for i, c := range u.calls {
		l, _ := find(c.request, path)
		var here []string
		for _, b := range f.distinct(c.run) {
			for _, v := range of(b) {
				if b.at < c.at && v.text == l.text {
					here = append(here, shape(v.path))
				}
			}
		}
		once := slices.DeleteFunc(slices.Clone(here), func(p string) bool { return count(here, p) > 1 })
		if i == 0 {
			fields = once
		}
		fields = slices.DeleteFunc(fields, func(p string) bool { return !slices.Contains(once, p) })
	}
	if len(fields) == 0 {
		return ""
	}
	return fields[0]
}

func count(all []string, s string) (n int) {
	for _, x := range all {
		if x == s {
			n++
		}
	}
	return n
}

// read finds the operation whose effects another one looks for.
func read(r *operation, forward []*operation) *operation {
	var same []*operation
	for _, f := range forward {
		if f.service == r.service {
			same = append(same, f)
		}
	}
	for _, f := range same { // GET /payments and POST /payments
		if len(f.parts) > 0 && f.parts[0] == r.parts[0] {
			return f
		}
	}
	if len(same) == 1 {
		return same[0]
	}
	return nil
}
