package workflows

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const documented = `name: shop
system: {base: "http://127.0.0.1:8080"}
start: {request: POST /orders}
outcome: {request: "GET /orders/${id}", status: answer.body.state, statuses: {DONE: completed}}
services:
  inventory:
    openapi: shop.yaml
    operations:
      reserve:
        operation: reserve
        saga: request.body.sku
        answer: {body: {note: "for ${saga.id}", owner: {name: bob}}}
      release: {request: "DELETE /v2/reservations/{n}", undoes: reserve, which: request.path.n == action.answer.body?.number}
      state: {operation: order, reads: reserve, saga: request.path.order, answer: {body: "${effects}"}}
      fell: {operation: fell, saga: request.query.order}
`

// What a file says is laid over the document's example; by what which names an action is
// new for each.
func TestDocumentedOperations(t *testing.T) {
	w, err := Parse("openapi/testdata/workflow.yaml", []byte(documented))
	if err != nil {
		t.Fatal(err)
	}
	s := w.Services["inventory"]
	for name, want := range map[string]string{"reserve": "inventory POST /v2/reservations", "state": "inventory GET /orders/{order}", "fell": "inventory DELETE /v2/forest"} {
		if got := s.Operations[name].Title(); got != want {
			t.Errorf("%s: %q, expected %q", name, got, want)
		}
	}
	answer := func(request, path, body string) (string, string) {
		c, err := s.Match(Request{Method: request, Path: path, Body: []byte(body)})
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Answer(SagaVars{ID: "s-1"}, "r-42", nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return string(r.Body), r.Header.Get("Content-Type")
	}
	const want = `{"items":["b"],"note":"for s-1","number":"r-42","owner":{"name":"bob","userId":42},"reservationId":"r-42","sku":"pot"}`
	if got, _ := answer("POST", "/v2/reservations", `{"sku":"pot","items":["b"]}`); got != want {
		t.Errorf("expected\n%s\ngot\n%s", want, got)
	}
	if got, _ := answer("GET", "/orders/s-1", ""); got != "[]" {
		t.Errorf("what reads answers %s", got)
	}
	m, err := s.Operations["state"].missing.reply(map[string]any{})
	if err != nil || m.Code != 404 || string(m.Body) != `{"id":"none"}` || m.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("what is missing: %d %s %v, %v", m.Code, m.Body, m.Header, err)
	}
}

// Whoever changes a document has another workflow.
func TestDigestKnowsTheDocument(t *testing.T) {
	dir := t.TempDir()
	digest := func(note string) string {
		for _, name := range []string{"shop.yaml", "parts.yaml"} {
			b, err := os.ReadFile(filepath.Join("openapi/testdata", name))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, name), []byte(strings.Replace(string(b), "reserved", note, 1)), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		w, err := Parse(filepath.Join(dir, "workflow.yaml"), []byte(documented))
		if err != nil {
			t.Fatal(err)
		}
		return w.Digest()
	}
	if first := digest("held"); first != digest("held") || first == digest("kept") {
		t.Error("expected one digest for one document, and another one for another")
	}
}
