package sagatest_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/sagatest"
)

// orders is the saga of order_test.go.
func orders(fixed bool) sagatest.Saga {
	return sagatest.Saga{
		Name: "order",
		Steps: []sagatest.Step{
			{Name: "charge", Do: "POST http://payments/charges", Undo: "POST http://payments/refunds"},
			{Name: "reserve", Do: "POST http://stock/reservations", Undo: "POST http://stock/releases"},
			{Name: "ship", Do: "POST http://shipping/parcels", Kind: saga.Pivot},
		},
		Start: func(ctx context.Context, client *http.Client, in sagatest.Input) error {
			return order{client: client, id: in.ID, fixed: fixed}.place(ctx)
		},
		Status: ends,
	}
}

// ends says what the code means by its error.
func ends(err error) saga.Status {
	switch {
	case err == nil:
		return saga.Completed
	case errors.Is(err, errPersonNeeded):
		return saga.Stuck
	}
	return saga.Compensated
}

// This is all that the test of a saga has to be.
func TestOrder(t *testing.T) { sagatest.Explore(t, orders(true)) }
