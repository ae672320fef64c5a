// Command polled is an order service whose bank takes a payment (202) and has to be asked what became
// of it. What it has to remember is in a file for each order. It is what TestPolled tests. MISTAKE plants
// a mistake in it.
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

// order is what is remembered of an order.
type order struct {
	ID, State string
	Amount    int
	Sleeps    string // until the next poll of what; only with a mistake
}

type shop struct {
	mu     sync.Mutex
	orders map[string]*order
}

var (
	mistake       = os.Getenv("MISTAKE")
	bank, parcels = os.Getenv("BANK"), os.Getenv("PARCELS")
)

const pause = 20 * time.Millisecond // before the next call

func main() {
	s := &shop{orders: map[string]*order{}}
	s.resume()
	http.HandleFunc("POST /orders", s.start)
	http.HandleFunc("GET /orders/{id}", s.show)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}

func (s *shop) start(w http.ResponseWriter, r *http.Request) {
	o := &order{State: "NEW"}
	if err := json.NewDecoder(r.Body).Decode(o); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.orders[o.ID] == nil {
		s.orders[o.ID] = o
		calling.Keep(o.ID, o)
		go s.run(o)
	}
	w.WriteHeader(http.StatusAccepted)
}

func (s *shop) show(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.orders[r.PathValue("id")]; o != nil {
		fmt.Fprintf(w, `{"state": %q}`, o.State)
		return
	}
	w.WriteHeader(http.StatusNotFound)
}

func (s *shop) state(o *order, state string) {
	s.save(o, func() { o.State = state })
}

// save changes an order and keeps it, all of it or nothing.
func (s *shop) save(o *order, change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	calling.Keep(o.ID, o)
}

// resume takes up the orders that are not at their end.
func (s *shop) resume() {
	for _, o := range calling.Kept[order]() {
		s.orders[o.ID] = o
		if o.Sleeps == "" && (o.State == "NEW" || o.State == "CANCELLING") {
			go s.run(o)
		}
	}
}

// sleep waits for the next poll. A mistake is a timer in memory alone: nobody wakes what slept when the process ended.
func (s *shop) sleep(o *order, what string) {
	if mistake == what+"-asleep" {
		s.save(o, func() { o.Sleeps = what })
		defer s.save(o, func() { o.Sleeps = "" })
	}
	time.Sleep(pause)
}

// run carries an order out from where it stands: charge, then ship; what was charged is given back if it can't be shipped.
func (s *shop) run(o *order) {
	if o.State == "CANCELLING" {
		s.refund(o)
		s.state(o, "CANCELLED")
		return
	}
	if !s.charge(o) {
		s.state(o, "CANCELLED")
		return
	}
	if mistake == "taken" { // there is nothing to ship
		s.state(o, "DONE")
		return
	}
	if code, _ := until(func(code int) bool { return code == http.StatusCreated || code == http.StatusUnprocessableEntity }, "POST", parcels+"/parcels", "ship-"+o.ID, map[string]any{"order": o.ID}); code == http.StatusCreated {
		s.state(o, "DONE")
		return
	}
	s.state(o, "CANCELLING")
	s.refund(o)
	s.state(o, "CANCELLED")
}

// charge asks the bank for a payment, and then what became of it. A bank that knows no such payment is
// asked for it again: the name may have been wrong.
func (s *shop) charge(o *order) (captured bool) {
	id := ""
	for failed := 0; ; failed++ {
		if id == "" {
			code, said := until(func(code int) bool { return code == http.StatusAccepted || code == http.StatusUnprocessableEntity }, "POST", bank+"/payments", "charge-"+o.ID, map[string]any{"order": o.ID, "amount": o.Amount})
			if code != http.StatusAccepted {
				return false
			}
			if mistake == "no-poll" || mistake == "taken" {
				return true
			}
			id = said["payment"]
		}
		if id != "" {
			code, found := calling.Call("GET", bank+"/payments/"+id, "", nil)
			switch {
			case code == http.StatusOK && found["status"] == "declined" && mistake != "deaf":
				return false
			case code == http.StatusOK && found["status"] != "" && (found["status"] != "pending" || mistake == "once"):
				return true
			case code == http.StatusNotFound:
				id = ""
			case (mistake == "give-up" || mistake == "tired" && failed >= 5) && code != http.StatusOK: // it may be captured yet
				return false
			}
		}
		s.sleep(o, "charge")
	}
}

// refund gives back, and asks until the bank says that it has.
func (s *shop) refund(o *order) {
	until(func(code int) bool { return code == http.StatusAccepted }, "POST", bank+"/refunds", "refund-"+o.ID, map[string]any{"order": o.ID, "amount": o.Amount})
	for mistake != "refund-taken" {
		if code, said := calling.Call("GET", bank+"/refunds?order="+o.ID, "", nil); code == http.StatusOK && (said["refund"] != "" || mistake == "refund-once") {
			return
		}
		s.sleep(o, "refund")
	}
}

// until makes a call again and again, until its code is one of those that end it.
func until(ends func(code int) bool, method, url, key string, body any) (code int, said map[string]string) {
	for {
		if code, said = calling.Call(method, url, key, body); ends(code) {
			return code, said
		}
		time.Sleep(pause)
	}
}
