package workflows

import (
	"testing"

	"github.com/sagacheck/sagacheck/saga"
)

// workflowOf is the workflow of a text.
func workflowOf(t *testing.T, text string) *Workflow {
	t.Helper()
	w, err := Parse("workflow.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestStubs: a request that belongs to no saga gets the answer that the file gives it.
func TestStubs(t *testing.T) {
	w := workflowOf(t, `
name: shop
system: {base: "http://127.0.0.1:1"}
start: {request: POST /orders}
outcome: {request: "GET /orders/${saga.id}", status: answer.body, statuses: {DONE: completed}}
services:
  pay: {listen: "127.0.0.1:1", operations: {charge: {request: POST /payments, saga: request.body.id}}, stubs: {"GET /prices/{sku}": {code: 203, headers: {X-Sku: "${request.path.sku}"}, body: {price: 7}}}}
  auth: {listen: "127.0.0.1:2", stubs: {POST /token: {body: {access_token: "t-${request.body.client}"}}}}
`)
	token, err := w.Services["auth"].Match(Request{Method: "POST", Path: "/token", Body: []byte(`{"client":"c"}`)})
	if err != nil || !token.Pass || string(token.Stub.Body) != `{"access_token":"t-c"}` || token.Stub.Code != 200 {
		t.Errorf("a token: %+v %v", token, err)
	}
	price, err := w.Services["pay"].Match(Request{Method: "GET", Path: "/prices/cup"})
	if err != nil || !price.Pass || price.Stub.Code != 203 || price.Stub.Header.Get("X-Sku") != "cup" || string(price.Stub.Body) != `{"price":7}` {
		t.Errorf("a price: %+v %v", price, err)
	}
	if _, err := w.Services["auth"].Match(Request{Method: "POST", Path: "/token", Body: []byte("none")}); err == nil {
		t.Error("a request that its template can't read is answered")
	}
}

// TestUnknownSaga: a workflow may have a word for a saga that is not there.
func TestUnknownSaga(t *testing.T) {
	w := workflowOf(t, `
name: shop
system: {base: "http://127.0.0.1:1"}
start: {request: POST /orders}
outcome:
  request: GET /orders?customer=${saga.id}
  status: 'len(answer.body) == 0 ? "NONE" : answer.body[0].state'
  statuses: {DONE: completed, NONE: unknown}
services:
  pay: {listen: "127.0.0.1:1", operations: {charge: {request: POST /payments, saga: request.body.id}}}
`)
	for body, want := range map[string]saga.Status{`[]`: Unknown, `[{"state":"DONE"}]`: saga.Completed} {
		if status, _, err := w.Status(AnswerOf(200, nil, []byte(body))); err != nil || status != want {
			t.Errorf("%s: %q %v, expected %q", body, status, err, want)
		}
	}
}
