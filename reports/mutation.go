package reports

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/checkers/mutation"
	"github.com/sagacheck/sagacheck/internal/words"
)

// PrintMutation draws which operators the checkers saw in changed histories, which
// clauses that broke, what survived, and a last line as every run has.
func PrintMutation(t Terminal, m mutation.Matrix) error {
	p := &printer{Terminal: t}
	drawn, err := mutationTable(m).draw(t)
	if err != nil {
		return err
	}
	p.b.WriteString(drawn)
	mutants := 0
	for _, r := range m.Rows {
		mutants += r.Mutants
		for _, s := range r.Survived {
			p.hanging("  ", r.Operator.Name+" survived: "+s, warn)
		}
	}
	for _, u := range m.Unshown() {
		p.hanging("  ", u, dim)
	}
	p.hanging("  ", sampled(m), dim)
	weak, verdict, tone := m.Weak(), "PASS", good
	if len(weak) > 0 {
		verdict, tone = "VIOLATION", bad
	}
	for _, w := range weak {
		p.hanging("  - ", w, warn)
	}
	p.line(p.paint(fmt.Sprintf("%s · %s, changed at %s by %s", verdict, words.Plural(m.Histories, "passing history"), words.Plural(mutants, "place"), words.Plural(len(m.Rows), "operator")), tone))
	_, err = io.WriteString(t.W, p.b.String())
	return err
}

// sampled tells what was changed of what could have been.
func sampled(m mutation.Matrix) string {
	if m.Sampling.All() {
		return "every place of every history was changed"
	}
	return fmt.Sprintf("a sample: at most %s in each of %d histories for each operator and clause (%d of %d pairs of operator and history), each legal change in every %dth history; --all changes all",
		words.Plural(m.Sampling.Places, "place"), m.Sampling.Histories, m.Changed, m.Places, m.Sampling.Vary)
}

func mutationTable(m mutation.Matrix) table {
	t := table{
		Head: []string{"operator", "property", "seen", "unjudged", "clauses broken"}, Wrap: 4,
		Notes: []string{"seen: of the places where the property was judged; unjudged: where its checker said why it could not tell"},
	}
	for _, r := range m.Rows {
		tone := good
		if r.Judged() > 0 && r.Rate() < mutation.Sound {
			tone = bad
		}
		var own, others []string
		for _, clause := range slices.Sorted(maps.Keys(r.Broken)) {
			if property, name, _ := strings.Cut(clause, "/"); property == r.Operator.Property {
				own = append(own, name)
			} else if !slices.Contains(others, property) {
				others = append(others, property)
			}
		}
		broke := strings.Join(own, ", ")
		if len(others) > 0 {
			broke += " (also " + strings.Join(others, ", ") + ")"
		}
		t.row(r.Operator.Name, r.Operator.Property, cell{fmt.Sprintf("%d/%d", r.Killed, r.Judged()), tone}, r.Unjudged, broke)
	}
	return t
}
