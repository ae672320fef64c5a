package sagatest_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/sagatest"
)

// The file of a workflow stands for the steps: its routes, its ids, its amounts.
const transferFile = `
name: transfer
system: {base: "http://127.0.0.1:1"}
start: {request: POST /transfers, body: {amount: 40}}
outcome: {request: GET /, status: answer.body, statuses: {done: completed}}
services:
  bank:
    host: api.bank.example
    operations:
      withdraw:
        request: POST /withdrawals
        saga: only
        effect: {transfer: {from: alice, to: till, amount: "${start.body.amount}", unit: EUR}}
      refund: {request: POST /refunds, saga: only, undoes: withdraw}
  ledger:
    operations:
      note: {request: POST /notes, saga: only}
steps:
  - {name: withdraw, do: bank.withdraw, undo: bank.refund}
  - {name: note, do: ledger.note}
promises:
  withdraw: {max_attempts: 2, same_key: true}
`

// ordersHead is what files of workflows begin with that run as a function; their services follow.
const ordersHead = `
name: orders
system: {base: "http://127.0.0.1:1"}
start: {request: POST /orders, body: {ref: "${saga.id}"}}
outcome: {request: GET /, status: answer.body, statuses: {done: completed}}
services:
`

// written is a file of a test, with a text.
func written(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestWorkflowFile(t *testing.T) {
	file := written(t, "transfer.yaml", transferFile)
	var started string
	s := sagatest.Saga{
		Workflow: file, Status: ends,
		Start: func(ctx context.Context, client *http.Client, in sagatest.Input) error {
			started = string(in.Body)
			o := order{client: client, id: in.ID}
			if err := o.call(ctx, "http://api.bank.example/withdrawals", 3); err != nil {
				return err
			}
			return o.call(ctx, "http://ledger/notes", forEver)
		},
	}
	out := explored(t, s, "")
	expect(t, out,
		"saga-1/withdraw was attempted 3 times, and the policy allows 2",
		"saga-1/withdraw booked bank/alice-40EUR bank/till+40EUR and was never undone",
	)
	if os.Getenv(asChild) != "" && started != `{"amount":40}` {
		t.Errorf("it was started with %q: expected the body of the file", started)
	}
}

// besides is the saga of example_test.go, whose code makes one more call before all others.
func besides(method, url, body string) sagatest.Saga {
	s := orders(true)
	was := s.Start
	s.Start = func(ctx context.Context, client *http.Client, in sagatest.Input) error {
		r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
		if err != nil {
			return err
		}
		answer, err := client.Do(r)
		if err != nil {
			return err
		}
		return errors.Join(answer.Body.Close(), was(ctx, client, in))
	}
	return s
}

// A call that belongs to no step needs a stub.
func TestCallOfNoStepIsTold(t *testing.T) {
	for name, url := range map[string]string{"host": "http://prices/list", "path": "http://payments/prices"} {
		t.Run(name, func(t *testing.T) {
			expect(t, explored(t, besides(http.MethodGet, url, ""), ""), "what belongs to no step is one of the stubs in the file of a Workflow")
		})
	}
}

// A step that is taken once for each item is told, where it passed for calls that were tried
// again.
func TestStepOfEachItemIsTold(t *testing.T) {
	expect(t, explored(t, besides(http.MethodPost, "http://stock/reservations", `{"item": 2}`), ""),
		"step reserve: without a fault it was called with 2 requests that differ: expected one; what is done for each item is an operation with each in the file of a Workflow")
}

// What a saga says wrongly is said at once.
func TestMistakesAreNamed(t *testing.T) {
	right := orders(true)
	for want, wrong := range map[string]func(*sagatest.Saga){
		"expected either Start or Open":     func(s *sagatest.Saga) { s.Start = nil },
		"expected either Steps or Workflow": func(s *sagatest.Saga) { s.Steps = nil },
		"expected a method and a URL":       func(s *sagatest.Saga) { s.Steps = []sagatest.Step{{Name: "charge", Do: "/charges"}} },
		"expected the host of Do": func(s *sagatest.Saga) {
			s.Steps = []sagatest.Step{{Name: "a", Do: "POST http://a/x", Undo: "POST http://b/y"}}
		},
		"step more: nothing undoes it: expected its Kind: saga.Pivot or saga.Retriable (no saga may end compensated with it), or saga.Compensatable (it may stay)": func(s *sagatest.Saga) {
			s.Steps = append(s.Steps[:3:3], sagatest.Step{Name: "more", Do: "POST http://more/x"})
		},
		"expected Which, which says which action it undoes by room and bed": func(s *sagatest.Saga) {
			s.Steps = []sagatest.Step{{Name: "a", Do: "POST http://a/x/{order}", Undo: "DELETE http://a/x/{order}/{room}/{bed}"}}
		},
		"no step is at the host": func(s *sagatest.Saga) { s.Steps = s.Steps[:1] },
		"step more: no call of it": func(s *sagatest.Saga) {
			s.Steps = append(s.Steps[:3:3], sagatest.Step{Name: "more", Do: "POST http://more/x", Kind: saga.Retriable})
		},
		`bad participant profile "careless"`:           func(s *sagatest.Saga) { s.Participants = "careless" },
		`property "nothing": no checker has that name`: func(s *sagatest.Saga) { s.Properties = []string{"nothing"} },
	} {
		name := strings.Fields(want)[len(strings.Fields(want))-1]
		t.Run(strings.Trim(name, `":()`), func(t *testing.T) {
			s := right
			wrong(&s)
			expect(t, explored(t, s, ""), want)
		})
	}
}
