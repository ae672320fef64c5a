package reports

import (
	"fmt"
	"strings"

	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/saga"
)

// Postmortem is a draft in Markdown of what people write when something went wrong: what
// the harness knows, and a question where only people do.
func Postmortem(p *results.Postmortem) string {
	var b strings.Builder
	r := p.Replay
	fmt.Fprintf(&b, "# Postmortem: %s in %s\n\n", mdText(r.Property), mdText(r.Scenario))
	fmt.Fprintf(&b, "A draft, from `%s`. What only people know is asked for in *italics*.\n\n", r.Cell)
	fmt.Fprintf(&b, "**In one sentence:** %s.\n\n", mdText(strings.TrimSuffix(p.Witness.Broken, ".")))
	fmt.Fprintf(&b, "- **System:** %s\n- **Participants:** %s\n", mdText(strings.TrimSpace(r.Orchestrator.Name+" "+r.Orchestrator.Version)), r.Profile)
	if len(r.Defects) > 0 {
		fmt.Fprintf(&b, "- **Planted defects:** %s\n", strings.Join(r.Defects, ", "))
	}
	b.WriteString("- **Owner:** *who looks after this?*\n\n")
	pmFaults(&b, r)
	fmt.Fprintf(&b, "## Timeline\n\n↯ marks a fault, ▶ what proves the violation.\n\n```text\n%s```\n\n", StoryText(p.Story))
	pmEffects(&b, p.Did)
	pmNoticed(&b, p)
	pmLetThrough(&b, p)
	fmt.Fprintf(&b, "## What would have prevented it\n\n%s\n\n*What is done about it, by whom, until when?*\n\n", mdText(p.Doc.Prevented))
	fmt.Fprintf(&b, "## The test that must stay green\n\n    sagacheck replay %s\n\nKeep that file with the code: it exits with 0 when this does not happen any more.\n", QuotePath(p.File))
	return b.String()
}

func pmFaults(b *strings.Builder, r *results.Replay) {
	b.WriteString("## Which fault\n\n")
	for _, f := range r.Plan.Faults {
		fmt.Fprintf(b, "- %s\n", mdText(f.String()))
	}
	if len(r.Plan.Faults) == 0 {
		b.WriteString("None: it happens without one.\n")
	}
	b.WriteString("\n*What in production looks like this?*\n\n")
}

// pmEffects lists what took effect, and how often: the harm is in there.
func pmEffects(b *strings.Builder, did []results.Did) {
	b.WriteString("## What was affected\n\n")
	if len(did) == 0 {
		b.WriteString("No ledger was changed.\n\n")
		return
	}
	b.WriteString("| saga | reported | operation | took effect | effect |\n|---|---|---|---|---|\n")
	for _, d := range did {
		op := d.Operation
		name := op.Step
		if op.Direction == saga.Compensation {
			name += ", compensation"
		}
		if op.Part != 0 {
			name += fmt.Sprintf(" %d", op.Part)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", mdText(op.Saga), d.Status, mdText(name), words.Plural(d.Times, "time"), mdText(strings.Join(d.Effects, "; ")))
	}
	b.WriteString("\n*Who outside noticed it, and what does it cost?*\n\n")
}

func pmNoticed(b *strings.Builder, p *results.Postmortem) {
	fmt.Fprintf(b, "## How it was noticed\n\nBy the property `%s`: %s\n", p.Doc.Name, mdText(p.Doc.Definition))
	if p.Clause.Text != "" {
		fmt.Fprintf(b, "What should have been so (`%s`): %s.\n", p.Clause.Name, mdText(strings.TrimSuffix(p.Clause.Text, ".")))
	}
	if len(p.Also) > 0 {
		fmt.Fprintf(b, "The same cell broke also: %s.\n", strings.Join(p.Also, ", "))
	}
	b.WriteString("\n*Which alert would have told it in production? If none: which one should?*\n\n")
}

// pmLetThrough says by which policy and with which compensation the step was run.
func pmLetThrough(b *strings.Builder, p *results.Postmortem) {
	b.WriteString("## What let it through\n\n")
	s := p.Step
	if s.Name == "" {
		b.WriteString("No step in particular: the violation is about the saga as a whole.\n\n")
		return
	}
	fmt.Fprintf(b, "The step `%s`, %s:\n\n- its action %s\n", s.Name, s.Kind, pmPolicy(s.Action))
	if s.Compensation == nil {
		b.WriteString("- it has no compensation\n")
	} else {
		fmt.Fprintf(b, "- its compensation %s\n", pmPolicy(*s.Compensation))
	}
	b.WriteString("\n*Was that what it was meant to be?*\n\n")
}

func pmPolicy(c saga.Call) string {
	most, rounds := c.Retry.Most(), ""
	if c.Retry.Rounds > 1 {
		rounds = fmt.Sprintf(" in %d rounds,", c.Retry.Rounds)
	}
	switch {
	case c.Policy != "":
		return fmt.Sprintf("is governed by the template `%s`", c.Policy)
	case c.Retry == saga.RetryPolicy{}:
		return "is attempted as the system does it by itself"
	case most == 0:
		return fmt.Sprintf("is attempted until it succeeds, for %s at a time", c.Retry.AttemptTimeout())
	default:
		return fmt.Sprintf("is attempted %s at the most,%s for %s at a time", words.Plural(most, "time"), rounds, c.Retry.AttemptTimeout())
	}
}
