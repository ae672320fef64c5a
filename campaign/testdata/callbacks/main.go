// Command callbacks is an order service whose bank answers later, by a call of its own. It is
// what TestCallbacks tests. MISTAKE plants a mistake in it.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/campaign/testdata/calling"
)

type order struct {
	ID, State string
	Amount    int
	payment   chan payment
	refund    chan string // the bank's own name of it, when it has told
	told      map[string]bool
}

type shop struct {
	mu     sync.Mutex
	orders map[string]*order
	latest *order
}

var mistake = os.Getenv("MISTAKE")

func main() {
	s := &shop{orders: map[string]*order{}}
	http.HandleFunc("POST /orders", s.start)
	http.HandleFunc("GET /orders/{id}", s.show)
	http.HandleFunc("POST /bank", s.heard)
	if err := http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil); err != nil {
		panic(err)
	}
}

func (s *shop) start(w http.ResponseWriter, r *http.Request) {
	var in struct {
		ID     string
		Amount int
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.orders[in.ID] == nil {
		o := &order{ID: in.ID, State: "NEW", Amount: in.Amount, payment: make(chan payment, 9), refund: make(chan string, 9), told: map[string]bool{}}
		s.orders[in.ID], s.latest = o, o
		go s.run(o)
	}
	w.WriteHeader(http.StatusAccepted)
}

func (s *shop) show(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[r.PathValue("id")]
	if o == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	fmt.Fprintf(w, `{"state": %q}`, o.State)
}

// heard takes what the bank tells, as often as it tells it.
func (s *shop) heard(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Order, Payment, Refund string
		Declined               bool
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	o := s.orders[in.Order]
	if mistake == "latest" {
		o = s.latest
	}
	again := o != nil && o.told[in.Payment+in.Refund]
	if o != nil {
		o.told[in.Payment+in.Refund] = true
	}
	s.mu.Unlock()
	switch {
	case o == nil:
		w.WriteHeader(http.StatusNotFound)
	case again && mistake != "twice":
	case in.Declined && mistake != "deaf":
		o.payment <- payment{in.Payment, true}
	case in.Refund != "":
		o.refund <- in.Refund
	case mistake == "twice":
		go s.ship(o)
	default:
		o.payment <- payment{in.Payment, false}
	}
}

func (s *shop) state(o *order, state string) {
	s.mu.Lock()
	o.State = state
	s.mu.Unlock()
}

// payment is what the bank tells of one.
type payment struct {
	id       string
	declined bool
}

// run carries out one order: charge, then ship; what was charged is given back if it can't be
// shipped.
func (s *shop) run(o *order) {
	payment := s.charge(o)
	if payment == "" || mistake == "twice" {
		return
	}
	s.ship(o)
}

// charge asks the bank until it has told of the payment, or refused it; empty: the order is over.
func (s *shop) charge(o *order) string {
	for {
		code, said := calling.Call("POST", os.Getenv("BANK")+"/payments", "charge-"+o.ID, map[string]any{
			"order": o.ID, "amount": o.Amount, "callbackUrl": "http://127.0.0.1:" + os.Getenv("PORT") + "/bank",
		})
		switch {
		case code == http.StatusUnprocessableEntity:
			s.state(o, "CANCELLED")
			return ""
		case code == http.StatusAccepted && mistake == "eager":
			return said["payment"]
		case code == http.StatusAccepted && mistake == "taken": // there is nothing to ship
			s.state(o, "DONE")
			return ""
		case mistake == "twice" && code == http.StatusAccepted:
			return "-"
		}
		if mistake == "for-ever" {
			return (<-o.payment).id
		}
		select {
		case p := <-o.payment:
			switch {
			case !p.declined:
				return p.id
			case p.id == said["payment"]:
				s.state(o, "CANCELLED")
				return ""
			}
			continue // an earlier payment was declined, and what was just asked for may come yet
		case <-time.After(calling.Patience):
		}
		if mistake == "unasked" {
			return "-"
		}
		if mistake == "give-up" {
			s.state(o, "CANCELLED")
			return ""
		}
		if code, said := calling.Call("GET", os.Getenv("BANK")+"/payments?order="+o.ID, "", nil); code == http.StatusOK && said["payment"] != "" {
			return said["payment"]
		}
	}
}

func (s *shop) ship(o *order) {
	for {
		key := "ship-" + o.ID
		if mistake == "twice" {
			key = fmt.Sprint(time.Now().UnixNano())
		}
		code, _ := calling.Call("POST", os.Getenv("PARCELS")+"/parcels", key, map[string]any{"order": o.ID})
		switch code {
		case http.StatusCreated:
			s.state(o, "DONE")
			return
		case http.StatusUnprocessableEntity:
			s.refund(o)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// refund gives back, and waits until the bank has told that it has.
func (s *shop) refund(o *order) {
	s.state(o, "CANCELLING")
	for {
		code, _ := calling.Call("POST", os.Getenv("BANK")+"/refunds", "refund-"+o.ID, map[string]any{
			"order": o.ID, "amount": o.Amount,
		})
		if code == http.StatusAccepted && mistake == "refund-taken" {
			break
		}
		select {
		case <-o.refund:
		case <-time.After(calling.Patience):
			if _, said := calling.Call("GET", os.Getenv("BANK")+"/refunds?order="+o.ID, "", nil); said["refund"] == "" {
				continue
			}
		}
		break
	}
	s.state(o, "CANCELLED")
}
