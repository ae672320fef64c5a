package workflows

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
)

// withOperations is the service of the good file with operations of one's own in the place
// of those it has.
func withOperations(t *testing.T, operations string) *Service {
	t.Helper()
	b, err := os.ReadFile("testdata/good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(b), "      charge:\n")
	w, err := Parse("own.yaml", []byte(before+operations))
	if err != nil {
		t.Fatal(err)
	}
	return w.Services["payments"]
}

func post(path, body string) Request {
	return Request{Method: "POST", Path: path, Body: []byte(body), Header: http.Header{"Content-Type": {"application/json"}}}
}

// Of routes that fit one path, the one that says more of it is taken, wherever it stands
// and whatever stands between.
func TestTheRouteThatSaysMoreIsTaken(t *testing.T) {
	s := withOperations(t, `      a-any: {request: "POST /payments/{id}", saga: request.path.id}
      b-short: {request: "POST /payments", saga: only}
      c-latest: {request: POST /payments/latest, saga: only}
      d-long: {request: "POST /payments/{id}/refund", saga: only}
      e-latest-refund: {request: "POST /payments/latest/refund", saga: only}
`)
	for path, want := range map[string]string{
		"/payments/p-1": "a-any", "/payments": "b-short", "/payments/latest": "c-latest",
		"/payments/p-1/refund": "d-long", "/payments/latest/refund": "e-latest-refund",
	} {
		c, err := s.Match(post(path, `{}`))
		if err != nil || c.Op.Name != want {
			t.Errorf("%s: %v, %v: expected %s", path, c, err, want)
		}
	}
}

// A call whose path names nothing belongs to no operation, but for a compensation, which
// names no action then: not even one that has nothing in the same place.
func TestEmptyParameterNamesNothing(t *testing.T) {
	s := withOperations(t, `      hold: {request: "POST /holds", saga: only}
      find: {request: "POST /payments/{id}", saga: only}
      release: {request: "POST /holds/{id}/release", saga: only, undoes: hold, which: request.path.id == action.request.body.id}
`)
	for _, path := range []string{"/payments/", "/payments//"} {
		var none *NoRouteError
		if c, err := s.Match(post(path, `{}`)); !errors.As(err, &none) {
			t.Errorf("%s: %v, %v: expected no route", path, c, err)
		}
	}
	c, err := s.Match(post("/holds//release", `{}`))
	if err != nil {
		t.Fatal(err)
	}
	if yes, err := c.Names(Action{"request": map[string]any{"body": map[string]any{"id": ""}}}); yes || err != nil {
		t.Errorf("%s names an action without an id: %v", c, err)
	}
}

const twoConditions = `      card: {request: POST /payments, when: request.body.card != nil, saga: only}
      voucher: {request: POST /payments, when: request.body.voucher.code != "", saga: only}
`

// A when: that fails on a request, as that of voucher does without one, is not true of it.
func TestOneConditionIsTrue(t *testing.T) {
	s := withOperations(t, twoConditions)
	for body, want := range map[string]string{`{"card": "c"}`: "card", `{"voucher": {"code": "v"}}`: "voucher"} {
		c, err := s.Match(post("/payments", body))
		if err != nil || c.Op.Name != want {
			t.Errorf("%s: %v, %v: expected %s", body, c, err, want)
		}
	}
}

func TestTwoConditionsAreTrue(t *testing.T) {
	_, err := withOperations(t, twoConditions).Match(post("/payments", `{"card": "c", "voucher": {"code": "v"}}`))
	want := `services.payments: POST /payments is card as well as voucher: when: of both says yes: expected a when: that is true for one of them (body "{\"card\": \"c\", \"voucher\": {\"code\": \"v\"}}")`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// Neither route says more than the other: what is called latest of p-1 may be either.
func TestConditionsOfCrossingRoutes(t *testing.T) {
	s := withOperations(t, `      refund: {request: "POST /payments/{id}/refund", when: request.body.refund, saga: only}
      latest: {request: "POST /payments/latest/{what}", when: request.body.latest, saga: only}
`)
	if c, err := s.Match(post("/payments/latest/refund", `{"refund": true, "latest": false}`)); err != nil || c.Op.Name != "refund" {
		t.Errorf("%v, %v: expected refund", c, err)
	}
	if c, err := s.Match(post("/payments/latest/refund", `{"refund": true, "latest": true}`)); err == nil {
		t.Errorf("%v: expected an error", c)
	}
}

// A call that names an empty text names what nobody has said, as any other that was not said.
func TestEmptyNameIsUnsaid(t *testing.T) {
	s := withOperations(t, "      charge: {request: POST /payments, saga: of(request.body.order)}\n")
	for _, name := range []string{"", "o-9"} {
		call, err := s.Match(post("/payments", `{"order": "`+name+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		var unsaid *UnsaidError
		if _, _, err := call.Saga(func(string) (string, bool) { return "", false }); !errors.As(err, &unsaid) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
