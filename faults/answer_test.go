package faults

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/saga"
)

func TestAnswerValidates(t *testing.T) {
	for _, c := range []struct {
		phase saga.Phase
		code  int
		more  Fault
		want  string // empty: valid
	}{
		{saga.Receive, 502, Fault{}, ""},
		{saga.Receive, 403, Fault{}, ""},
		{saga.Commit, 504, Fault{}, ""},
		{saga.Commit, 204, Fault{}, ""},
		{saga.Receive, 503, Fault{RetryAfterS: 1, RetryAfterDate: true}, ""},
		{saga.Receive, 0, Fault{}, "code: 0: expected an HTTP status"},
		{saga.Receive, 301, Fault{}, "code: 301: expected an HTTP status"},
		{saga.Receive, 201, Fault{}, "code: 201: expected 4xx or 5xx at receive"},
		{saga.Commit, 403, Fault{}, "code: 403: expected 2xx or a transient code at commit"},
		{saga.Receive, 403, Fault{RetryAfterS: 1}, "retry_after_s: expected nothing with code 403"},
		{saga.Receive, 502, Fault{RetryAfterDate: true}, "retry_after_date: expected retry_after_s"},
	} {
		f := c.more
		f.Kind, f.Code, f.At = "answer", c.code, point("charge", 1, c.phase)
		err := f.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", f, err, c.want)
		}
	}
}

// TestAnswersAreValidAndPredicted: every code that is drawn or curated is valid,
// and what is predicted of it is what the contract says.
func TestAnswersAreValidAndPredicted(t *testing.T) {
	d := chain("s-1", "a", "b")
	for _, phase := range []saga.Phase{saga.Receive, saga.Commit} {
		at := point("a", 1, phase)
		for _, code := range append(answerCodes(at), answerCode(at)) {
			f := Fault{Kind: "answer", Code: code, At: at}
			if err := f.Validate(); err != nil {
				t.Errorf("%s: %v", f, err)
			}
			pr := predict(d, Plan{[]Fault{f}}, 1)
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
	lost := Fault{Kind: "lose", At: point("a", 1, saga.Response)}
	at := point("a", 2, saga.Receive)
	if predict(d, Plan{[]Fault{lost, {Kind: "reject", At: at}}}, 1).allFire() {
		t.Error("reject is predicted to fire on a replay")
	}
	if !predict(d, Plan{[]Fault{lost, {Kind: "answer", Code: 403, At: at}}}, 1).allFire() {
		t.Error("answer 403 is not predicted to fire in front of a replay")
	}
	lost.At.Phase = saga.Request
	if !predict(d, Plan{[]Fault{lost, {Kind: "reject", At: at}}}, 1).allFire() {
		t.Error("reject is not predicted to fire where nothing was done")
	}
}
