package workflows

import (
	"maps"
	"os"
	"slices"
	"testing"
)

// What a service only took is found by who asks for it by name (shows_pending), and else when it is done.
func TestPolled(t *testing.T) {
	file := "../campaign/testdata/polled/workflow.yaml"
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w, err := Parse(file, b)
	if err != nil {
		t.Fatal(err)
	}
	if back, polled := w.Callbacks(), w.Polled(); len(back) > 0 || !slices.Equal(polled, []string{"charge", "charge.undo"}) {
		t.Errorf("called back: %v, polled: %v", back, polled)
	}
	if shows := w.Shows(); !maps.EqualFunc(shows, map[string][]string{"find": {"charge"}, "find-refund": {"charge.undo"}}, slices.Equal) {
		t.Errorf("read-backs show %v", shows)
	}
	find, findRefund := w.Services["bank"].Operations["find"], w.Services["bank"].Operations["find-refund"]
	done, taken, declined := Action{}, Action{}, Action{}
	done.Take()
	done.Settle(false)
	taken.Take()
	declined.Settle(true)
	for name, tc := range map[string]struct {
		a    Action
		done bool
	}{"done": {done, true}, "taken": {taken, false}, "declined": {declined, false}} {
		if tc.a.IsDone() != tc.done || findRefund.Finds(tc.a) != tc.done || !find.Finds(tc.a) {
			t.Errorf("%s: done %v, found %v, found with shows_pending %v", name, tc.a.IsDone(), findRefund.Finds(tc.a), find.Finds(tc.a))
		}
	}
}
