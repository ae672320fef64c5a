package results_test

import (
	"slices"
	"strings"
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

// TestStoryOfAnAnswer: it stands where it arrived, before what followed from it: its connection was over later.
func TestStoryOfAnAnswer(t *testing.T) {
	h, err := history.ParseText(strings.NewReader("saga s1\nstep charge\nstep hold\n1ms call-sent s1 charge#1\n2ms call-answered s1 charge#1 422\n5ms call-sent s1 hold.undo#1\n6ms call-ended s1 charge#1 422 acked=3ms\n"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range results.Timeline(h, checkers.Witness{}) {
		got = append(got, l.Text)
	}
	want := []string{"charge#1: 422 arrives", "hold.undo#1 leaves"}
	if at := slices.Index(got, want[0]); at < 0 || len(got) < at+2 || !strings.HasPrefix(got[at+1], want[1]) {
		t.Errorf("%q: expected %q in this order", got, want)
	}
}
