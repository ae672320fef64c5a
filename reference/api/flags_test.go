package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/reference"
)

func TestFlagsByHTTP(t *testing.T) {
	e := openTest(t, reference.Options{})
	h := Handler(e)
	later := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	for _, c := range []struct {
		name, body string
		code       int
		says       string
	}{
		{"drain", `{"on": true, "reason": "release", "author": "ann", "expires": "` + later + `"}`, http.StatusOK, `"on":true`},
		{"drain", `{"reason": "release"}`, http.StatusBadRequest, "on: is missing"},
		{"drain", `{"on": true, "reson": "x"}`, http.StatusBadRequest, "unknown field"},
		{"drain", `{"on": true, "reason": "x", "author": "ann", "expires": "2001-01-01T00:00:00Z"}`, http.StatusBadRequest, "expected a time to come"},
		{"drains", `{"on": true, "reason": "x", "author": "ann", "expires": "` + later + `"}`, http.StatusBadRequest, "expected one of"},
		{"drains", `{"on": false, "reason": "x", "author": "ann"}`, http.StatusBadRequest, "expected one of"},
		{"no-retries", `{"on": true}`, http.StatusBadRequest, `"field":"reason"`},
		{"hold-participant", `{"on": true, "reason": "x", "author": "ann", "expires": "` + later + `"}`, http.StatusBadRequest, "participants"},
		{"drain", `{"on": true, "reason": "x", "author": "ann", "expires": "2001-01-01T00:00:00Z"}`, http.StatusBadRequest, `"1 mistake: nothing was changed"`},
		{"hold-participant", `{"on": true, "participants": ["\u003cb\u003e"], "reason": "x", "author": "ann", "expires": "` + later + `"}`, http.StatusBadRequest, "expected host or host:port"},
		{"no-retries", `{"on": false}`, http.StatusBadRequest, `"field":"author"`},
		{"no-retries", `{"on": false, "reason": "x", "author": " "}`, http.StatusBadRequest, `"field":"author"`},
		{"no-retries", `{"on": false, "author": "ann", "reason": "` + strings.Repeat("x", 1001) + `"}`, http.StatusBadRequest, `"field":"reason"`},
	} {
		w := put(t, h, "/flags/"+c.name, c.body)
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s %s: %d %s", c.name, c.body, w.Code, w.Body)
		}
	}
	if got := get(h, "/flags").Body.String(); !strings.Contains(got, `{"flags":[{"name":"drain","reason":"release","author":"ann","expires":"`) {
		t.Error(got)
	}
	if got := get(h, "/healthz"); got.Code != http.StatusOK || !strings.Contains(got.Body.String(), "the flag drain is on") {
		t.Error(got.Code, got.Body)
	}
	if w := put(t, h, "/flags/drain", `{"on": false, "reason": "done", "author": "bob"}`); w.Code != http.StatusOK {
		t.Error(w.Code, w.Body)
	}
	if got := get(h, "/flags").Body.String(); got != "{\"flags\":[]}\n" {
		t.Error(got)
	}
}
