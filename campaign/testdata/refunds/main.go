// Command refunds is a small workflow for tests: an order of three items is charged once and
// sent; if it can't be sent, each item is refunded by a call of its own. What it has to remember
// is in a file for each order. REFUNDS_BUG plants a mistake, or another right way; see bugs.go.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/campaign/testdata/calling"
)

// Order is what is remembered of an order.
type Order struct {
	ID       string            `json:"id"`
	Customer string            `json:"customer"`
	Items    []Item            `json:"items"`
	State    string            `json:"state"`
	Sent     map[string]bool   `json:"sent"` // calls that may have been heard
	Done     map[string]string `json:"done"` // calls that are done, and the id in the answer
}

// Item is a part of an order.
type Item struct {
	SKU   string `json:"sku"`
	Price int64  `json:"price"`
}

func (o *Order) amount() (sum int64) {
	for _, it := range o.Items {
		sum += it.Price
	}
	return sum
}

// shop carries orders out.
type shop struct {
	bug string

	mu     sync.Mutex
	states map[string]string
	latest string // payment of anybody
}

func main() {
	s := &shop{bug: os.Getenv("REFUNDS_BUG"), states: map[string]string{}}
	s.resume()
	http.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("POST /orders", s.accept)
	http.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		fmt.Fprintf(w, `{"state":%q}`, s.states[r.PathValue("id")])
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}

// accept takes an order. Its id is that of the client: who repeats it starts nothing new.
func (s *shop) accept(w http.ResponseWriter, r *http.Request) {
	var o Order
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil || o.ID == "" {
		http.Error(w, fmt.Sprintf("expected an order with its id: %v", err), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	again := s.states[o.ID] != ""
	if !again {
		s.states[o.ID] = "NEW"
	}
	s.mu.Unlock()
	if !again {
		o.State, o.Sent, o.Done = "NEW", map[string]bool{}, map[string]string{}
		s.save(&o)
		go s.run(&o)
	}
	w.WriteHeader(http.StatusAccepted)
}

// save keeps an order, all of it or nothing.
func (s *shop) save(o *Order) {
	calling.Keep(o.ID, o)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.states[o.ID] = o.State
}

// resume takes up the orders that are not at their end.
func (s *shop) resume() {
	for _, o := range calling.Kept[Order]() {
		s.mu.Lock() // those that go on already save
		s.states[o.ID] = o.State
		s.mu.Unlock()
		if o.State == "NEW" || o.State == "CANCELLING" {
			go s.run(o)
		}
	}
}

// run brings an order to its end.
func (s *shop) run(o *Order) {
	turn := func(state string) {
		o.State = state
		s.save(o)
	}
	if o.State == "NEW" {
		if s.forward(o) {
			turn("DONE")
			return
		}
		turn("CANCELLING")
	}
	for _, c := range s.refunds(o) {
		if !s.perform(o, c) {
			turn("FAILED")
			return
		}
	}
	turn("CANCELLED")
}

// forward charges and sends; false: it can't be done.
func (s *shop) forward(o *Order) bool {
	charge := call{
		name: "charge", url: os.Getenv("PAYMENTS_URL") + "/payments", id: "paymentId",
		body: map[string]any{"order": o.ID, "customer": o.Customer, "amount": o.amount()},
	}
	ship := call{
		name: "ship", url: os.Getenv("SHIPPING_URL") + "/shipments", id: "trackingId",
		body: map[string]any{"order": o.ID},
	}
	if !s.perform(o, charge) {
		return false
	}
	s.mu.Lock()
	s.latest = o.Done["charge"]
	s.mu.Unlock()
	return s.perform(o, ship)
}

const (
	timeout = 250 * time.Millisecond
	pause   = 15 * time.Millisecond
)
