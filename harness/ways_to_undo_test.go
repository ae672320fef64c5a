package harness

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/saga"
)

// undoneTwice is a workflow of whose actions each is undone by two operations, none of which says what
// tells its parts apart.
const undoneTwice = `
name: trip
system: {base: "http://127.0.0.1:1"}
start: {request: POST /trips, body: {who: "${saga.id}"}, id: answer.body.id}
outcome: {request: "GET /trips/${id}", status: answer.body.state, statuses: {OPEN: running, DONE: completed, OFF: compensated}}
services:
  cars:
    operations:
      hold: {request: POST /holds, saga: request.body.trip, effect: {transfer: {from: rooms, to: held, amount: 1, unit: room}}}
      draft: {request: POST /drafts, undoes: hold, saga: request.body.trip, effect: []}
      confirm: {request: POST /confirmations, undoes: hold, saga: request.body.trip, which: "true"}
      pay:
        request: POST /payments
        saga: request.body.trip
        effect:
          - {transfer: {from: them, to: us, amount: 60, unit: EUR}}
          - {transfer: {from: them, to: bank, amount: 5, unit: EUR}}
      refund: {request: POST /refunds, undoes: pay, saga: request.body.trip, which: "true", effect: {transfer: {from: us, to: them, amount: "${request.body.amount}", unit: EUR}}}
      refund-fee: {request: POST /fee-refunds, undoes: pay, saga: request.body.trip, which: "true", effect: {transfer: {from: bank, to: them, amount: 5, unit: EUR}}}
      find: {request: GET /payments, reads: pay, saga: request.query.trip, answer: {body: "${len(effects)}"}}
      board: {request: POST /boards, saga: request.body.trip, effect: {transfer: {from: them, to: us, amount: 60, unit: EUR}}}
      cancel:
        request: POST /cancellations
        undoes: board
        saga: request.body.trip
        which: "true"
        effect: {transfer: {from: us, to: them, amount: 10, unit: EUR}}
        keeps: {transfer: {from: them, to: us, amount: 50, unit: EUR}}
      leave: {request: POST /leaves, undoes: board, saga: request.body.trip, which: "true"}
steps:
  - {name: hold, do: cars.hold, undo: cars.confirm}
  - {name: pay, do: cars.pay, undo: cars.refund}
  - {name: board, do: cars.board, undo: cars.leave}
`

// ways are what becomes of a step by some calls of one saga, each METHOD PATH BODY, and done.
func ways(t *testing.T, step string, calls ...string) (*routed, saga.Step) {
	t.Helper()
	r := newRoutedOf(t, undoneTwice, "s1")
	r.named("s1", "t-1")
	for _, c := range calls {
		f := strings.SplitN(c, " ", 3)
		known := maps.Clone(r.sagas["s1"].asked)
		to := r.call(f[0], f[1], f[2])
		if to.Handle == nil {
			t.Fatalf("%s is no one's: %+v", c, to.Answer)
		}
		for op := range r.sagas["s1"].asked {
			if _, before := known[op]; !before {
				r.do(to, op)
			}
		}
	}
	steps := r.asked(r.cells["s1"].defs[0])
	return r, steps[slices.IndexFunc(steps, func(s saga.Step) bool { return s.Name == step })]
}

// undos is what the compensation of a step and its parts ask for.
func undos(t *testing.T, s saga.Step) string {
	t.Helper()
	var all []string
	for _, c := range append([]saga.Call{*s.Compensation}, s.Parts...) {
		e, err := c.Effect()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e.String())
	}
	return strings.Join(all, "; ")
}

// TestDraftOfAnUndo: what was drafted and not confirmed is not undone, though a call for that was
// made and answered; what was is undone by the confirmation alone.
func TestDraftOfAnUndo(t *testing.T) {
	calls := []string{`POST /holds {"trip":"t-1"}`, `POST /drafts {"trip":"t-1"}`}
	for _, more := range [][]string{nil, {`POST /confirmations {"trip":"t-1"}`}} {
		_, step := ways(t, "hold", append(calls, more...)...)
		if got, want := undos(t, step), "nothing; cars/rooms+1room cars/held-1room"; got != want {
			t.Errorf("%v: undone by %q, expected %q", more, got, want)
		}
	}
}

