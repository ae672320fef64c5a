package workflows

import (
	"testing"

	"github.com/sagacheck/sagacheck/saga"
)

// TestUndoneForGood: what was undone in parts is not there again because more is given back, and what
// is set to another value than it had is not undone.
func TestUndoneForGood(t *testing.T) {
	w, err := Parse("workflow.yaml", []byte(`
name: shop
system: {base: "http://127.0.0.1:1"}
start: {request: POST /orders}
outcome: {request: "GET /orders/${saga.id}", status: answer.body, statuses: {DONE: completed}}
services:
  pay:
    listen: "127.0.0.1:1"
    operations:
      charge: {request: POST /payments, saga: request.body.order}
      refund: {request: POST /refunds, undoes: charge, saga: request.body.order, effect: inverse}
      refund-fee: {request: POST /fees, undoes: charge, saga: request.body.order, effect: inverse}
`))
	if err != nil {
		t.Fatal(err)
	}
	charge := w.Plan()[0].Do
	paid := func(n int64) saga.Effect {
		return saga.Effect{Postings: []saga.Posting{{Account: "card", Amount: -n, Unit: "EUR"}, {Account: "shop", Amount: n, Unit: "EUR"}}}
	}
	a := Action{"effect": paid(65)}
	for _, back := range []struct {
		amount int64
		undone bool
	}{{60, false}, {5, true}, {60, true}} {
		if a.TakeBack(charge.undoneBy[0], paid(-back.amount), nil); a.IsUndone() != back.undone {
			t.Errorf("%d more were given back: undone is %t", back.amount, a.IsUndone())
		}
	}
	booked := Action{"effect": saga.Effect{Writes: []saga.Write{{Register: "seat", From: "free", To: "ada"}}}}
	for _, to := range []string{"bob", "free"} {
		booked.TakeBack(charge.undoneBy[0], saga.Effect{Writes: []saga.Write{{Register: "seat", From: "ada", To: to}}}, nil)
		if undone := to == "free"; booked.IsUndone() != undone {
			t.Errorf("the seat is %s: undone is %t", to, booked.IsUndone())
		}
	}
}
