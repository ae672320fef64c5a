package lint_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/lint"
)

// cases are files with what must be found in them: field and rule. Each rule is in one of them.
var cases = map[string]struct {
	text string
	want []string
}{
	"saga.json": {
		`{"id": "s-1", "name": "order", "steps": [
 {"name": "reserve", "kind": "compensatable", "action": {"url": "http://127.0.0.1:1/a", "body": {"postings": [{"account": "a", "amount": -1, "unit": "x"}, {"account": "b", "amount": 1, "unit": "x"}]},
   "retry": {"max_attempts": 0, "initial_interval_ms": 10, "multiplier": 1, "max_interval_ms": 10, "jitter": 0, "attempt_timeout_ms": 100}},
  "compensation": {"url": "http://127.0.0.1:1/b", "body": {"postings": [{"account": "a", "amount": 2, "unit": "x"}, {"account": "b", "amount": -2, "unit": "x"}]},
   "retry": {"max_attempts": 3, "initial_interval_ms": 10, "multiplier": 2, "max_interval_ms": 10, "jitter": 0.5, "attempt_timeout_ms": 100}}},
 {"name": "note", "kind": "compensatable", "action": {"url": "http://127.0.0.1:1/c",
   "retry": {"max_attempts": 1, "initial_interval_ms": 0, "multiplier": 1, "max_interval_ms": 0, "jitter": 0, "attempt_timeout_ms": 100}}},
 {"name": "ship", "kind": "pivot", "action": {"url": "http://127.0.0.1:1/d",
   "retry": {"max_attempts": 0, "initial_interval_ms": 10, "multiplier": 2, "max_interval_ms": 100, "jitter": 0.5, "attempt_timeout_ms": 100, "deadline_ms": 900}}}]}`,
		[]string{
			"3 steps[0].action.retry no-jitter", "3 steps[0].action.retry no-back-off", "3 steps[0].action.retry no-deadline",
			"4 steps[0].compensation.body undo-no-inverse", "5 steps[0].compensation.retry undo-gives-up",
			"6 steps[1] nothing-undoes", "9 steps[2].action.retry pivot-gives-up",
		},
	},
	"scenario.yaml": {
		`name: two
description: Two steps.
retry: {deadline_ms: 400}
steps:
  - {name: reserve, participant: stock, kind: compensatable, do: [{create: {record: "held"}}], undo_retry: {max_attempts: 4}}
  - {name: bill, participant: till, kind: compensatable, read_back: true, do: [{transfer: {from: "debt", to: "till", amount: 1, unit: EUR}}], retry: {max_attempts: 4, rounds: 8}}
  - {name: post, participant: till, kind: compensatable, do: [{create: {record: "posted"}}], retry: {max_attempts: 100, initial_interval_ms: 1000, max_interval_ms: 1000, deadline_ms: 2000}}
  - {name: send, participant: till, kind: compensatable, do: [{create: {record: "sent"}}], retry: {max_attempts: 100, initial_interval_ms: 10, multiplier: 1, max_interval_ms: 10, jitter: 0.5, deadline_ms: 200}}
  - {name: pay, participant: bank, kind: pivot, do: [{create: {record: "paid"}}], undo: none}
  - {name: tell, participant: post, kind: deferrable, do: [{create: {record: "told"}}], retry: {max_attempts: 31}}
`,
		[]string{"3 retry pivot-gives-up", "5 steps[0].undo_retry undo-gives-up", "6 steps[1].retry retries-multiply", "8 steps[3].retry retries-multiply"},
	},
	"rounds.yaml": {
		`name: again
description: Three rounds of eleven, or as many as its budget has.
rounds: 3
retry: {max_attempts: 11}
steps:
  - {name: bill, participant: till, kind: compensatable, do: [{create: {record: "billed"}}]}
  - {name: send, participant: post, kind: compensatable, do: [{create: {record: "sent"}}], retry: {max_attempts: 10}}
`,
		[]string{"4 retry retries-multiply"},
	},
	"bounded.yaml": {
		`name: again
description: Three rounds of eleven, or as many as its budget has.
rounds: 3
budget: {attempts: 30}
retry: {max_attempts: 11}
steps:
  - {name: bill, participant: till, kind: compensatable, do: [{create: {record: "billed"}}]}
`,
		nil,
	},
	"policies.yaml": {
		`templates:
  bank: {retry: {max_attempts: 0, initial_interval_ms: 50, multiplier: 2, max_interval_ms: 1000, jitter: 0.5, attempt_timeout_ms: 500}, sla: {target_ms: 50, worst_ms: 100}}
  undo-bank: {retry: {max_attempts: 9, initial_interval_ms: 50, multiplier: 2, max_interval_ms: 1000, jitter: 0.5, attempt_timeout_ms: 500}}
  layers: {retry: {max_attempts: 7, initial_interval_ms: 50, multiplier: 2, max_interval_ms: 1000, jitter: 0.5, attempt_timeout_ms: 500, rounds: 5}}
  ended: {retry: {max_attempts: 7, initial_interval_ms: 50, multiplier: 2, max_interval_ms: 1000, jitter: 0.5, attempt_timeout_ms: 500, rounds: 5}, budget: {attempts: 30}}
  timed: {retry: {max_attempts: 100, initial_interval_ms: 50, multiplier: 2, max_interval_ms: 1000, jitter: 0.5, attempt_timeout_ms: 500}, budget: {time_ms: 5000}}
bindings:
  - {template: layers, saga: order}
  - {template: ended, saga: refund}
  - {template: timed, saga: tip}
  - {template: bank, participant: bank.example}
  - {template: undo-bank, participant: bank.example, direction: compensation}
`,
		[]string{"2 templates.bank.retry no-deadline", "2 templates.bank.sla sla-not-kept", "3 templates.undo-bank.retry undo-gives-up", "4 templates.layers.retry retries-multiply"},
	},
	"workflow.yaml": {
		`name: shop
system: {base: "http://127.0.0.1:1"}
start: {request: POST /orders, accepted: "answer.code == 202", id: answer.body.id}
outcome: {request: "GET /orders/${id}", status: answer.body.state, statuses: {DONE: completed, GONE: compensated}}
services:
  stock:
    protection: naive
    operations:
      hold: {request: POST /holds, saga: only, answer: {body: {id: "${new.id}"}}}
      let-go: {request: "DELETE /holds/{id}", undoes: hold, which: request.path.id == action.answer.body.id, repeat: same-answer}
  bank:
    operations:
      pay: {request: POST /payments, saga: only}
      fee: {request: POST /fees, saga: only}
steps:
  - {name: hold, do: stock.hold, undo: stock.let-go}
  - {name: pay, do: bank.pay}
  - {name: fee, do: bank.fee}
promises:
  let-go: {permanent: [409]}
  pay: {max_attempts: 31}
`,
		[]string{"3 start start-once", "9 services.stock.operations.hold no-key", "17 steps[1] nothing-undoes", "20 promises.let-go undo-refused", "21 promises.pay retries-multiply"},
	},
}

