// Package jsonvalue compares JSON texts by what they say: white space, escapes, the
// order of names and the way a number is written do not matter, its exact value
// does (9007199254740993 is not 9007199254740992).
//
// Non-goal: names that an object has twice; the last one counts, as in
// encoding/json.
package jsonvalue

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/big"
	"slices"
	"strings"
)

// Decode reads one JSON text to its end. Numbers are json.Number, as they are
// written.
func Decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("offset %d: expected nothing after the value", d.InputOffset())
	}
	return v, nil
}

// Equal tells whether two texts are the same JSON value. A text that is not JSON
// is equal only to the same bytes.
func Equal(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, err := Decode(a)
	if err != nil {
		return false
	}
	y, err := Decode(b)
	return err == nil && equal(x, y)
}

func equal(x, y any) bool {
	switch x := x.(type) {
	case map[string]any:
		y, ok := y.(map[string]any)
		return ok && maps.EqualFunc(x, y, equal)
	case []any:
		y, ok := y.([]any)
		return ok && slices.EqualFunc(x, y, equal)
	case json.Number:
		y, ok := y.(json.Number)
		return ok && exact(string(x)) == exact(string(y))
	}
	return x == y
}

// exact is one spelling for all spellings of a number: its digits without zeros at
// either end, and the power of ten that they are multiplied with. It never
// computes the power, which a text can make as large as it likes.
func exact(n string) string {
	digits, exponent, _ := strings.Cut(strings.ToLower(n), "e")
	digits, negative := strings.CutPrefix(digits, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	power := new(big.Int)
	if exponent != "" {
		power.SetString(strings.TrimPrefix(exponent, "+"), 10) // the decoder has checked it
	}
	power.Sub(power, big.NewInt(int64(len(fraction))))
	digits = strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return "0"
	}
	short := strings.TrimRight(digits, "0")
	power.Add(power, big.NewInt(int64(len(digits)-len(short))))
	if negative {
		short = "-" + short
	}
	return short + "e" + power.String()
}

// Difference says where and how two texts differ in value, as in "note.rate: 0.1,
// expected 0.10"; empty: they don't.
func Difference(got, want []byte) string {
	if Equal(got, want) {
		return ""
	}
	x, errX := Decode(got)
	y, errY := Decode(want)
	switch {
	case errX != nil:
		return fmt.Sprintf("%.40q is no JSON: %v", got, errX)
	case errY != nil:
		return fmt.Sprintf("%.40q, expected %.40q", got, want)
	}
	return difference(x, y, "")
}

func difference(x, y any, path string) string {
	switch y := y.(type) {
	case map[string]any:
		x, ok := x.(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(y)) {
			v, found := x[name]
			switch at := strings.TrimPrefix(path+"."+name, "."); {
			case ok && !found:
				return at + ": is missing"
			case ok && !equal(v, y[name]):
				return difference(v, y[name], at)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(x)) {
			if _, found := y[name]; !found {
				return strings.TrimPrefix(path+"."+name, ".") + ": is new"
			}
		}
	case []any:
		if x, ok := x.([]any); ok && len(x) == len(y) {
			for i := range y {
				if !equal(x[i], y[i]) {
					return difference(x[i], y[i], fmt.Sprintf("%s[%d]", path, i))
				}
			}
		}
	}
	return strings.TrimPrefix(fmt.Sprintf("%s: %s, expected %s", path, brief(x), brief(y)), ": ")
}

func brief(v any) string {
	text, err := json.Marshal(v)
	if err != nil { // it was read from JSON
		return fmt.Sprint(v)
	}
	return fmt.Sprintf("%.60s", text)
}
