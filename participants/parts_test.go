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

// TestOneWayAndTheOther: an effect that was undone in one way and is to be undone in another one was
// undone before; what another way leaves may not be more than was taken.
func TestOneWayAndTheOther(t *testing.T) {
	w := NewWorld(Fenced, nil, history.NewRecorder(history.Header{}), nil, nil)
	charge := saga.Operation{Saga: "s", Step: "charge", Direction: saga.Action}
	moved := func(from, to string, n int64) saga.Effect {
		return saga.Effect{Postings: []saga.Posting{{Account: "pay/" + from, Amount: -n, Unit: "EUR"}, {Account: "pay/" + to, Amount: n, Unit: "EUR"}}}
	}
	var done Done
	do := func(op saga.Operation, e saga.Effect, of *Done) string {
		a := w.Do(Call{Op: op, Attempt: 1}, Ask{Profile: Fenced, Keys: Keys{Service: "pay"}, Repeat: Again, Effect: e, Undoes: of, Whole: true, Answer: func(d Done) Answer {
			if d.Ref = "p-1"; of == nil {
				done = d
			}
			return Answer{Code: 200, Ref: d.Ref}
		}})
		return a.Detail
	}
	took := moved("card", "shop", 60)
	took.Postings = append(took.Postings, moved("card", "bank", 5).Postings...)
	do(charge, took, nil)
	undo := charge.Inverse()
	for n, c := range []struct {
		asks saga.Effect
		want string
	}{
		{moved("shop", "card", 60), ""},
		{moved("shop", "card", 60), history.DoneBefore},
		{moved("bank", "card", 6), history.MoreThanTaken},
		{moved("bank", "card", 5), ""},
	} {
		undo.Part = saga.Part(n + 1)
		if got := do(undo, c.asks, &done); got != c.want {
			t.Errorf("%s as part %d: %q, expected %q", c.asks, n+1, got, c.want)
		}
	}
}
