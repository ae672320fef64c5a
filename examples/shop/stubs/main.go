// Command stubs is the three services that the shop calls, in memory: for trying it without
// Sagacheck, and for putting Sagacheck in front of real services (upstream in a workflow's
// file). They mind idempotency keys, as services that take money do.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
)

func main() {
	names := []string{"inventory", "payments", "shipping"}
	addrs := map[string]*string{}
	for i, name := range names {
		addrs[name] = flag.String(name, fmt.Sprintf("127.0.0.1:%d", 9001+i), "the address of "+name)
	}
	flag.Parse()
	for _, name := range names {
		l, err := net.Listen("tcp", *addrs[name])
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s http://%s\n", name, l.Addr())
		go func() { log.Fatal(http.Serve(l, routes(name))) }()
	}
	select {}
}

// routes are what a service answers.
func routes(name string) http.Handler {
	s := &service{things: map[string]map[string]any{}, orders: map[string][]map[string]any{}, answers: map[string]answer{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, `{"ok":true}`) })
	switch name {
	case "inventory":
		mux.HandleFunc("POST /reservations", s.create("reservationId", "r"))
		mux.HandleFunc("DELETE /reservations/{id}", s.undo("", ""))
		mux.HandleFunc("GET /reservations", s.list)
	case "payments":
		mux.HandleFunc("POST /payments", s.create("paymentId", "p"))
		mux.HandleFunc("POST /payments/{id}/refund", s.undo("refundId", "ref"))
		mux.HandleFunc("GET /payments", s.list)
	case "shipping":
		mux.HandleFunc("POST /shipments", s.create("trackingId", "t"))
		mux.HandleFunc("GET /shipments", s.list)
	}
	return mux
}

// service is what one of them remembers.
type service struct {
	mu      sync.Mutex
	made    int
	things  map[string]map[string]any   // by id
	orders  map[string][]map[string]any // by order
	answers map[string]answer           // by method, path and key
}

type answer struct {
	request []byte
	code    int
	body    map[string]any
}

// create makes a thing of a request's body, once for each key.
func (s *service) create(id, prefix string) http.HandlerFunc {
	return s.once(func(r *http.Request, body []byte) (int, map[string]any) {
		thing := map[string]any{}
		if err := json.Unmarshal(body, &thing); err != nil {
			return http.StatusBadRequest, map[string]any{"error": err.Error()}
		}
		thing[id] = s.name(prefix)
		order := fmt.Sprint(thing["order"])
		s.things[thing[id].(string)], s.orders[order] = thing, append(s.orders[order], thing)
		return http.StatusCreated, thing
	})
}

// undo takes a thing back. What is taken back already stays so, whatever the key. Without a
// name for that there is nothing to say of it.
func (s *service) undo(undone, prefix string) http.HandlerFunc {
	return s.once(func(r *http.Request, _ []byte) (int, map[string]any) {
		thing := s.things[r.PathValue("id")]
		switch {
		case thing == nil:
			return http.StatusNotFound, map[string]any{"error": "not found"}
		case undone == "":
			return http.StatusNoContent, nil
		case thing[undone] == nil:
			thing[undone] = s.name(prefix)
		}
		return http.StatusOK, map[string]any{undone: thing[undone]}
	})
}

func (s *service) name(prefix string) string {
	s.made++
	return fmt.Sprintf("%s-%d", prefix, s.made)
}

// once does a call, and repeats its answer to another one with the same key.
func (s *service) once(do func(r *http.Request, body []byte) (int, map[string]any)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // half a request is none
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		key := r.Header.Get("Idempotency-Key")
		place := r.Method + " " + r.URL.Path + " " + key
		a, known := s.answers[place]
		switch {
		case known && !bytes.Equal(a.request, body):
			a = answer{code: http.StatusUnprocessableEntity, body: map[string]any{"error": "this key was used for another request"}}
		case !known:
			a = answer{request: body}
			if a.code, a.body = do(r, body); key != "" && a.code < 400 {
				s.answers[place] = a
			}
		}
		reply(w, a.code, a.body)
	}
}

// list tells of the things of an order that have all the values of the query.
func (s *service) list(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	there := []map[string]any{}
	query := r.URL.Query()
	for _, thing := range s.orders[query.Get("order")] {
		fits := true
		for name := range query {
			fits = fits && thing[name] == query.Get(name)
		}
		if fits {
			there = append(there, thing)
		}
	}
	reply(w, http.StatusOK, there)
}

func reply(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if code == http.StatusNoContent {
		return
	}
	_ = json.NewEncoder(w).Encode(body) // who has left needs no answer
}
