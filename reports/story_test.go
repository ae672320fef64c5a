package reports_test

import (
	"testing"

	"github.com/sagacheck/sagacheck/internal/samples"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

func TestStory(t *testing.T) {
	h := samples.LostAnswer()
	s := results.Tell(h, samples.Duplicate(h).Witnesses[0])
	golden(t, "lost-answer.story.txt", []byte(reports.StoryText(s)))
	golden(t, "lost-answer.mmd", []byte(reports.Mermaid(s)))
	if none := (results.Story{}); reports.StoryText(none) != "" || reports.Mermaid(none) == "" {
		t.Error("an empty story is a text, or no diagram")
	}
}
