package api

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/definitions"
	"github.com/sagacheck/sagacheck/saga"
)

// Every id that is accepted works in every path, and Location leads there.
func TestNames(t *testing.T) {
	p := testparticipant.New(t, nil)
	e := openTest(t, reference.Options{})
	srv := httptest.NewServer(Handler(e))
	defer srv.Close()
	for _, id := range []string{"a/b", "a?b", "a#b", "100%", "%2F", "a%zz", "...", "../x", "a//b", "x/compensate", `"'<>\^{|}`, "a:b@c", "+", "~"} {
		text := testparticipant.JSON(t, p.Define(id, "a compensatable"))
		code, body, h := request(t, "POST", srv.URL+"/sagas", text)
		if code != 202 {
			t.Error(id, code, body)
			continue
		}
		awaitStatus(t, e, id, saga.Completed)
		code, body, _ = request(t, "GET", srv.URL+h.Get("Location"), "")
		var r saga.Report
		if err := json.Unmarshal([]byte(body), &r); code != 200 || err != nil || r.ID != id {
			t.Error(id, h.Get("Location"), code, body)
		}
		if code, body, _ = request(t, "POST", srv.URL+h.Get("Location")+"/compensate", ""); code != 409 {
			t.Error(id, code, body)
		}
	}
	for _, id := range []string{".", "..", "/", "a b", "ä", ""} {
		var invalid *definitions.InvalidError
		if err := e.Submit(t.Context(), p.Define(id, "a compensatable")); !errors.As(err, &invalid) || invalid.Field != "id" {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// Who may call: programs and pages of this server, that mean this server, in JSON, with
// the token.
func TestAccess(t *testing.T) {
	e := openTest(t, reference.Options{})
	srv := httptest.NewServer(newFront(Access{Token: "secret", Hosts: []string{"sagas.example"}}, e, nil))
	defer srv.Close()
	auth := []string{"Authorization", "Bearer secret"}
	for name, tt := range map[string]struct {
		header []string
		code   int
	}{
		"no token":       {[]string{"Authorization", ""}, 401},
		"another token":  {[]string{"Authorization", "Bearer secrets"}, 401},
		"text":           {[]string{"Content-Type", "text/plain"}, 415},
		"no type":        {[]string{"Content-Type", ""}, 415},
		"parameters":     {[]string{"Content-Type", "Application/JSON; charset=utf-8"}, 400},
		"another site":   {[]string{"Origin", "https://evil.example"}, 403},
		"cross site":     {[]string{"Sec-Fetch-Site", "cross-site"}, 403},
		"own page":       {[]string{"Origin", srv.URL}, 400},
		"another host":   {[]string{"Host", "evil.example"}, 421},
		"a host of ours": {[]string{"Host", "sagas.example:8080"}, 400},
		"localhost":      {[]string{"Host", "localhost"}, 400},
		"an address":     {[]string{"Host", "[::1]:80"}, 400},
	} {
		if code, body, _ := request(t, "POST", srv.URL+"/sagas", "{", append(auth, tt.header...)...); code != tt.code {
			t.Errorf("%s: %d %s, want %d", name, code, body, tt.code)
		}
	}
	if code, _, _ := request(t, "GET", srv.URL+"/healthz", ""); code != 200 {
		t.Error("health without a token:", code)
	}
	if code, _, _ := request(t, "GET", srv.URL+"/sagas/x", ""); code != 401 {
		t.Error("a status without a token:", code)
	}
	for addr, ok := range map[string]bool{"127.0.0.1:0": true, "localhost:1": true, "[::1]:1": true, ":8080": false, "0.0.0.0:1": false, "10.0.0.1:1": false, "x": false} {
		if err := (ServeOptions{Addr: addr}).Check(); (err == nil) != ok {
			t.Error(addr, err)
		}
	}
	if err := (ServeOptions{Addr: ":1", Access: Access{Token: "x"}}).Check(); err != nil {
		t.Error(err)
	}
	for _, token := range []string{" ", "x\n", "\tx"} { // no request can bring it
		if err := (ServeOptions{Addr: ":1", Access: Access{Token: token}}).Check(); err == nil {
			t.Errorf("%q is a token", token)
		}
	}
}

// The trace of a client goes on in the calls of its saga.
func TestTraceparentIsPassedOn(t *testing.T) {
	const client = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	p := testparticipant.New(t, nil)
	e := openTest(t, reference.Options{})
	srv := httptest.NewServer(Handler(e))
	defer srv.Close()
	text := testparticipant.JSON(t, p.Define("s", "a compensatable"))
	if code, body, _ := request(t, "POST", srv.URL+"/sagas", text, "Traceparent", client); code != 202 {
		t.Fatal(code, body)
	}
	awaitStatus(t, e, "s", saga.Completed)
	if got := p.Of("a")[0].Header.Get("Traceparent"); len(got) != 55 || got[:36] != client[:36] {
		t.Error(got)
	}
}
