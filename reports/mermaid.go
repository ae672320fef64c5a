package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/results"
)

// Mermaid draws the story as a sequence diagram. Faults and the events that
// prove the violation are notes.
func Mermaid(s results.Story) string {
	var b strings.Builder
	b.WriteString("sequenceDiagram\n")
	parties := s.Parties()
	id := func(p string) string { return fmt.Sprintf("p%d", slices.Index(parties, p)+1) }
	for _, p := range parties {
		fmt.Fprintf(&b, "    participant %s as %s\n", id(p), mermaidText(p))
	}
	for _, l := range s.Lines {
		text := mermaidText(l.Text)
		switch {
		case l.Mark == results.MarkFault:
			fmt.Fprintf(&b, "    Note over %s: ↯ %s\n", id(l.From), text)
			continue
		case l.To == "" && l.Mark == results.MarkWitness:
			fmt.Fprintf(&b, "    Note over %s: ▶ %s\n", id(l.From), text)
			continue
		case l.To == "":
			fmt.Fprintf(&b, "    Note over %s: %s\n", id(l.From), text)
			continue
		}
		fmt.Fprintf(&b, "    %s%s%s: %s%s\n", id(l.From), arrow(l, parties), id(l.To), witnessMark(l), text)
	}
	return b.String()
}

// arrow is solid from left to right, dashed on the way back, and ends in a cross
// where nothing arrived.
func arrow(l results.Line, parties []string) string {
	forth := slices.Index(parties, l.From) < slices.Index(parties, l.To)
	switch {
	case l.Lost && forth:
		return "-x"
	case l.Lost:
		return "--x"
	case forth:
		return "->>"
	}
	return "-->>"
}

func witnessMark(l results.Line) string {
	if l.Mark == results.MarkWitness {
		return "▶ "
	}
	return ""
}

// mermaidText escapes what has a meaning in Mermaid: # begins an entity, ; ends
// a statement, < and > would be HTML.
var mermaidEscapes = strings.NewReplacer("#", "#35;", ";", "#59;", "<", "#lt;", ">", "#gt;", "\n", " ", "\r", " ", "%%", "%")

func mermaidText(s string) string { return mermaidEscapes.Replace(s) }
