package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// route is a method and the template of a path.
type route struct {
	text     string
	method   string
	segments []segment
	params   []string
	op       *Operation // nil: it does not matter
	stub     *answer    // to what does not matter; nil: an empty one
}

// segment is one part of a path: a text, or a parameter.
type segment struct{ text, param string }

var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

// parseRoute reads "POST /payments/{paymentId}/refund".
func parseRoute(text string) (*route, error) {
	method, path, ok := strings.Cut(text, " ")
	if !ok || !strings.HasPrefix(path, "/") || !slices.Contains(methods, method) {
		return nil, fmt.Errorf("%q: expected a method and a path: POST /payments/{paymentId}/refund", text)
	}
	if strings.ContainsAny(path, "?#") {
		return nil, fmt.Errorf("%q: expected no query: when: narrows it", text)
	}
	r := &route{text: text, method: method}
	for _, part := range strings.Split(strings.TrimPrefix(path, "/"), "/") {
		s, err := parseSegment(part)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", text, err)
		}
		if s.param != "" && slices.Contains(r.params, s.param) {
			return nil, fmt.Errorf("%q: {%s} is there twice", text, s.param)
		}
		if s.param != "" {
			r.params = append(r.params, s.param)
		}
		r.segments = append(r.segments, s)
	}
	return r, nil
}

func parseSegment(part string) (segment, error) {
	if !strings.ContainsAny(part, "{}") {
		text, err := url.PathUnescape(part)
		return segment{text: text}, err
	}
	name := strings.TrimSuffix(strings.TrimPrefix(part, "{"), "}")
	if part != "{"+name+"}" || name == "" || strings.ContainsAny(name, "{}") {
		return segment{}, fmt.Errorf("%q: expected a whole part of the path in braces: {paymentId}", part)
	}
	return segment{param: name}, nil
}

// match gives the parameters of a path; ok is false if the route does not fit. A parameter is
// empty in a compensation alone, which names nothing then.
func (r *route) match(method, path string) (params map[string]any, ok bool) {
	if method != r.method {
		return nil, false
	}
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if len(parts) == len(r.segments)+1 && parts[len(parts)-1] == "" { // a slash at the end
		parts = parts[:len(parts)-1]
	}
	if len(parts) != len(r.segments) {
		return nil, false
	}
	params = map[string]any{}
	for i, s := range r.segments {
		part, err := url.PathUnescape(parts[i])
		switch {
		case err != nil, s.param == "" && part != s.text, s.param != "" && part == "" && !r.undoes():
			return nil, false
		case s.param != "":
			params[s.param] = part
		}
	}
	return params, true
}

func (r *route) undoes() bool { return r.op != nil && r.op.Undoes != "" }

// compare orders routes of which requests are tried: of two that fit one path, the one
// that says more of it comes first.
func (r *route) compare(o *route) int {
	if n := cmp.Compare(len(r.segments), len(o.segments)); n != 0 {
		return n // they fit no path in common
	}
	for i := range r.segments {
		switch a, b := r.segments[i].param != "", o.segments[i].param != ""; {
		case a && !b:
			return 1
		case b && !a:
			return -1
		}
	}
	return 0
}

// clashes tells whether two routes fit one and the same request, and neither says more of
// it: they are alike, or each names a part that the other leaves open.
func (r *route) clashes(o *route) bool {
	if r.method != o.method || len(r.segments) != len(o.segments) {
		return false
	}
	more, less := false, false
	for i := range r.segments {
		a, b := r.segments[i], o.segments[i]
		switch {
		case a.param == "" && b.param == "" && a.text != b.text:
			return false
		case a.param == "" && b.param != "":
			more = true
		case a.param != "" && b.param == "":
			less = true
		}
	}
	return more == less
}

// NoRouteError is a request that no operation of a service fits.
type NoRouteError struct {
	Service string
	Request Request
	Known   []string
	When    string // an operation whose when: said no; empty: none fits method and path
}

func (e *NoRouteError) Error() string {
	s := fmt.Sprintf("services.%s: no operation fits %s %s", e.Service, e.Request.Method, e.Request.Path)
	if e.When != "" {
		s += fmt.Sprintf(" (when: of %s says no)", e.When)
	}
	return s + ": expected one of " + strings.Join(e.Known, ", ")
}

// TwoOperationsError is a request that two operations of a service fit.
type TwoOperationsError struct {
	Service   string
	Request   Request
	Operation [2]string
}

func (e *TwoOperationsError) Error() string {
	return fmt.Sprintf("services.%s: %s %s is %s as well as %s: when: of both says yes: expected a when: that is true for one of them (body %.200q)",
		e.Service, e.Request.Method, e.Request.target(), e.Operation[0], e.Operation[1], e.Request.Body)
}

// Match finds the operation that a request belongs to.
func (s *Service) Match(r Request) (*Call, error) {
	none := &NoRouteError{Service: s.name, Request: r}
	var errs []error
	for i, route := range s.routes { // what says more comes first
		c, err := s.fit(route, r, none)
		switch {
		case err != nil:
			errs = append(errs, err)
		case c != nil:
			return c, s.alone(c, route, s.routes[i+1:], r)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return nil, none
}

// fit is the call that a request is by a route; nil: it is none, and none is told why.
func (s *Service) fit(route *route, r Request, none *NoRouteError) (*Call, error) {
	params, ok := route.match(r.Method, r.Path)
	switch {
	case !ok && (route.op != nil || route.stub != nil):
		none.Known = append(none.Known, route.text)
		return nil, nil
	case !ok:
		return nil, nil
	case route.op == nil:
		return pass(route.stub, r, params)
	}
	c := newCall(s, route.op, r, params)
	fits, err := c.when()
	if err != nil {
		return nil, err
	}
	if !fits {
		none.When = route.op.Name
		none.Known = append(none.Known, route.text)
		return nil, nil
	}
	return c, nil
}

// alone is an error if a request is a call of another operation, too, whose route says
// as much of it. A when: that fails on the request is not true of it.
func (s *Service) alone(c *Call, route *route, others []*route, r Request) error {
	for _, o := range others {
		if c.Pass || !route.clashes(o) {
			continue
		}
		if also, err := s.fit(o, r, &NoRouteError{}); err == nil && also != nil {
			return &TwoOperationsError{Service: s.name, Request: r, Operation: [2]string{c.Op.Name, also.Op.Name}}
		}
	}
	return nil
}
