package results_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

func TestComparison(t *testing.T) {
	r := samples.Compared()
	if r.Summary.Exit != 4 || !strings.Contains(r.Summary.Reasons[0], "not ready after 60s") {
		t.Errorf("an engine did not run: %+v", r.Summary)
	}
	c := r.Comparison
	for i := range c.Marks {
		if c.Marks[i].Mark == results.NotRunAtAll {
			c.Marks[i].Mark = results.Holds
		}
	}
	if r.Judge(); r.Summary.Exit != 0 {
		t.Errorf("a complete comparison: %+v", r.Summary)
	}
	c.Strict = true
	if r.Judge(); r.Summary.Exit != 1 {
		t.Errorf("a strict comparison: %+v", r.Summary)
	}
	c.Strict, c.Marks = false, c.Marks[1:]
	if r.Judge(); r.Summary.Exit != 2 || !strings.Contains(r.Summary.Reasons[0], "no mark for duplicate-effect") {
		t.Errorf("an incomplete comparison: %+v", r.Summary)
	}
}

// The finding that a mark tells is one that was replayed, else the smallest.
func TestMarkTellsWhatWasReplayed(t *testing.T) {
	r := samples.OneCause()
	if m := results.Compare([]*results.Run{r}).Marks[0]; m.Violations != 2 || m.Replay != r.Failures[0].File || m.Replays != nil {
		t.Errorf("got %+v, want the smallest, %s", m, r.Failures[0].File)
	}
	r.Failures[1].Reproduced = &results.Rate{Hits: 1, Tries: 2}
	if m := results.Compare([]*results.Run{r}).Marks[0]; m.Replay != r.Failures[1].File || m.Replays == nil {
		t.Errorf("got %+v, want the replayed one, %s", m, r.Failures[1].File)
	}
	also, _ := results.Compare([]*results.Run{r}).Mark("mine", "naive", "lost-compensation")
	if also.Mark != results.IsViolated || also.Replay != r.Beside[0].File {
		t.Errorf("got %+v: what the same cause broke has a replay of its own", also)
	}
	beside := r.Failures[0]
	beside.Property, beside.Also, beside.File = "lost-compensation", nil, "beside"
	for rate, want := range map[results.Rate]results.MarkOf{{Hits: 1, Tries: 10}: results.IsViolated, {Tries: 10}: results.Undecided} {
		beside.Reproduced = &rate
		r.Beside = []results.Failure{beside}
		m, _ := results.Compare([]*results.Run{r}).Mark("mine", "naive", "lost-compensation")
		if m.Mark != want || m.Replay != beside.File || m.Replays != &rate {
			t.Errorf("got %+v, want %s: what is told beside others has replays of its own", m, want)
		}
	}
	r.Beside = nil
	for _, c := range []struct {
		tries int
		want  results.MarkOf
	}{{2, results.IsViolated}, {3, results.Undecided}} {
		for len(r.Failures) < results.PlansReplayed {
			r.Failures = append(r.Failures, r.Failures[0])
		}
		for i := range r.Failures {
			r.Failures[i].Property, r.Failures[i].Also, r.Failures[i].Reproduced = "duplicate-effect", nil, &results.Rate{Tries: c.tries}
		}
		m, _ := results.Compare([]*results.Run{r}).Mark("mine", "naive", "duplicate-effect")
		if m.Mark != c.want || c.want == results.Undecided && !strings.Contains(m.Reason, fmt.Sprintf("which came back in none of %d replays", c.tries*len(r.Failures))) {
			t.Errorf("%d replays: got %+v, want %s", c.tries, m, c.want)
		}
	}
	r.Failures = append(r.Failures, r.Failures[0])
	r.Failures[results.PlansReplayed].Reproduced = nil
	if m, _ := results.Compare([]*results.Run{r}).Mark("mine", "naive", "duplicate-effect"); m.Mark != results.Undecided {
		t.Errorf("got %+v, want %s: those that were not replayed tell no more", m, results.Undecided)
	}
	r.Failures[1].Reproduced = nil
	if m, _ := results.Compare([]*results.Run{r}).Mark("mine", "naive", "duplicate-effect"); m.Mark != results.IsViolated {
		t.Errorf("got %+v, want %s: too few were replayed", m, results.IsViolated)
	}
}
