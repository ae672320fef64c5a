package harness

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// TestUndoOfAnotherCard: an undo that names nothing undoes what was done, and not what was asked
// for first and refused.
func TestUndoOfAnotherCard(t *testing.T) {
	text := strings.Replace(tripFile, "insure: {request: POST /insurances,", `insure: {effect: {transfer: {from: "${request.body.card}", to: us, amount: 1, unit: EUR}}, request: POST /insurances,`, 1)
	r := newRoutedOf(t, text, "s1")
	r.named("s1", "t-1")
	r.call("POST", "/insurances", `{"trip":"t-1","card":"first"}`) // refused
	to := r.call("POST", "/insurances", `{"trip":"t-1","card":"second"}`)
	op := saga.Operation{Saga: "s1", Step: "insure", Direction: saga.Action}
	if a := to.Handle(participants.Call{Op: op, Attempt: 2}, http.Header{}, nil); a.Code != http.StatusOK {
		t.Fatalf("insured: %+v", a)
	}
	r.call("DELETE", "/insurances", `{"trip":"t-1"}`)
	if e := r.sagas["s1"].asked[op.Inverse()].Effect; !strings.Contains(e.String(), "second") {
		t.Errorf("the undo is of %s, expected the second card", e)
	}
}
