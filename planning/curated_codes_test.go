package planning

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// TestAnswersAreValidAndPredicted: every code that is worth trying is valid at its
// place, and what is predicted of it is what the contract says.
func TestAnswersAreValidAndPredicted(t *testing.T) {
	d := chain("s-1", "a", "b")
	for phase, certain := range map[saga.Phase]saga.Answer{saga.Receive: saga.Permanent, saga.Commit: saga.Done} {
		at := point("a", 1, phase)
		usual := faults.Defaults(faults.Fault{Kind: "answer", At: at}, d.Steps[0].Action.Retry).Code
		for _, code := range slices.Concat(faults.AnswerCodes(certain), faults.AnswerCodes(saga.Transient), []int{usual}) {
			f := faults.Fault{Kind: "answer", Code: code, At: at}
			if err := f.Validate(); err != nil {
				t.Errorf("%s: %v", f, err)
			}
			pr := predict(d, faults.Plan{Faults: []faults.Fault{f}}, 1)
			again := slices.Contains(pr.points, point("a", 2, saga.Connect))
			if class := saga.Classify(code); again != (class == saga.Transient) || pr.failed != (class == saga.Permanent) {
				t.Errorf("%s: again %v, failed %v", f, again, pr.failed)
			}
			if !strings.Contains(f.String(), fmt.Sprint(code)) {
				t.Errorf("%q does not tell its code", f)
			}
		}
	}
}

// TestRefusalAfterTheEffect: a rule of the business is not asked again about what
// was done; a gateway does not know.
func TestRefusalAfterTheEffect(t *testing.T) {
	d := chain("s-1", "a", "b")
	lost := faults.Fault{Kind: "lose", At: point("a", 1, saga.Response)}
	at := point("a", 2, saga.Receive)
	if predict(d, faults.Plan{Faults: []faults.Fault{lost, {Kind: "reject", At: at}}}, 1).allFire() {
		t.Error("reject is predicted to fire on a replay")
	}
	if !predict(d, faults.Plan{Faults: []faults.Fault{lost, {Kind: "answer", Code: 403, At: at}}}, 1).allFire() {
		t.Error("answer 403 is not predicted to fire in front of a replay")
	}
	lost.At.Phase = saga.Request
	if !predict(d, faults.Plan{Faults: []faults.Fault{lost, {Kind: "reject", At: at}}}, 1).allFire() {
		t.Error("reject is not predicted to fire where nothing was done")
	}
}
