package workflows

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/saga"
)

// Planned is one step of the saga.
type Planned struct {
	Name     string
	Kind     saga.Kind
	After    []string
	Optional bool
	Do, Undo *Operation // Undo nil: there is none
}

// Title is service and request.
func (op *Operation) Title() string { return op.Service + " " + op.Request }

// Pairs tells whether the operation names the effect that it undoes.
func (op *Operation) Pairs() bool { return op.whichOf != nil }

// ReadsUndo tells whether the operation asks for compensations.
func (op *Operation) ReadsUndo() bool { return op.read != nil && op.read.Undoes != "" }

// Undone is the operation that it undoes; itself if it undoes none.
func (op *Operation) Undone() *Operation {
	if op.undone != nil {
		return op.undone
	}
	return op
}

// InParts tells whether what the operation does may be undone part by part: several operations
// undo it, or one does that says what tells its parts apart.
func (op *Operation) InParts() bool {
	return len(op.undoneBy) > 1 || slices.ContainsFunc(op.undoneBy, func(u *Operation) bool { return u.Each != "" })
}

// Plan is the steps of the saga: those of the file, or else one for each operation that
// undoes and reads nothing, of whose order only runs tell.
func (w *Workflow) Plan() []Planned { return w.plan }

// Optional tells whether not every saga takes a step.
func (w *Workflow) Optional(step string) bool {
	return slices.ContainsFunc(w.plan, func(p Planned) bool { return p.Name == step && p.Optional })
}

func (w *Workflow) makePlan() []Planned {
	var all []Planned
	if w.Steps == nil {
		for _, op := range w.Operations() {
			if op.Undoes == "" && op.Reads == "" {
				all = append(all, Planned{Name: w.label(op), Kind: saga.Compensatable, Do: op, Undo: w.undoing(op)})
			}
		}
		return all
	}
	for _, s := range w.Steps {
		p := Planned{Name: s.Name, Kind: s.Kind, After: s.After, Optional: s.Optional, Do: w.operation(s.Do), Undo: w.operation(s.Undo)}
		if p.Kind == "" {
			p.Kind = saga.Compensatable
		}
		if s.Undo == "" {
			p.Undo = w.undoing(p.Do)
		}
		all = append(all, p)
	}
	return all
}

// Operations are all operations, by the names of their services and their own.
func (w *Workflow) Operations() []*Operation {
	var all []*Operation
	for _, name := range slices.Sorted(maps.Keys(w.Services)) {
		s := w.Services[name]
		for _, op := range slices.Sorted(maps.Keys(s.Operations)) {
			all = append(all, s.Operations[op])
		}
	}
	return all
}

// Reads are the names of the operations that only ask what was done.
func (w *Workflow) Reads() []string {
	var names []string
	for _, op := range w.Operations() {
		if op.Reads != "" {
			names = append(names, w.label(op))
		}
	}
	return names
}

// Shows are the steps, and their undoing (charge, charge.undo), of which each of Reads tells, by its name.
func (w *Workflow) Shows() map[string][]string {
	shows := map[string][]string{}
	for _, op := range w.Operations() {
		if op.read == nil {
			continue
		}
		for _, p := range w.Plan() {
			switch {
			case op.read == p.Do:
				shows[w.label(op)] = append(shows[w.label(op)], saga.StepRef{Step: p.Name, Direction: saga.Action}.String())
			case op.read == p.Undo, op.read.undone != nil && op.read.undone == p.Do:
				shows[w.label(op)] = append(shows[w.label(op)], saga.StepRef{Step: p.Name, Direction: saga.Compensation}.String())
			}
		}
	}
	return shows
}

// operation finds service.operation; nil: there is none.
func (w *Workflow) operation(name string) *Operation {
	service, op, _ := strings.Cut(name, ".")
	if s := w.Services[service]; s != nil {
		return s.Operations[op]
	}
	return nil
}

func (w *Workflow) undoing(op *Operation) *Operation {
	for _, other := range w.Operations() {
		if other.Service == op.Service && other.Undoes == op.Name {
			return other
		}
	}
	return nil
}

// label is the name of an operation that no step has given one: its own, with that of its
// service where others have the same.
func (w *Workflow) label(op *Operation) string {
	shared := slices.ContainsFunc(w.Operations(), func(o *Operation) bool { return o != op && o.Name == op.Name })
	if shared || slices.ContainsFunc(w.Steps, func(s Step) bool { return s.Name == op.Name }) {
		return op.Service + "-" + op.Name
	}
	return op.Name
}

// StepOf is the step and the direction of an operation. One that reads has the name of
// its own.
func (w *Workflow) StepOf(op *Operation) (step string, direction saga.Direction) {
	for _, p := range w.Plan() {
		switch op {
		case p.Do:
			return p.Name, saga.Action
		case p.Undo:
			return p.Name, saga.Compensation
		}
		if op.undone != nil && op.undone == p.Do {
			return p.Name, saga.Compensation
		}
	}
	return w.label(op), saga.Action
}

// ServiceOf is the service of a step, or of an operation that reads; empty: there is none.
func (w *Workflow) ServiceOf(step string) string {
	for _, p := range w.Plan() {
		if p.Name == step {
			return p.Do.Service
		}
	}
	for _, op := range w.Operations() {
		if w.label(op) == step {
			return op.Service
		}
	}
	return ""
}

// Startable tells whether Sagacheck starts the system, as often as it likes.
func (w *Workflow) Startable() bool {
	return len(w.System.Processes) > 0 || w.System.Container != nil || w.System.Engine != ""
}

// Alone tells whether only one saga at a time can be told apart.
func (w *Workflow) Alone() bool {
	return slices.ContainsFunc(w.Operations(), func(op *Operation) bool { return op.only })
}

// Digest is a short name of what the file says.
func (w *Workflow) Digest() string { return w.digest }

// Quiet is how long the wires must be silent at the end, as the file says; 0: it does not.
func (w *Workflow) Quiet() time.Duration {
	return time.Duration(w.System.QuietMS) * time.Millisecond
}

// Manifest is the system as it is started.
func (w *Workflow) Manifest() *orchestrators.Manifest {
	m := orchestrators.Manifest{
		Name: w.Name, Version: w.System.Version, Base: w.System.Base, Container: w.System.Container,
		QuietMS: w.System.QuietMS, Parallel: w.System.Parallel, Capabilities: w.capabilities(),
	}
	for _, p := range w.System.Processes {
		p.Command = slices.Clone(p.Command)
		for i, word := range p.Command {
			p.Command[i] = Beside(w.dir, word)
		}
		if p.Dir != "" && !strings.HasPrefix(p.Dir, "$") && !filepath.IsAbs(p.Dir) {
			p.Dir = filepath.Join(w.dir, p.Dir)
		}
		m.Processes = append(m.Processes, p)
	}
	return orchestrators.InFolder(m, w.dir)
}

// Beside is a word of a command as a file in a folder means it: a path is relative to that, and
// the name of a file in it is one, too. (Processes run in folders of their own.)
func Beside(dir, word string) string {
	path := filepath.Join(dir, word)
	if strings.HasPrefix(word, "./") || strings.HasPrefix(word, "../") {
		return path
	}
	if s, err := os.Stat(path); word != "" && !filepath.IsAbs(word) && err == nil && s.Mode().IsRegular() {
		return path
	}
	return word
}
