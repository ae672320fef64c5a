package defects

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// after is what is in the books of fenced participants after calls, one after the other.
// "a" is an action that takes 7 of ann for the shop, "a.undo" gives it back, "write" writes
// a register as if its order were paid; what follows a slash is a key of its own.
func after(t *testing.T, rules *participants.Rules, calls string) string {
	t.Helper()
	rec := history.NewRecorder(history.Header{})
	w := participants.NewWorld(participants.Fenced, map[string]string{"shop/order": "new"}, rec, nil, rules)
	for c := range strings.FieldsSeq(calls) {
		name, key, own := strings.Cut(c, "/")
		if !own {
			key = name
		}
		step, undo := strings.CutSuffix(name, ".undo")
		op, amount := saga.Operation{Saga: "s", Step: step, Direction: saga.Action}, int64(7)
		if undo {
			op.Direction, amount = saga.Compensation, -7
		}
		effect := saga.Effect{Postings: []saga.Posting{{Account: "bank/ann", Amount: -amount, Unit: "EUR"}, {Account: "shop/till", Amount: amount, Unit: "EUR"}}}
		if step == "write" {
			effect = saga.Effect{Writes: []saga.Write{{Register: "shop/order", From: "paid", To: "sent"}}}
		}
		body, err := json.Marshal(effect)
		if err != nil {
			t.Fatal(err)
		}
		w.Handle(participants.Call{Op: op, Attempt: 1}, http.Header{"Idempotency-Key": {key}}, body)
	}
	w.Read()
	var books []string
	for _, e := range rec.Close().Events {
		for _, account := range slices.Sorted(maps.Keys(e.Balances)) {
			books = append(books, fmt.Sprint(account, " ", e.Balances[account]))
		}
		for _, register := range slices.Sorted(maps.Keys(e.Registers)) {
			books = append(books, register+" "+e.Registers[register])
		}
	}
	return strings.Join(books, ", ")
}

// Each defect leaves other books than the right rules do.
func TestWhatEachDefectDoes(t *testing.T) {
	cases := map[string]struct{ calls, right, wrong string }{
		"no-dedupe":         {"a a", "bank/ann EUR -7, shop/till EUR 7, shop/order new", "bank/ann EUR -14, shop/till EUR 14, shop/order new"},
		"no-tombstone":      {"a.undo a", "shop/order new", "bank/ann EUR -7, shop/till EUR 7, shop/order new"},
		"refund-short":      {"a a.undo", "bank/ann EUR 0, shop/till EUR 0, shop/order new", "bank/ann EUR -1, shop/till EUR 1, shop/order new"},
		"refund-elsewhere":  {"a a.undo", "bank/ann EUR 0, shop/till EUR 0, shop/order new", "bank/ann EUR -7, bank/ann-old EUR 7, shop/till EUR 0, shop/order new"},
		"compensate-anyway": {"a.undo", "shop/order new", "bank/ann EUR 7, shop/till EUR -7, shop/order new"},
		"blind-writes":      {"write", "shop/order new", "shop/order sent"},
		"dedupe-by-body":    {"a b", "bank/ann EUR -14, shop/till EUR 14, shop/order new", "bank/ann EUR -7, shop/till EUR 7, shop/order new"},
		"credit-extra":      {"a", "bank/ann EUR -7, shop/till EUR 7, shop/order new", "bank/ann EUR -14, shop/till EUR 14, shop/order new"},
	}
	for _, d := range All() {
		tt, there := cases[d.Name]
		if !there {
			t.Errorf("%s has no case", d.Name)
			continue
		}
		rules, err := Rules(d.Name)
		if err != nil || !slices.Equal(rules.Laid, []string{d.Name}) {
			t.Fatal(rules, err)
		}
		if got := after(t, nil, tt.calls); got != tt.right {
			t.Errorf("%s: the right rules leave %q, expected %q", d.Name, got, tt.right)
		}
		if got := after(t, rules, tt.calls); got != tt.wrong {
			t.Errorf("%s leaves %q, expected %q", d.Name, got, tt.wrong)
		}
	}
}
