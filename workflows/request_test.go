package workflows

import (
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
