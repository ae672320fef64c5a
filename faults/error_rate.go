package faults

import (
	"fmt"
	"net/http"
	"slices"

	"pgregory.net/rapid"

	"github.com/sagacheck/sagacheck/saga"
)

// errorRate makes some of the calls in a window fail with 500, nothing done.
// Which ones is drawn when the plan is made, call by call.
type errorRate struct{}

var _ Kind = errorRate{}

func (errorRate) Doc() KindDoc {
	return KindDoc{
		Name: "error-rate", Fields: []string{"steps", "from_ms", "for_ms", "calls"}, Transient: true,
		Text: "from from_ms for for_ms, the calls to the steps that the list marks are answered 500, nothing done",
	}
}

func (errorRate) Validate(f Fault) error {
	if !slices.Contains(f.Calls, true) {
		return fmt.Errorf("calls: %v: expected a list of true (an error) and false, with one true at least", f.Calls)
	}
	return nil
}

// Injection is an answer to those that the list marks.
func (errorRate) Injection(f Fault, nth int) Injection {
	if nth >= len(f.Calls) || !f.Calls[nth] {
		return Injection{}
	}
	return Injection{Answer: internalError()}
}

// Usual is a failure, a success and a failure.
func (errorRate) Usual(f Fault, _ saga.RetryPolicy) []Fault {
	f.Calls = []bool{true, false, true}
	return []Fault{f}
}

// Draw draws which calls fail; the first does.
func (errorRate) Draw(t *rapid.T, f Fault, _ saga.RetryPolicy) Fault {
	f.Calls = append([]bool{true}, rapid.SliceOfN(rapid.Bool(), 0, 9).Draw(t, "calls")...)
	return f
}

// Simpler is the first call of its first step.
func (errorRate) Simpler(f Fault, p saga.RetryPolicy) []Fault {
	return firstCall(f, saga.Receive, p, Answers(http.StatusInternalServerError))
}
