package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"time"
)

// call is a POST that is made until its outcome is known.
type call struct {
	name   string
	url    string
	id     string // the field of the answer that names what was done; empty: nobody needs it
	body   map[string]any
	keyOff bool // it has no key
}

// perform makes a call until its outcome is known; false: it was refused, and is not done or
// can be undone.
func (s *shop) perform(o *Order, c call) bool {
	if _, done := o.Done[c.name]; done {
		return true
	}
	unsure := o.Sent[c.name] // heard, perhaps, in the life of a process that died
	o.Sent[c.name] = true
	s.save(o)
	for {
		code, id := send(c, o.ID)
		switch {
		case code/100 == 2:
			s.note(o, c, id)
			return true
		case refused(code) && unsure && c.id != "": // it speaks for its own attempt only
			id, there := find(c, o.ID)
			if there {
				s.note(o, c, id)
			}
			return there && c.name == "ship" // there is no way back from it
		case refused(code):
			return false
		}
		unsure = true
		time.Sleep(pause)
	}
}

func (s *shop) note(o *Order, c call, id string) {
	o.Done[c.name] = id
	s.save(o)
}

func refused(code int) bool {
	switch code {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return code/100 == 4
}

// client sends what it is told to send and no more: with connections that it keeps, net/http
// repeats calls by itself.
var client = &http.Client{Timeout: timeout, Transport: &http.Transport{DisableKeepAlives: true}}

// send makes one attempt; code 0: nobody knows what became of it.
func send(c call, order string) (code int, id string) {
	b, err := json.Marshal(c.body)
	if err != nil {
		log.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, c.url, bytes.NewReader(b))
	if err != nil {
		log.Fatal(err)
	}
	if !c.keyOff {
		req.Header.Set("Idempotency-Key", order+"/"+c.name)
	}
	code, body := do(req)
	var said map[string]any
	if c.id == "" || code/100 != 2 {
		return code, ""
	}
	if json.Unmarshal(body, &said) == nil {
		id, _ = said[c.id].(string)
	}
	if id == "" {
		return 0, "" // a success that tells nothing
	}
	return code, id
}

// find asks, until it is answered, what a service has done for an order.
func find(c call, order string) (id string, there bool) {
	for {
		req, err := http.NewRequest(http.MethodGet, c.url+"?order="+order, nil)
		if err != nil {
			log.Fatal(err)
		}
		code, body := do(req)
		var all []map[string]any
		if code == http.StatusOK && json.Unmarshal(body, &all) == nil {
			for _, one := range all {
				id, there = one[c.id].(string)
			}
			return id, there
		}
		time.Sleep(pause)
	}
}

func do(req *http.Request) (code int, body []byte) {
	res, err := client.Do(req)
	if err != nil {
		return 0, nil
	}
	defer res.Body.Close()
	if body, err = io.ReadAll(res.Body); err != nil {
		return 0, nil
	}
	return res.StatusCode, body
}
