package harness_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/wire"
	"github.com/sagacheck/sagacheck/workflows"
)

// shop is a workflow that runs already: it reserves two articles side by side and charges
// a card. Each call is made by send, which may do so in any way that HTTP allows.
type shop struct {
	send func(ctx context.Context, method, url string, body []byte) (code int, answer []byte, err error)
	url  map[string]string // of the services
	calm bool              // one call after the other, and no waits

	// slow: the answer to a start comes so much later; late: it begins so much later.
	slow, late time.Duration

	// outbox: an order is done when its charge was tried once; that is tried again so much later.
	outbox time.Duration

	// after: when an order is done, its card is charged so much later.
	after time.Duration

	// silent: a start is never answered, and an order goes by its customer; once: the first one.
	silent, once bool

	// half: an order is forgotten when its articles are reserved, which its state says.
	half bool

	// forgets: an order whose charge is refused is over, and nothing is kept of it.
	forgets bool

	// refuses: no order is taken, and no more said of it than that.
	refuses bool

	// again: what an old order still does when another one has come.
	again func()

	ctx    context.Context // of the test: no order outlives it, and calls what listens at its services' addresses then
	orders sync.WaitGroup
	mu     sync.Mutex
	states map[string]string
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		s.mu.Lock()
		defer s.mu.Unlock()
		state, known := s.states[r.PathValue("id")]
		if !known {
			w.WriteHeader(http.StatusNotFound)
		}
		fmt.Fprintf(w, `{"state":%q}`, state)
		return
	}
	var order struct {
		Customer string
		Items    []string
		Amount   int
	}
	if err := json.NewDecoder(r.Body).Decode(&order); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	time.Sleep(s.late)
	if s.refuses {
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	id := fmt.Sprintf("o-%d", rand.Int64())
	if s.silent {
		s.silent = !s.once
		id = order.Customer
		defer panic(http.ErrAbortHandler)
	}
	old := s.set(id, "NEW")
	s.orders.Go(func() {
		if s.again != nil && old > 0 {
			s.again()
		}
		charge := map[string]any{"customer": order.Customer, "amount": order.Amount}
		if s.forgets && !s.try(s.url["pay"]+"/payments", charge) {
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.states, id)
			return
		}
		var work sync.WaitGroup
		for _, item := range order.Items {
			if s.calm {
				s.call(s.url["stock"]+"/reservations", map[string]any{"article": item})
				continue
			}
			work.Go(func() {
				time.Sleep(time.Duration(rand.IntN(5)) * time.Millisecond)
				s.call(s.url["stock"]+"/reservations", map[string]any{"article": item})
			})
		}
		work.Wait()
		if s.half {
			s.set(id, "HALF")
			return
		}
		if s.outbox > 0 {
			done := s.try(s.url["pay"]+"/payments", charge)
			s.set(id, "DONE")
			for ; !done && s.ctx.Err() == nil; done = s.try(s.url["pay"]+"/payments", charge) {
				time.Sleep(s.outbox)
			}
			return
		}
		if s.after > 0 {
			s.set(id, "DONE")
			time.Sleep(s.after)
			s.call(s.url["pay"]+"/payments", charge)
			return
		}
		s.call(s.url["pay"]+"/payments", charge)
		s.set(id, "DONE")
	})
	time.Sleep(s.slow)
	fmt.Fprintf(w, `{"id":%q}`, id)
}

func (s *shop) call(url string, body any) {
	for s.ctx.Err() == nil && !s.try(url, body) {
		time.Sleep(5 * time.Millisecond)
	}
}

func (s *shop) try(url string, body any) (done bool) {
	b, _ := json.Marshal(body)
	code, _, err := s.send(s.ctx, http.MethodPost, url, b)
	return err == nil && code == http.StatusCreated
}

// set notes the state of an order, and tells how many were there before.
func (s *shop) set(id, state string) (before int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before = len(s.states)
	s.states[id] = state
	return before
}

