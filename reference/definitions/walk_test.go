package definitions

import (
	"errors"
	"strings"
	"testing"
)

// What a text says of a field is found however it is written.
func TestWalk(t *testing.T) {
	for text, want := range map[string]InvalidError{
		`{"id":"a","i\u0064":"b"}`:                                      {"id", "is there twice"},
		`{ "id" : "a" , "\u0049d" : "b" }`:                              {"Id", "unknown field: names are lower-case"},
		`{"id":"a\"]}","x":1}`:                                          {"x", "unknown field"},
		`{"steps":[{},{"action":{"body":{"]\"}":[{}]},"x":1}}]}`:        {"steps[1].action.x", "unknown field"},
		`{"steps":[{"action":{"body":"]","retry":{},"retry":{}}}]}`:     {"steps[0].action.retry", "is there twice"},
		`{"steps":[{"action":{"retry":{"attempt_timeout_ms":1e999}}}]}`: {"steps[0].action.retry.attempt_timeout_ms", "number 1e999: expected a whole number"},
		`{"steps":[{"after":[ "x" , 1 ]}]}`:                             {"steps[0].after[1]", "number: expected a string"},
		`{"steps":{"x":1,"x":2}}`:                                       {"steps", "object: expected a list"},
	} {
		_, err := Decode(strings.NewReader(text))
		var invalid *InvalidError
		if !errors.As(err, &invalid) || *invalid != want {
			t.Errorf("%s: %v, want %v", text, err, &want)
		}
	}
}

// Where a text is no JSON, the walk comes to its end, and the decoder says why.
func TestNoJSON(t *testing.T) {
	for _, text := range []string{``, ` `, `"`, `"\`, `{`, `}`, `,`, `:`, `[,]`, `[}`, `{]`, `{"id"`, `{"id"}`, `{"id":`, `{"id":}`, `{"id":,"name":""}`, `{,}`, `{1:2}`, `{"steps":[{"action":{"body":]}}]}`, "{\x00}"} {
		_, err := Decode(strings.NewReader(text))
		var invalid *InvalidError
		if !errors.As(err, &invalid) || invalid.Field != "body" {
			t.Errorf("%q: %v", text, err)
		}
	}
}
