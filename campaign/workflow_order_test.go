package campaign

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// TestInOrder: the order of steps is what runs show, and what was only quicker in one of
// them waits for nobody.
func TestInOrder(t *testing.T) {
	steps := []saga.Step{{Name: "charge"}, {Name: "log"}, {Name: "never"}, {Name: "reserve"}, {Name: "reserve(2)"}, {Name: "ship"}}
	calm := run(t, "reserve reserve(2) +reserve +reserve(2) charge +charge log +log ship +ship")
	slow := run(t, "reserve reserve(2) +reserve +reserve(2) charge log +log +charge ship +ship")
	early := run(t, "reserve reserve(2) +reserve +reserve(2) charge +charge log ship +log +ship")
	refused := run(t, "reserve")
	for _, c := range []struct {
		name string
		runs []*history.Index
		want map[string][]string
	}{
		{"one run", []*history.Index{calm}, map[string][]string{"charge": {"reserve", "reserve(2)"}, "log": {"charge"}, "ship": {"log"}}},
		{"a step that goes on while another waits", []*history.Index{calm, slow, refused}, map[string][]string{"charge": {"reserve", "reserve(2)"}, "log": {"reserve", "reserve(2)"}, "ship": {"charge", "log"}}},
		{"a step that nobody waits for", []*history.Index{calm, early}, map[string][]string{"charge": {"reserve", "reserve(2)"}, "log": {"charge"}, "ship": {"charge"}}},
	} {
		var names []string
		for _, s := range inOrder(steps, c.runs) {
			names = append(names, s.Name)
			if !slices.Equal(s.After, c.want[s.Name]) || s.After == nil {
				t.Errorf("%s: %s comes after %q, expected %q", c.name, s.Name, s.After, c.want[s.Name])
			}
		}
		if want := []string{"reserve", "reserve(2)", "charge", "log", "ship", "never"}; !slices.Equal(names, want) {
			t.Errorf("%s: %v, expected %v", c.name, names, want)
		}
	}
}

// run makes a history of steps that are attempted (NAME) and succeed (+NAME).
func run(t *testing.T, calls string) *history.Index {
	t.Helper()
	var b strings.Builder
	b.WriteString("workflow shop\ncapabilities -\nsaga s1\nstep charge\nstep log\nstep reserve\nstep reserve(2)\nstep ship\n\n0ms saga-accepted s1\n")
	for name := range strings.FieldsSeq(calls) {
		if done, ok := strings.CutPrefix(name, "+"); ok {
			fmt.Fprintf(&b, "1ms call-ended s1 %s#1 200\n", done)
		} else {
			fmt.Fprintf(&b, "1ms call-sent s1 %s#1\n", name)
		}
	}
	h, err := history.ParseText(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return history.NewIndex(h)
}
