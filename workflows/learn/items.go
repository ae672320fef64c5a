package learn

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// item is one of a list in a message of an action, as an undo of it names one.
type item struct {
	list string // action.answer.body.results
	is   string // true of the item that is named: .id == request.path.id
}

// which is true of the action that has the item.
func (i *item) which() string { return fmt.Sprintf("any(%s ?? [], %s)", i.list, i.is) }

// of is the item that goes with the named one, in the list of the request that a field is in.
func (i *item) of(field string) string {
	list, _, _ := inList(field)
	return fmt.Sprintf("%s[findIndex(%s, %s)]", list, i.list, i.is)
}

// goesWith tells whether the list that the item is of has as many as the one that a field of the
// request is in: one for each of them then.
func (i *item) goesWith(o *operation, field string) bool {
	list, _, ok := inList(field)
	if !ok {
		return false
	}
	count := func(c *seen, list string) (n int) {
		all := slices.Concat(c.request, c.answered)
		for slices.ContainsFunc(all, func(l leaf) bool { return strings.HasPrefix(l.path, fmt.Sprintf("%s[%d]", list, n)) }) {
			n++
		}
		return n
	}
	return !slices.ContainsFunc(o.answers(), func(c *seen) bool {
		return count(c, strings.TrimPrefix(i.list, "action.")) != count(c, list)
	})
}

var index = regexp.MustCompile(`\[[0-9]+\]`)

// inList cuts a field of an item, and its list: request.body.lines[0].sku → request.body.lines,
// .sku.
func inList(path string) (list, rest string, ok bool) {
	at := index.FindStringIndex(path)
	if at == nil {
		return "", "", false
	}
	return path[:at[0]], path[at[1]:], true
}

// anyItem is a field of any item of a list.
func anyItem(path string) string {
	list, rest, ok := inList(path)
	if !ok {
		return path
	}
	return list + "[]" + rest
}

// items are those of the list that a field of the request is in, each of which each call has it:
// request.body.lines[0], request.body.lines[1].
func (o *operation) items(field string) (all []string) {
	_, rest, ok := inList(field)
	if !ok {
		return nil
	}
	for _, l := range o.common() {
		if anyItem(l.path) == anyItem(field) {
			all = append(all, strings.TrimSuffix(l.path, rest))
		}
	}
	return all
}

// parts is what tells apart the calls in which one action is undone; empty: it is undone by one.
func (s *Shapes) parts(u *operation, p pair) guess {
	if p.item != nil {
		return guess{p.by, "each call names one item of what was done"}
	}
	several := func(run int) bool {
		calm := !slices.ContainsFunc(u.calls, func(c *seen) bool { return c.run == run && c.Fate != Passed })
		return calm && len(u.distinct(run)) > len(p.of.distinct(run))
	}
	most := 0
	for run := range s.run {
		if several(run) {
			most = max(most, len(u.distinct(run)))
		}
	}
	if most == 0 {
		return guess{}
	}
	for _, l := range u.common() {
		if !amountKey.MatchString(l.key) && s.differs(u, l.path, several) {
			return guess{l.path, fmt.Sprintf("%d calls that undo one action differ in it", most)}
		}
	}
	if header := keyOf([]*operation{u}); header != "" {
		return guess{fmt.Sprintf("request.headers[%q]", header), fmt.Sprintf("%d calls undo one action, and nothing else tells them apart", most)}
	}
	return guess{}
}
