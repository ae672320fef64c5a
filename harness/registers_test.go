package harness_test

import (
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
)

// TestRegisterStartsAtItsFirstFrom: what a workflow's register held before is what the first call
// to change it expects there. That call may be lost, and repeated.
func TestRegisterStartsAtItsFirstFrom(t *testing.T) {
	text := strings.Replace(shopFile, `{transfer: {from: "card:${request.body.customer}", to: shop, amount: "${request.body.amount}", unit: EUR}}`, `{set: {register: "order:${request.body.customer}", from: open, to: paid}}`, 1)
	h, flow := startShopOf(t, &shop{send: usual}, "127.0.0.1", text)
	for _, lost := range []string{"charge#1@request", "charge#1@receive"} {
		hist := runShop(t, h, flow, 2, faults.Plan{Faults: []faults.Fault{{Kind: "reset", Saga: 1, At: mustPoint(lost)}}})
		for _, v := range checkers.Judge(hist, []checkers.Checker{checkers.DoubleCredit{}, checkers.LostUpdate{}, checkers.NotLinearizable{}}) {
			for _, w := range v.Witnesses {
				t.Errorf("%s: %s: %s", lost, v.Property, w.Broken)
			}
		}
		for _, e := range hist.Events {
			if e.Kind == history.CallCommitted && e.Step == "charge" && e.Effect.Writes[0].From != "open" {
				t.Errorf("%s: %s found %q", lost, e.Operation(), e.Effect.Writes[0].From)
			}
		}
		for _, d := range hist.Header.Definitions {
			if got := hist.Header.Registers["pay/order:"+d.ID]; got != "open" {
				t.Errorf("%s: the register of %s starts at %q", lost, d.ID, got)
			}
		}
	}
}
