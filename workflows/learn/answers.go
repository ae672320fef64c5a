package learn

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// answers are the calls of an operation that its service answered with success.
func (o *operation) answers() []*seen {
	var all []*seen
	for _, c := range o.calls {
		if c.Fate != Refused && c.Code >= 200 && c.Code < 300 {
			all = append(all, c)
		}
	}
	return all
}

// answerOf is the template of the answer of an operation, and what is to be said of it; which,
// if it reads, is what tells the one that it asks for.
func (s *Shapes) answerOf(o *operation, of *operation) (code int, body any, notes []string, which guess) {
	all := o.answers()
	if len(all) == 0 {
		return 0, nil, []string{"TODO: no answer with success was seen"}, guess{}
	}
	first := all[0]
	v := value(first.Answer)
	if o.reads() && of != nil {
		body, notes, which := s.readAnswer(o, of, all)
		return first.Code, body, notes, which
	}
	a := &answering{o: o, all: all, taken: map[string]bool{}}
	return first.Code, a.template(v, "answer.body", ""), a.notes, guess{}
}

// answering turns a recorded answer into a template.
type answering struct {
	o     *operation
	all   []*seen
	names []name
	taken map[string]bool // prefixes of names
	notes []string
}

// name is one that the service gave to what it did.
type name struct {
	said     []leaf // in each answer
	template string
}

func (a *answering) template(v any, path, key string) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for _, k := range idsFirst(v) {
			out[k] = a.template(v[k], member(path, k), k)
		}
		return out
	case []any:
		if echo := a.echoOfList(path); echo != "" {
			return "${" + echo + "}"
		}
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = a.template(x, fmt.Sprintf("%s[%d]", path, i), key)
		}
		return out
	case string, json.Number:
		return a.leaf(v, path, key)
	}
	return v
}

func (a *answering) leaf(v any, path, key string) any {
	var said []leaf
	for _, c := range a.all {
		l, _ := find(c.answered, path)
		said = append(said, l)
	}
	text := said[0].text
	alike := !slices.ContainsFunc(said, func(l leaf) bool { return l.text != text })
	if echo := a.echo(said, key, alike); echo != "" {
		return "${" + echo + "}"
	}
	drawn := looksDrawn(text) || strings.ContainsAny(text, "0123456789") && a.once()
	if alike && !(drawn && idKey.MatchString(key)) {
		return v
	}
	_, number := v.(json.Number)
	id := idKey.MatchString(key)
	if id || (drawn || a.different(said)) && !strings.ContainsAny(text, ": ") {
		if template := a.name(key, said, id || len(a.names) == 0 || !isNumber(said[0])); template != "" {
			if number && id {
				a.notes = append(a.notes, a.numberNote(key, said))
			}
			return template
		}
	}
	a.notes = append(a.notes, fmt.Sprintf("TODO: %s differs from answer to answer: this is the first one's", key))
	return v
}

// name is the template of a name that the answers said. The same texts are one name wherever they
// stand, and others one of their own: what names one thing by the name of another is wrong. Empty:
// it is none that is known, and no new one is wanted.
func (a *answering) name(key string, said []leaf, anew bool) string {
	if i := a.named(said); i >= 0 {
		return a.names[i].template
	}
	if !anew {
		return ""
	}
	template := "${new.id}"
	if len(a.names) > 0 {
		template = fresh(a.taken, "", plain(key)) + "-${new.id}"
	}
	a.names = append(a.names, name{said, template})
	return template
}

// named is the place of the name that the answers said; negative: it is none yet.
func (a *answering) named(said []leaf) int {
	return slices.IndexFunc(a.names, func(n name) bool {
		return slices.EqualFunc(n.said, said, func(a, b leaf) bool { return a.text == b.text })
	})
}

// numberNote says what to do where a name is a number.
func (a *answering) numberNote(key string, said []leaf) string {
	number := `int(split(new.id, "-")[1])`
	if i := a.named(said); i > 0 {
		number = fmt.Sprintf("%d000000 + %s", i, number)
	}
	return fmt.Sprintf("TODO: %s is a number in the service's own answers, and a text here: where the workflow takes numbers only, '${%s}' is one, and string(…) makes it a text where that is compared with one", key, number)
}

