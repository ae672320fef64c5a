package jsonvalue

import (
	"encoding/json"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestEqual(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`{"a":1,"b":[true,null]}`, "{ \"b\" : [ true,\n null ], \"a\" : 1 }", true},
		{`"R\u00e9\u0026\/"`, `"Ré&/"`, true},
		{`"\ud83d\udeb2"`, `"🚲"`, true},
		{`[1,2]`, `[2,1]`, false},
		{`{"a":1}`, `{"a":1,"b":null}`, false},
		{`9007199254740993`, `9007199254740992`, false},
		{`9007199254740993`, `9007199254740993.0`, true},
		{`0.1`, `0.10000000000000000001`, false},
		{`150`, `1.50e+2`, true},
		{`-0`, `0`, true},
		{`1e1000000000000000000000`, `10e999999999999999999999`, true},
		{`1`, `"1"`, false},
		{`{}`, `[]`, false},
		{`not json`, `not json`, true},
		{`not json`, `not  json`, false},
		{`1`, `1 2`, false},
		{``, `null`, false},
	} {
		for range 2 {
			if got := Equal([]byte(c.a), []byte(c.b)); got != c.want {
				t.Errorf("Equal(%s, %s) = %v", c.a, c.b, got)
			}
			c.a, c.b = c.b, c.a
		}
	}
}

// TestNumbers: two spellings are equal exactly if the numbers are.
func TestNumbers(t *testing.T) {
	spelling := rapid.StringMatching(`-?(0|[1-9][0-9]{0,2})(\.[0-9]{1,3})?([eE][+-]?[0-9])?`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := spelling.Draw(t, "a"), spelling.Draw(t, "b")
		x, ok1 := new(big.Rat).SetString(a)
		y, ok2 := new(big.Rat).SetString(b)
		if !ok1 || !ok2 {
			t.Fatal(a, b)
		}
		if got, want := Equal([]byte(a), []byte(b)), x.Cmp(y) == 0; got != want {
			t.Errorf("Equal(%s, %s) = %v", a, b, got)
		}
	})
}

func FuzzEqual(f *testing.F) {
	f.Add(`{"a":[1.50e+2,"\u00e9"]}`)
	f.Fuzz(func(t *testing.T, text string) {
		if !Equal([]byte(text), []byte(text)) {
			t.Errorf("%q is not equal to itself", text)
		}
		var v any
		if json.Unmarshal([]byte(text), &v) == nil && !Equal([]byte(text), []byte(" "+text+" ")) {
			t.Errorf("%q is not equal to itself in spaces", text)
		}
	})
}

func TestDifference(t *testing.T) {
	for _, c := range []struct{ got, want, is string }{
		{`{"a":1}`, `{ "a" : 1.0 }`, ""},
		{`{"note":{"n":9007199254740992}}`, `{"note":{"n":9007199254740993}}`, "note.n: 9007199254740992, expected 9007199254740993"},
		{`{"a":[{"b":"x"}]}`, `{"a":[{"b":"y"}]}`, `a[0].b: "x", expected "y"`},
		{`{"a":[1]}`, `{"a":[1,2]}`, "a: [1], expected [1,2]"},
		{`{}`, `{"a":null}`, "a: is missing"},
		{`{"a":null,"b":2}`, `{"a":null}`, "b: is new"},
		{`[]`, `{"a":1}`, `[], expected {"a":1}`},
		{`5`, `6`, "5, expected 6"},
		{``, `{}`, `"" is no JSON: EOF`},
	} {
		if is := Difference([]byte(c.got), []byte(c.want)); is != c.is {
			t.Errorf("Difference(%s, %s) = %q, want %q", c.got, c.want, is, c.is)
		}
	}
}
