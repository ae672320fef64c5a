package learn

import (
	"cmp"
	"fmt"
	"slices"
)

// guess is a value in the draft, and what it rests on.
type guess struct {
	text string
	why  string
}

// source is where a value that tells whose a call is was said before.
type source struct {
	why  string
	form string
	in   func(v *view, c *seen) []leaf
}

// itself are the sources of what names a saga itself, and not something of it.
func itself(own string) []source {
	return []source{
		{"the start said it", "of(%s)", func(v *view, _ *seen) []leaf { return v.start }},
		{"the workflow's own id", "%s", func(v *view, _ *seen) []leaf {
			l, ok := find(v.answer, own)
			if !ok {
				return nil
			}
			return []leaf{l}
		}},
	}
}

// sagaOf is the expression that tells whose a call of an operation is.
func (s *Shapes) sagaOf(o *operation, own string) guess {
	before := source{"a message before said it", "of(%s)", func(v *view, c *seen) []leaf {
		var all []leaf
		for _, b := range v.calls[:c.at] {
			all = append(append(all, b.request...), b.answered...)
		}
		return all
	}}
	return cmp.Or(s.saidIn(o, append(itself(own), before)),
		guess{"only", "no value in the call tells whose it is: one saga at a time"})
}

// saidIn is the expression of the first field of an operation that tells whose it is, by the
// first of the sources; the zero guess: there is none.
func (s *Shapes) saidIn(o *operation, sources []source) guess {
	for _, from := range sources {
		for _, l := range o.common() {
			ownID := from.form == "%s" && !amountKey.MatchString(l.key)
			if (l.number || amountKey.MatchString(l.key)) && !idKey.MatchString(l.key) && !ownID { // others have the same amount
				continue
			}
			if s.tells(o, l.path, from.in) {
				return guess{fmt.Sprintf(from.form, l.path), from.why}
			}
		}
	}
	return guess{}
}

// tells whether the value at a path was said before in each run, and in none of the
// others.
func (s *Shapes) tells(o *operation, path string, before func(*view, *seen) []leaf) bool {
	owner := map[string]int{}
	for _, c := range o.calls {
		l, _ := find(c.request, path)
		if !slices.ContainsFunc(before(&s.run[c.run], c), func(b leaf) bool { return b.text == l.text }) {
			return false
		}
		if first, ok := owner[l.text]; ok && first != c.run {
			return false
		}
		owner[l.text] = c.run
	}
	for run := range s.run { // a value that others say too names nobody
		for _, l := range s.run[run].start {
			if first, ok := owner[l.text]; ok && first != run {
				return false
			}
		}
	}
	return true
}

// distinct are the calls of an operation in a run: attempts of one and the same count
// once.
func (o *operation) distinct(run int) []*seen {
	var all []*seen
	for _, c := range o.calls {
		if c.run != run {
			continue
		}
		switch i := slices.IndexFunc(all, func(b *seen) bool { return b.Same(c.Call) }); {
		case i < 0:
			all = append(all, c)
		case all[i].Fate == Refused: // a later attempt was answered
			all[i] = c
		}
	}
	return all
}

// each is the field in which the several calls of an operation in one saga differ.
func (s *Shapes) each(o *operation) guess {
	most := 0
	for run := range s.run {
		if s.run[run].Calm() {
			most = max(most, len(o.distinct(run)))
		}
	}
	if most < 2 {
		return guess{}
	}
	var best, second string
	for _, l := range o.common() {
		if !s.differs(o, l.path, s.calm) {
			continue
		}
		if l.number {
			second = l.path
		} else if best == "" {
			best = l.path
		}
	}
	if best == "" {
		best = second
	}
	return guess{best, fmt.Sprintf("%d calls in one saga differ in it", most)}
}

// calm tells whether nothing was done to a run.
func (s *Shapes) calm(run int) bool { return s.run[run].Calm() }

// differs tells whether a value is another one in each call of a saga, in some runs.
func (s *Shapes) differs(o *operation, path string, in func(run int) bool) bool {
	for run := range s.run {
		if !in(run) {
			continue
		}
		var values []string
		for _, c := range o.distinct(run) {
			l, _ := find(c.request, path)
			if slices.Contains(values, l.text) {
				return false
			}
			values = append(values, l.text)
		}
	}
	return true
}
