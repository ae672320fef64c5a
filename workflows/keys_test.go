package workflows

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

const keyedFile = `
name: shop
system: {base: "http://127.0.0.1:1"}
start: {request: POST /orders}
outcome: {request: "GET /orders/${id}", status: answer.body.state, statuses: {NEW: running, DONE: completed}}
services:
  pay:
    protection: {fenced: {key: 'request.headers["X-Request-Id"]', ttl: 24h, in_progress: 409, scope: service, refused: final}}
    operations:
      charge: {request: POST /payments, saga: request.body.customer, answer: {body: {id: "${new.id}"}}}
      find: {request: "GET /payments/{id}", reads: charge, saga: of(request.path.id), answer: {body: '${map(filter(effects, .id == request.path.id || .key == request.path.id), .id)}'}}
  stock:
    protection: {keyed: {ttl: 90s}}
    operations:
      reserve: {request: POST /reservations, saga: request.body.customer}
`

func callOf(t *testing.T, w *Workflow, service string, r Request) *Call {
	t.Helper()
	c, err := w.Services[service].Match(r)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A file says how each service minds keys.
func TestKeysOfAService(t *testing.T) {
	w, err := Parse("workflow.yaml", []byte(keyedFile))
	if err != nil {
		t.Fatal(err)
	}
	charge := callOf(t, w, "pay", Request{Method: http.MethodPost, Path: "/payments"})
	want := participants.Keys{Service: "pay", TTL: 24 * time.Hour, InProgress: participants.Conflicts, Final: true}
	if got := charge.Keys(); got != want || charge.Protection("") != participants.Fenced {
		t.Errorf("pay minds keys as %+v (%s), expected %+v", got, charge.Protection(""), want)
	}
	reserve := callOf(t, w, "stock", Request{Method: http.MethodPost, Path: "/reservations", Header: http.Header{"Idempotency-Key": {"k-1"}}})
	want = participants.Keys{Service: "stock", Operation: "reserve", TTL: 90 * time.Second}
	if got := reserve.Keys(); got != want {
		t.Errorf("stock minds keys as %+v, expected %+v", got, want)
	}
	if key, err := reserve.Key(); key != "k-1" || err != nil {
		t.Errorf("the key is %q (%v), expected that of the usual header", key, err)
	}
}

// A read-back may ask by the key of what was done as well as by its id.
func TestReadBackByKey(t *testing.T) {
	w, err := Parse("workflow.yaml", []byte(keyedFile))
	if err != nil {
		t.Fatal(err)
	}
	charge := callOf(t, w, "pay", Request{Method: http.MethodPost, Path: "/payments", Header: http.Header{"X-Request-Id": {"k-7"}}})
	if said := strings.Join(charge.Said(), " "); !strings.Contains(said, "k-7") {
		t.Errorf("the call said %q, expected its key among that", said)
	}
	did := []Action{charge.Did(Reply{Code: 200}, saga.Effect{}, "p-1"), charge.Did(Reply{Code: 200}, saga.Effect{}, "p-2")}
	did[1]["key"] = "another"
	for asked, want := range map[string]string{"p-2": `["p-2"]`, "k-7": `["p-1"]`, "k-8": `[]`} {
		a, err := callOf(t, w, "pay", Request{Method: http.MethodGet, Path: "/payments/" + asked}).Answer(SagaVars{}, "", nil, did)
		if err != nil || string(a.Body) != want {
			t.Errorf("asked for %s it answers %s (%v), expected %s", asked, a.Body, err, want)
		}
	}
}
