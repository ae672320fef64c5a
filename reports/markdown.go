package reports

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
)

// WriteMarkdown writes report.md: summary, tables, and each failure with its
// story and a Mermaid sequence diagram.
func (r *Run) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Sagacheck: %s\n\n%s\n\n", strings.ToUpper(string(r.Summary.Outcome)), mdText(r.headline()))
	for _, reason := range r.Summary.Reasons {
		fmt.Fprintf(&b, "- %s\n", mdText(reason))
	}
	if len(r.Summary.Reasons) > 0 {
		b.WriteString("\n")
	}
	for _, t := range r.tables() {
		b.WriteString(t.markdown())
	}
	if len(r.Results) > 0 {
		b.WriteString("## At risk\n\n")
		for _, l := range r.riskLines(false) {
			fmt.Fprintf(&b, "%s- %s\n", l.indent(), mdText(strings.TrimLeft(l.Text, " ")))
		}
		b.WriteString("\n")
		if t, ok := r.clauseTable(); ok {
			b.WriteString(t.markdown())
		}
	}
	r.mdFailures(&b, "Failures", r.Failures)
	r.mdFailures(&b, "Advice (never red)", r.Advice)
	r.mdCells(&b)
	r.mdRun(&b)
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

// group is the failures of one property in one scenario, the smallest first.
type group struct {
	Property, Scenario string
	Cells              int // with the same verdict, exactly
	Told, Listed       []Failure
}

func (r *Run) groups(list []Failure) []group {
	var out []group
	for i, f := range list {
		if i == 0 || list[i-1].Property != f.Property || list[i-1].Scenario != f.Scenario {
			out = append(out, group{Property: f.Property, Scenario: f.Scenario, Cells: r.others(f) + 1})
		}
		g := &out[len(out)-1]
		if len(g.Told) < maxTold {
			g.Told = append(g.Told, f)
		} else {
			g.Listed = append(g.Listed, f)
		}
	}
	return out
}

func (r *Run) mdFailures(b *strings.Builder, title string, list []Failure) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "## %s\n\n↯ marks a fault, ▶ the events that prove the violation.\n\n", title)
	for _, g := range r.groups(list) {
		fmt.Fprintf(b, "### %s in %s\n\n", mdText(g.Property), mdText(g.Scenario))
		if g.Cells > 1 {
			fmt.Fprintf(b, "The smallest of %s.\n\n", plural(g.Cells, "cell"))
		}
		for i, f := range g.Told {
			if i == 0 {
				f.markdown(b)
				continue
			}
			fmt.Fprintf(b, "<details><summary>cell %s: %s</summary>\n\n", mdText(f.Cell), mdText(f.Plan))
			f.markdown(b)
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

func (f Failure) markdown(b *strings.Builder) {
	verb := "Broken"
	if f.Verdict == checkers.Inconclusive {
		verb = "Undecided"
	}
	fmt.Fprintf(b, "- **%s:** %s\n- **Plan:** %s\n", verb, mdText(f.Broken), mdText(planLine(f)))
	if len(f.Also) > 0 {
		fmt.Fprintf(b, "- **Also breaks:** %s\n", mdText(strings.Join(f.Also, ", ")))
	}
	if f.More > 0 {
		fmt.Fprintf(b, "- **Further witnesses in this cell:** %d\n", f.More)
	}
	if f.Reproduced != nil {
		fmt.Fprintf(b, "- **Reproduced:** in %d of %d replays\n", f.Reproduced.Hits, f.Reproduced.Tries)
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
	fmt.Fprintf(b, "\n```text\n%s```\n\n", f.Story.Text())
	if len(f.Story.Lines) > 0 {
		fmt.Fprintf(b, "```mermaid\n%s```\n\n", f.Story.Mermaid())
	}
}

// troubled are the listed cells that had an error or missed a fault.
func (r *Run) troubled() []Cell {
	var out []Cell
	for _, c := range r.Cells {
		if c.Error != "" || c.Verdict == checkers.Vacuous {
			out = append(out, c)
		}
	}
	return out[:min(len(out), 100)]
}

// trouble says what was wrong with a cell.
func (c Cell) trouble() string {
	if c.Error != "" {
		return c.Error
	}
	return "did not fire: " + strings.Join(c.Unfired, ", ")
}

func (r *Run) troubledTable() (table, bool) {
	t := table{Title: "Cells without a verdict", Head: []string{"cell", "scenario", "plan", "why"}}
	for _, c := range r.troubled() {
		t.row(c.ID, c.Scenario, c.Plan, c.trouble())
	}
	return t, len(t.Rows) > 0
}

func (r *Run) mdCells(b *strings.Builder) {
	if t, ok := r.troubledTable(); ok {
		b.WriteString(t.markdown())
	}
}

// facts are what a reader needs to know to run it again.
func (r *Run) facts() table {
	t := table{Title: "This run", Head: []string{"what", "value"}}
	who := strings.TrimSpace(r.Orchestrator.Name + " " + r.Orchestrator.Version)
	for _, f := range [][2]string{
		{"command", "sagacheck " + r.Command},
		{"sagacheck", r.Tool},
		{"orchestrator", who},
		{"capabilities", strings.Join(r.Orchestrator.Capabilities, ", ")},
		{"participants", r.Profile},
		{"seed", fmt.Sprint(r.Seed)},
		{"started", r.Started.UTC().Format(time.RFC3339)},
		{"duration", (time.Duration(r.DurationMS) * time.Millisecond).String()},
		{"events judged", fmt.Sprint(r.Totals.Events)},
		{"exit code", fmt.Sprint(r.Summary.Exit)},
	} {
		if f[1] != "" {
			t.row(f[0], f[1])
		}
	}
	if r.Shard != nil && r.Shard.Merged > 0 {
		t.row("joined from", plural(r.Shard.Merged, "shard"))
	}
	return t
}

func (r *Run) mdRun(b *strings.Builder) { b.WriteString(r.facts().markdown()) }
