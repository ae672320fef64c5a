package faults

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/sagacheck/sagacheck/saga"
)

// Reference writes the reference page of all kinds of faults as Markdown
// (docs/faults.md).
func Reference(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprint(&b, `# Faults

<!-- generated from the catalogue of kinds of faults; run: make docs -->

A fault is a kind at a failure point, `+"`step[.undo][.callback]#attempt@phase`"+`, or over a window of
time. How to write a plan of them: [plans.md](plans.md).

An attempt passes its phases in this order: `+"`connect`, `request`"+` (on its way in),
`+"`receive`"+` (at the participant, nothing done yet), `+"`commit`"+` (the effect is done, no answer
yet), `+"`response`"+` (on its way back). Kinds that only slow an attempt down may go unnoticed;
a transient one is followed by another attempt of an orchestrator that keeps the
[contract](contract.md).

| kind | connect | request | receive | commit | response | window |
|---|---|---|---|---|---|---|
`)
	for _, k := range Kinds() {
		d := k.Doc()
		fmt.Fprintf(&b, "| [`%s`](#%s)", d.Name, d.Name)
		for _, p := range saga.Phases {
			fmt.Fprintf(&b, " | %s", mark(d.at(p)))
		}
		fmt.Fprintf(&b, " | %s |\n", mark(d.Window()))
	}
	for _, k := range Kinds() {
		section(&b, k.Doc())
	}
	_, err := w.Write(b.Bytes())
	return err
}

func (d KindDoc) at(p saga.Phase) bool {
	for _, own := range d.Phases {
		if own == p {
			return true
		}
	}
	return false
}

func mark(yes bool) string {
	if yes {
		return "●"
	}
	return ""
}

// section describes one kind, with the smallest fault of a plan that is valid.
func section(w io.Writer, d KindDoc) {
	fmt.Fprintf(w, "\n## %s\n\n%s.\n\n", d.Name, strings.ToUpper(d.Text[:1])+d.Text[1:])
	where := "a window of time"
	if !d.Window() {
		var names []string
		for _, p := range d.Phases {
			names = append(names, fmt.Sprintf("`%s`", p))
		}
		where = strings.Join(names, ", ")
	}
	fmt.Fprintf(w, "- **Where**: %s.\n", where)
	if len(d.Fields) > 0 {
		fmt.Fprintf(w, "- **Fields**: `%s`.\n", strings.Join(d.Fields, "`, `"))
	}
	fmt.Fprintf(w, "- **What the orchestrator should make of it**: %s.\n", d.consequence())
	if d.Process {
		fmt.Fprint(w, "- **Needs** an orchestrator that Sagacheck starts itself; its cell gets one of its own.\n")
	}
	if d.Governs {
		fmt.Fprint(w, "- **Needs** the [capabilities](orchestrators.md#capabilities) `policies`, `flags` and `audit`. The curated plans have it at certain places; it is neither drawn nor explored.\n")
	}
	if d.Drifts {
		fmt.Fprint(w, "- **Needs** the [capability](orchestrators.md#capabilities) `reconcile`. The curated plans have it at certain places; it is neither drawn nor explored.\n")
	}
	if d.Redefines {
		fmt.Fprint(w, "- **Needs** the [capability](orchestrators.md#capabilities) `versions`, and a saga whose first step can be undone and that shares no breaker, budget or register with others. The curated plans have it at certain places; it is neither drawn nor explored.\n")
	}
	if d.Operates {
		fmt.Fprint(w, "- **Needs** an orchestrator of which an operator may ask it: the [capabilities](orchestrators.md#capabilities) `operator-…`, by the contract or by the manifest's `operator`. The curated plans have it at certain places; `sagacheck explore --operator` at every failure point; it is not drawn.\n")
	}
	if d.Keys {
		fmt.Fprint(w, "- **Needs** a service of a [workflow](your-workflow.md) whose protection has a `ttl`; `delay_ms` is as long as that lasts in a cell, or longer.\n")
	}
	for _, p := range d.examplePhases() {
		fmt.Fprintf(w, "\n```yaml\n%s\n```\n", example(d, p))
	}
}

func (d KindDoc) consequence() string {
	switch {
	case d.Follows != "":
		return d.Follows
	case d.Process:
		return "after its return it goes on where its store says it was"
	case d.Transient:
		return "a transient failure of unknown outcome"
	}
	return "nothing, unless the time-out of the attempt passes"
}

// examplePhases: a window has one example without a phase, any other kind one at
// its last phase, which is the one that hurts most.
func (d KindDoc) examplePhases() []saga.Phase {
	if d.Window() {
		return []saga.Phase{""}
	}
	return d.Phases[len(d.Phases)-1:]
}

// exampleValues are values that make a valid fault; a test says so.
var exampleValues = map[string]string{
	"after": "reserve#1@response", "delay_ms": "300", "bytes": "40", "kbps": "8", "code": "504", "retry_after_s": "1", "retry_after_date": "true",
	"consoles": "2", "times": "2", "steps": "[charge]", "from_ms": "0", "for_ms": "60", "calls": "[true, false, true]",
}

func example(d KindDoc, p saga.Phase) string {
	parts := []string{"kind: " + d.Name}
	if p != "" {
		parts = append(parts, "at: charge#1@"+string(p))
	}
	for _, f := range d.Fields {
		value := exampleValues[f]
		if f == "as" {
			value = d.Example
		}
		parts = append(parts, f+": "+value)
	}
	return "faults: [{" + strings.Join(parts, ", ") + "}]"
}
