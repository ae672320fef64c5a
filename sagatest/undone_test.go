package sagatest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/sagatest"
)

const listedFile = `
name: rooms
system: {base: "http://127.0.0.1:1"}
start: {request: POST /stays, body: {ref: "${saga.id}"}}
outcome: {request: GET /, status: answer.body, statuses: {done: completed}}
services:
  rooms:
    operations:
      book: {request: POST /rooms, saga: only, each: request.body.room, answer: {code: 201, body: {id: "${new.id}", room: "${request.body.room}"}}}
      free: {request: "DELETE /rooms/{id}", undoes: book, which: request.path.id == action.answer.body.id}
      list: {request: GET /rooms, reads: book, saga: only, answer: {body: "${map(effects, .answer.body)}"}}
  pay:
    operations:
      charge: {request: POST /charges, saga: only}
steps:
  - {name: book, do: rooms.book, undo: rooms.free}
  - {name: charge, do: pay.charge, kind: pivot}
`

// TestUndoneUntilNothingIsThere: a saga that asks what it has booked, and frees it, until nothing
// is there, comes to an end: what was undone is not there any more.
func TestUndoneUntilNothingIsThere(t *testing.T) {
	file := written(t, "rooms.yaml", listedFile)
	sagatest.Explore(t, sagatest.Saga{
		Workflow: file, Status: ends,
		Start: func(ctx context.Context, client *http.Client, in sagatest.Input) error {
			c := caller{client: client, id: in.ID}
			for _, room := range []string{"12", "14"} {
				if _, refused := c.call(ctx, "POST", "http://rooms/rooms", room); refused {
					return c.freeAll(ctx)
				}
			}
			if _, refused := c.call(ctx, "POST", "http://pay/charges", ""); refused {
				return c.freeAll(ctx)
			}
			return nil
		},
	})
}

// caller makes each call until it has an answer.
type caller struct {
	client *http.Client
	id     string
}

// freeAll frees all rooms that are there.
func (c caller) freeAll(ctx context.Context) error {
	for ctx.Err() == nil {
		text, _ := c.call(ctx, "GET", "http://rooms/rooms", "")
		var rooms []struct{ ID string }
		if err := json.Unmarshal(text, &rooms); err != nil {
			continue
		}
		if len(rooms) == 0 {
			return errUndone
		}
		for _, r := range rooms {
			c.call(ctx, "DELETE", "http://rooms/rooms/"+r.ID, "")
		}
	}
	return errPersonNeeded
}

func (c caller) call(ctx context.Context, method, url, room string) (body []byte, refused bool) {
	for ctx.Err() == nil {
		code, body, err := c.try(ctx, method, url, room)
		switch {
		case err != nil:
		case saga.Classify(code) == saga.Done:
			return body, false
		case saga.Classify(code) == saga.Permanent:
			return body, true
		}
		time.Sleep(100 * time.Millisecond)
	}
	return nil, false
}

func (c caller) try(ctx context.Context, method, url, room string) (int, []byte, error) {
	try, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var content []byte
	if method == http.MethodPost {
		content, _ = json.Marshal(map[string]string{"ref": c.id, "room": room}) // of strings
	}
	req, err := http.NewRequestWithContext(try, method, url, bytes.NewReader(content))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", strings.Join([]string{c.id, method, url, room}, " "))
	answer, err := c.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	var text bytes.Buffer
	_, err = text.ReadFrom(answer.Body)
	return answer.StatusCode, text.Bytes(), errors.Join(err)
}

// TestUndoThatIsGivenUp: a saga that tries a refund three times, and says that all is undone, is found out.
func TestUndoThatIsGivenUp(t *testing.T) {
	out := explored(t, sagatest.Saga{
		Name: "order", Status: ends,
		Steps: []sagatest.Step{
			{Name: "charge", Do: "POST http://payments/charges", Undo: "POST http://payments/refunds"},
			{Name: "ship", Do: "POST http://shipping/parcels", Kind: saga.Pivot},
		},
		Start: func(ctx context.Context, client *http.Client, in sagatest.Input) error {
			c := caller{client: client, id: in.ID}
			if _, refused := c.call(ctx, "POST", "http://payments/charges", ""); !refused {
				if _, refused := c.call(ctx, "POST", "http://shipping/parcels", ""); !refused {
					return nil
				}
			}
			for range 3 {
				if code, _, err := c.try(ctx, "POST", "http://payments/refunds", ""); err == nil && saga.Classify(code) == saga.Done {
					break
				}
			}
			return errUndone
		},
	}, "")
	expect(t, out, "lost-compensation", "lose_charge.undo#1@request,_lose_charge.undo#2@request,_lose_charge.undo#3@request")
}

const decidesAnew = ordersHead + `  payments:
    protection: {fenced: {refused: again}}
    operations:
      charge: {request: POST /charges, saga: only}
      refund: {request: POST /refunds, saga: only, undoes: charge, repeat: same-answer}
  shipping:
    operations:
      ship: {request: POST /parcels, saga: only}
steps:
  - {name: charge, do: payments.charge, undo: payments.refund}
  - {name: ship, do: shipping.ship, kind: pivot}
`

// TestRefusalThatComesFirst: a saga that takes the refusal of a second attempt for an answer to the first one too is
// found out where that arrives after it, and its service is known to decide anew. Who undoes the step in any case is not.
func TestRefusalThatComesFirst(t *testing.T) {
	file := written(t, "order.yaml", decidesAnew)
	order := func(believes bool) sagatest.Saga {
		return sagatest.Saga{
			Workflow: file, Status: ends,
			Start: func(ctx context.Context, client *http.Client, in sagatest.Input) error {
				c := caller{client: client, id: in.ID}
				if _, refused := c.call(ctx, "POST", "http://payments/charges", ""); refused && believes {
					return errUndone
				} else if !refused {
					if _, refused := c.call(ctx, "POST", "http://shipping/parcels", ""); !refused {
						return nil
					}
				}
				if _, refused := c.call(ctx, "POST", "http://payments/refunds", ""); refused {
					return errPersonNeeded
				}
				return errUndone
			},
		}
	}
	expect(t, explored(t, order(true), ""), "lost-compensation", "delay_charge#1@request,_reject_charge#2@receive")
	if os.Getenv(asChild) == "" {
		sagatest.Explore(t, order(false))
	}
}
