package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/results"
)

// mdHead writes the verdict of a run, and why it is what it is, under a heading.
func mdHead(b *strings.Builder, heading string, r *results.Run) {
	fmt.Fprintf(b, "%s Sagacheck: %s\n\n%s\n\n", heading, strings.ToUpper(string(r.Summary.Outcome)), mdText(Headline(r)))
	reasons := slices.Concat(r.Summary.Reasons, r.Untried())
	for _, reason := range reasons {
		fmt.Fprintf(b, "- %s\n", mdText(reason))
	}
	if len(reasons) > 0 {
		b.WriteString("\n")
	}
}

// Markdown writes report.md: summary, tables, and each failure with its
// story and a Mermaid sequence diagram.
func Markdown(w io.Writer, r *results.Run) error {
	var b strings.Builder
	mdHead(&b, "#", r)
	for _, t := range tables(r) {
		b.WriteString(t.markdown())
	}
	if len(r.Results) > 0 {
		b.WriteString("## At risk\n\n")
		for _, l := range riskLines(r, false) {
			fmt.Fprintf(&b, "%s- %s\n", l.indent(), mdText(strings.TrimLeft(l.Text, " ")))
		}
		b.WriteString("\n")
		if t, ok := clauseTable(r); ok {
			b.WriteString(t.markdown())
		}
	}
	mdFailures(r, &b, "Failures", r.Told())
	mdFailures(r, &b, "Advice (never red)", r.Advice)
	mdCells(r, &b)
	mdRun(r, &b)
	_, err := io.WriteString(w, b.String())
	return err
}

// indent is the blanks before a text: those of an item in a list within a list.
func (c cell) indent() string { return c.Text[:len(c.Text)-len(strings.TrimLeft(c.Text, " "))] }

func (t table) markdown() string {
	var b strings.Builder
	if t.Title != "" {
		fmt.Fprintf(&b, "## %s\n\n", mdText(t.Title))
	}
	line := func(cells []string) {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	head, rule := make([]string, len(t.Head)), make([]string, len(t.Head))
	for i, h := range t.Head {
		head[i], rule[i] = mdText(h), "---"
	}
	line(head)
	line(rule)
	for _, row := range t.Rows {
		cells := make([]string, len(t.Head))
		for i, c := range row {
			cells[i] = mdText(c.Text)
			if c.Tone == bad {
				cells[i] = "**" + cells[i] + "**"
			}
		}
		line(cells)
	}
	b.WriteString("\n")
	for _, n := range t.Notes {
		fmt.Fprintf(&b, "%s\n\n", mdText(n))
	}
	return b.String()
}

// mdText escapes what would be markup in Markdown, also in a table.
var mdEscapes = strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;", ">", "&gt;", "\n", " ", "\r", " ", "[", `\[`, "]", `\]`)

func mdText(s string) string { return mdEscapes.Replace(s) }

func mdFailures(r *results.Run, b *strings.Builder, title string, list []results.Failure) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "## %s\n\n↯ marks a fault, ▶ the events that prove the violation.\n\n", title)
	for _, g := range groups(r, list) {
		mark := ""
		if flaky(g.Told[0]) {
			mark = " (flaky)"
		}
		fmt.Fprintf(b, "### %s in %s%s\n\n", mdText(g.Property), mdText(g.Scenario), mark)
		if g.Cells > 1 {
			fmt.Fprintf(b, "%s of %s.\n\n", g.first(), words.Plural(g.Cells, "cell"))
		}
		for i, f := range g.Told {
			if i == 0 {
				mdFailure(r, f, b)
				continue
			}
			fmt.Fprintf(b, "<details><summary>cell %s: %s</summary>\n\n", mdText(f.Cell), mdText(f.Plan))
			mdFailure(r, f, b)
			b.WriteString("</details>\n\n")
		}
		for _, f := range g.Listed {
			fmt.Fprintf(b, "- cell %s: %s: `sagacheck replay %s`\n", mdText(f.Cell), mdText(f.Plan), QuotePath(f.File))
		}
		if len(g.Listed) > 0 {
			b.WriteString("\n")
		}
	}
}

func mdFailure(r *results.Run, f results.Failure, b *strings.Builder) {
	verb := "Broken"
	if f.Verdict == checkers.Inconclusive {
		verb = "Undecided"
	}
	fmt.Fprintf(b, "- **%s:** %s\n- **Plan:** %s\n", verb, mdText(f.Broken), mdText(planLine(f)))
	if len(f.Also) > 0 {
		fmt.Fprintf(b, "- **Also breaks:** %s\n", mdText(strings.Join(f.Also, ", ")))
	}
	if f.Under != "" {
		fmt.Fprintf(b, "- **Beside:** %s, which the same cells broke\n", mdText(f.Under))
	}
	if f.More > 0 {
		fmt.Fprintf(b, "- **Further witnesses in this cell:** %d\n", f.More)
	}
	if s := standing(r, f); s != "" {
		fmt.Fprintf(b, "- **Standing:** %s\n", mdText(s))
	}
	if s := again(r, f); s != "" {
		fmt.Fprintf(b, "- **Reproduced:** %s\n", mdText(s))
	}
	if len(f.Protected) > 0 {
		fmt.Fprintf(b, "- **With more protection:** %s\n", mdText(protectedText(f.Protected)))
	}
	if f.History != "" {
		fmt.Fprintf(b, "- **History:** `%s`\n", f.History)
	}
	if f.Picture != "" {
		fmt.Fprintf(b, "- **Picture:** [%s](%s)\n", mdText(f.Picture), f.Picture)
	}
	if f.File != "" {
		fmt.Fprintf(b, "- **Replay,** in this folder: `sagacheck replay %s`\n", QuotePath(f.File))
	}
	fmt.Fprintf(b, "\n```text\n%s```\n\n", StoryText(f.Story))
	if len(f.Story.Lines) > 0 {
		fmt.Fprintf(b, "```mermaid\n%s```\n\n", Mermaid(f.Story))
	}
}

func mdCells(r *results.Run, b *strings.Builder) {
	if t, ok := troubledTable(r); ok {
		b.WriteString(t.markdown())
	}
}

func mdRun(r *results.Run, b *strings.Builder) { b.WriteString(facts(r).markdown()) }
