package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// world is the three services in one server. They know idempotency keys.
type world struct {
	*httptest.Server
	mu     sync.Mutex
	calls  []string          // "POST /payments", in the order in which they came
	byKey  map[string][]byte // first answers
	parts  map[string]map[string]any
	undone map[string]bool
	twice  []string // what was done or undone a second time
	// strike is asked before anything is done; it may answer itself, or ask for the
	// answer to be lost.
	strike func(n int, r *http.Request) strike
}

type strike struct {
	code int  // answered in place of the service, which does nothing
	lose bool // the service does it, and its answer is lost
}

func newWorld(t *testing.T) *world {
	w := &world{byKey: map[string][]byte{}, parts: map[string]map[string]any{}, undone: map[string]bool{}}
	w.strike = func(int, *http.Request) strike { return strike{} }
	w.Server = httptest.NewServer(w)
	t.Cleanup(w.Close)
	return w
}

func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, r.Method+" "+r.URL.Path)
	s := w.strike(len(w.calls), r)
	if s.code != 0 {
		rw.WriteHeader(s.code)
		return
	}
	answer, known := w.byKey[r.Header.Get("Idempotency-Key")]
	if !known || r.Method == http.MethodGet {
		answer = w.do(r, body)
		w.byKey[r.Header.Get("Idempotency-Key")] = answer
	}
	if s.lose {
		panic(http.ErrAbortHandler)
	}
	if answer == nil {
		rw.WriteHeader(http.StatusNotFound)
		return
	}
	_, _ = rw.Write(answer)
}

func (w *world) do(r *http.Request, body []byte) []byte {
	kinds := map[string]string{"/payments": "paymentId", "/reservations": "reservationId", "/shipments": "trackingId"}
	id, creates := kinds[r.URL.Path]
	switch {
	case creates && r.Method == http.MethodPost:
		part := map[string]any{}
		_ = json.Unmarshal(body, &part)
		name := fmt.Sprintf("%c%d", id[0], len(w.parts)+1)
		part[id] = name
		for _, p := range w.parts {
			if p[id] != nil && p["order"] == part["order"] && p["sku"] == part["sku"] {
				w.twice = append(w.twice, name)
			}
		}
		w.parts[name] = part
		b, _ := json.Marshal(part)
		return b
	case creates:
		list := []map[string]any{}
		for _, p := range w.parts {
			sku := r.URL.Query().Get("sku")
			if p[id] != nil && p["order"] == r.URL.Query().Get("order") && (sku == "" || p["sku"] == sku) {
				list = append(list, p)
			}
		}
		b, _ := json.Marshal(list)
		return b
	}
	name := strings.Split(r.URL.Path, "/")[2]
	if w.parts[name] == nil {
		return nil
	}
	if w.undone[name] {
		w.twice = append(w.twice, name)
	}
	w.undone[name] = true
	return []byte("{}")
}

// left tells what was done and not undone.
func (w *world) left() (names []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name := range w.parts {
		if !w.undone[name] {
			names = append(names, name[:1])
		}
	}
	slices.Sort(names)
	return names
}