const shopFile = `
name: shop
system: {base: %q}
start:
  request: POST /orders
  body: {customer: "${saga.id}", items: ["cup-${saga.id}", "pot-${saga.id}"], amount: "${draw(100, 9900)}"}
  id: answer.body.id
outcome: {request: "GET /orders/${id}", status: answer.body.state, statuses: {NEW: running, DONE: completed}}
services:
  stock:
    listen: %q
    operations:
      reserve: {request: POST /reservations, saga: of(request.body.article), each: request.body.article, answer: {code: 201, body: {id: "${new.id}"}}}
  pay:
    listen: %q
    operations:
      charge:
        request: POST /payments
        saga: request.body.customer
        effect: {transfer: {from: "card:${request.body.customer}", to: shop, amount: "${request.body.amount}", unit: EUR}}
        answer: {code: 201, body: {id: "${new.id}"}}
steps: [{name: reserve, do: stock.reserve}, {name: charge, do: pay.charge}]
`

// startShop starts the shop and a harness for it; hosts are where its services listen.
func startShop(t testing.TB, s *shop, host string) (*harness.Harness, *workflows.Workflow) {
	t.Helper()
	return startShopOf(t, s, host, shopFile)
}

// startShopOf is startShop with another file.
func startShopOf(t testing.TB, s *shop, host, text string) (*harness.Harness, *workflows.Workflow) {
	t.Helper()
	w := wire.New()
	sys, flow := shopSystem(t, w, s, host, text)
	h, err := harness.New(harness.Options{System: sys, Wire: w, Parallel: 100, Settle: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sys.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h, flow
}

// shopSystem starts the shop, with addresses on a wire for its services.
func shopSystem(t testing.TB, w *wire.Wire, s *shop, host, text string) (orchestrators.System, *workflows.Workflow) {
	t.Helper()
	s.ctx, s.states, s.url = t.Context(), map[string]string{}, map[string]string{}
	t.Cleanup(s.orders.Wait)
	mux := http.NewServeMux()
	mux.Handle("/orders", s)
	mux.Handle("/orders/{id}", s)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	at := map[string]string{}
	var free []net.Listener
	for _, name := range []string{"stock", "pay"} {
		ln, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Fatal(err)
		}
		at[name] = ln.Addr().String()
		s.url[name] = "http://" + at[name]
		free = append(free, ln)
	}
	for _, ln := range free { // when there are two: a port that is free again may be given once more
		if err := ln.Close(); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "workflow.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, text, srv.URL, at["stock"], at["pay"]), 0o600); err != nil {
		t.Fatal(err)
	}
	flow, err := workflows.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	sys, err := harness.StartWorkflow(t.Context(), w, flow, orchestrators.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return sys, flow
}

func runShop(t *testing.T, h *harness.Harness, flow *workflows.Workflow, sagas int, p faults.Plan) *history.History {
	t.Helper()
	r := h.RunCell(t.Context(), shopCell(flow, sagas, p))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	return r.History
}

func shopCell(flow *workflows.Workflow, sagas int, p faults.Plan) harness.Cell {
	return harness.Cell{
		ID: nextID(), Scenario: flow.Name, Source: harness.Outline{Flow: flow}, Sagas: sagas, Plan: p, Profile: participants.Naive, Seed: rand.Uint64(),
	}
}

// usual sends as Go does, on connections that it keeps.
func usual(ctx context.Context, method, url string, body []byte) (int, []byte, error) {
	return do(ctx, method, url, bytes.NewReader(body), nil)
}

var pooled = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 30 * time.Second}

func do(ctx context.Context, method, url string, body io.Reader, header http.Header) (int, []byte, error) {
	return doBy(ctx, pooled, method, url, body, header)
}

func doBy(ctx context.Context, client *http.Client, method, url string, body io.Reader, header http.Header) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return 0, nil, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, b, err
}
