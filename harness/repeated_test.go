package harness

import (
	"testing"

	"github.com/sagacheck/sagacheck/saga"
)

// Ids are replaced where they stand alone, and nowhere else.
func TestRepeatedRenewsWholeIDs(t *testing.T) {
	var ids []string
	f := Repeated{Registers: map[string]string{"orders/c-1": "by c-10", "orders/c-10": "c-1"}}
	for _, id := range []string{"c-1", "c-10", "c-1-2", "c-2"} {
		body := `{"account":"card:c-1","other":"c-10","third":"c-1-2","stock-c-2":"c-2-4200EUR","no":["abc-1","c-100","c-1x","c_c-1_"],"escaped":"\nc-1 \u0026c-10 \\nc-1"}`
		f.Definitions = append(f.Definitions, saga.Definition{ID: id, Steps: []saga.Step{{
			Name: "charge", Action: saga.Call{Body: []byte(body), Breaker: &saga.Breaker{Name: "of-c-10"}},
		}}})
		ids = append(ids, "new"+id)
	}
	defs, registers := f.Build(ids, func(int, saga.StepRef) string { return "http://127.0.0.1/" })
	want := `{"account":"card:newc-1","other":"newc-10","third":"newc-1-2","stock-newc-2":"newc-2-4200EUR","no":["abc-1","c-100","c-1x","c_c-1_"],"escaped":"\nnewc-1 \u0026newc-10 \\nc-1"}`
	for _, d := range defs {
		if got := string(d.Steps[0].Action.Body); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if got := d.Steps[0].Action.Breaker.Name; got != "of-newc-10" {
			t.Errorf("breaker: %s", got)
		}
	}
	if registers["orders/newc-1"] != "by newc-10" || registers["orders/newc-10"] != "newc-1" || len(registers) != 2 {
		t.Errorf("registers: %v", registers)
	}
}
