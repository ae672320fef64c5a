package harness_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// TestManySagasThroughOneAddress: fifty sagas at once call the same two addresses, and no
// event is given to another saga than the one that its request names.
func TestManySagasThroughOneAddress(t *testing.T) {
	t.Parallel()
	h, flow := startShop(t, &shop{send: usual}, "127.0.0.1")
	for range 3 {
		hist := runShop(t, h, flow, 50, faults.Plan{})
		calls := map[saga.Operation]int{}
		for _, e := range hist.Events {
			if e.Kind != history.CallSent {
				continue
			}
			calls[e.Operation()]++
			if !strings.Contains(e.Request.Body, e.Saga+`"`) {
				t.Errorf("a call of saga %s: %s %s %s", e.Saga, e.Request.Method, e.Request.Target, e.Request.Body)
			}
		}
		for _, d := range hist.Header.Definitions {
			for _, step := range []string{"reserve", "reserve(2)", "charge"} {
				if n := calls[saga.Operation{Saga: d.ID, Step: step, Direction: saga.Action}]; n != 1 {
					t.Errorf("%s of %s was called %d times", step, d.ID, n)
				}
			}
		}
		if ended := slices.DeleteFunc(slices.Clone(hist.Events), func(e history.Event) bool { return e.Kind != history.SagaEnded }); len(ended) != 50 {
			t.Errorf("%d of 50 sagas have ended", len(ended))
		}
	}
}

// TestWaysOfCallingServices: calls as clients may send them, each with its answer lost once
// and without a fault.
func TestWaysOfCallingServices(t *testing.T) {
	t.Parallel()
	large := `,"note":"` + strings.Repeat("x", 10<<20) + `"}`
	for name, send := range map[string]func(context.Context, string, string, []byte) (int, []byte, error){
		"pooled": usual,
		"chunked": func(ctx context.Context, method, url string, body []byte) (int, []byte, error) {
			return do(ctx, method, url, io.MultiReader(bytes.NewReader(body[:3]), bytes.NewReader(body[3:])), nil)
		},
		"gzip": func(ctx context.Context, method, url string, body []byte) (int, []byte, error) {
			var z bytes.Buffer
			w := gzip.NewWriter(&z)
			_, _ = w.Write(body)
			_ = w.Close()
			return do(ctx, method, url, &z, http.Header{"Content-Encoding": {"gzip"}})
		},
		"expect-continue": func(ctx context.Context, method, url string, body []byte) (int, []byte, error) {
			return do(ctx, method, url, bytes.NewReader(body), http.Header{"Expect": {"100-continue"}})
		},
		"ten-mebibytes": func(ctx context.Context, method, url string, body []byte) (int, []byte, error) {
			if strings.HasSuffix(url, "/payments") {
				body = append(bytes.TrimSuffix(body, []byte("}")), large...)
			}
			return usual(ctx, method, url, body)
		},
		"pipelined": pipelined,
	} {
		t.Run(name, func(t *testing.T) {
			h, flow := startShop(t, &shop{send: send}, "127.0.0.1")
			lost := faults.Plan{Faults: []faults.Fault{{Kind: "reset", Saga: 1, At: mustPoint("charge#1@response")}}}
			for _, p := range []faults.Plan{{}, lost} {
				endsWell(t, runShop(t, h, flow, 2, p), 1+len(p.Faults))
			}
		})
	}
	t.Run("ipv6", func(t *testing.T) {
		if ln, err := net.Listen("tcp", "[::1]:0"); err != nil {
			t.Log("this machine has no IPv6 loopback: nothing to see")
			return
		} else if err := ln.Close(); err != nil {
			t.Fatal(err)
		}
		h, flow := startShop(t, &shop{send: usual}, "::1")
		endsWell(t, runShop(t, h, flow, 2, faults.Plan{}), 1)
	})
}

// endsWell checks that all sagas have ended, and how often the first one was charged.
func endsWell(t *testing.T, h *history.History, charged int) {
	t.Helper()
	ended, attempts := 0, 0
	for _, e := range h.Events {
		switch {
		case e.Kind == history.SagaEnded:
			ended++
		case e.Kind == history.CallSent && e.Step == "charge" && e.Saga == h.Header.Definitions[0].ID:
			attempts++
		}
	}
	if ended != len(h.Header.Definitions) || attempts != charged {
		t.Errorf("%d sagas ended, %d attempts at the first charge, expected %d", ended, attempts, charged)
	}
}

// pipelined sends a second request behind the first, on the same connection. Nobody
// answers it: each answer says that the connection is over.
func pipelined(ctx context.Context, method, url string, body []byte) (int, []byte, error) {
	host, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", host)
	if err != nil {
		return 0, nil, err
	}
	defer c.Close()
	first := fmt.Sprintf("%s /%s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s", method, path, host, len(body), body)
	if _, err := io.WriteString(c, first+"GET /nothing HTTP/1.1\r\nHost: "+host+"\r\n\r\n"); err != nil {
		return 0, nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && !resp.Close {
		err = fmt.Errorf("the answer does not say that the connection is over")
	}
	return resp.StatusCode, b, err
}

// TestSlowStart: a workflow may answer its start when all is done. Nobody starts it twice.
func TestSlowStart(t *testing.T) {
	t.Parallel()
	s := &shop{send: usual, slow: 2 * time.Duration(saga.SubmitPolicy.AttemptTimeoutMS) * time.Millisecond}
	h, flow := startShop(t, s, "127.0.0.1")
	ix := history.NewIndex(runShop(t, h, flow, 1, faults.Plan{}))
	if n, end := len(ix.Sagas[0].Submitted), ix.Sagas[0].Status(); n != 1 || end != saga.Completed {
		t.Errorf("started %d times, ended %q: expected once, completed", n, end)
	}
}

// TestAcceptanceIsAsItWas: the record has the code with which the workflow took a start, not
// that of the contract.
func TestAcceptanceIsAsItWas(t *testing.T) {
	h, flow := startShop(t, &shop{send: usual}, "127.0.0.1")
	for _, e := range runShop(t, h, flow, 1, faults.Plan{}).Events {
		if e.Kind == history.SagaAccepted && e.Code != http.StatusOK {
			t.Errorf("a start that was answered 200 was recorded as accepted with %d", e.Code)
		}
	}
}

// TestCopyOfACall: a second copy of a call that the network makes is what the call is: where a
// service protects nothing, it is done twice.
func TestCopyOfACall(t *testing.T) {
	h, flow := startShop(t, &shop{send: usual}, "127.0.0.1")
	twice := faults.Fault{Kind: "duplicate", At: saga.FailurePoint{Step: "charge", Direction: saga.Action, Attempt: 1, Phase: saga.Request}}
	ix := history.NewIndex(runShop(t, h, flow, 1, faults.Plan{Faults: []faults.Fault{twice}}))
	o := ix.Sagas[0].Op("charge", saga.Action)
	if len(o.Effects) != 2 || o.Effects[0].Copy == o.Effects[1].Copy {
		t.Errorf("%d effects, expected that of the call and that of its copy: %+v", len(o.Effects), o.Attempts)
	}
}
