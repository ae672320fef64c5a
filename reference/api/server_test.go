package api

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/definitions"
	"github.com/sagacheck/sagacheck/saga"
)

// client makes one connection a request, so that none is left over.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func request(t *testing.T, method, url, body string, header ...string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		if req.Header.Set(header[i], header[i+1]); header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b), resp.Header
}

// tryRequest is request where nobody may be listening yet.
func tryRequest(t *testing.T, method, url, body string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// freeAddr is an address on which nobody listens.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

const goodStep = `{"name":"a","kind":"compensatable","action":{"url":"http://127.0.0.1:1/a","retry":{"max_attempts":1,"initial_interval_ms":1,"multiplier":1,"max_interval_ms":1,"jitter":0,"attempt_timeout_ms":100}}}`

func TestContract(t *testing.T) {
	p := testparticipant.New(t, nil)
	e := openTest(t, reference.Options{})
	srv := httptest.NewServer(Handler(e))
	defer srv.Close()
	def, err := json.Marshal(p.Define("s1", "a compensatable", "b pivot"))
	if err != nil {
		t.Fatal(err)
	}
	for i, tt := range []struct {
		method, path, body string
		code               int
		want               string
	}{
		{"GET", "/healthz", "", 200, "ready"},
		{"GET", "/sagas/s1", "", 404, `"status":404`},
		{"POST", "/sagas/s1/compensate", "", 404, "no saga"},
		{"POST", "/sagas", string(def), 202, `"id":"s1"`},
		{"POST", "/sagas", string(def), 202, `"id":"s1"`},
		{"POST", "/sagas", strings.Replace(string(def), `"test"`, `"other"`, 1), 409, "another body"},
		{"POST", "/sagas", `{`, 400, `"field":"body"`},
		{"POST", "/sagas", `{"id":"x","steps":[` + goodStep + `]} {}`, 400, `"field":"body"`},
		{"POST", "/sagas", `{"id":"x","colour":1}`, 400, `"field":"colour"`},
		{"POST", "/sagas", `{"id":7}`, 400, `"field":"id"`},
		{"POST", "/sagas", `{"id":"x","steps":[]}`, 400, `"field":"steps"`},
		{"POST", "/sagas", `{"id":"a b","steps":[` + goodStep + `]}`, 400, `"field":"id"`},
		{"POST", "/sagas", `{"id":"x","steps":[` + strings.Replace(goodStep, "http:", "ftp:", 1) + `]}`, 400, `"field":"steps[0].action.url"`},
		{"POST", "/sagas", `{"id":"x","steps":[` + strings.Replace(goodStep, `"multiplier":1`, `"multiplier":0`, 1) + `]}`, 400, `"field":"steps[0].action.retry.multiplier"`},
		{"POST", "/sagas", strings.Repeat(" ", definitions.MaxBody+1), 413, "at most 1048576 bytes"},
		{"POST", "/sagas", `{"id":"x","Steps":[` + goodStep + `]}`, 400, `"field":"Steps"`},
		{"POST", "/sagas", `{"id":"x","id":"y","steps":[` + goodStep + `]}`, 400, `"field":"id"`},
		{"POST", "/sagas", `{"id":"x","\u017fteps":[` + goodStep + `]}`, 400, `names are lower-case`},
		{"POST", "/sagas", `{"id":"x","steps":[` + strings.Replace(goodStep, `"jitter":0`, `"jitter":0,"jitter":1`, 1) + `]}`, 400, `"field":"steps[0].action.retry.jitter"`},
		{"POST", "/sagas", `{"id":"x","name":"` + "\xff" + `","steps":[` + goodStep + `]}`, 400, "not UTF-8"},
		{"POST", "/sagas", `{"id":"x","steps":[` + strings.Replace(goodStep, `"retry"`, `"body":{"a":"`+"\xff"+`"},"retry"`, 1) + `]}`, 400, `"field":"steps[0].action.body"`},
		{"POST", "/sagas", `{"id":"x","steps":[` + goodStep + `,{"name":"b","kind":7}]}`, 400, `"field":"steps[1].kind"`},
		{"POST", "/sagas", `{"id":"x","steps":[` + strings.Replace(goodStep, `"max_attempts":1`, `"max_attempts": 1.5`, 1) + `]}`, 400, `max_attempts: number 1.5: expected a whole number"`},
		{"POST", "/sagas", `[]`, 400, "body: array: expected an object"},
		{"POST", "/sagas", ``, 400, "body: ends too soon"},
		{"DELETE", "/sagas", "", 405, "expected GET, HEAD, POST"},
		{"GET", "/nothing", "", 404, "no such resource"},
	} {
		code, body, h := request(t, tt.method, srv.URL+tt.path, tt.body)
		if code != tt.code || !strings.Contains(body, tt.want) {
			t.Errorf("%d: %s %s: %d %s", i, tt.method, tt.path, code, body)
		}
		want := "application/json"
		if tt.code >= 400 {
			want = "application/problem+json"
		}
		if got := h.Get("Content-Type"); got != want {
			t.Errorf("%d: %s %s: content type %q", i, tt.method, tt.path, got)
		}
	}
	awaitStatus(t, e, "s1", saga.Completed)
	if n := len(p.Of("a")); n != 1 {
		t.Error(n, "calls of a: the second submission made a second saga")
	}
	if code, body, _ := request(t, "POST", srv.URL+"/sagas/s1/compensate", ""); code != 409 || !strings.Contains(body, "pivot") {
		t.Error(code, body)
	}
	code, body, _ := request(t, "GET", srv.URL+"/sagas/s1", "")
	if want := `{"id":"s1","status":"completed","steps":[{"name":"a","status":"succeeded","attempts":1},{"name":"b","status":"succeeded","attempts":1}]}`; code != 200 || strings.TrimSpace(body) != want {
		t.Error(code, body)
	}
}

func TestServe(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ready, ended := make(chan string, 1), make(chan error, 1)
	o := ServeOptions{Options: reference.Options{StoreDSN: filepath.Join(t.TempDir(), "s.db")}, Addr: "127.0.0.1:0", Ready: func(a string) { ready <- a }}
	go func() { ended <- Serve(ctx, o) }()
	var addr string
	select {
	case addr = <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	if code, body, _ := request(t, "GET", "http://"+addr+"/healthz", ""); code != 200 {
		t.Error(code, body)
	}
	busy := o
	busy.StoreDSN, busy.Addr = filepath.Join(t.TempDir(), "s.db"), addr
	if err := Serve(ctx, busy); err == nil || !strings.Contains(err.Error(), addr) {
		t.Error(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
