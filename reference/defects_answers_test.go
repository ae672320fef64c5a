package reference_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

func TestNoAttemptTimeout(t *testing.T) {
	hang := make(chan struct{})
	p := reference.NewParticipant(t, func(c reference.SeenCall) int {
		if c.Attempt == 1 {
			<-hang
		}
		return 0
	})
	d := p.Define("s", "a compensatable")
	d.Steps[0].Action.Retry.AttemptTimeoutMS = 50
	slow := reference.OpenTest(t, reference.Options{Rules: laid(t, "no-attempt-timeout")})
	reference.SubmitTest(t, slow, d)
	p.AwaitCall(t, "a", 1)
	if (scene{p, slow}).later() {
		t.Error("timed out")
	}
	close(hang)
}

func TestHeadTimeout(t *testing.T) {
	for _, tt := range []struct {
		defects []string
		ends    bool
	}{{nil, true}, {[]string{"head-timeout"}, false}} {
		stall, first := make(chan struct{}), make(chan struct{}, 1)
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "2")
			w.WriteHeader(http.StatusOK)
			select {
			case first <- struct{}{}:
				_ = http.NewResponseController(w).Flush()
				<-stall
			default:
			}
			_, _ = io.WriteString(w, "{}")
		}))
		p := reference.NewParticipant(t, nil)
		d := p.Define("s", "a compensatable")
		d.Steps[0].Action.URL, d.Steps[0].Action.Retry.AttemptTimeoutMS = srv.URL, 50
		e := reference.OpenTest(t, reference.Options{Rules: laid(t, tt.defects...)})
		reference.SubmitTest(t, e, d)
		if ended := (scene{p, e}).later(); ended != tt.ends {
			t.Errorf("with %v it ends: %v", tt.defects, ended)
		}
		close(stall)
		srv.Close()
	}
}

func TestJSONOnly(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<!doctype html><title>OK</title>")
	}))
	defer page.Close()
	for want, defects := range map[saga.Status][]string{saga.Completed: nil, saga.Compensated: {"json-only"}} {
		p := reference.NewParticipant(t, nil)
		d := p.Define("s", "a compensatable")
		d.Steps[0].Action.URL = page.URL
		e := reference.OpenTest(t, reference.Options{Rules: laid(t, defects...)})
		reference.SubmitTest(t, e, d)
		reference.AwaitStatus(t, e, "s", want)
	}
}
