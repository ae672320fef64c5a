package yamlfile_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sagacheck/sagacheck/internal/yamlfile"
)

func TestPlaces(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		line  int
		steps map[string]int
	}{
		"a scenario":       {"# of ours\nname: order\nsteps:\n  - name: reserve\n    kind: pivot\n  - kind: pivot\n    name: \"charge\"\n", 2, map[string]int{"reserve": 4, "charge": 7}},
		"in one line":      {"name: w\nsteps:\n  - {name: a, do: x.y}\n  - {do: x.z, name: b}\n", 1, map[string]int{"a": 3, "b": 4}},
		"only operations":  {"start: {}\nservices:\n  bank:\n    operations:\n      pay:\n        request: POST /\nname: w\n", 7, map[string]int{"pay": 5}},
		"steps come first": {"services:\n  bank:\n    operations:\n      pay: {}\nsteps:\n  - name: pay\n", 1, map[string]int{"pay": 6}},
		"no mapping":       {"- a\n", 1, map[string]int{}},
		"steps of nothing": {"steps: 3\nservices: [1]\n", 1, map[string]int{}},
		"nothing":          {"", 1, map[string]int{}},
		"no YAML":          {"a: [", 1, map[string]int{}},
	} {
		line, steps := yamlfile.Places([]byte(c.text))
		if diff := cmp.Diff(c.steps, steps); line != c.line || diff != "" {
			t.Errorf("%s: line %d, want %d; %s", name, line, c.line, diff)
		}
	}
}
