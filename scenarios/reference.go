package scenarios

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/sagacheck/sagacheck/saga"
)

// List writes one line a scenario: name, sagas at once, graph.
func List(w io.Writer, scenarios []*Scenario) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "SCENARIO\tSAGAS\tSTEPS  (! pivot, * retriable, ? deferrable, [side by side])")
	for _, s := range scenarios {
		fmt.Fprintf(tw, "%s\t%d\t%s\n", s.Name, s.Sagas, s.Graph())
	}
	return tw.Flush()
}

// Reference writes docs/scenarios.md, the generated page about the catalogue.
func Reference(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString(`# The scenarios

<!-- generated from scenarios/catalogue; run: go test ./scenarios -update -->

Each scenario is a YAML file in ` + "`scenarios/catalogue`" + `; the format is described in
[scenario-format.md](scenario-format.md). Kinds of steps: compensatable (can be
undone), pivot (the point of no return), retriable (must succeed in the end),
deferrable (not critical, may be done later). An effect such as
` + "`bank/alice-100EUR bank/bob+100EUR`" + ` is one double-entry booking in the ledger of the
participant ` + "`bank`" + `, amounts in the smallest unit; ` + "`orders/order:new→paid`" + ` is a
transition of a register, where ∅ means that it does not exist. ` + "`${saga}`" + ` stands for the
saga's id.

| scenario | sagas at once | steps |
|---|---|---|
`)
	for _, s := range All() {
		fmt.Fprintf(&b, "| [%s](#%s) | %d | `%s` |\n", s.Name, s.Name, s.Sagas, s.Graph())
	}
	b.WriteString("\nIn the last column `!` marks the pivot, `*` retriable and `?` deferrable steps; steps in\nbrackets run side by side. Retriable steps are attempted until they succeed, whatever the\nscenario's limits.\n")
	for _, s := range All() {
		s.section(&b)
	}
	if len(Threads()) > 0 {
		b.WriteString("\n## Taken from public threads\n\nWhat they show, and with which defect, is in [track-record.md](track-record.md).\n\n| scenario | thread | steps |\n|---|---|---|\n")
		for _, s := range Threads() {
			fmt.Fprintf(&b, "| %s | %s | `%s` |\n", s.Name, s.Thread.Ref, s.Graph())
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// section is the part of the page about one scenario.
func (s *Scenario) section(b *bytes.Buffer) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n", s.Name, strings.TrimSpace(s.Description))
	if s.Sagas > 1 {
		fmt.Fprintf(b, "%d sagas run at once. ", s.Sagas)
	}
	fmt.Fprintf(b, "Actions: %s. Compensations: %s.", policyText(s.Retry.over(DefaultRetry)), policyText(s.UndoRetry.over(DefaultUndoRetry)))
	if len(s.Registers) > 0 {
		var initial []string
		for _, name := range slices.Sorted(maps.Keys(s.Registers)) {
			initial = append(initial, fmt.Sprintf("`%s` = `%s`", name, s.Registers[name]))
		}
		fmt.Fprintf(b, " At the start %s.", strings.Join(initial, ", "))
	}
	b.WriteString("\n\n")
	s.mermaid(b)
	b.WriteString("\n| step | kind | action | compensation | policy of its own |\n|---|---|---|---|---|\n")
	for i := range s.Steps {
		st := &s.Steps[i]
		fmt.Fprintf(b, "| %s | %s | `%s` | %s | %s |\n", st.Name, st.Kind, effect(st.Do, st.Participant, placeholder), st.undoText(), s.ownPolicy(st))
	}
}

func (st *Step) undoText() string {
	switch st.undoMode() {
	case UndoInverse:
		return "inverse"
	case UndoNone:
		return "none"
	}
	return "`" + effect(st.Undo.Do, st.Participant, placeholder).String() + "`"
}

// ownPolicy is what differs from the scenario's policies for steps of its kind.
func (s *Scenario) ownPolicy(st *Step) string {
	var parts []string
	usual := s.actionPolicy(&Step{Kind: st.Kind})
	if p := s.actionPolicy(st); p != usual {
		parts = append(parts, policyText(p))
	}
	if p := s.undoPolicy(st); p != s.UndoRetry.over(DefaultUndoRetry) {
		parts = append(parts, "undo: "+policyText(p))
	}
	if b := st.Breaker; b != nil {
		parts = append(parts, fmt.Sprintf("breaker %s: opens after %d failures for %d ms, then %d probe(s)", b.Name, b.Failures, b.OpenMS, b.Probes))
	}
	if b := st.RetryBudget; b != nil {
		parts = append(parts, fmt.Sprintf("retry budget %s: %g %% of first attempts, %g a second, %d in a burst", b.Name, 100*b.Share, b.MinPerSecond, b.Burst))
	}
	return strings.Join(parts, "; ")
}

// mermaid draws the graph of the steps; the pivot is a hexagon, retriable steps
// are rounded, deferrable ones stadiums on a dotted way.
func (s *Scenario) mermaid(b *bytes.Buffer) {
	b.WriteString("```mermaid\nflowchart LR\n")
	for i, st := range s.Steps {
		shape := [2]string{"[", "]"}
		switch st.Kind {
		case saga.Pivot:
			shape = [2]string{"{{", "}}"}
		case saga.Retriable:
			shape = [2]string{"(", ")"}
		case saga.Deferrable:
			shape = [2]string{"([", "])"}
		}
		fmt.Fprintf(b, "  s%d%s\"%s\"%s\n", i, shape[0], st.Name, shape[1])
	}
	for i, st := range s.Steps {
		arrow := "-->"
		if st.Kind == saga.Deferrable {
			arrow = "-.->"
		}
		ps := s.predecessors(i)
		for j := range s.Steps {
			if ps.has(j) {
				fmt.Fprintf(b, "  s%d %s s%d\n", j, arrow, i)
			}
		}
	}
	b.WriteString("```\n")
}
