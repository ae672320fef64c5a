package defects

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Reference writes docs/defects.md, the generated page about the switches, but
// for those of the participants.
func Reference(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString("# Planted defects\n\n<!-- generated from the catalogues of defects; do not edit -->\n\n")
	b.WriteString(wrap(`The reference executor can be broken on purpose: each switch below puts one bug into it, ` +
		`at the place where real engines have had it. All are off by default; ` +
		"`sagacheck run --defect NAME` and `sagacheck reference serve --defect NAME`" +
		` switch one on. They show that the checkers see, and they are the quickest way to see what a finding looks like. ` +
		`"Needs" says what a plan must hold for the defect to show; participants are fenced.`))
	all := slices.SortedFunc(slices.Values(All()), func(a, b Defect) int {
		return cmp.Or(cmp.Compare(a.Anomaly, b.Anomaly), cmp.Compare(a.Name, b.Name))
	})
	section := ""
	for _, d := range all {
		if d.Equivalent || d.Anomaly == section {
			continue
		}
		section = d.Anomaly
		fmt.Fprintf(&b, "\n## %s\n\n", section)
		table(&b, all, func(x Defect) bool { return !x.Equivalent && x.Anomaly == section })
	}
	b.WriteString("\n## Equivalent switches\n\n")
	b.WriteString(wrap(`These change what the executor does and break no guarantee. A checker that goes red on one of them is too strict.`))
	b.WriteString("\n")
	table(&b, all, func(x Defect) bool { return x.Equivalent })
	_, err := w.Write(b.Bytes())
	return err
}

func table(b *bytes.Buffer, all []Defect, in func(Defect) bool) {
	b.WriteString("| switch | what it does | needs | seen in |\n|---|---|---|---|\n")
	for _, d := range all {
		if in(d) {
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", d.Name, d.Description, d.Needs, d.Source)
		}
	}
}

// wrap breaks a paragraph into lines of at most 88 characters.
func wrap(text string) string {
	var b strings.Builder
	n := 0
	for _, word := range strings.Fields(text) {
		switch {
		case n == 0:
		case n+1+len(word) > 88:
			b.WriteString("\n")
			n = 0
		default:
			b.WriteString(" ")
			n++
		}
		b.WriteString(word)
		n += len(word)
	}
	return b.String() + "\n"
}
