package participants

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/sagacheck/sagacheck/internal/garble"
	"github.com/sagacheck/sagacheck/saga"
)

// TestInsteadOf: an answer that is garbled keeps its code as far as it is the
// participant's, and one that can't be is said to be amiss.
func TestInsteadOf(t *testing.T) {
	own := Answer{Code: http.StatusCreated, Body: []byte(`{"id":"p-1","total":5}`), Ref: "p-1"}
	did := saga.Effect{Postings: []saga.Posting{{Account: "card", Amount: -5, Unit: "EUR"}}}
	for how, want := range map[garble.How]string{
		garble.Empty:       "200 ",
		garble.OtherID:     `201 {"id":"p-1-other","total":5}`,
		garble.OtherAmount: `201 {"id":"p-1","total":6}`,
	} {
		a := Answer{Code: http.StatusOK, Garble: how}.insteadOf(own, did)
		if got := fmt.Sprintf("%d %s", a.Code, a.Body); got != want || a.Garble != how {
			t.Errorf("%s: %s, expected %s", how, got, want)
		}
	}
	taken := own
	taken.Code, taken.Pending = http.StatusAccepted, true
	for _, how := range []garble.How{garble.Page, garble.Empty, garble.OtherID} {
		if a := (Answer{Code: http.StatusOK, Garble: how}).insteadOf(taken, did); a.Code != http.StatusAccepted || !a.Pending || a.Ref != "p-1" {
			t.Errorf("%s in the place of an answer that the call was taken: %d, pending %t, of %q", how, a.Code, a.Pending, a.Ref)
		}
	}
	own.Body = []byte(`{}`)
	if a := (Answer{Garble: garble.OtherID}).insteadOf(own, did); a.Amiss == nil || a.Garble != "" || string(a.Body) != "{}" {
		t.Errorf("there is no id: %+v", a)
	}
	if a := (Answer{Code: 503}).insteadOf(own, did); a.Code != 503 {
		t.Errorf("an answer of a gateway: %+v", a)
	}
}
