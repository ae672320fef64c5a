// Package defects breaks the participants on purpose: it shows that the checkers see what
// is the participants' fault, whatever the orchestrator does. Each planted defect is another
// function laid over one of their rules.
//
// The catalogue is All; each group of it is a file, with what its defects lay.
package defects

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/participants"
)

// Defect is a planted bug of the participants.
type Defect struct {
	Name        string
	Anomaly     string // the checker that must find it
	Profile     participants.Profile
	Description string
	Source      string
	lay         func(*participants.Rules)
}

// All lists the planted bugs.
func All() []Defect {
	return []Defect{noDedupe, noTombstone, refundShort, refundElsewhere, compensateAnyway, blindWrites, dedupeByBody, creditExtra}
}

// Rules are those of participants with the defects of these names; nil for none: the
// right ones.
func Rules(names ...string) (*participants.Rules, error) {
	if len(names) == 0 {
		return nil, nil
	}
	all, rules := All(), participants.DefaultRules()
	for _, name := range names {
		i := slices.IndexFunc(all, func(d Defect) bool { return d.Name == name })
		if i < 0 {
			var known []string
			for _, d := range all {
				known = append(known, d.Name)
			}
			return nil, fmt.Errorf("no planted defect of the participants is called %q: expected one of %s", name, strings.Join(known, ", "))
		}
		all[i].lay(rules)
		rules.Laid = append(rules.Laid, name)
	}
	return rules, nil
}

// Reference writes the section of docs/defects.md about the participants.
func Reference(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString(`
## Defects of the participants

Where the anomaly is theirs and not the orchestrator's. ` + "`sagacheck run --defect NAME`" + ` switches
one on in all participants.

| switch | anomaly | what it does | modelled on |
|---|---|---|---|
`)
	for _, d := range All() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", d.Name, d.Anomaly, d.Description, d.Source)
	}
	_, err := w.Write(b.Bytes())
	return err
}
