// Package garble makes other answers of an answer, as gateways, proxies and services
// with a bug do: whole ones, that are not what was to be said.
//
// Non-goal: answers that break off; those are the wire's.
package garble

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/sagacheck/sagacheck/internal/jsonvalue"
)

// How an answer is garbled.
type How string

// The ways. Page and Empty say nothing: what was done is open, but for the status. All
// others say something that is not true, and nobody who reads them can know.
const (
	Page        How = "html"         // the page of a gateway
	Empty       How = "empty"        // no body at all
	ErrorInside How = "error-inside" // an object that tells of an error
	OtherID     How = "id"           // another id in the place of the effect's
	OtherAmount How = "amount"       // one unit more in the place of the effect's amounts
	Number      How = "number"       // a number in the place of the effect's id
	Text        How = "text"         // texts in the place of objects and lists; of the whole if it has none in it
)

// Misleads tells whether the answer says something that is not true.
func (h How) Misleads() bool { return h != "" && h != Page && h != Empty }

// Silent tells whether the whole body of the answer is another one, with status 200.
func (h How) Silent() bool { return h == Page || h == Empty || h == ErrorInside }

// Answer is what there is to garble.
type Answer struct {
	Body    []byte
	Ref     string  // the name that the service has for the effect; empty: none
	Amounts []int64 // of the effect, without their signs
}

// What is said in the place of an answer.
const (
	page    = "<!doctype html><title>OK</title><h1>{\"It works\"</h1>\n"
	failure = "{\"error\":{\"code\":\"internal\",\"message\":\"something went wrong\"}}\n"
)

// otherID is put behind an id: no service has given a name that ends so.
const otherID = "-other"

// Apply gives the body of the garbled answer. Not ok: there is nothing in the answer that
// can be garbled so.
func (a Answer) Apply(how How) (body []byte, ok bool) {
	some := len(a.Body) > 0
	switch how {
	case Page:
		return []byte(page), true
	case Empty:
		return []byte{}, some
	case ErrorInside:
		return []byte(failure), some
	}
	v, err := jsonvalue.Decode(a.Body)
	if err != nil {
		return nil, false
	}
	if how == Text {
		return texts(v)
	}
	changed := false
	v = walk(v, func(leaf any) any {
		other := a.leaf(how, leaf)
		changed = changed || other != leaf
		return other
	})
	return encoded(v), changed
}

// leaf is what stands in the place of a text or a number.
func (a Answer) leaf(how How, v any) any {
	switch x := v.(type) {
	case string:
		if a.Ref == "" || !strings.Contains(x, a.Ref) {
			return v
		}
		if how == OtherID {
			return strings.ReplaceAll(x, a.Ref, a.Ref+otherID)
		}
		if how == Number {
			return digits(x)
		}
	case json.Number:
		n, err := x.Int64()
		if how == OtherAmount && err == nil && slices.Contains(a.Amounts, max(n, -n)) {
			return json.Number(strconv.FormatInt(n+1, 10))
		}
	}
	return v
}

// otherNumber is put before the digits of an id, so that no other number is the same.
const otherNumber = "9000000"

// digits is a number in the place of an id.
func digits(id string) json.Number {
	only := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, id)
	return json.Number(otherNumber + only[max(len(only)-8, 0):])
}

// texts puts texts in the place of the objects and lists in an answer, or of the answer.
func texts(v any) ([]byte, bool) {
	changed := false
	switch v := v.(type) {
	case map[string]any:
		for name, x := range v {
			if structured(x) {
				v[name], changed = string(encoded(x)), true
			}
		}
		if len(v) == 0 {
			return nil, false
		}
	case []any:
	default:
		return nil, false
	}
	if !changed {
		return encoded(string(encoded(v))), true
	}
	return encoded(v), true
}

func structured(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

// walk replaces the texts, the numbers and the truths in a value.
func walk(v any, leaf func(any) any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, x := range v {
			v[name] = walk(x, leaf)
		}
		return v
	case []any:
		for i, x := range v {
			v[i] = walk(x, leaf)
		}
		return v
	}
	return leaf(v)
}

func encoded(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil { // it was decoded before
		panic(err)
	}
	return b
}
