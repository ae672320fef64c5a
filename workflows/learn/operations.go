package learn

import (
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// seen is a call in what was seen.
type seen struct {
	Call
	run, at  int    // its places
	request  []leaf // path parameters first, then query, body, headers
	answered []leaf
}

// operation is one sort of call.
type operation struct {
	service, method string
	parts           []string // of the path; a parameter is {name}
	calls           []*seen
	calm            bool // a run without faults made it
}

func (o *operation) path() string    { return "/" + strings.Join(o.parts, "/") }
func (o *operation) request() string { return o.method + " " + o.path() }

// samePaths tells whether calls were repeated, and whether each of the same path, as far as
// was seen: no run came to more paths than another.
func (o *operation) samePaths() (repeated, same bool) {
	calls, paths := map[int]int{}, map[int]map[string]bool{}
	for _, c := range o.calls {
		if paths[c.run] == nil {
			paths[c.run] = map[string]bool{}
		}
		calls[c.run]++
		paths[c.run][c.Path] = true
	}
	least, most := math.MaxInt, 0
	for run, n := range calls {
		repeated = repeated || n > len(paths[run])
		least, most = min(least, len(paths[run])), max(most, len(paths[run]))
	}
	return repeated, least == most
}

func (o *operation) reads() bool { return o.method == http.MethodGet || o.method == http.MethodHead }

// Shapes tells the sorts of calls apart: calls that differ in ids only are of one sort.
type Shapes struct {
	all []*operation
	run []view
}

// view is one run, decoded.
type view struct {
	Run
	start, answer []leaf
	calls         []*seen
}

// NewShapes reads a record.
func NewShapes(rec Record) *Shapes {
	s := &Shapes{}
	for i, r := range rec.Runs {
		v := view{Run: r, start: leaves("start.body", "", value(r.Start)), answer: leaves("answer.body", "", value(r.Answer))}
		for at, c := range r.Calls {
			n := &seen{Call: c, run: i, at: at, answered: leaves("answer.body", "", value(c.Answer))}
			v.calls = append(v.calls, n)
			s.add(&v, n, r.Calm())
		}
		s.run = append(s.run, v)
	}
	return s
}

// Of names the sort of a call of which no run is known; empty: a new one.
func (s *Shapes) Of(c Call) string {
	parts := split(c.Path)
	for _, o := range s.all {
		if o.service == c.Service && o.method == c.Method && fits(o.parts, parts) {
			return o.service + " " + o.request()
		}
	}
	return ""
}

func split(path string) []string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i, p := range parts {
		if plain, err := url.PathUnescape(p); err == nil {
			parts[i] = plain
		}
	}
	return parts
}

func parameter(part string) bool { return strings.HasPrefix(part, "{") }

func fits(template, parts []string) bool {
	if len(template) != len(parts) {
		return false
	}
	for i, t := range template {
		if !parameter(t) && t != parts[i] {
			return false
		}
	}
	return true
}

// add files a call under its operation.
func (s *Shapes) add(v *view, c *seen, calm bool) {
	parts := split(c.Path)
	template := make([]string, len(parts))
	for i, p := range parts {
		template[i] = p
		if name := v.parameter(c, parts, i); name != "" {
			template[i] = "{" + name + "}"
		}
	}
	i := slices.IndexFunc(s.all, func(o *operation) bool {
		return o.service == c.Service && o.method == c.Method && slices.EqualFunc(o.parts, template, func(a, b string) bool {
			return a == b || parameter(a) && parameter(b)
		})
	})
	if i < 0 {
		s.all = append(s.all, &operation{service: c.Service, method: c.Method, parts: template})
		i = len(s.all) - 1
	}
	o := s.all[i]
	o.calls = append(o.calls, c)
	o.calm = o.calm || calm
	c.request = requestLeaves(o, c)
}

// parameter names a part of a path that is an id; empty: it is a word.
func (v *view) parameter(c *seen, parts []string, i int) string {
	from, said := v.said(c, parts[i])
	id := looksDrawn(parts[i])
	if !id && !(said && (idKey.MatchString(from.key) || nameKey.MatchString(from.key))) {
		return ""
	}
	if said && identifier.MatchString(from.key) && strings.ToLower(from.key) != "id" {
		return from.key
	}
	if i > 0 && identifier.MatchString(parts[i-1]) {
		return singular(parts[i-1]) + "Id"
	}
	return "id"
}

// said finds where a text was said first: in the start, its answer, or a call before.
func (v *view) said(c *seen, text string) (leaf, bool) {
	is := func(l leaf) bool { return l.text == text }
	for _, o := range v.calls {
		if o.at >= c.at {
			break
		}
		if i := slices.IndexFunc(o.answered, is); i >= 0 && o.Fate != Refused {
			return o.answered[i], true
		}
	}
	for _, before := range [][]leaf{v.answer, v.start} {
		if i := slices.IndexFunc(before, is); i >= 0 {
			return before[i], true
		}
	}
	return leaf{}, false
}

// ordinary headers say nothing of a saga.
var ordinary = []string{
	"Accept", "Accept-Encoding", "Accept-Language", "Connection", "Content-Length", "Content-Type", "Host", "User-Agent", "Date",
	"Authorization", "Cookie", "Sec-Fetch-Mode", "Cache-Control", "Idempotency-Key", "Traceparent", "Tracestate",
}

func requestLeaves(o *operation, c *seen) []leaf {
	var all []leaf
	for i, p := range split(c.Path) {
		if name := strings.Trim(o.parts[i], "{}"); parameter(o.parts[i]) {
			all = append(all, leaf{path: "request.path." + name, key: name, text: p})
		}
	}
	query := map[string]any{}
	for k, v := range c.Query {
		query[k] = v[0]
	}
	all = append(all, leaves("request.query", "", query)...)
	all = append(all, leaves("request.body", "", value(c.Body))...)
	headers := map[string]any{}
	for k, v := range c.Header {
		if !slices.Contains(ordinary, k) {
			headers[k] = v[0]
		}
	}
	return append(all, leaves("request.headers", "", headers)...)
}

// find gives the leaf at a path.
func find(all []leaf, path string) (leaf, bool) {
	i := slices.IndexFunc(all, func(l leaf) bool { return l.path == path })
	if i < 0 {
		return leaf{}, false
	}
	return all[i], true
}

// common are the leaves that each call of an operation has; those of the first call.
func (o *operation) common() []leaf {
	var all []leaf
	for _, l := range o.calls[0].request {
		if !slices.ContainsFunc(o.calls, func(c *seen) bool { _, ok := find(c.request, l.path); return !ok }) {
			all = append(all, l)
		}
	}
	return all
}
