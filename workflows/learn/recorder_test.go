package learn_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/workflows/learn"
)

// unused is an address at which nobody listens.
func unused(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// A service that is not there is named, with its address and what to do.
func TestServiceThatIsNotThere(t *testing.T) {
	gone := unused(t)
	r, err := learn.NewRecorder(map[string]string{"payments": "http://" + gone}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	r.Begin(nil, nil)
	res, err := http.Post(r.Addr("payments")+"/payments", "application/json", strings.NewReader("{}"))
	if err == nil {
		res.Body.Close()
	}
	_, err = r.End()
	if err == nil || !strings.Contains(err.Error(), "service payments, POST /payments: ") || !strings.Contains(err.Error(), gone) || !strings.HasSuffix(err.Error(), "nothing listens there: start the service, or a stub of it") {
		t.Errorf("the call to a service that is not there: %v", err)
	}
}

// A service that was started just now is waited for.
func TestServiceThatStarts(t *testing.T) {
	addr := unused(t)
	r, err := learn.NewRecorder(map[string]string{"payments": "http://" + addr}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	time.AfterFunc(100*time.Millisecond, func() {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Error(err)
			cancel()
			return
		}
		t.Cleanup(func() { _ = l.Close() })
	})
	r.Await(ctx, time.Minute)
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatalf("awaited, and it does not listen: %v", err)
	}
	_ = c.Close()
}

// Redirects are followed in front of the recorder, or told.
func TestRedirectsAreRecorded(t *testing.T) {
	to := ""
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/payments" {
			http.Redirect(w, req, to+"/v2/payments", http.StatusTemporaryRedirect)
		}
	}))
	defer srv.Close()
	r, err := learn.NewRecorder(map[string]string{"payments": srv.URL}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, c := range []struct{ to, told string }{
		{srv.URL, ""},
		{"http://127.0.0.1:1", "service payments, POST /payments: " + srv.URL + " answered POST /payments with 307 and Location: http://127.0.0.1:1/v2/payments: no service"},
	} {
		to = c.to
		r.Begin(nil, nil)
		if res, err := http.Post(r.Addr("payments")+"/payments", "application/json", strings.NewReader("{}")); err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
		calls, err := r.End()
		switch {
		case c.told == "" && (err != nil || len(calls) != 2 || calls[1].Path != "/v2/payments" || calls[1].Code != http.StatusOK):
			t.Errorf("recorded are %+v, %v", calls, err)
		case c.told != "" && (err == nil || !strings.Contains(err.Error(), c.told)):
			t.Errorf("told is %v, expected %s", err, c.told)
		}
	}
}

// A call waits for where the workflow stands as long as the workflow needs to say it.
func TestSlowOutcome(t *testing.T) {
	service := httptest.NewServer(http.NotFoundHandler())
	defer service.Close()
	r, err := learn.NewRecorder(map[string]string{"payments": service.URL}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, told := range []time.Duration{0, 100 * time.Millisecond} {
		r.Told(told)
		r.Begin(nil, func(ctx context.Context) json.RawMessage {
			if until, _ := ctx.Deadline(); time.Until(until) < told {
				return nil
			}
			return json.RawMessage(`"CANCELLING"`)
		})
		res, err := http.Post(r.Addr("payments")+"/payments", "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if calls, err := r.End(); err != nil || len(calls) != 1 || string(calls[0].Outcome) != `"CANCELLING"` {
			t.Errorf("told in %v: %+v, %v: expected the call with its outcome", told, calls, err)
		}
	}
}
