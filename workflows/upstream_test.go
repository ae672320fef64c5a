package workflows

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// withUpstream is the good file with a real service behind payments, whose charge is
// answered as the template says.
func withUpstream(t *testing.T, upstream, answer string) *Workflow {
	t.Helper()
	b, err := os.ReadFile("testdata/bad/upstream.yaml")
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(b), "services:\n")
	text := strings.Replace(before, `, TTL: "${ttl.payments}"`, "", 1) + `services:
  payments:
    upstream: "` + upstream + `"
    operations: {charge: {request: POST /payments, saga: request.body.customer, answer: ` + answer + `}}
`
	w, err := Parse("workflow.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// A real service may stand on any address of this machine.
func TestUpstreamIsOnThisMachine(t *testing.T) {
	for upstream, want := range map[string]string{
		"http://127.0.0.1:9001": "127.0.0.1:9001", "http://[::1]:9001/": "[::1]:9001", "http://localhost:9001": "localhost:9001",
		"http://127.1.2.3:80": "127.1.2.3:80",
	} {
		w := withUpstream(t, upstream, "{}")
		if got := w.Real("payments"); got != want {
			t.Errorf("%s: %q, expected %q", upstream, got, want)
		}
		if got := w.Reals(); len(got) != 1 || got["charge"] != "payments" {
			t.Errorf("%s: steps %v", upstream, got)
		}
	}
}

// The service's own name stands where the answer of the file has new.id.
func TestNamed(t *testing.T) {
	header := http.Header{"Location": {"/payments/p-7"}, "Content-Type": {"application/json"}}
	for _, c := range []struct{ answer, body, want string }{
		{`{body: {paymentId: "${new.id}", status: captured}}`, `{"status": "new", "paymentId": "p-7"}`, "p-7"},
		{`{body: {paymentId: "${new.id}"}}`, `{"paymentId": 17}`, "17"},
		{`{body: {paymentId: "${new.id}"}}`, `{"paymentId": 9007199254740993}`, "9007199254740993"},
		{`{body: {data: [{id: "pay_${new.id}_x"}]}}`, `{"data": [{"id": "pay_7_x"}, {"id": "pay_8_x"}]}`, "7"},
		{`{body: {data: [{id: "pay_${new.id}_x"}]}}`, `{"data": [{"id": "7"}]}`, ""},
		{`{body: "${new.id}"}`, `p-9`, "p-9"},
		{`{headers: {Location: "/payments/${new.id}"}}`, ``, "p-7"},
		{`{body: {paymentId: "${new.id}"}}`, `{"error": "p-7"}`, ""},
		{`{body: {paymentId: "${new.id}"}}`, `<html>`, ""},
		{`{body: {paymentId: "${new.id}"}}`, `{"paymentId": {"value": "p-7"}}`, ""},
		{`{body: {paymentId: fixed}}`, `{"paymentId": "fixed"}`, ""},
		{`{body: {paymentId: "${action.answer.body.paymentId}", as: "${new.id}"}}`, `{"as": "p-7"}`, ""}, // there is no action
		{`{}`, `{"paymentId": "p-7"}`, ""},
	} {
		w := withUpstream(t, "http://127.0.0.1:9001", c.answer)
		req := httptest.NewRequest(http.MethodPost, "/payments", nil)
		req.Header.Set("Content-Type", "application/json")
		call, err := w.Services["payments"].Match(RequestOf(req, []byte(`{"customer": "ada"}`)))
		if err != nil {
			t.Fatal(err)
		}
		h := header.Clone()
		if !strings.HasPrefix(c.body, "{") {
			h.Set("Content-Type", "text/plain")
		}
		if got := call.Named(SagaVars{}, nil, Heard(http.StatusCreated, h, []byte(c.body))); got != c.want {
			t.Errorf("%s, %s: %q, expected %q", c.answer, c.body, got, c.want)
		}
	}
}

// A compressed answer is read as what it says, and only so much of it is kept.
func TestHeard(t *testing.T) {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write([]byte(`{"paymentId": "p-7", "n": 3}`)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := Heard(http.StatusOK, http.Header{"Content-Encoding": {"gzip"}, "Content-Type": {"application/json"}}, z.Bytes())
	if !r.Tells("p-7") || !r.Tells("3") || r.Tells("p-") {
		t.Errorf("it says %v", r.Said())
	}
	flow := withUpstream(t, "http://127.0.0.1:9001", "{}")
	if got := flow.Heard(r); got != `{"paymentId": "p-7", "n": 3}` {
		t.Errorf("kept as %q", got)
	}
	if got := flow.Heard(Heard(http.StatusOK, http.Header{}, bytes.Repeat([]byte{0xff, 'a'}, mostSeen))); len(got) > mostSeen {
		t.Errorf("%d bytes are kept", len(got))
	}
}

// TestMultiStatusIsJudgedByDoneAlone: 207 may mean that a part was done: without done nobody can
// tell, and that is neither right nor wrong.
func TestMultiStatusIsJudgedByDoneAlone(t *testing.T) {
	heard := Heard(http.StatusMultiStatus, http.Header{"Content-Type": {"application/json"}}, []byte(`{"failed":[]}`))
	for answer, want := range map[string]string{
		"{}":                                   "done: must be given: the answer was 207",
		"{}, done: 'answer.body.failed == []'": "",
	} {
		w := withUpstream(t, "http://127.0.0.1:9001", answer)
		r := httptest.NewRequest(http.MethodPost, "/payments", nil)
		r.Header.Set("Content-Type", "application/json")
		c, err := w.Services["payments"].Match(RequestOf(r, []byte(`{"customer": "ada"}`)))
		if err != nil {
			t.Fatal(err)
		}
		done, err := c.Done(SagaVars{ID: "s-1"}, heard)
		switch {
		case want == "" && (err != nil || !done):
			t.Errorf("%s: done is %v, %v", answer, done, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, expected %q", answer, err, want)
		}
	}
}
