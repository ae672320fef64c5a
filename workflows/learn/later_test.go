package learn

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/workflows"
)

// TestDraftOfWhatIsToldLater: a service that answers 202, or whose read-back changes by itself, may
// be asynchronous. What comes later nobody can tell from that, and it is said where.
func TestDraftOfWhatIsToldLater(t *testing.T) {
	read := func(status string) Call {
		return Call{Service: "payments", Method: http.MethodGet, Path: "/payments/9001", Code: 200, Answer: json.RawMessage(`{"paymentId":9001,"status":"` + status + `"}`)}
	}
	pay, change := Call{}, Call{Service: "payments", Method: http.MethodPut, Path: "/payments/9001/note", Code: 200}
	for name, tt := range map[string]struct {
		code  int
		reads []Call
		want  string
	}{
		"at once":             {201, nil, ""},
		"accepted":            {202, nil, "        # TODO: it was answered 202: asynchronous?"},
		"pending, then done":  {201, []Call{read("pending"), read("pending"), read("done")}, "        # TODO: it answered one thing, and then another, while nothing was asked for but that: asynchronous?"},
		"the same":            {201, []Call{read("done"), read("done")}, ""},
		"changed by its call": {201, []Call{read("held"), change, read("done")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			in := recorded(t, "testdata/numbers.json")
			for i := range in.Record.Runs {
				r := &in.Record.Runs[i]
				for j := range r.Calls {
					if c := &r.Calls[j]; c.Method == http.MethodPost && c.Path == "/payments" && c.Fate != Refused {
						c.Code, pay = tt.code, *c
					}
				}
			}
			id := Field(pay.Answer, "answer.body.paymentId")
			last := &in.Record.Runs[0]
			for _, c := range tt.reads {
				c.Path = strings.Replace(c.Path, "9001", id, 1)
				last.Calls = append(last.Calls, c)
			}
			draft, _ := Write(in.Setup, in.Record)
			if n := strings.Count(string(draft), "asynchronous?"); (n > 0) != (tt.want != "") || !strings.Contains(string(draft), tt.want) {
				t.Errorf("%d times, expected %q in\n%s", n, tt.want, draft)
			}
			if _, err := workflows.Parse("workflow.yaml", draft); err != nil {
				t.Error(err)
			}
		})
	}
}
