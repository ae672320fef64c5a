package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// The services.
const (
	inventory = "inventory"
	payments  = "payments"
	shipping  = "shipping"
)

// A step is a part of carrying an order out.
type step struct {
	name string
	id   string // the field of an answer that names what was done
	do   func(ids map[string]string) call
	find string // where the service tells what it has done for an order: path, with %s for it
	undo func(id string) call
}

// steps are what an order takes. The parcel is the point of no return.
func steps(o *Order) (all []step) {
	for i, it := range o.Items {
		all = append(all, step{
			name: fmt.Sprintf("reserve-%d", i+1), id: "reservationId",
			find: "/reservations?order=%s&sku=" + url.QueryEscape(it.SKU),
			do: func(map[string]string) call {
				return post(inventory, "/reservations", map[string]any{"sku": it.SKU, "quantity": it.Quantity, "order": o.ID})
			},
			undo: func(id string) call {
				return call{service: inventory, method: http.MethodDelete, path: "/reservations/" + url.PathEscape(id)}
			},
		})
	}
	pay := step{
		name: "pay", id: "paymentId", find: "/payments?order=%s",
		do: func(map[string]string) call {
			return post(payments, "/payments", payment{o.Customer, o.ID, o.Amount, "EUR"})
		},
		undo: func(id string) call {
			return post(payments, "/payments/"+url.PathEscape(id)+"/refund", refund{o.Amount})
		},
	}
	ship := step{
		name: "ship", id: "trackingId", find: "/shipments?order=%s",
		do: func(ids map[string]string) call {
			var reserved []string
			for i := range o.Items {
				reserved = append(reserved, ids[fmt.Sprintf("reserve-%d", i+1)])
			}
			return post(shipping, "/shipments", map[string]any{"order": o.ID, "reservationIds": reserved, "address": o.Address})
		},
	}
	all = append(all, pay, ship)
	for i, st := range all {
		all[i].do = func(ids map[string]string) call { return named(st.name, st.do(ids)) }
		if st.undo != nil {
			all[i].undo = func(id string) call { return named("undo-"+st.name, st.undo(id)) }
		}
	}
	return all
}

type payment struct {
	Customer string `json:"customer"`
	Order    string `json:"order"`
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

type refund struct {
	Amount int64 `json:"amount"`
}

func post(service, path string, body any) call {
	return call{service: service, method: http.MethodPost, path: path, body: encode(body)}
}

func encode(body any) []byte {
	b, err := json.Marshal(body)
	if err != nil {
		panic(err) // strings and numbers
	}
	return b
}

func named(name string, c call) call {
	c.name = name
	return c
}

// newClient makes a client that sends what it is told to send and no more: net/http
// repeats a request with an Idempotency-Key by itself when a connection that it has
// kept breaks, and nobody would know of the first one.
func newClient(timeout time.Duration) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableKeepAlives = true
	return &http.Client{
		Timeout: timeout, Transport: t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// An outcome is what is known of a call.
type outcome string

const (
	unknown outcome = ""
	done    outcome = "done"
	refused outcome = "refused"
	found   outcome = "found" // refused, but an attempt before had done it
)

// A reply is what became of one attempt.
type reply struct {
	code       int // 0: no answer
	body       []byte
	said       string // the id in the answer, or what went wrong
	retryAfter time.Duration
}

// send makes one attempt. A success has to tell the id of what was done for a step.
func (s *Shop) send(c call, st *step) (r reply) {
	req, err := http.NewRequestWithContext(s.ctx, c.method, s.services[c.service]+c.path, bytes.NewReader(c.body))
	if err != nil {
		return reply{said: err.Error()}
	}
	if len(c.body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.key != "" {
		req.Header.Set("Idempotency-Key", c.key)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return reply{said: err.Error()}
	}
	defer res.Body.Close()
	if r.body, err = io.ReadAll(io.LimitReader(res.Body, 1<<20)); err != nil {
		return reply{said: err.Error()}
	}
	r.code, r.said, r.retryAfter = res.StatusCode, res.Status, retryAfter(res.Header.Get("Retry-After"))
	if st == nil || r.code/100 != 2 {
		return r
	}
	var fields map[string]any
	err = json.Unmarshal(r.body, &fields)
	id, _ := fields[st.id].(string)
	if (err != nil || id == "") && !s.rules.trustsStatus {
		return reply{said: fmt.Sprintf("%d without %s", r.code, st.id)} // a success that tells nothing
	}
	r.said = id
	return r
}

// judge tells what an attempt came to.
func judge(_ call, r reply, _ int) outcome {
	switch {
	case r.code/100 == 2:
		return done
	case r.code/100 != 4:
		return unknown
	}
	switch r.code {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return unknown
	}
	return refused
}

// find asks a service, until it answers, for the id of what it did in a step of an
// order; empty: nothing.
func (s *Shop) find(order string, st *step) (string, error) {
	c := st.do(nil)
	c = call{service: c.service, method: http.MethodGet, path: fmt.Sprintf(st.find, url.QueryEscape(order))}
	for attempt := 1; ; attempt++ {
		r := s.send(c, nil)
		var there []map[string]any
		if r.code == http.StatusOK && json.Unmarshal(r.body, &there) == nil {
			for _, one := range there {
				id, _ := one[st.id].(string)
				return id, nil
			}
			return "", nil
		}
		if err := s.wait(max(backoff(s.pause, attempt), r.retryAfter)); err != nil {
			return "", err
		}
	}
}

// backoff doubles up to sixteen times the first pause, give or take a half, so that
// those who failed together don't come back together.
func backoff(first time.Duration, attempt int) time.Duration {
	return time.Duration(float64(first<<min(attempt-1, 4)) * (0.5 + rand.Float64()))
}

// retryAfter reads the header, which holds seconds or a date.
func retryAfter(h string) time.Duration {
	if at, err := http.ParseTime(h); err == nil {
		return time.Until(at)
	}
	n, _ := strconv.Atoi(cmp.Or(h, "0")) // what can't be read asks for nothing
	return min(time.Duration(n)*time.Second, time.Minute)
}
