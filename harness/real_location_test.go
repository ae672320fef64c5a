package harness_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

// elsewhere is a real service that sends who pays to a Location, and takes payments at
// /v2/payments.
func elsewhere(t *testing.T, code int, location func(self string) string) (addr string, paid *atomic.Int32) {
	t.Helper()
	paid = new(atomic.Int32)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/payments" {
			w.Header().Set("Location", location("http://"+r.Context().Value(http.LocalAddrContextKey).(fmt.Stringer).String()))
			w.WriteHeader(code)
			return
		}
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"id":"p-%d"}`, paid.Add(1))
	}))
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String(), paid
}

// redirectedFile is the shop's file where payments are taken at another path than they are
// asked for.
func redirectedFile(addr string) string {
	return strings.NewReplacer("pass: [GET /healthz]", "pass: [POST /payments]", "request: POST /payments", "request: POST /v2/payments").Replace(payingAt(addr))
}

// TestRedirectsStayOnTheWire: who follows a redirect of a real service, whether it names itself
// or only a path, does so through the wire, where its calls are struck and seen.
func TestRedirectsStayOnTheWire(t *testing.T) {
	for name, location := range map[string]func(self string) string{
		"absolute": func(self string) string { return self + "/v2/payments" },
		"relative": func(string) string { return "/v2/payments" },
	} {
		for _, code := range []int{http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
			t.Run(fmt.Sprint(name, code), func(t *testing.T) {
				addr, paid := elsewhere(t, code, location)
				h, flow := startShopOf(t, &shop{send: usual}, "127.0.0.1", redirectedFile(addr))
				lost := faults.Plan{Faults: []faults.Fault{{Kind: "reset", Saga: 1, At: mustPoint("charge#1@response")}}}
				hist := runShop(t, h, flow, 1, lost)
				endsWell(t, hist, 2)
				if o := history.NewIndex(hist).Sagas[0].Op("charge", saga.Action); paid.Load() != 2 || len(o.Effects) != 2 || o.Effects[1].Ref != "p-2" {
					t.Errorf("%d payments, and seen are %+v", paid.Load(), o.Effects)
				}
			})
		}
	}
}

// TestRedirectsOfTheUnknown: a redirect to what the file does not know is trouble with the
// service, and nobody gets there; to a path that it does not know, an unknown call.
func TestRedirectsOfTheUnknown(t *testing.T) {
	strange, paid := elsewhere(t, 0, nil)
	for name, c := range map[string]struct {
		location func(self string) string
		want     []string
	}{
		"host": {func(string) string { return "http://" + strange + "/v2/payments" }, []string{
			"services.pay.upstream: http://", " answered POST /payments with 307 and Location: http://" + strange + "/v2/payments: no service of the workflow is there",
			"let upstream be where the call is served in the end",
		}},
		"path": {func(self string) string { return self + "/v2/payments" }, []string{"the workflow's file does not explain", "POST /v2/payments"}},
	} {
		t.Run(name, func(t *testing.T) {
			addr, _ := elsewhere(t, http.StatusTemporaryRedirect, c.location)
			h, flow := startShopOf(t, &shop{send: usual}, "127.0.0.1", payingAt(addr))
			r := h.RunCell(t.Context(), harness.Cell{ID: nextID(), Scenario: flow.Name, Source: harness.Outline{Flow: flow}, Sagas: 1, Profile: participants.Naive})
			for _, want := range c.want {
				if r.Err == nil || !strings.Contains(r.Err.Error(), want) {
					t.Errorf("%v: expected %q", r.Err, want)
				}
			}
		})
	}
	if n := paid.Load(); n != 0 {
		t.Errorf("%d payments went past the wire", n)
	}
}

// TestLocationOfWhatWasMade: the URL of what a real service has made leads back through the
// wire, too.
func TestLocationOfWhatWasMade(t *testing.T) {
	addr, _ := elsewhere(t, http.StatusCreated, func(self string) string { return self + "/payments/p-1" })
	var location, called atomic.Value
	s := &shop{send: func(ctx context.Context, method, url string, body []byte) (int, []byte, error) {
		if !strings.HasSuffix(url, "/payments") {
			return usual(ctx, method, url, body)
		}
		called.Store(url)
		answer, err := raw(ctx, method, url, body)
		if _, rest, ok := strings.Cut(string(answer), "Location: "); ok {
			at, _, _ := strings.Cut(rest, "\r\n")
			location.Store(at)
		}
		return http.StatusCreated, nil, err
	}}
	h, flow := startShopOf(t, s, "127.0.0.1", payingAt(addr))
	runShop(t, h, flow, 1, faults.Plan{})
	if want := called.Load().(string) + "/p-1"; location.Load() != want {
		t.Errorf("Location: %v, expected %s", location.Load(), want)
	}
}