func openAt(t *testing.T, w *world, path string) *Shop {
	t.Helper()
	s, err := open(config{
		database: path, timeout: time.Second, pause: time.Millisecond, rules: right(),
		services: map[string]string{inventory: w.URL, payments: w.URL, shipping: w.URL},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.resume(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

const anOrder = `{"customer": "ada", "items": [{"sku": "cup", "quantity": 2}, {"sku": "pot", "quantity": 1}], "amount": 4200, "address": "1 Main St"}`

func order(t *testing.T, s *Shop, key string) string {
	t.Helper()
	req := httptest.NewRequest(http.MethodPost, "/orders", strings.NewReader(anOrder))
	req.Header.Set("Idempotency-Key", key)
	rec := httptest.NewRecorder()
	s.handler().ServeHTTP(rec, req)
	var got struct{ OrderID string }
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || rec.Code != http.StatusAccepted {
		t.Fatalf("POST /orders: %d %s", rec.Code, rec.Body)
	}
	return got.OrderID
}

// ends waits for the end of an order.
func ends(t *testing.T, s *Shop, id string) string {
	t.Helper()
	for range 2000 {
		o, err := s.store.order(id)
		if err != nil {
			t.Fatal(err)
		}
		if o.State != New && o.State != Cancelling {
			return o.State
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("order %s does not come to an end", id)
	return ""
}

func (w *world) check(t *testing.T, state string) {
	t.Helper()
	want := map[string]string{Done: "[p r r t]", Cancelled: "[]"}[state]
	if got := fmt.Sprint(w.left()); got != want || len(w.twice) > 0 {
		t.Errorf("%s, and there is %s, expected %s; twice: %v; calls: %q", state, got, want, w.twice, w.calls)
	}
}

func TestStraight(t *testing.T) {
	w := newWorld(t)
	s := openAt(t, w, filepath.Join(t.TempDir(), "shop.db"))
	id := order(t, s, "k")
	if state := ends(t, s, id); state != Done {
		t.Fatal(state)
	}
	w.check(t, Done)
	if again := order(t, s, "k"); again != id {
		t.Errorf("the same start again made order %s, expected %s", again, id)
	}
}

func TestRefusedParcel(t *testing.T) {
	w := newWorld(t)
	w.strike = func(_ int, r *http.Request) (s strike) {
		if r.URL.Path == "/shipments" {
			s.code = 422
		}
		return s
	}
	s := openAt(t, w, filepath.Join(t.TempDir(), "shop.db"))
	if state := ends(t, s, order(t, s, "")); state != Cancelled {
		t.Fatal(state)
	}
	w.check(t, Cancelled)
	want := []string{"POST /shipments", "POST /payments/p3/refund", "DELETE /reservations/r2", "DELETE /reservations/r1"}
	if got := w.calls[3:]; !slices.Equal(got, want) {
		t.Errorf("got %q, expected %q", got, want)
	}
}

// TestAnyTwoStrikes lets any two calls of an order go wrong in any way, and closes the
// shop and opens it again at the second.
func TestAnyTwoStrikes(t *testing.T) {
	ways := map[string]strike{"refused": {code: 422}, "busy": {code: 503}, "lost": {lose: true}}
	for first := 1; first <= 8; first++ {
		for second := first + 1; second <= 9; second++ {
			for one, a := range ways {
				for other, b := range ways {
					t.Run(fmt.Sprintf("%d-%s-%d-%s", first, one, second, other), func(t *testing.T) {
						t.Parallel()
						struckTwice(t, map[int]strike{first: a, second: b}, second)
					})
				}
			}
		}
	}
}

func struckTwice(t *testing.T, at map[int]strike, restart int) {
	w := newWorld(t)
	reached := make(chan struct{})
	w.strike = func(n int, _ *http.Request) strike {
		if n == restart {
			close(reached)
		}
		return at[n]
	}
	path := filepath.Join(t.TempDir(), "shop.db")
	s := openAt(t, w, path)
	id := order(t, s, "")
	over := make(chan struct{})
	go func() {
		defer close(over)
		for o := (&Order{}); o.State != Done && o.State != Cancelled && o.State != Failed; time.Sleep(time.Millisecond) {
			o, _ = s.store.order(id)
			if o == nil {
				return
			}
		}
	}()
	select {
	case <-reached:
	case <-over: // it ended before
	}
	s.close()
	s = openAt(t, w, path)
	if state := ends(t, s, id); state != Failed { // a refused refund
		w.check(t, state)
	}
}

func TestBadOrders(t *testing.T) {
	s := openAt(t, newWorld(t), filepath.Join(t.TempDir(), "shop.db"))
	for _, body := range []string{``, `{}`, strings.Replace(anOrder, "pot", "cup", 1), strings.Replace(anOrder, "4200", "0", 1)} {
		rec := httptest.NewRecorder()
		s.handler().ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/orders", bytes.NewBufferString(body)))
		if rec.Code != http.StatusBadRequest {
			t.Errorf("%q: %d, expected 400", body, rec.Code)
		}
	}
}

// TestEveryBugIsInTheTable guards README.md.
func TestEveryBugIsInTheTable(t *testing.T) {
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range bugNames() {
		if _, err := rulesWith(name); err != nil || !bytes.Contains(page, []byte("| `"+name+"` |")) {
			t.Errorf("bug %q has no row in README.md (%v)", name, err)
		}
	}
	if _, err := rulesWith("no-such-bug"); err == nil {
		t.Error("a bug that is not there is planted")
	}
}
