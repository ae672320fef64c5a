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
