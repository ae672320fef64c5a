package results_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

// TestStoryOfAQuestion: it stands where it was answered, and says what it was told: one that was
// answered before an effect and noted after it did not hide that.
func TestStoryOfAQuestion(t *testing.T) {
	h := samples.LostAnswer()
	committed := slices.IndexFunc(h.Events, func(e history.Event) bool { return e.Kind == history.CallCommitted })
	effect := &h.Events[committed]
	read := func(e history.Event) {
		e.Kind, e.Saga, e.Step, e.At = history.CallRead, effect.Saga, "find", h.Events[len(h.Events)-1].At+time.Millisecond
		e.Request = &history.Message{Method: "GET", Target: "/charges"}
		e.Seq = len(h.Events) + 1
		h.Events = append(h.Events, e)
	}
	read(history.Event{Code: 200, Passed: effect.At - 1})
	read(history.Event{Code: 200, Passed: effect.At + 1, Told: []string{"c-1"}})
	read(history.Event{Code: 0})
	for name, lines := range map[string][]results.Line{
		"story": results.Tell(h, checkers.Witness{Saga: effect.Saga, Events: []int{effect.Seq}}).Lines, "timeline": results.Timeline(h, checkers.Witness{}),
	} {
		var got []string
		for i, l := range lines {
			if l.Kind == history.CallRead || l.Seq == effect.Seq {
				got = append(got, l.Text)
			}
			if i > 0 && l.At < lines[i-1].At {
				t.Errorf("%s: %q, at %v, comes after %v", name, l.Text, l.At, lines[i-1].At)
			}
		}
		want := []string{
			"GET /charges asks what is there, and gets 200: finds nothing", "", "GET /charges asks what is there, and gets 200: finds c-1",
			"GET /charges asks what is there, and gets no answer",
		}
		if len(got) == len(want) {
			want[1] = got[1]
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, expected %q", name, got, want)
		}
	}
}
