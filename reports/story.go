package reports

import (
	"fmt"
	"strings"

	"github.com/olekukonko/tablewriter/pkg/twwidth"

	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/results"
)

// StoryText is the story as plain text. ↯ marks the fault, ▶ the events that prove
// the violation.
func StoryText(s results.Story) string {
	var b strings.Builder
	for _, l := range storyLines(s) {
		b.WriteString(l.head + l.text + "\n")
	}
	return b.String()
}

// storyLine is a line of a story as plain text: when and who, then what.
type storyLine struct {
	head, text string
	tone       tone
}

func storyLines(s results.Story) []storyLine {
	column := 0
	for _, l := range s.Lines {
		column = max(column, twwidth.Width(who(l)))
	}
	var out []storyLine
	for _, l := range s.Lines {
		mark, tone := " ", plain
		switch {
		case l.Mark == results.MarkFault:
			mark, tone = "↯", warn
		case l.Mark == results.MarkWitness:
			mark, tone = "▶", bad
		}
		pad := strings.Repeat(" ", column-twwidth.Width(who(l)))
		out = append(out, storyLine{fmt.Sprintf("%s %9.1f ms  %s%s  ", mark, float64(l.At)/1e6, who(l), pad), l.Text, tone})
	}
	if s.LeftOut > 0 {
		out = append(out, storyLine{"  ", fmt.Sprintf("(%s of lesser weight left out)", words.Plural(s.LeftOut, "line")), dim})
	}
	return out
}

func who(l results.Line) string {
	if l.To == "" {
		return l.From
	}
	return l.From + " → " + l.To
}
