package templates

import (
	"reflect"
	"strings"
	"testing"
)

// TestMappingInPredicate: within a predicate one pair of braces is the predicate's own, as the
// docs and the error say.
func TestMappingInPredicate(t *testing.T) {
	tree, err := ParseTree(`${map(effects, {{"id": .id}})}`, "effects")
	if err != nil {
		t.Fatal(err)
	}
	got, err := tree.Value(map[string]any{"effects": []any{map[string]any{"id": "a", "unit": "EUR"}, map[string]any{"id": "b"}}})
	want := []any{map[string]any{"id": "a"}, map[string]any{"id": "b"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v: expected %v", got, err, want)
	}
	_, err = ParseTree(`${map(effects, {"id": .id})}`, "effects")
	if err == nil || !strings.Contains(err.Error(), `in braces of its own: {{"id": .id}}`) {
		t.Errorf("with one pair of braces: %v", err)
	}
}
