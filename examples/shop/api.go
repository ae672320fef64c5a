package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"time"
)

// An Item is so many pieces of one article.
type Item struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

// The states of an order.
const (
	New        = "NEW"
	Cancelling = "CANCELLING"
	Done       = "DONE"
	Cancelled  = "CANCELLED"
	Failed     = "FAILED" // a person is needed
)

// An Order is what a customer wants, and how far it has come.
type Order struct {
	ID       string `json:"orderId"`
	Customer string `json:"customer"`
	Items    []Item `json:"items"`
	Amount   int64  `json:"amount"` // in cents
	Address  string `json:"address"`
	State    string `json:"state"`
	Reason   string `json:"reason,omitempty"`
}

func (o *Order) check() error {
	seen := map[string]bool{}
	for _, it := range o.Items {
		if it.SKU == "" || it.Quantity < 1 || seen[it.SKU] {
			return fmt.Errorf("item %q: expected a SKU of its own and a quantity of 1 or more", it.SKU)
		}
		seen[it.SKU] = true
	}
	if o.Customer == "" || len(o.Items) == 0 || o.Amount < 1 || o.Address == "" {
		return errors.New("expected customer, items, amount and address")
	}
	return nil
}

func (s *Shop) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", s.postOrder)
	mux.HandleFunc("GET /orders/{id}", s.getOrder)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	return mux
}

// maxOrder bounds the body of an order, in bytes.
const maxOrder = 1 << 20

// postOrder takes an order. It is in the database before the customer hears of it,
// under the client's key, so that who asks again gets the same order.
func (s *Shop) postOrder(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxOrder))
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	o := &Order{}
	dec := json.NewDecoder(bytes.NewReader(body))
	if err := errors.Join(dec.Decode(o), o.check()); err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	o.ID, o.State, o.Reason = newID(time.Now()), New, ""
	key := r.Header.Get("Idempotency-Key")
	if s.rules.ignoresClientKeys {
		key = ""
	}
	known, same, err := s.rules.add(s.store, o, key, body)
	switch {
	case err != nil:
		log.Print("shop: ", err)
		answer(w, http.StatusServiceUnavailable, map[string]string{"error": "try again"})
	case known == "":
		s.start(o)
		answer(w, http.StatusAccepted, map[string]string{"orderId": o.ID, "state": o.State})
	case !same:
		answer(w, http.StatusConflict, map[string]string{"error": "this key came with another order"})
	default:
		answer(w, http.StatusAccepted, map[string]string{"orderId": known, "state": New})
	}
}

func (s *Shop) getOrder(w http.ResponseWriter, r *http.Request) {
	o, err := s.store.order(r.PathValue("id"))
	switch {
	case err != nil:
		log.Print("shop: ", err)
		answer(w, http.StatusServiceUnavailable, map[string]string{"error": "try again"})
	case o == nil:
		answer(w, http.StatusNotFound, map[string]string{"error": "no such order"})
	default:
		answer(w, http.StatusOK, o)
	}
}

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // a client that left needs no answer
}

// newID begins with the day, which people like to read.
func newID(now time.Time) string {
	return now.Format("20060102") + "-" + strings.ToLower(rand.Text()[:12])
}
