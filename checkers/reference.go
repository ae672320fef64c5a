package checkers

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// Reference writes the reference page of all checkers as Markdown
// (docs/checkers.md).
func Reference(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprint(&b, `# Checkers

<!-- generated from the catalogue of checkers; do not edit -->

A checker judges one property on one history: that an anomaly did not happen.
Its verdict is one of

- **pass**: the anomaly could have happened, that many times ("at risk"), and did
  not, as far as its clauses could be judged;
- **violation**: it happened; the witness names the few events that prove it;
- **inconclusive**: evidence is missing, or time ran out;
- **vacuous**: nothing in the history could have shown the anomaly;
- **not-applicable**: the orchestrator lacks a capability that the property needs,
  or the scenario has nothing in which the anomaly could show while the other
  promises hold. Who breaks one of those first, as by another attempt after a refusal,
  may get to it all the same, and then it is a violation.

A property is a list of clauses: promises, each for one sort of situation. Each
opportunity of a clause in a history is held, broken or unjudgeable, and only the
first two are risk. In a run, a property is green only if each of its clauses was
judged in some cell, or is not applicable; what could not be judged is counted and
shown beside it.

Only pass is green. Three rules hold for all: a planned fault that did not fire
makes every pass of its history vacuous; without the settle event or the final
ledgers nothing passes; a checker never calls a violation what the wire cannot
prove, for example that the orchestrator read an answer.

| property | the anomaly |
|---|---|
`)
	for _, c := range All() {
		d := c.Doc()
		fmt.Fprintf(&b, "| [`%s`](#%s)%s | %s |\n", d.Name, d.Name, advice(d), cell(d.Definition))
	}
	for _, c := range All() {
		section(&b, c.Doc())
	}
	_, err := w.Write(b.Bytes())
	return err
}

func section(w io.Writer, d Doc) {
	fmt.Fprintf(w, "\n## %s\n\n%s\n\n", d.Name, d.Definition)
	if d.Advice {
		fmt.Fprint(w, "- **Advice**: reported, never red.\n")
	}
	fmt.Fprintf(w, "- **Source**: %s.\n", strings.TrimSuffix(d.Source, "."))
	fmt.Fprintf(w, "- **Evidence**: %s\n", sentence(d.Evidence))
	for _, k := range d.Clauses {
		fmt.Fprintf(w, "- **Clause `%s`**: %s%s\n", k.Name, sentence(k.Text), conditions(k))
	}
	fmt.Fprintf(w, "- **Prevented by**: %s\n", sentence(d.Prevented))
	fmt.Fprintf(w, "- **Cannot see**: %s\n", sentence(d.Blind))
	fmt.Fprintf(w, "- **Cost**: %s\n", sentence(d.Cost))
	for _, t := range d.Wants {
		fmt.Fprintf(w, "- **Wants** a scenario with %s; in others the verdict is not-applicable.\n", t.Name)
	}
	if len(d.Promised) > 0 {
		fmt.Fprintf(w, "- **Promised**: of a workflow of your own only where its file promises %s.\n", promises[d.Promised[0]])
	}
	if len(d.Needs) > 0 {
		fmt.Fprintf(w, "- **Needs** the capability `%s`; without it the verdict is not-applicable.\n", strings.Join(d.Needs, "`, `"))
	}
}

// conditions says where a clause is not applicable.
func conditions(k Clause) string {
	var b strings.Builder
	for _, t := range k.Wants {
		fmt.Fprintf(&b, " Only in a scenario with %s.", t.Name)
	}
	for _, need := range k.Needs {
		fmt.Fprintf(&b, " Only with the capability `%s`.", need)
	}
	if k.Inside {
		b.WriteString(" Not where a real service stands behind (`upstream` of a workflow).")
	}
	for _, d := range k.Does {
		fmt.Fprintf(&b, " Only with an orchestrator to which this can be done: %s.", d)
	}
	return b.String()
}

func advice(d Doc) string {
	if d.Advice {
		return " (advice)"
	}
	return ""
}

func sentence(s string) string { return strings.TrimSuffix(s, ".") + "." }

// cell keeps a text from breaking its table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
