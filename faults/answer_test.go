package faults

import (
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
		f.Kind, f.Code, f.At = "answer", c.code, saga.FailurePoint{Step: "charge", Direction: saga.Action, Attempt: 1, Phase: c.phase}
		err := f.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", f, err, c.want)
		}
	}
}
