package harness

import (
	"reflect"
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

// What a saga is but for its id, and the version that a plan gives it, is what it was: its budget and its rounds, too.
func TestRepeatedKeepsAllOfASaga(t *testing.T) {
	old := saga.Definition{
		ID: "c-1", Name: "order", Version: saga.NextVersion, Budget: saga.Budget{Attempts: 6, TimeMS: 1000}, Rounds: 3, RoundDelayMS: 20, Round: 1,
		Reads: []string{"find"}, Callbacks: []string{"charge"}, Polled: []string{"ship"}, Shows: map[string][]string{"find": {"charge"}}, Steps: []saga.Step{{Name: "charge", Action: saga.Call{Body: []byte("{}")}}},
	}
	for field, v := range reflect.ValueOf(old).Fields() {
		if v.IsZero() {
			t.Fatalf("%s: nothing is there that may be lost", field.Name)
		}
	}
	defs, _ := Repeated{Definitions: []saga.Definition{old}}.Build([]string{"c-2"}, func(int, saga.StepRef) string { return "" })
	want := old
	want.ID, want.Version = "c-2", ""
	if !reflect.DeepEqual(defs, []saga.Definition{want}) {
		t.Errorf("got  %+v\nwant %+v", defs[0], want)
	}
}
