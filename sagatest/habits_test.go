package sagatest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/sagatest"
)

// What right workflows do in ways of their own: none of it is a mistake.

const byRef = "which: request.body.ref == action.request.body.ref"

const habitsFile = ordersHead + `  payments:
    operations:
      charge:
        request: POST /charges
        saga: only
        effect: {transfer: {from: card, to: shop, amount: 7, unit: EUR}}
        answer: {code: 201, body: {id: "${new.id}"}}
      refund:
        request: POST /refunds
        undoes: charge
        saga: request.body.ref
        which: request.body.ref == action.request.body.ref
  shipping:
    operations:
      ship: {request: POST /parcels, saga: only}
steps:
  - {name: charge, do: payments.charge, undo: payments.refund}
  - {name: ship, do: shipping.ship, kind: pivot}
`

// habit is how a workflow calls its services.
type habit struct {
	client *http.Client
	id     string
	body   func(ref, key string) (body []byte, kind, coding string)
	known  int  // the code by which a service says that it was done before
	keys   bool // in the header
}

// call attempts until there is an answer that counts.
func (h habit) call(ctx context.Context, url, key string) bool {
	for ctx.Err() == nil {
		body, kind, coding := h.body(h.id, h.id+key)
		try, cancel := context.WithTimeout(ctx, 2*time.Second)
		req, err := http.NewRequestWithContext(try, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			panic(err)
		}
		req.Header.Set("Content-Type", kind)
		if coding != "" {
			req.Header.Set("Content-Encoding", coding)
		}
		if h.keys {
			req.Header.Set("Idempotency-Key", h.id+key)
		}
		answer, err := h.client.Do(req)
		cancel()
		if err == nil {
			answer.Body.Close()
			switch code := answer.StatusCode; {
			case code < 300, code == h.known:
				return true
			case saga.Classify(code) == saga.Permanent:
				return false
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	return false
}

var errUndone = errors.New("all is undone")

func (h habit) run(ctx context.Context) error {
	paid := h.call(ctx, "http://payments/charges", "-c")
	switch {
	case !paid:
		return errUndone
	case h.call(ctx, "http://shipping/parcels", "-p"):
		return nil
	case h.call(ctx, "http://payments/refunds", "-r"):
		return errUndone
	}
	return errPersonNeeded
}

func plainJSON(ref, key string) ([]byte, string, string) {
	b, _ := json.Marshal(map[string]string{"ref": ref, "key": key}) // of strings
	return b, "application/json", ""
}

// zipped is never the same twice: the time is in it.
func zipped(ref, key string) ([]byte, string, string) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.ModTime = time.Now()
	plain, kind, _ := plainJSON(ref, key)
	_, _ = z.Write(plain)
	_ = z.Close() // into memory
	return b.Bytes(), kind, "gzip"
}

// parts have another boundary each time.
func parts(ref, _ string) ([]byte, string, string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_ = w.WriteField("ref", ref)
	_ = w.Close() // into memory
	return b.Bytes(), w.FormDataContentType(), ""
}

func TestHabits(t *testing.T) {
	repeated := func(code int) *strings.Replacer {
		answer := fmt.Sprintf("repeat: {answer: {code: %d}}", code)
		return strings.NewReplacer("        answer: {code: 201", "        "+answer+"\n        answer: {code: 201", byRef, byRef+"\n        "+answer,
			"ship: {request: POST /parcels, saga: only", "ship: {request: POST /parcels, saga: only, "+answer)
	}
	inBody := "protection: {fenced: {key: request.body.key}}\n    operations:"
	for name, c := range map[string]struct {
		habit  habit
		file   *strings.Replacer
		before string // promises
	}{
		"compressed":       {habit{body: zipped, keys: true}, strings.NewReplacer(), ""},
		"parts of a form":  {habit{body: parts, keys: true}, strings.NewReplacer("request.body.ref\n        "+byRef, "only"), ""},
		"key in the body":  {habit{body: plainJSON}, strings.NewReplacer("operations:", inBody), "promises: {charge: {same_key: true}, refund: {same_key: true}}\n"},
		"exists, with 200": {habit{body: plainJSON}, repeated(200), ""},
		"exists, with 409": {habit{body: plainJSON, known: 409}, repeated(409), ""},
	} {
		t.Run(name, func(t *testing.T) {
			file := written(t, "orders.yaml", c.file.Replace(habitsFile)+c.before)
			sagatest.Explore(t, sagatest.Saga{
				Workflow: file,
				Start: func(ctx context.Context, client *http.Client, in sagatest.Input) error {
					h := c.habit
					h.client, h.id = client, in.ID
					return h.run(ctx)
				},
				Status: ends,
			})
		})
	}
}
