package learn

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Vary is the body of a start with another name in each field that looks like one, and
// another amount, so that runs can be told apart. What is no JSON stays as it is.
func Vary(body json.RawMessage, run string, n int) json.RawMessage {
	v := value(body)
	if v == nil {
		return body
	}
	b, err := json.Marshal(varied(v, "", func(key string, v any) any {
		switch v := v.(type) {
		case string:
			return v + "-" + run
		case json.Number:
			if i, err := v.Int64(); err == nil && moneyKey.MatchString(key) {
				return i + int64(n)
			}
		}
		return v
	}))
	if err != nil {
		return body
	}
	return b
}

// varied replaces the values that differ from saga to saga.
func varied(v any, key string, other func(key string, v any) any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out[k] = varied(v[k], k, other)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = varied(x, key, other)
		}
		return out
	case string:
		if v != "" && nameKey.MatchString(key) {
			return other(key, v)
		}
	case json.Number:
		return other(key, v)
	}
	return v
}

// startTemplate is the body of a start as the file has it.
func startTemplate(body json.RawMessage, varies bool) any {
	v := value(body)
	if v == nil || !varies {
		return v
	}
	return varied(v, "", func(key string, v any) any {
		switch v := v.(type) {
		case string:
			return v + "-${saga.id}"
		case json.Number:
			if _, err := v.Int64(); err == nil && moneyKey.MatchString(key) {
				return fmt.Sprintf("${draw(%s, %s)}", lowest(v), highest(v))
			}
		}
		return v
	})
}

// lowest and highest bound what is drawn for a number: it stays as large as it was.
func lowest(v json.Number) string  { i, _ := v.Int64(); return fmt.Sprint(max(i/2, 1)) }
func highest(v json.Number) string { i, _ := v.Int64(); return fmt.Sprint(max(i*2, 2)) }
