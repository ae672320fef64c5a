package sagatest_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/sagatest"
)

// A saga pays at one of two providers: the second is asked only where the first refuses. Neither
// the one that refused nor the one that was not asked is a missing effect.
func TestSecondProvider(t *testing.T) {
	sagatest.Explore(t, providers(func(ctx context.Context, o order) error {
		paidAt := ""
		for _, at := range []string{"first", "second"} {
			err := o.call(ctx, "http://"+at+"/charges", forEver)
			if err == nil {
				paidAt = at
				break
			} else if !errors.Is(err, errRefused) {
				return errPersonNeeded
			}
		}
		undo := []string{"http://stock/releases"}
		if paidAt != "" {
			err := o.call(ctx, "http://shipping/parcels", forEver)
			if err == nil {
				return nil
			}
			undo = []string{"http://" + paidAt + "/refunds", "http://stock/releases"}
		}
		for _, url := range undo {
			if o.call(ctx, url, forEver) != nil {
				return errPersonNeeded
			}
		}
		return errRefused
	}))
}

// providers is a saga that reserves and then pays and ships.
func providers(pay func(ctx context.Context, o order) error) sagatest.Saga {
	return sagatest.Saga{
		Name: "order",
		Steps: []sagatest.Step{
			{Name: "reserve", Do: "POST http://stock/reservations", Undo: "POST http://stock/releases"},
			{Name: "first", Do: "POST http://first/charges", Undo: "POST http://first/refunds", Optional: true},
			{Name: "second", Do: "POST http://second/charges", Undo: "POST http://second/refunds", Optional: true},
			{Name: "ship", Do: "POST http://shipping/parcels", Kind: saga.Pivot},
		},
		Start: func(ctx context.Context, client *http.Client, in sagatest.Input) error {
			o := order{client: client, id: in.ID}
			if err := o.call(ctx, "http://stock/reservations", forEver); err != nil {
				return err
			}
			return pay(ctx, o)
		},
		Status: ends,
	}
}

// A saga that gives up the first provider, and does not know what came of that, undoes it before
// it asks the second.
func TestGivenUpProvider(t *testing.T) {
	sagatest.Explore(t, providers(func(ctx context.Context, o order) error {
		undo := []string{"http://stock/releases"}
		for _, at := range []string{"first", "second"} {
			err := o.call(ctx, "http://"+at+"/charges", 3)
			if err == nil {
				if o.call(ctx, "http://shipping/parcels", forEver) == nil {
					return nil
				}
				undo = append([]string{"http://" + at + "/refunds"}, undo...)
				break
			} else if !errors.Is(err, errRefused) && o.call(ctx, "http://"+at+"/refunds", forEver) != nil {
				return errPersonNeeded
			}
		}
		for _, url := range undo {
			if o.call(ctx, url, forEver) != nil {
				return errPersonNeeded
			}
		}
		return errRefused
	}))
}
