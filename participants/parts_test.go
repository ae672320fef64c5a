package participants

import (
	"fmt"
	"testing"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// TestPartsAddUp: undos of one effect add up. More than was taken is refused by a fenced
// service, which tells a part that is asked for again from one that asks for too much, and
// booked by others.
func TestPartsAddUp(t *testing.T) {
	for profile, want := range map[Profile]string{
		Fenced: "20: 200 , 50: 422 " + history.MoreThanTaken + ", 40: 200 , again: 422 " + history.DoneBefore + ", balance 0",
		Keyed:  "20: 200 , 50: 200 , 40: 200 , again: 200 , balance 90",
		Naive:  "20: 200 , 50: 200 , 40: 200 , again: 200 , balance 90",
	} {
		w := NewWorld(profile, nil, history.NewRecorder(history.Header{}), nil, nil)
		charge := saga.Operation{Saga: "s", Step: "charge", Direction: saga.Action}
		var done Done
		moved := func(n int64) saga.Effect {
			return saga.Effect{Postings: []saga.Posting{{Account: "pay/shop", Amount: -n, Unit: "EUR"}, {Account: "pay/card", Amount: n, Unit: "EUR"}}}
		}
		ask := func(e saga.Effect, of *Done) Ask {
			return Ask{Profile: profile, Keys: Keys{Service: "pay"}, Repeat: Again, Effect: e, Undoes: of, Answer: func(d Done) Answer {
				d.Ref = "p-1"
				if of == nil {
					done = d
				}
				return Answer{Code: 200, Ref: d.Ref}
			}}
		}
		w.Do(Call{Op: charge, Attempt: 1}, ask(moved(-60), nil))
		got := ""
		undo := func(name string, part, attempt int, n int64) {
			op := charge.Inverse()
			op.Part = part
			a := w.Do(Call{Op: op, Attempt: attempt}, ask(moved(n), &done))
			got += fmt.Sprintf("%s: %d %s, ", name, a.Code, a.Detail)
		}
		undo("20", 0, 1, 20)
		undo("50", 2, 1, 50)
		undo("40", 3, 1, 40)
		undo("again", 3, 2, 40)
		got += fmt.Sprintf("balance %d", w.ledger("pay").balances["pay/card EUR"])
		if got != want {
			t.Errorf("%s: %s\nexpected %s", profile, got, want)
		}
	}
}