// idsFirst are the fields of an answer, those that are called ids first: the shortest, mostly id
// itself, names what was done.
func idsFirst(fields map[string]any) []string {
	rank := func(k string) int {
		if idKey.MatchString(k) {
			return len(k)
		}
		return math.MaxInt
	}
	return slices.SortedFunc(maps.Keys(fields), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
}

// once tells whether no more than one call was answered, and repeats of it.
func (a *answering) once() bool {
	return !slices.ContainsFunc(a.all, func(c *seen) bool { return !c.Same(a.all[0].Call) })
}

// different tells whether no two calls but repeats were answered the same, as with ids.
func (a *answering) different(said []leaf) bool {
	by := map[string]*seen{}
	for i, c := range a.all {
		b := by[said[i].text]
		if b != nil && !b.Same(c.Call) {
			return false
		}
		by[said[i].text] = c
	}
	return len(by) > 2
}

// echo is what of the request an answer repeats, if possible as the type that it has in the
// answer; empty: nothing.
func (a *answering) echo(said []leaf, key string, alike bool) string {
	var other string // of another type; a text stays one, as played ids are no numbers
	for _, l := range a.o.common() {
		if alike && l.key != key { // a coincidence
			continue
		}
		same := true
		for i, c := range a.all {
			r, _ := find(c.request, l.path)
			same = same && r.text == said[i].text
		}
		switch {
		case !same:
		case l.number == said[0].number:
			return l.path
		case other == "" && l.number:
			other = "string(" + l.path + ")"
		case other == "" && isNumber(l) && amountKey.MatchString(l.key): // in a form
			other = "float(" + l.path + ")"
		case other == "":
			other = l.path
		}
	}
	return other
}

// echoOfList is the list of the request that the one at a path of an answer repeats, however
// long it is; empty: none.
func (a *answering) echoOfList(path string) string {
	var alike []string
	for i, c := range a.all {
		text, asked := lists("answer.body", value(c.Answer))[path], lists("request.body", value(c.Body))
		if text == "" || text == "[]" {
			return ""
		}
		if i == 0 {
			alike = slices.Sorted(maps.Keys(asked))
		}
		alike = slices.DeleteFunc(alike, func(of string) bool { return asked[of] != text })
	}
	if len(alike) == 0 {
		return ""
	}
	return alike[0]
}

// foundBy is true of the effect that a parameter of a path names: by what its request said,
// where that made the name, or by its id, which is what an answer says of it, but as a text,
// where the service's own are numbers.
func (s *Shapes) foundBy(o *operation, path string, of *operation, what string) string {
	if field := s.namedBy(o, path, of, requested); field != "" {
		return equal(what+"."+field, path, sameType(typeOf(of.calls, requested, field), typeOf(o.calls, requested, path)))
	}
	field := s.namedBy(o, path, of, answered)
	if field == "" {
		return what + ".id == " + path
	}
	return equal(what+"."+field, path, typeOf(of.calls, answered, field) == texts)
}

// readAnswer is the answer of an operation that looks for what another one did: a list of it, or
// the one that which is true of.
func (s *Shapes) readAnswer(o, of *operation, all []*seen) (body any, notes []string, which guess) {
	found := "effects"
	if where := s.askedFor(o, of, ""); where != "" {
		found = "filter(effects, " + where + ")"
	}
	list := "${map(" + found + ", .answer.body)}"
	switch v := value(all[0].Answer).(type) {
	case []any:
		return list, nil, guess{}
	case map[string]any:
		for k, x := range v {
			if _, ok := x.([]any); ok {
				return map[string]any{k: list}, nil, guess{}
			}
		}
	}
	notes = []string{"TODO: what is answered when there is nothing? 404, unless missing: {code: …, body: …} says otherwise"}
	if where := s.askedFor(o, of, "action"); where != "" {
		return "${action.answer.body}", notes, guess{where, "it asks for one, and was answered what it is"}
	}
	return "${len(effects) > 0 ? effects[0].answer.body : {}}", []string{"TODO: what is answered when there is nothing?"}, guess{}
}

// askedFor is true of what an operation that looks for another's effects asks for; empty: for all.
func (s *Shapes) askedFor(o, of *operation, what string) string {
	var where []string
	for _, l := range o.common() {
		if strings.HasPrefix(l.path, "request.headers") {
			continue
		}
		for _, f := range of.common() {
			if f.key == l.key && strings.HasPrefix(f.path, "request.body") {
				alike := sameType(typeOf(of.calls, requested, f.path), typeOf(o.calls, requested, l.path))
				where = append(where, equal(what+"."+f.path, l.path, alike))
				break
			}
		}
	}
	for _, l := range o.common() { // GET /payments/{paymentId}
		if strings.HasPrefix(l.path, "request.path") {
			where = append(where, s.foundBy(o, l.path, of, what))
		}
	}
	return strings.Join(where, " && ")
}
