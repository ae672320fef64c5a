package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

// An operator ends a long wait.
func TestRetryByHTTP(t *testing.T) {
	p := testparticipant.New(t, nil)
	asked := false
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked {
			p.ServeHTTP(w, r)
			return
		}
		asked = true
		w.Header().Set("Retry-After", "3000")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer slow.Close()
	e := openTest(t, reference.Options{})
	srv := httptest.NewServer(Handler(e))
	defer srv.Close()
	d := p.Define("s", "a compensatable")
	d.Steps[0].Action.URL = slow.URL + "/a"
	if code, body, _ := request(t, "POST", srv.URL+"/sagas", testparticipant.JSON(t, d)); code != 202 {
		t.Fatal(code, body)
	}
	for code := 0; code != 202; { // until it waits
		var body string
		if code, body, _ = request(t, "POST", srv.URL+"/sagas/s/retry", ""); code == 409 && !strings.Contains(body, reference.ErrNothingWaits.Error()) {
			t.Fatal(code, body)
		}
	}
	if got := testparticipant.Steps(awaitStatus(t, e, "s", saga.Completed)); got != "a:succeeded/2" {
		t.Error(got)
	}
}

// The audit is asked for by HTTP with a saga and with times.
func TestAuditByHTTP(t *testing.T) {
	p := testparticipant.New(t, nil)
	e := openTest(t, reference.Options{})
	h := Handler(e)
	if err := e.Submit(t.Context(), p.Define("s", "a compensatable")); err != nil {
		t.Fatal(err)
	}
	awaitStatus(t, e, "s", saga.Completed)
	for path, want := range map[string]int{"/audit?saga=s&since=2001-01-01T00:00:00.5Z": 3, "/audit?until=2001-01-01T00:00:00Z": 0, "/audit": 3} {
		if w := get(h, path); w.Code != 200 || strings.Count(w.Body.String(), `"what"`) != want {
			t.Error(path, w.Code, w.Body)
		}
	}
	for path, code := range map[string]int{"/audit?since=yesterday": 400, "/audit?saga=nobody": 404} {
		if w := get(h, path); w.Code != code {
			t.Error(path, w.Code, w.Body)
		}
	}
}

// Breakers that disagree, and what can't be done now, have answers of their own; what is
// not known is told to nobody.
func TestProblems(t *testing.T) {
	for want, err := range map[int]error{409: &reference.DisagreeError{Field: "steps[0].action.breaker"}, 503: reference.ErrClosed} {
		if p := problemOf(err); p.Status != want {
			t.Error(err, p)
		}
	}
	if p := problemOf(http.ErrBodyNotAllowed); p.Status != 503 || p.Detail != reference.ErrUnavailable.Error() {
		t.Error(p)
	}
}

// An operator is shown a preview, asks on what it showed, and is told what came of it.
func TestOperateByHTTP(t *testing.T) {
	hold := make(chan struct{})
	p := testparticipant.New(t, func(c testparticipant.Call) int {
		if c.Op == "b" {
			<-hold
		}
		return 0
	})
	e := openTest(t, reference.Options{})
	h := Handler(e)
	if err := e.Submit(t.Context(), p.Define("s", "a compensatable", "b compensatable")); err != nil {
		t.Fatal(err)
	}
	p.AwaitCall(t, "b", 1)
	preview := get(h, "/sagas/s/preview")
	for _, want := range []string{`"outcome":"done","rollback":"undo"`, `"outcome":"under way","rollback":"undo if it was done"`, `"key":"s/a/action"`, `"rollback":"possible"`} {
		if !strings.Contains(preview.Body.String(), want) {
			t.Errorf("no %s in %s", want, preview.Body)
		}
	}
	ask := func(act, body, key, match string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "/sagas/s/"+act, strings.NewReader(body))
		r.Host = "localhost"
		r.Header.Set("Content-Type", "application/json")
		if key != "" {
			r.Header.Set("Idempotency-Key", key)
		}
		if match != "" {
			r.Header.Set("If-Match", match)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	const ann = `{"author":"ann","reason":"a test"}`
	for _, tt := range []struct {
		act, body, key, match string
		code                  int
	}{
		{"pause", `{"author":"ann"}`, "", "", 400},
		{"pause", "", "", "", 400},
		{"pause", `{"author":"ann","reason":"r","step":"a"}`, "", "", 400},
		{"skip", ann, "", "", 400},
		{"end", ann, "", "", 409},
		{"pause", ann, "1", `"other"`, 412},
		{"pause", ann, "1", preview.Header().Get("ETag"), 202},
		{"pause", ann, "1", preview.Header().Get("ETag"), 202},
		{"resume", ann, "1", "", 422},
		{"pause", ann, "2", "", 200},
		{"resume", ann, "3", "", 202},
		{"compensate", ann, "4", "", 202},
		{"compensate", ann, "5", "", 200},
	} {
		if w := ask(tt.act, tt.body, tt.key, tt.match); w.Code != tt.code {
			t.Errorf("%+v: %d %s", tt, w.Code, w.Body)
		}
	}
	close(hold)
	awaitStatus(t, e, "s", saga.Compensated)
	if w := get(h, "/sagas/nobody/preview"); w.Code != 404 {
		t.Error(w.Code, w.Body)
	}
}

// What operators ask for is read as strictly as a saga: a second author, or a second request, is a mistake that is
// named, in the words of JSON.
func TestOddRequestsAreNamed(t *testing.T) {
	srv := httptest.NewServer(Handler(openTest(t, reference.Options{})))
	defer srv.Close()
	for _, c := range []struct{ method, path, body, want string }{
		{"POST", "/sagas/s1/pause", `{"author":"a","reason":"r","author":"b"}`, "author: is there twice"},
		{"POST", "/sagas/s1/pause", `{"author":"a","reason":"r"} {}`, "body: expected one JSON value"},
		{"POST", "/sagas/s1/pause", `{"AUTHOR":"a","reason":"r"}`, "AUTHOR: unknown field: names are lower-case"},
		{"POST", "/sagas/s1/pause", `{"author":1,"reason":"r"}`, "author: number: expected a string"},
		{"POST", "/sagas/s1/pause", "{\"author\":\"\xff\",\"reason\":\"r\"}", "not UTF-8"},
		{"POST", "/sagas/s1/pause", "", "body: ends too soon: expected one JSON value"},
		{"PUT", "/flags/drain", `{"on":"true","reason":"r","author":"a"}`, "on: string: expected a bool"},
		{"PUT", "/flags/drain", `{"on":true,"reason":"r","author":"a","expires":"soon"}`, `expires: \"soon\": expected a time (RFC 3339)`},
		{"PUT", "/flags/drain", `{"on":false,"on":true,"reason":"r","author":"a"}`, "on: is there twice"},
		{"PUT", "/flags/drain", `{"on":true,"participants":[1],"reason":"r","author":"a"}`, "participants[0]: number: expected a string"},
	} {
		if code, body, _ := request(t, c.method, srv.URL+c.path, c.body); code != http.StatusBadRequest || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d %s, want %s", c.body, code, body, c.want)
		}
	}
}
