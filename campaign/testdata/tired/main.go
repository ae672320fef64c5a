// Command tired is an order service that has enough after three attempts at a payment: then it takes back
// what may have been paid. What it has to remember is in a file for each order. It is what TestTired tests.
// MISTAKE plants a mistake in it.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/campaign/testdata/calling"
)

// order is what is remembered of an order.
type order struct {
	ID, State string
	Amount    int
	Tries     int  // how often its payment was asked for
	Paid      bool // it was answered that it is
	Perhaps   bool // an attempt was not answered
	Mailed    bool
}

type shop struct {
	mu     sync.Mutex
	states map[string]string
}

var (
	mistake       = os.Getenv("MISTAKE")
	bank, parcels = os.Getenv("BANK"), os.Getenv("PARCELS")
	post          = os.Getenv("POST")
)

const (
	most  = 3                     // attempts at a payment
	pause = 20 * time.Millisecond // before the next one
)

func main() {
	s := &shop{states: map[string]string{}}
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
	if s.states[o.ID] == "" {
		s.keep(o)
		go s.run(o)
	}
	w.WriteHeader(http.StatusAccepted)
}

func (s *shop) show(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := s.states[r.PathValue("id")]
	if state == "" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	fmt.Fprintf(w, `{"state": %q}`, state)
}

// save keeps an order, all of it or nothing.
func (s *shop) save(o *order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep(o)
}

func (s *shop) keep(o *order) {
	calling.Keep(o.ID, o)
	s.states[o.ID] = o.State
}

// resume takes up the orders that are not at their end. An attempt that was under way was not answered.
func (s *shop) resume() {
	for _, o := range calling.Kept[order]() {
		if mistake == "unheard-kept" && o.State == "CANCELLING" { // what nobody said is not there
			o.Perhaps = false
		}
		if mistake == "purged" && o.State == "CANCELLED" {
			continue
		}
		if mistake == "counts-anew" {
			o.Tries = 0
		}
		s.mu.Lock()
		s.states[o.ID] = o.State
		s.mu.Unlock()
		switch {
		case o.State == "NEW" || o.State == "CANCELLING":
			go s.run(o)
		case o.State == "DONE" && mistake != "mail-forgotten":
			go s.mail(o)
		}
	}
}

func (s *shop) turn(o *order, state string) {
	o.State = state
	s.save(o)
}

// run carries an order out from where it stands: charge, then ship; what was or may be charged is given back
// if it can't be shipped, or nobody says that it is charged.
func (s *shop) run(o *order) {
	if o.State == "NEW" {
		if s.charge(o) && o.until(parcels+"/parcels", "ship-") {
			o.Mailed = mailed(o.post(post+"/mails", "mail-"))
			s.turn(o, "DONE")
			s.mail(o)
			return
		}
		s.turn(o, "CANCELLING")
	}
	if (o.Paid || o.Perhaps) && !o.until(bank+"/refunds", "refund-") {
		s.turn(o, "FAILED")
		return
	}
	s.turn(o, "CANCELLED")
}

// charge asks for the payment, three times at the most; false: it was refused, or nobody says that it is done.
func (s *shop) charge(o *order) bool {
	for ; !o.Paid && o.Tries < most; time.Sleep(pause) {
		o.Tries++
		before := o.Perhaps
		o.Perhaps = true // until it is answered
		s.save(o)
		switch code := o.post(bank+"/payments", "charge-"); {
		case code == http.StatusCreated:
			o.Paid = true
			s.save(o)
			return true
		case refused(code):
			o.Perhaps = before
			s.save(o)
			return false
		}
	}
	return o.Paid
}

// mail sends the mail about an order that is done, if that is still to be done.
func (s *shop) mail(o *order) {
	for ; !o.Mailed; time.Sleep(pause) {
		if o.Mailed = mailed(o.post(post+"/mails", "mail-")); o.Mailed {
			s.save(o)
		}
	}
}

// mailed tells whether a code says that nothing is left to be mailed.
func mailed(code int) bool { return code/100 == 2 || refused(code) }

// refused tells whether a code is the last word on a call.
func refused(code int) bool {
	return code == http.StatusForbidden || code == http.StatusUnprocessableEntity
}

// until makes a call until it is done, or refused.
func (o *order) until(url, key string) (done bool) {
	for ; ; time.Sleep(pause) {
		if code := o.post(url, key); code/100 == 2 || refused(code) {
			return code/100 == 2
		}
	}
}

// client gives up after 250 ms, and sends nothing a second time by itself.
var client = &http.Client{Timeout: calling.Patience, Transport: &http.Transport{DisableKeepAlives: true}}

// post makes one call about the order; 0: no whole answer came.
func (o *order) post(url, key string) (code int) {
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(fmt.Sprintf(`{"order": %q, "amount": %d}`, o.ID, o.Amount)))
	if err != nil {
		log.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", key+o.ID)
	answer, err := client.Do(r)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return 0
	}
	return answer.StatusCode
}