func TestFindings(t *testing.T) {
	unseen := map[string]bool{}
	for _, r := range lint.Rules() {
		unseen[r.Name] = true
	}
	for name, tc := range cases {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := lint.File(path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var got []string
		for _, f := range found {
			delete(unseen, f.Rule.Name)
			place, text, _ := strings.Cut(strings.TrimPrefix(f.String(), path+":"), ": ")
			line, _, _ := strings.Cut(place, ":")
			field, rest, _ := strings.Cut(text, ": ")
			rule, _, _ := strings.Cut(rest, ": ")
			got = append(got, line+" "+field+" "+rule)
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: got\n%s\nexpected\n%s", name, strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
		}
	}
	if len(unseen) > 0 {
		t.Errorf("no case of %v", unseen)
	}
}

// TestCatalogue: the scenarios that ship go against a rule only where they are meant to show
// what comes of it.
func TestCatalogue(t *testing.T) {
	meant := map[string]string{"booking": "undo-gives-up", "fan-out": "nothing-undoes", "order-status": "pivot-gives-up"}
	files, err := filepath.Glob("../scenarios/catalogue/*.yaml")
	shared, wrong := filepath.Glob("../packs/*/scenarios/*.yaml")
	if err != nil || wrong != nil || len(files) == 0 || len(shared) == 0 {
		t.Fatal(files, err, shared, wrong)
	}
	for _, file := range append(files, shared...) {
		found, err := lint.File(file)
		if err != nil {
			t.Error(err)
		}
		for _, f := range found {
			if f.Rule.Name != meant[strings.TrimSuffix(filepath.Base(file), ".yaml")] {
				t.Error(f)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"name: x\n":                              "expected a scenario (steps), a workflow (services), policies (templates), a plan (faults), a manifest (base), or a saga as it is submitted (steps with an action)",
		"steps: [{name: 3}]\n":                   "steps[0].name",
		"templates: {a: {retry: {jitter: 9}}}\n": "templates.a.retry",
		`{"steps": [{"action": {}}]}`:            "id: expected 1 to 200",
		": :":                                    ":1:",
		"faults:\n  - {kind: loose, at: charge#1@response}\n": ":2:",
		"name: mine\nbase: http://127.0.0.1:1\nprocess: []\n": ":3:",
	} {
		path := filepath.Join(t.TempDir(), "f.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := lint.File(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "f.yaml") {
			t.Errorf("%s: %v: expected %q", text, err, want)
		}
	}
}
