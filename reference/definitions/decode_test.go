package definitions

import (
	"encoding/json"
	"errors"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
)

// What is refused costs little more than what it takes to read it.
func TestRefusingCostsLittle(t *testing.T) {
	many := func(what string) string {
		return strings.TrimSuffix(strings.Repeat(what+",", (MaxBody-100)/(len(what)+1)), ",")
	}
	for name, tt := range map[string]struct{ body, field string }{
		"steps": {`{"id":"a","steps":[` + many("{}") + `]}`, "steps"},
		"after": {`{"id":"a","steps":[{"after":[` + many(`""`) + `]}]}`, "steps[0].after"},
		"deep":  {`{"id":"a","name":` + strings.Repeat("[", MaxBody/2), "name[0][0][0][0][0][0][0]"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Decode(strings.NewReader(tt.body))
		runtime.ReadMemStats(&after)
		var invalid *InvalidError
		if !errors.As(err, &invalid) || invalid.Field != tt.field {
			t.Errorf("%s: %.200v", name, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 24*MaxBody {
			t.Errorf("%s: took %d bytes", name, used)
		}
	}
}

// A field that is not there is named with its path, wherever it lies.
func TestUnknownFieldsHaveAPath(t *testing.T) {
	text := testparticipant.JSON(t, testparticipant.New(t, nil).Define("s", "a compensatable", "b compensatable", "c compensatable"))
	for path, reason := range map[string]string{
		"foo": "unknown field", "steps[2].foo": "unknown field", "steps[2].action.foo": "unknown field",
		"steps[2].action.retry.foo": "unknown field", "steps[1].compensation.retry.foo": "unknown field",
		"steps[0].action.breaker.foo": "unknown field", "steps[0].action.body.foo": "",
		"steps[0].action.retry.Jitter": "unknown field: names are lower-case",
		"body":                         "unknown field", // it is opaque where it is one
	} {
		got, err := Decode(strings.NewReader(with(t, text, path)))
		var invalid *InvalidError
		switch {
		case reason == "" && err != nil:
			t.Errorf("%s: %v, %v", path, got, err)
		case reason != "" && (!errors.As(err, &invalid) || *invalid != InvalidError{path, reason}):
			t.Errorf("%s: %v", path, err)
		}
	}
}

// with sets a field of a JSON text that is not there.
func with(t *testing.T, text, path string) string {
	t.Helper()
	var whole map[string]any
	if err := json.Unmarshal([]byte(text), &whole); err != nil {
		t.Fatal(err)
	}
	names := strings.Split(path, ".")
	at := whole
	for _, name := range names[:len(names)-1] {
		name, index, list := strings.Cut(strings.TrimSuffix(name, "]"), "[")
		if at[name] == nil || name == "body" {
			at[name] = map[string]any{}
		}
		next := at[name]
		if list {
			i, err := strconv.Atoi(index)
			if err != nil {
				t.Fatal(err)
			}
			next = next.([]any)[i]
		}
		at = next.(map[string]any)
	}
	at[names[len(names)-1]] = map[string]any{"x": 1}
	b, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
