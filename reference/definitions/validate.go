// Package definitions says which sagas the executor takes: it reads them strictly, and
// says of one that it does not take which field is wrong, and why.
package definitions

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sagacheck/sagacheck/saga"
)

// InvalidError says which field of a definition is wrong, and why.
type InvalidError struct {
	Field  string // its JSON path, for example steps[0].action.url
	Reason string
}

func (e *InvalidError) Error() string { return e.Field + ": " + e.Reason }

// Validate checks a definition and what the executor needs besides: ids that fit
// into a header, and URLs that can be called.
func Validate(d saga.Definition) error {
	if err := d.Validate(); err != nil {
		field, reason, _ := strings.Cut(err.Error(), ": ")
		return &InvalidError{field, reason}
	}
	for _, c := range d.ID {
		if c < '!' || c > '~' {
			return &InvalidError{"id", fmt.Sprintf("%q: expected visible ASCII characters", d.ID)}
		}
	}
	if d.ID == "." || d.ID == ".." || d.ID == "/" { // clients and servers take them for places in a path
		return &InvalidError{"id", fmt.Sprintf("%q: expected none of ., .. and /", d.ID)}
	}
	for _, check := range []func(saga.Definition) error{validateBounds, validateURLs, validateBodies} {
		if err := check(d); err != nil {
			return err
		}
	}
	return nil
}

func validateURLs(d saga.Definition) error {
	if err := EachCall(d, validateURL); err != nil {
		return err
	}
	return EachReadBack(d, validateURL)
}

// EachReadBack checks the address of every read-back of a definition as that of a call; an error names
// its field.
func EachReadBack(d saga.Definition, check func(saga.Call) *InvalidError) error {
	for i, s := range d.Steps {
		if s.ReadBack == "" {
			continue
		}
		if err := check(saga.Call{URL: s.ReadBack}); err != nil {
			return &InvalidError{fmt.Sprintf("steps[%d].read_back", i), err.Reason}
		}
	}
	return nil
}

// validateBodies checks that bodies are JSON, and UTF-8, which stores insist on.
func validateBodies(d saga.Definition) error { return EachCall(d, validateBody) }

// EachCall checks every call of a definition; an error names the call's field.
func EachCall(d saga.Definition, check func(saga.Call) *InvalidError) error {
	for i, s := range d.Steps {
		if err := check(s.Action); err != nil {
			return err.in(fmt.Sprintf("steps[%d].action", i))
		}
		if s.Compensation == nil {
			continue
		}
		if err := check(*s.Compensation); err != nil {
			return err.in(fmt.Sprintf("steps[%d].compensation", i))
		}
	}
	return nil
}

// in is the error of a field inside another.
func (e *InvalidError) in(outer string) *InvalidError {
	return &InvalidError{outer + "." + e.Field, e.Reason}
}

func validateBody(c saga.Call) *InvalidError {
	if at := invalidUTF8(c.Body); at >= 0 {
		return &InvalidError{"body", fmt.Sprintf("byte %d is not UTF-8", at)}
	}
	if len(c.Body) > 0 && !json.Valid(c.Body) {
		return &InvalidError{"body", "expected one JSON value"}
	}
	return nil
}

func validateURL(c saga.Call) *InvalidError {
	u, err := url.Parse(c.URL)
	switch {
	case strings.Contains(c.URL, "@") && (err != nil || u.User != nil): // without the text, which holds a secret
		return &InvalidError{"url", "holds credentials: expected none, since URLs are stored and shown"}
	case err == nil && !validPort(u.Port()):
		return &InvalidError{"url", fmt.Sprintf("port %q: expected 1 to 65535", u.Port())}
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
		return &InvalidError{"url", fmt.Sprintf("%q: expected http://… or https://…", c.URL)}
	}
	return nil
}

// validPort tells a port to which a call can be made; "": that of the scheme.
func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

// invalidUTF8 is the place of the first byte that is not UTF-8; -1 if there is none.
func invalidUTF8(text []byte) int {
	if utf8.Valid(text) {
		return -1
	}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}
