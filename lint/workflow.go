package lint

import (
	"fmt"
	"maps"
	"slices"

	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/workflows"
)

// workflow looks at what the file of a workflow says. Its calls are the workflow's own: how
// they are repeated only runs tell.
func (l *linter) workflow(w *workflows.Workflow) {
	if w.Promises.Start == "" {
		l.add(startTwice, "start", "nothing says that a client may repeat it")
	}
	plan := w.Plan()
	for i, s := range plan {
		if s.Kind == saga.Compensatable && s.Undo == nil && slices.ContainsFunc(plan[i+1:], failing) {
			l.add(nothingUndoes, fmt.Sprintf("steps[%d]", i), "%s has no undo", s.Name)
		}
	}
	for _, op := range w.Operations() {
		if op.Undoes != "" {
			l.refused(w, op)
		}
		if op.Reads == "" && op.Repeat == nil && w.Services[op.Service].Protection == string(participants.Naive) {
			l.add(noKey, fmt.Sprintf("services.%s.operations.%s", op.Service, op.Name), "%s is done again when it is called again", op.Title())
		}
	}
	l.promised(w)
}

// refused looks at what is promised of an undo.
func (l *linter) refused(w *workflows.Workflow, op *workflows.Operation) {
	for _, name := range []string{op.Name, op.Service + "." + op.Name} {
		if p := w.Promises.Calls[name]; len(p.Permanent) > 0 {
			l.add(undoRefused, "promises."+name, "%s is not repeated after %v", op.Title(), p.Permanent)
		}
	}
}

// promised looks at how often a workflow makes a call, with all that its own client adds.
func (l *linter) promised(w *workflows.Workflow) {
	undo := map[string]bool{}
	for _, op := range w.Operations() {
		undo[op.Name], undo[op.Service+"."+op.Name] = op.Undoes != "", op.Undoes != ""
	}
	for _, name := range slices.Sorted(maps.Keys(w.Promises.Calls)) {
		if !undo[name] {
			l.layers(w.Promises.Calls[name].MaxAttempts, "promises."+name, name)
		}
	}
}

func failing(s workflows.Planned) bool {
	return s.Kind == saga.Compensatable || s.Kind == saga.Pivot
}
