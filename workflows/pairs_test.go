package workflows

import (
	"fmt"
	"strings"
	"testing"
)

// TestWhichFitsTheAnswer: a which that looks for what the played answer has not is a mistake,
// unless it says itself what counts then.
func TestWhichFitsTheAnswer(t *testing.T) {
	for which, ok := range map[string]bool{
		"request.body.id == action.answer.body.id":                                 true,
		"request.body.id == action.answer.body.ref":                                false,
		"request.body.id == (action.answer.body.ref ?? action.answer.body.id)":     true,
		"request.body.id == action.answer.body.id.ref":                             true, // what is in it nobody knows
		"request.body.id in [action.answer.body.id, string(action.answer.body.n)]": false,
	} {
		_, err := Parse("workflow.yaml", fmt.Appendf(nil, `
name: shop
system: {base: "http://127.0.0.1:1"}
start: {request: POST /orders}
outcome: {request: "GET /orders/${saga.id}", status: answer.body, statuses: {DONE: completed}}
services:
  pay:
    listen: "127.0.0.1:1"
    operations:
      charge: {request: POST /payments, saga: request.body.order, answer: {body: {id: "${new.id}"}}}
      refund: {request: POST /refunds, undoes: charge, which: %q}
`, which))
		if (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "the answer of charge has no") {
			t.Errorf("%s: %v", which, err)
		}
	}
}
