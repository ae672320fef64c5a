package scenarios

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/saga"
)

func exampleAddress(n int, ref saga.StepRef) string {
	return "http://127.0.0.1/" + exampleIDs(n + 1)[n] + "/" + ref.String()
}

func scenario(t *testing.T, name string) *Scenario {
	t.Helper()
	found, err := Match(name)
	if err != nil {
		t.Fatal(err)
	}
	return found[0]
}

func TestBuild(t *testing.T) {
	s, err := Parse("shop.yaml", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	defs, registers := s.Build([]string{"a", "b"}, exampleAddress)
	if want := map[string]string{"orders/order:a": "new", "orders/order:b": "new"}; !maps.Equal(registers, want) {
		t.Errorf("registers are %v, want %v", registers, want)
	}
	if len(defs) != 2 || defs[1].ID != "b" || defs[1].Name != "shop" {
		t.Fatalf("definitions are %+v", defs)
	}
	charge := defs[1].Steps[1]
	if charge.Action.URL != "http://127.0.0.1/s-2/charge" || charge.Compensation.URL != "http://127.0.0.1/s-2/charge.undo" {
		t.Errorf("addresses are %q and %q", charge.Action.URL, charge.Compensation.URL)
	}
	want := DefaultRetry
	want.MaxAttempts, want.Jitter = 3, 0.1
	if charge.Action.Retry != want || charge.Compensation.Retry != DefaultUndoRetry {
		t.Errorf("policies are %+v and %+v", charge.Action.Retry, charge.Compensation.Retry)
	}
	ship := defs[1].Steps[2]
	if ship.Compensation != nil || ship.Action.Retry.MaxAttempts != 0 {
		t.Errorf("the retriable step is %+v: expected no compensation and no limit", ship)
	}
	checkEffect(t, defs[1].Steps[0].Action, "orders/order:b:new→reserved")
	checkEffect(t, *defs[1].Steps[0].Compensation, "orders/order:b:reserved→new")
	checkEffect(t, charge.Action, "bank/card-100EUR bank/shop+100EUR")
	checkEffect(t, *charge.Compensation, "bank/card+100EUR bank/shop-100EUR")
}

func checkEffect(t *testing.T, call saga.Call, want string) {
	t.Helper()
	e, err := call.Effect()
	if err != nil {
		t.Fatal(err)
	}
	if e.String() != want {
		t.Errorf("the effect is %q, want %q", e, want)
	}
}

func TestUndoList(t *testing.T) {
	s, err := Parse("shop.yaml", []byte(strings.Replace(good, "kind: pivot",
		"kind: pivot\n    undo:\n      - transfer: {from: shop, to: card, amount: 90, unit: EUR}\n      - delete: {record: invoice}", 1)))
	if err != nil {
		t.Fatal(err)
	}
	defs, _ := s.Build([]string{"a"}, exampleAddress)
	checkEffect(t, *defs[0].Steps[1].Compensation, "bank/shop-90EUR bank/card+90EUR bank/invoice:exists→∅")
}

func TestScale(t *testing.T) {
	s := scenario(t, "breaker")
	defs, _ := s.Build([]string{"a"}, exampleAddress)
	slow, _ := s.Scale(2.5).Build([]string{"a"}, exampleAddress)
	for i, st := range slow[0].Steps {
		was := defs[0].Steps[i]
		for _, p := range []struct{ now, then saga.RetryPolicy }{
			{st.Action.Retry, was.Action.Retry},
			{st.Compensation.Retry, was.Compensation.Retry},
		} {
			p.then.InitialIntervalMS = scaleMS(p.then.InitialIntervalMS, 2.5)
			p.then.MaxIntervalMS = scaleMS(p.then.MaxIntervalMS, 2.5)
			p.then.AttemptTimeoutMS = scaleMS(p.then.AttemptTimeoutMS, 2.5)
			if p.now != p.then {
				t.Errorf("%s: scaled to %+v, want %+v", st.Name, p.now, p.then)
			}
		}
	}
	if b := slow[0].Steps[1].Action.Breaker; b.OpenMS != 750 || defs[0].Steps[1].Action.Breaker.OpenMS != 300 {
		t.Errorf("the breaker is %+v", b)
	}
	plan := map[string]any{"faults": []any{map[string]any{"kind": "delay", "delay_ms": uint64(200), "bytes": 7}}}
	scaled := scalePlan(plan, 2)
	if want := map[string]any{"faults": []any{map[string]any{"kind": "delay", "delay_ms": 400, "bytes": 7}}}; !reflect.DeepEqual(scaled, want) {
		t.Errorf("the plan is %v, want %v", scaled, want)
	}
}

func TestParticipant(t *testing.T) {
	s := scenario(t, "order")
	if p := s.Participant("charge"); p != "payments" {
		t.Errorf("charge belongs to %q", p)
	}
	if p := s.Participant("nobody"); p != "" {
		t.Errorf("a step that is not there belongs to %q", p)
	}
	if want := []string{"warehouse", "payments", "carrier", "mail"}; !slices.Equal(s.Participants(), want) {
		t.Errorf("participants are %v, want %v", s.Participants(), want)
	}
}
