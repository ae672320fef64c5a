package results_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/results"
)

func TestStory(t *testing.T) {
	h := samples.LostAnswer()
	s := results.Tell(h, samples.Duplicate(h).Witnesses[0])
	var marks []results.Mark
	for i, l := range s.Lines {
		if i > 0 && l.Seq <= s.Lines[i-1].Seq {
			t.Errorf("%q comes after %q", l.Text, s.Lines[i-1].Text)
		}
		if l.Mark != "" {
			marks = append(marks, l.Mark)
		}
	}
	if want := []results.Mark{results.MarkWitness, results.MarkFault, results.MarkWitness}; !slices.Equal(marks, want) {
		t.Errorf("marked %v, want %v", marks, want)
	}
	if got := strings.Join(s.Parties(), " "); got != "client orchestrator wire charge" {
		t.Errorf("parties %s", got)
	}
	whole := results.Tell(h, checkers.Witness{})
	if len(whole.Lines) == 0 {
		t.Error("a witness without events has no story")
	}
}

// A finding about a compensation tells every call of its step, as one about its action does.
func TestStoryOfACompensation(t *testing.T) {
	h := samples.LostAnswer()
	w := samples.Duplicate(h).Witnesses[0]
	w.Events = nil
	action := results.Tell(h, w)
	w.Step = "charge.undo"
	if undo := results.Tell(h, w); len(undo.Lines) != len(action.Lines) {
		t.Errorf("%d lines, and %d of the action's", len(undo.Lines), len(action.Lines))
	}
	for ref, want := range map[string]string{"charge": "charge", "charge.undo(2)": "charge", "charge.undo.callback": "charge", "seat(2).undo": "seat(2)", "": ""} {
		if got := results.StepName(ref); got != want {
			t.Errorf("%s is of %q, want %q", ref, got, want)
		}
	}
}

// A process that went away by itself is in the story, whomever it concerns.
func TestStoryOfGoneProcess(t *testing.T) {
	h := samples.LostAnswer()
	e := history.Event{Kind: history.ProcessGone, Detail: "signal: killed", At: h.Events[len(h.Events)-1].At, Seq: len(h.Events) + 1}
	h.Events = append(h.Events, e)
	lines := results.Tell(h, samples.Duplicate(h).Witnesses[0]).Lines
	if want := "went away, which no plan asked for (signal: killed)"; lines[len(lines)-1].Text != want {
		t.Errorf("the last line is %q, want %q", lines[len(lines)-1].Text, want)
	}
}

func TestLongStoryKeepsTheWitness(t *testing.T) {
	h := samples.LostAnswer()
	proof := []int{}
	for range 500 {
		e := h.Events[3]
		e.Seq = len(h.Events) + 1
		h.Events = append(h.Events, e)
		if len(proof) < 5 {
			proof = append(proof, e.Seq)
		}
	}
	s := results.Tell(h, checkers.Witness{Saga: "c2-1", Step: "reserve", Events: proof})
	marked := 0
	for _, l := range s.Lines {
		if l.Mark == results.MarkWitness {
			marked++
		}
	}
	if len(s.Lines) != 60 || s.LeftOut == 0 || marked != 5 {
		t.Errorf("%d lines, %d left out, %d marked", len(s.Lines), s.LeftOut, marked)
	}
	s = results.Tell(&history.History{}, checkers.Witness{Events: []int{7}})
	if len(s.Lines) != 0 || len(s.Parties()) != 0 {
		t.Errorf("an empty history gives %+v", s)
	}
}

// The story of a user's own workflow speaks of it by its name, and of its statuses in its words.
func TestStoryOfAWorkflow(t *testing.T) {
	h := samples.LostAnswer()
	h.Header.Workflow = "shop"
	for i := range h.Events {
		if e := &h.Events[i]; e.Kind == history.SagaEnded {
			e.Word = "DONE"
		}
	}
	s := results.Tell(h, checkers.Witness{})
	if got := strings.Join(s.Parties(), " "); !strings.HasPrefix(got, "client shop wire ") || strings.Contains(got, "orchestrator") {
		t.Errorf("parties %s", got)
	}
	if !slices.ContainsFunc(s.Lines, func(l results.Line) bool { return l.Text == "reports DONE (completed): the saga has ended" }) {
		t.Errorf("%+v", s.Lines)
	}
}
