package definitions

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/sagacheck/sagacheck/reference/bounds"
	"github.com/sagacheck/sagacheck/saga"
)

// The bounds of what a saga may ask for; those of its calls are in package bounds.
const (
	MaxBody      = 1 << 20 // bytes of a submitted saga
	maxSteps     = 5000
	maxEdges     = 50_000 // names in all the steps' after together
	maxURLLength = 4096
)

// validateBounds checks numbers and sizes; an error names the field.
func validateBounds(d saga.Definition) error {
	if len(d.Name) > bounds.NameLength {
		return &InvalidError{"name", fmt.Sprintf("%d bytes: expected at most %d", len(d.Name), bounds.NameLength)}
	}
	if err := validateVersion(d.Version); err != nil {
		return err
	}
	if len(d.Steps) > maxSteps {
		return &InvalidError{"steps", fmt.Sprintf("%d: expected at most %d", len(d.Steps), maxSteps)}
	}
	edges := 0
	for i, s := range d.Steps {
		if edges += len(s.After); edges > maxEdges {
			return &InvalidError{fmt.Sprintf("steps[%d].after", i), fmt.Sprintf("more than %d names in all steps together", maxEdges)}
		}
	}
	if excess := bounds.Budget(d.Budget); len(excess) > 0 {
		return &InvalidError{excess[0].Field, excess[0].Reason}
	}
	if excess := bounds.Rounds(d); len(excess) > 0 {
		return &InvalidError{excess[0].Field, excess[0].Reason}
	}
	if err := EachReadBack(d, validateNumbers); err != nil {
		return err
	}
	return EachCall(d, validateNumbers)
}

// validateVersion: a version is shown, and asked for.
func validateVersion(version string) error {
	switch {
	case len(version) > bounds.NameLength:
		return &InvalidError{"version", fmt.Sprintf("%d bytes: expected at most %d", len(version), bounds.NameLength)}
	case strings.ContainsFunc(version, unicode.IsControl):
		return &InvalidError{"version", fmt.Sprintf("%q: expected no control characters", version)}
	}
	return nil
}

func validateNumbers(c saga.Call) *InvalidError {
	if len(c.URL) > maxURLLength {
		return &InvalidError{"url", fmt.Sprintf("%d bytes: expected at most %d", len(c.URL), maxURLLength)}
	}
	excess := bounds.Retry(c.Retry)
	if c.Breaker != nil {
		excess = append(excess, bounds.Breaker(*c.Breaker)...)
	}
	if c.RetryBudget != nil {
		excess = append(excess, bounds.RetryBudget(*c.RetryBudget)...)
	}
	if len(excess) > 0 {
		return &InvalidError{excess[0].Field, excess[0].Reason}
	}
	return nil
}
