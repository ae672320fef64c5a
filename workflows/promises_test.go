package workflows_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/sagacheck/sagacheck/workflows"
)

const refundedFile = `
name: orders
system: {base: "http://127.0.0.1:1"}
start: {request: POST /orders, body: {ref: "${saga.id}"}}
outcome: {request: GET /, status: answer.body, statuses: {done: completed}}
services:
  payments:
    operations:
      charge: {request: POST /charges, saga: only, answer: {code: 201, body: {id: "${new.id}"}}}
      refund: {request: POST /refunds, undoes: charge, saga: only%s}
steps:
  - {name: charge, do: payments.charge, undo: payments.refund}
`

// The name that a service gives has to be known only where what undoes it says it: not where that names nothing, or what
// the workflow itself has sent.
func TestNamesThatNobodyNeeds(t *testing.T) {
	for which, own := range map[string]bool{
		"": true,
		", which: request.body.ref == action.request.body.ref": true,
		", which: request.body.id == action.answer.body.id":    false,
	} {
		file := filepath.Join(t.TempDir(), "orders.yaml")
		if err := os.WriteFile(file, fmt.Appendf(nil, refundedFile, which), 0o600); err != nil {
			t.Fatal(err)
		}
		w, err := workflows.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Promised()["charge"].OwnName; got != own {
			t.Errorf("%q: the workflow knows the name itself: %v, expected %v", which, got, own)
		}
	}
}
