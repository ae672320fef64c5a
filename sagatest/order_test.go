package sagatest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

var errPersonNeeded = errors.New("a person is needed")

// order places an order: it charges, reserves and ships, or gives all of it back. It has a
// bug, unless it is fixed.
type order struct {
	client *http.Client
	id     string
	fixed  bool
	again  func() bool // tries once more than often enough; nil: never
}

func (o order) place(ctx context.Context) error {
	steps := []struct {
		do, undo string
		attempts int
	}{
		{"http://payments/charges", "http://payments/refunds", 3},
		{"http://stock/reservations", "http://stock/releases", 3},
		{"http://shipping/parcels", "", forEver}, // what was shipped does not come back
	}
	for done, s := range steps {
		err := o.call(ctx, s.do, s.attempts)
		if err == nil {
			continue
		}
		if o.fixed && !errors.Is(err, errRefused) {
			done++ // nobody knows whether a step without an answer was done: it is undone, too
		}
		for done--; done >= 0; done-- {
			if undoing := o.call(ctx, steps[done].undo, forEver); undoing != nil {
				return fmt.Errorf("%w: %w", errPersonNeeded, undoing)
			}
		}
		return err
	}
	return nil
}

const forEver = 1000

var errRefused = errors.New("refused")

// call calls a service until it has an answer, at most so often.
func (o order) call(ctx context.Context, url string, attempts int) (err error) {
	for n := range attempts + 1 {
		if n == attempts && (o.again == nil || !o.again()) {
			break
		}
		time.Sleep(time.Duration(min(n, 10)) * 100 * time.Millisecond)
		if err = o.try(ctx, url); err == nil || errors.Is(err, errRefused) {
			break
		}
	}
	return err
}

func (o order) try(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader([]byte(`{"order": "`+o.id+`"}`)))
	if err != nil {
		return err
	}
	r.Header.Set("Idempotency-Key", url+" "+o.id)
	answer, err := o.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusUnprocessableEntity:
		return errRefused
	}
	return errors.New(answer.Status)
}
