package checkers_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
)

const ledgerHead = `scenario order
cell c1
saga s1
step charge do=alice-42EUR,shop+42EUR undo=alice+42EUR,shop-42EUR
`

// What an account should hold is what the ended sagas explain, and is not said where that is open.
func TestLedger(t *testing.T) {
	twice := "1ms call-committed s1 charge#1\n2ms call-committed s1 charge#2\n"
	for _, c := range []struct {
		name, events string
		want         []checkers.Entry
	}{
		{"twice", twice + "3ms saga-ended s1 completed\n4ms ledger-read bank alice-84EUR shop+84EUR\n", []checkers.Entry{{"alice EUR", "-42", "-84"}, {"shop EUR", "+42", "+84"}}},
		{"not undone", twice + "3ms saga-ended s1 compensated\n4ms ledger-read bank alice-84EUR shop+84EUR\n", []checkers.Entry{{"alice EUR", "0", "-84"}, {"shop EUR", "0", "+84"}}},
		{"not ended", twice + "4ms ledger-read bank alice-84EUR shop+84EUR\n", []checkers.Entry{{"alice EUR", "", "-84"}, {"shop EUR", "", "+84"}}},
		{"not shown", twice + "3ms saga-ended s1 completed\n4ms ledger-read bank alice-84EUR\n", []checkers.Entry{{"alice EUR", "-42", "-84"}, {"shop EUR", "+42", ""}}},
		{"no ledger", twice + "3ms saga-ended s1 completed\n", nil},
	} {
		h, err := history.ParseText(strings.NewReader(ledgerHead + "\n" + c.events))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := checkers.Ledger(h, history.NewIndex(h)); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}

// A register is explained by the last saga that set it.
func TestLedgerOfARegister(t *testing.T) {
	h, err := history.ParseText(strings.NewReader(`scenario order
cell c1
register order=new
saga s1
step pay do=order:new>paid

1ms call-received s1 pay#1
1ms call-committed s1 pay#1
2ms saga-ended s1 completed
3ms ledger-read shop order=new
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []checkers.Entry{{Name: "order", Want: `"paid"`, Held: `"new"`}}
	if got := checkers.Ledger(h, history.NewIndex(h)); !slices.Equal(got, want) || !got[0].Wrong() {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
