package sagatest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/sagatest"
)

const webHead = ordersHead + `  shipping:
    operations:
      ship: {request: POST /parcels, saga: only, repeat: same-answer}
  stock:
    operations:
`

const webSteps = `
steps:
  - {name: book, do: stock.book, undo: stock.free}
  - {name: ship, do: shipping.ship, kind: pivot}
`

// answerOf is an answer as a workflow reads it.
type answerOf struct {
	code   int
	header http.Header
	body   []byte
}

// web makes the calls of one saga.
type web struct {
	ctx    context.Context
	client *http.Client
	id     string
	keys   bool
}

func (w web) once(method, url string, header http.Header, body any) (a answerOf, err error) {
	try, cancel := context.WithTimeout(w.ctx, 2*time.Second)
	defer cancel()
	var r io.Reader
	if body != nil {
		b, _ := json.Marshal(body)
		r = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(try, method, url, r)
	if err != nil {
		panic(err)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	req.Header.Set("Content-Type", "application/json")
	if w.keys {
		req.Header.Set("Idempotency-Key", w.id+method+url)
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	a.code, a.header = resp.StatusCode, resp.Header
	a.body, err = io.ReadAll(resp.Body)
	return a, err
}

// call calls until there is an answer that counts.
func (w web) call(method, url string, header http.Header, body any) answerOf {
	for w.ctx.Err() == nil {
		a, err := w.once(method, url, header, body)
		if err == nil && saga.Classify(a.code) != saga.Transient {
			return a
		}
		time.Sleep(100 * time.Millisecond)
	}
	return answerOf{code: 599}
}

func ok(a answerOf) bool { return saga.Classify(a.code) == saga.Done }

// TestHabitsOfTheWeb: things that are put under names of the client, that are undone under their ETag,
// asked for with HEAD, and listed page by page.
func TestHabitsOfTheWeb(t *testing.T) {
	type m = map[string]any
	for name, c := range map[string]struct {
		ops  string
		keys bool
		run  func(w web) error
	}{
		"put-client-id": {`
      book: {request: "PUT /rooms/{ref}", saga: only, repeat: same-answer, answer: {code: 201}}
      free: {request: "DELETE /rooms/{ref}", undoes: book, saga: only, which: request.path.ref == action.request.path.ref, repeat: same-answer, answer: {code: 204}}
`, false, func(w web) error {
			done := false
			for range 3 { // then it gives up
				a, err := w.once("PUT", "http://stock/rooms/"+w.id, nil, m{"n": 1})
				if err == nil && ok(a) {
					done = true
					break
				} else if err == nil && saga.Classify(a.code) == saga.Permanent {
					break
				}
				time.Sleep(100 * time.Millisecond)
			}
			if done && ok(w.call("POST", "http://shipping/parcels", nil, m{})) {
				return nil
			}
			if a := w.call("DELETE", "http://stock/rooms/"+w.id, nil, nil); ok(a) || a.code == 404 {
				return errUndone
			}
			return errPersonNeeded
		}},
		"etag": {`
      book: {request: "POST /rooms", saga: only, answer: {code: 201, headers: {ETag: '"${new.id}"', Location: "/rooms/${new.id}"}}}
      free: {request: "DELETE /rooms/{id}", undoes: book, which: '"/rooms/" + request.path.id == action.answer.headers.Location && request.headers["If-Match"] == action.answer.headers.ETag'}
`, true, func(w web) error {
			b := w.call("POST", "http://stock/rooms", nil, m{})
			for ; ok(b) && b.header.Get("Location") == ""; b = w.call("POST", "http://stock/rooms", nil, m{}) {
				time.Sleep(time.Second) // it was garbled: the same key brings it again
			}
			if !ok(b) {
				return errUndone
			}
			if ok(w.call("POST", "http://shipping/parcels", nil, m{})) {
				return nil
			}
			if a := w.call("DELETE", "http://stock"+b.header.Get("Location"), http.Header{"If-Match": {b.header.Get("ETag")}}, nil); ok(a) || a.code == 404 {
				return errUndone
			}
			return errPersonNeeded
		}},
		"head": {`
      book: {request: "PUT /rooms/{ref}", saga: only, repeat: same-answer, answer: {code: 201}}
      free: {request: "DELETE /rooms/{ref}", undoes: book, saga: only, which: request.path.ref == action.request.path.ref, repeat: same-answer, answer: {code: 204}}
      look: {request: "HEAD /rooms/{ref}", reads: book, saga: only, which: request.path.ref == action.request.path.ref, answer: {headers: {X-There: "yes"}}}
`, false, func(w web) error {
			url := "http://stock/rooms/" + w.id
			for w.ctx.Err() == nil {
				if w.call("HEAD", url, nil, nil).code == 200 {
					break
				}
				a, err := w.once("PUT", url, nil, m{})
				if err == nil && saga.Classify(a.code) == saga.Permanent {
					return errUndone
				}
				time.Sleep(time.Second * 10)
			}
			if ok(w.call("POST", "http://shipping/parcels", nil, m{})) {
				return nil
			}
			for w.call("HEAD", url, nil, nil).code == 200 {
				if a := w.call("DELETE", url, nil, nil); !ok(a) && a.code != 404 {
					return errPersonNeeded
				}
			}
			return errUndone
		}},
		"pages": {`
      book: {request: "POST /rooms", saga: only, each: request.body.n, answer: {code: 201, body: {id: "${new.id}"}}}
      free: {request: "DELETE /rooms/{id}", undoes: book, which: request.path.id == action.answer.body.id, repeat: same-answer}
      look: {request: "GET /rooms", reads: book, saga: only, answer: {body: '${map(effects[int(request.query.from):int(request.query.from)+1], .answer.body)}'}}
`, true, func(w web) error {
			back := func() error {
				from := 0
				for w.ctx.Err() == nil {
					a := w.call("GET", fmt.Sprintf("http://stock/rooms?from=%d", from), nil, nil)
					var rooms []struct{ ID string }
					if json.Unmarshal(a.body, &rooms) != nil {
						continue
					}
					if len(rooms) == 0 {
						if from == 0 {
							return errUndone
						}
						from = 0
						continue
					}
					for _, r := range rooms {
						if a := w.call("DELETE", "http://stock/rooms/"+r.ID, nil, nil); !ok(a) {
							return errPersonNeeded
						}
					}
					from = 0
				}
				return errPersonNeeded
			}
			for n := range 2 {
				w2 := w
				w2.id = fmt.Sprint(w.id, n)
				if !ok(w2.call("POST", "http://stock/rooms", nil, m{"n": n})) {
					return back()
				}
			}
			if ok(w.call("POST", "http://shipping/parcels", nil, m{})) {
				return nil
			}
			return back()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			file := written(t, "orders.yaml", webHead+c.ops[1:]+webSteps)
			sagatest.Explore(t, sagatest.Saga{Workflow: file, Status: ends, Start: func(ctx context.Context, client *http.Client, in sagatest.Input) error {
				return c.run(web{ctx, client, in.ID, c.keys})
			}})
		})
	}
}
