// Package sagatest tests the code of a saga with go test: every kind of fault at every
// failure point that it passes, in virtual time and without a socket.
//
//	func TestOrder(t *testing.T) {
//		sagatest.Explore(t, sagatest.Saga{
//			Steps: []sagatest.Step{
//				{Name: "charge", Do: "POST http://payments/charges", Undo: "POST http://payments/charges/{id}/refund"},
//				{Name: "ship", Do: "POST http://shipping/parcels", Undo: "POST http://shipping/parcels/{id}/cancel"},
//			},
//			Start: func(ctx context.Context, client *http.Client, in sagatest.Input) error {
//				return order.Place(ctx, client, in.ID)
//			},
//		})
//	}
//
// The code calls its services with the client that it is given. Stand-in services answer it, or
// handlers of your own (Services); what happens to its calls is recorded in a history and judged
// by the same checkers as a run on the wire. Each plan that breaks a promise is a subtest that is
// named after it.
//
// Each plan runs in a bubble of testing/synctest of its own: the code must not wait for
// anything outside it (a socket, a goroutine that was started before), nor hold a mutex while
// it calls or sleeps, and its goroutines must end when their context does (or in a Cleanup of
// what Open is given).
//
// Goals: a first finding within minutes, in the tests that a team has already. Non-goals: what
// needs a process, a socket or a real clock; the command sagacheck has those.
package sagatest
