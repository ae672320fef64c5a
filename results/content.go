package results

import (
	"fmt"
	"maps"
	"slices"
)

// Content is what was to be run, by what it holds and not by its name: shards with
// another content do not belong together. Digests are hashes of canonical JSON.
type Content struct {
	Scenarios map[string]string `json:"scenarios,omitempty"` // name → digest of its definitions and registers
	Plans     string            `json:"plans,omitempty"`     // digest of the plans of all shards
	Settings  map[string]string `json:"settings,omitempty"`  // those that change what a cell does
}

// Differences between what two parts of a run were to run.
func (c Content) Differences(o Content) []string {
	var out []string
	each := func(a, b map[string]string, differ func(key string)) {
		for _, k := range union(slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b))) {
			if a[k] != b[k] {
				differ(k)
			}
		}
	}
	each(c.Scenarios, o.Scenarios, func(name string) {
		switch {
		case o.Scenarios[name] == "":
			out = append(out, fmt.Sprintf("it has the scenario %q too", name))
		case c.Scenarios[name] == "":
			out = append(out, fmt.Sprintf("it lacks the scenario %q", name))
		default:
			out = append(out, fmt.Sprintf("the scenario %q has another content (digest %s, not %s)", name, c.Scenarios[name], o.Scenarios[name]))
		}
	})
	each(c.Settings, o.Settings, func(name string) {
		out = append(out, fmt.Sprintf("%s is %q, not %q", name, c.Settings[name], o.Settings[name]))
	})
	if len(out) == 0 && c.Plans != o.Plans {
		out = append(out, fmt.Sprintf("the list of plans is another one (digest %s, not %s)", c.Plans, o.Plans))
	}
	return out
}