// TestSeveralUndoAPart: where several operations undo one action, each call of each is a part, and what
// is asked for is found until all is given back.
func TestSeveralUndoAPart(t *testing.T) {
	calls := []string{`POST /payments {"trip":"t-1"}`, `POST /fee-refunds {"trip":"t-1"}`}
	r, step := ways(t, "pay", calls...)
	if found := r.sagas["s1"].actions[0].said; found.IsUndone() {
		t.Errorf("undone by %s, and the rest was not given back", undos(t, step))
	}
	r, step = ways(t, "pay", append(calls, `POST /refunds {"trip":"t-1","amount":60}`)...)
	if got, want := undos(t, step), "cars/bank-5EUR cars/them+5EUR; cars/us-60EUR cars/them+60EUR"; got != want {
		t.Errorf("undone by %s, expected %s", got, want)
	}
	if found := r.sagas["s1"].actions[0].said; !found.IsUndone() {
		t.Error("all was given back, and it is there still")
	}
}

// TestKeptByTheOneThatWasCalled: what stays is what the operation says that undid the action, and not
// what another one would let stay.
func TestKeptByTheOneThatWasCalled(t *testing.T) {
	for _, c := range []struct{ undo, want string }{
		{"/cancellations", "cars/them-50EUR cars/us+50EUR"},
		{"/leaves", "nothing"},
	} {
		_, step := ways(t, "board", `POST /boards {"trip":"t-1"}`, "POST "+c.undo+` {"trip":"t-1"}`)
		got := "nothing"
		if step.Keeps != nil {
			got = fmt.Sprint(step.Keeps)
		}
		if got != c.want {
			t.Errorf("%s: %s stays, expected %s", c.undo, got, c.want)
		}
	}
}

// TestOneCallUndoesSeveral: a call that undoes all instances of a step at once is no verdict, and is told
// with what can be done about it.
func TestOneCallUndoesSeveral(t *testing.T) {
	text := strings.Replace(tripFile, "which: request.path.ref == action.request.path.ref", `saga: request.body.trip, which: "true"`, 1)
	r := newRoutedOf(t, text, "s1")
	r.named("s1", "t-1")
	for n, ref := range []string{"c-1", "c-2"} {
		r.do(r.call("PUT", "/cars/"+ref, `{"trip":"t-1"}`), saga.Operation{Saga: "s1", Step: saga.Instance("hire", n+1), Direction: saga.Action})
	}
	r.call("DELETE", "/cars/all", `{"trip":"t-1"}`)
	err := r.cells["s1"].in.Broken()
	if err == nil || !strings.Contains(err.Error(), `give-back.which: expression "true" names 2 actions (s1/hire and s1/hire(2)): expected one that is true of one action only; a call that undoes several at once can't be judged (docs/limits.md)`) {
		t.Errorf("trouble %v", err)
	}
}

// TestOneCallUndoesAllAttempts: the same of an action that was done anew by each attempt.
func TestOneCallUndoesAllAttempts(t *testing.T) {
	r := newRoutedOf(t, tripFile, "s1")
	r.named("s1", "t-1")
	for range 2 {
		r.do(r.call("PUT", "/cars/c-1", `{"trip":"t-1"}`), saga.Operation{Saga: "s1", Step: "hire", Direction: saga.Action})
	}
	r.call("DELETE", "/cars/c-1", `{"trip":"t-1"}`)
	err := r.cells["s1"].in.Broken()
	if err == nil || !strings.Contains(err.Error(), `names 2 actions, all of s1/hire, which was done anew by each attempt: where the service knows a repeat, say so`) {
		t.Errorf("trouble %v", err)
	}
}
