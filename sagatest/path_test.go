package sagatest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/sagatest"
)

// booking holds a table under a name of its own, and books a room, whose service names it.
type booking struct {
	client *http.Client
	id     string
}

func (b booking) run(ctx context.Context) error {
	table, rooms := "http://tables/holds/"+b.id, "http://hotel/orders/"+b.id+"/rooms"
	if _, err := b.call(ctx, http.MethodPut, table); err != nil {
		return err
	}
	room, err := b.call(ctx, http.MethodPost, rooms)
	if err == nil && room == "" {
		return errPersonNeeded
	}
	if err == nil {
		if _, err = b.call(ctx, http.MethodPost, "http://bank/payments"); err == nil {
			return nil
		}
		if _, undoing := b.call(ctx, http.MethodDelete, rooms+"/"+room); undoing != nil {
			return errors.Join(errPersonNeeded, undoing)
		}
	}
	if _, undoing := b.call(ctx, http.MethodDelete, table); undoing != nil {
		return errors.Join(errPersonNeeded, undoing)
	}
	return err
}

// call calls until there is an answer, and gives the id in it.
func (b booking) call(ctx context.Context, method, url string) (id string, err error) {
	for range forEver {
		if id, err = b.try(ctx, method, url); err == nil || errors.Is(err, errRefused) {
			break
		}
		time.Sleep(time.Second)
	}
	return id, err
}

func (b booking) try(ctx context.Context, method, url string) (id string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
	if err != nil {
		return "", err
	}
	r.Header.Set("Idempotency-Key", method+url)
	answer, err := b.client.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	switch {
	case err != nil:
		return "", err
	case answer.StatusCode == http.StatusUnprocessableEntity:
		return "", errRefused
	case answer.StatusCode >= 300:
		return "", errors.New(answer.Status)
	}
	var body struct{ ID string }
	err = json.Unmarshal(text, &body)
	return body.ID, err
}

func bookings() sagatest.Saga {
	return sagatest.Saga{
		Steps: []sagatest.Step{
			{Name: "hold", Do: "PUT http://tables/holds/{hold}", Undo: "DELETE http://tables/holds/{hold}"},
			{Name: "book", Do: "POST http://hotel/orders/{order}/rooms", Undo: "DELETE http://hotel/orders/{order}/rooms/{room}"},
			{Name: "pay", Do: "POST http://bank/payments", Kind: saga.Pivot},
		},
		Start: func(ctx context.Context, client *http.Client, in sagatest.Input) error {
			return booking{client: client, id: in.ID}.run(ctx)
		},
		Status: ends,
	}
}

// What the paths of both requests name is the same in both; what only that of the undo names
// is the id that the service has given.
func TestIDsInPaths(t *testing.T) { sagatest.Explore(t, bookings()) }

// An undo that names nothing is no call of it: it would have named what had no answer.
func TestEmptyIDIsNoCall(t *testing.T) {
	s := bookings()
	was := s.Start
	s.Start = func(ctx context.Context, client *http.Client, in sagatest.Input) error {
		in.ID = ""
		return was(ctx, client, in)
	}
	expect(t, explored(t, s, ""), "no operation fits PUT /holds/")
}
