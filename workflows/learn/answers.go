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

// answerOf is the template of the answer of an operation, and what is to be said of it.
func (s *Shapes) answerOf(o *operation, of *operation) (code int, body any, notes []string) {
	all := o.answers()
	if len(all) == 0 {
		return 0, nil, []string{"TODO: no answer with success was seen"}
	}
	first := all[0]
	v := value(first.Answer)
	if o.reads() && of != nil {
		body, note := s.readAnswer(o, of, all)
		return first.Code, body, note
	}
	a := &answering{o: o, all: all}
	return first.Code, a.template(v, "answer.body", ""), a.notes
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
	var texts []string
	for _, c := range a.all {
		l, _ := find(c.answered, path)
		texts = append(texts, l.text)
	}
	alike := !slices.ContainsFunc(texts, func(t string) bool { return t != texts[0] })
	if echo := a.echo(texts, key, alike); echo != "" {
		return "${" + echo + "}"
	}
	if alike && !(looksDrawn(texts[0]) && idKey.MatchString(key)) {
		return v
	}
	if _, number := v.(json.Number); number && idKey.MatchString(key) {
		a.notes = append(a.notes, fmt.Sprintf("TODO: %s is a number in the service's own answers, and a text here", key))
	}
	if idKey.MatchString(key) || looksDrawn(texts[0]) && !a.named && !strings.Contains(texts[0], ":") {
		a.named = true
		return "${new.id}"
	}
	a.notes = append(a.notes, fmt.Sprintf("TODO: %s differs from answer to answer: this is the first one's", key))
	return v
}

// echo is what of the request an answer repeats; empty: nothing.
func (a *answering) echo(texts []string, key string, alike bool) string {
	for _, l := range a.o.common() {
		if alike && l.key != key { // a coincidence
			continue
		}
		same := true
		for i, c := range a.all {
			r, _ := find(c.request, l.path)
			same = same && r.text == texts[i]
		}
		if same {
			return l.path
		}
	}
	return ""
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

// readAnswer is the answer of an operation that looks for what another one did.
func (s *Shapes) readAnswer(o, of *operation, all []*seen) (any, []string) {
	var where []string
	for _, l := range o.common() {
		if strings.HasPrefix(l.path, "request.headers") {
			continue
		}
		for _, f := range of.common() {
			if f.key == l.key && strings.HasPrefix(f.path, "request.body") {
				where = append(where, "."+f.path+" == "+l.path)
				break
			}
		}
	}
	for _, l := range o.common() { // GET /payments/{paymentId}
		if strings.HasPrefix(l.path, "request.path") {
			where = append(where, ".id == "+l.path)
		}
	}
	found := "effects"
	if len(where) > 0 {
		found = "filter(effects, " + strings.Join(where, " && ") + ")"
	}
	list := "${map(" + found + ", .answer.body)}"
	switch v := value(all[0].Answer).(type) {
	case []any:
		return list, nil
	case map[string]any:
		for k, x := range v {
			if _, ok := x.([]any); ok {
				return map[string]any{k: list}, nil
			}
		}
	}
	return "${len(" + found + ") > 0 ? " + found + "[0].answer.body : {}}", []string{"TODO: what is answered when there is nothing?"}
}
