package workflows

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/internal/templates"
)

// notStored are the variables whose values no history keeps: what was sent to start the saga,
// and the workflow's own name for it.
var notStored = []string{"start", "id"}

// Recheck checks all invariants of a saga that a history tells of. Those that ask somebody
// outside, or speak of what no history keeps, can't be: what was found of them before counts,
// where it was the same that was asked. The error is about one of which there is no such.
func (w *Workflow) Recheck(f Facts, before []Checked) ([]Checked, error) {
	var all []Checked
	var errs []error
	for _, c := range w.conditions {
		if c.ask == nil && !templates.Uses(c.expr, notStored) {
			one, err := w.check(context.Background(), c, f, nil)
			if err != nil {
				errs = append(errs, fmt.Errorf("invariant %s: %w", c.name, err))
			}
			all = append(all, one)
			continue
		}
		i := slices.IndexFunc(before, func(b Checked) bool {
			return b.Name == c.name && b.When == c.when && (b.Detail == c.source || strings.HasPrefix(b.Detail, c.source+"; "))
		})
		if i < 0 {
			errs = append(errs, fmt.Errorf("invariant %s: asks somebody outside, or speaks of start or id, which no history keeps, and was not checked then: run the workflow again", c.name))
			continue
		}
		all = append(all, before[i])
	}
	return all, errors.Join(errs...)
}
