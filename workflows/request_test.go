package workflows

import (
	"net/http"
	"reflect"
	"slices"
	"testing"
)

// TestNumbersAreHeard: a number names something whatever its type is: that of JSON, or one that
// an expression made (int()).
func TestNumbersAreHeard(t *testing.T) {
	for _, like := range []any{int(0), int8(0), int16(0), int32(0), int64(0), uint(0), uint8(0), uint16(0), uint32(0), uint64(0), float32(0), float64(0)} {
		n := reflect.ValueOf(100).Convert(reflect.TypeOf(like)).Interface()
		if got := values(map[string]any{"id": n}); !slices.Equal(got, []string{"100"}) {
			t.Errorf("%T: heard %q", n, got)
		}
	}
	if got := values(float32(1 << 24)); !slices.Equal(got, []string{"16777216"}) {
		t.Errorf("a number with an exponent: %q", got)
	}
}

// A header is found by its name in any of the usual ways.
func TestHeaderNames(t *testing.T) {
	h := http.Header{}
	for _, name := range []string{"ETag", "X-Request-ID", "Content-Type"} {
		h.Set(name, name)
	}
	vars := headerVars(h)
	for name, want := range map[string]string{
		"ETag": "ETag", "Etag": "ETag", "etag": "ETag", "X-Request-ID": "X-Request-ID", "X-Request-Id": "X-Request-ID",
		"x-request-id": "X-Request-ID", "Content-Type": "Content-Type", "content-type": "Content-Type",
	} {
		if vars[name] != want {
			t.Errorf("%s: %v, expected %s", name, vars[name], want)
		}
	}
}
