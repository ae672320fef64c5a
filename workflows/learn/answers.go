package learn

import (
	"encoding/json"
	"fmt"
	"maps"
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
	a := &answering{o: o, all: all}
	return first.Code, a.template(v, "answer.body", ""), a.notes, guess{}
}

// answering turns a recorded answer into a template.
type answering struct {
	o     *operation
	all   []*seen
	named bool // ${new.id} is there
	notes []string
}

func (a *answering) template(v any, path, key string) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[k] = a.template(x, member(path, k), k)
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
	if _, number := v.(json.Number); number && idKey.MatchString(key) {
		a.notes = append(a.notes, fmt.Sprintf("TODO: %s is a number in the service's own answers, and a text here: where the workflow takes numbers only, '${int(split(new.id, \"-\")[1])}' is one, and string(…) makes it a text where that is compared with one", key))
	}
	if idKey.MatchString(key) || (drawn || a.different(said)) && !a.named && !strings.ContainsAny(text, ": ") {
		a.named = true
		return "${new.id}"
	}
	a.notes = append(a.notes, fmt.Sprintf("TODO: %s differs from answer to answer: this is the first one's", key))
	return v
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
	if field == "" || typeOf(of.calls, answered, field) == texts {
		return what + ".id == " + path
	}
	return equal(what+"."+field, path, false)
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
