package faults

import (
	"net/http"
	"testing"

	"github.com/sagacheck/sagacheck/internal/garble"
	"github.com/sagacheck/sagacheck/saga"
)

// Who says what is to happen gets the kind that does it there, with the fields that it has.
func TestDoing(t *testing.T) {
	at := func(phase saga.Phase) Fault {
		return Fault{At: saga.FailurePoint{Step: "charge", Direction: saga.Action, Attempt: 1, Phase: phase}}
	}
	as := at(saga.Commit)
	as.As = "number"
	coded := at(saga.Receive)
	coded.Code = http.StatusServiceUnavailable
	for _, c := range []struct {
		f    Fault
		does func(Injection) bool
		want string
	}{
		{at(saga.Response), Injection.Silent, "lose"},
		{at(saga.Response), Injection.Kills, "crash-orchestrator"},
		{at(saga.Receive), Answers(http.StatusServiceUnavailable), "unavailable"},
		{coded, Answers(http.StatusServiceUnavailable), "answer"},
		{as, Garbles(garble.Number), "wrong-type"},
		{Fault{Steps: []string{"charge"}, ForMS: 10}, func(e Injection) bool { return e.Cut }, "outage"},
		{Fault{ForMS: 10}, Injection.Kills, "orchestrator-outage"},
	} {
		if got := Doing(c.f, c.does); got.Kind != c.want || got.At != c.f.At {
			t.Errorf("%+v became %+v: expected %s", c.f, got, c.want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("nothing at connect cuts an answer off, and nobody said so")
		}
	}()
	Doing(at(saga.Connect), Bent(Ended))
}
