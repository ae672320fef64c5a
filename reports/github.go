package reports

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/results"
)

// maxAnnotations is how many annotations of a step GitHub shows.
const maxAnnotations = 10

// Annotations writes what GitHub Actions shows beside the lines of files: a workflow command for each
// problem, the worst first. What has no file of the user's is shown at the run.
func Annotations(w io.Writer, r *results.Run) error {
	all := problems(r)
	for i, p := range all {
		if i == maxAnnotations {
			_, err := fmt.Fprintf(w, "::notice title=sagacheck::%s\n", escapeData(words.Plural(len(all)-i, "more problem")+": see report.md"))
			return err
		}
		command := map[string]string{"note": "notice"}[p.level()]
		if command == "" {
			command = p.level()
		}
		place := ""
		if p.File != "" {
			place = fmt.Sprintf("file=%s,line=%d,", escapeProperty(p.File), p.Line)
		}
		text := p.Text
		if p.Failure != nil && p.Failure.File != "" && r.Dir != "" {
			text += "\nreplay: sagacheck replay " + QuotePath(filepath.Join(r.Dir, p.Failure.File))
		}
		if _, err := fmt.Fprintf(w, "::%s %stitle=%s::%s\n", command, place, escapeProperty(p.title()), escapeData(text)); err != nil {
			return err
		}
	}
	return nil
}

// What the runner of GitHub Actions takes for its own in the text and in the properties of a command.
var (
	dataEscapes     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func escapeData(s string) string     { return dataEscapes.Replace(s) }
func escapeProperty(s string) string { return propertyEscapes.Replace(s) }

// Summary writes the run as a short page in Markdown, for the summary of a job: the verdict, why it is
// what it is, and the problems, the worst first.
func Summary(w io.Writer, r *results.Run) error {
	var b strings.Builder
	mdHead(&b, "###", r)
	t := table{Head: []string{"", "property", "scenario", "what", "cells", "replay"}}
	all := problems(r)
	for _, p := range all[:min(len(all), maxSummary)] {
		cells, replay := "", ""
		if p.Cells > 0 {
			cells = fmt.Sprint(p.Cells)
		}
		if p.Failure != nil {
			replay = p.Failure.File
		}
		t.row(p.kind(), p.Rule, p.Key.Scenario, p.Text, cells, replay)
	}
	if more := len(all) - len(t.Rows); more > 0 {
		t.Notes = append(t.Notes, words.Plural(more, "more problem")+": see report.md")
	}
	if len(t.Rows) > 0 {
		b.WriteString(t.markdown())
	}
	held, asked := heldOf(r)
	fmt.Fprintf(&b, "Properties that held: %d of %d.\n\n", held, asked)
	if r.Dir != "" {
		fmt.Fprintf(&b, "The report is in %s.\n\n", mdText(filepath.ToSlash(r.Dir)))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// maxSummary is how many problems a summary lists: GitHub takes 1 MiB of a step.
const maxSummary = 50

// heldOf is how many properties held, of those that apply.
func heldOf(r *results.Run) (held, asked int) {
	for _, p := range r.Properties {
		if p.Advice || p.Verdict == checkers.NotApplicable {
			continue
		}
		asked++
		if p.Verdict == checkers.Pass {
			held++
		}
	}
	return held, asked
}
