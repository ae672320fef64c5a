package history_test

import (
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/history"
)

// A saga went on without an optional step when nothing of that is left, however many calls gave it back.
func TestWaivesWhatIsUndoneInParts(t *testing.T) {
	const (
		pay    = "step pay do=card-60EUR,shop+60EUR,seat:free>taken undo=shop-10EUR,card+10EUR part=shop-50EUR,card+50EUR,seat:taken>free"
		did    = "1ms call-sent s1 pay#1\n1ms call-committed s1 pay#1 ref=p-1\n"
		first  = "2ms call-sent s1 pay.undo#1\n2ms call-committed s1 pay.undo#1 ref=r-1 of=p-1\n"
		second = "3ms call-sent s1 pay.undo(2)#1\n3ms call-committed s1 pay.undo(2)#1 ref=r-2 of=p-1\n"
	)
	for _, c := range []struct {
		step, events string
		waived       bool
	}{
		{pay, did, false},
		{pay, did + first, false},
		{pay, did + second, false},
		{pay, did + first + second, true},
		{pay + " keeps=card-10EUR,shop+10EUR", did + second, true},
	} {
		h, err := history.ParseText(strings.NewReader("workflow shop\nsaga s1\n" + c.step + "\nstep ship\n\n0ms saga-accepted s1\n" + c.events + "9ms settled\n"))
		if err != nil {
			t.Fatal(err)
		}
		h.Waive(func(step string) bool { return step == "pay" })
		if got := h.Header.Definitions[0].Steps[0].Waived; got != c.waived {
			t.Errorf("waived = %v, expected %v:\n%s\n%s", got, c.waived, c.step, c.events)
		}
	}
}
