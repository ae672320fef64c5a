package campaign

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/workflows"
)

// TestInOrder: the order of steps is what runs show, and what was only quicker in one of
// them waits for nobody.
func TestInOrder(t *testing.T) {
	steps := []saga.Step{{Name: "charge"}, {Name: "log"}, {Name: "never"}, {Name: "reserve"}, {Name: "reserve(2)"}, {Name: "ship"}}
	calm := run(t, "reserve reserve(2) +reserve +reserve(2) charge +charge log +log ship +ship")
	slow := run(t, "reserve reserve(2) +reserve +reserve(2) charge log +log +charge ship +ship")
	early := run(t, "reserve reserve(2) +reserve +reserve(2) charge +charge log ship +log +ship")
	refused := run(t, "reserve")
	for _, c := range []struct {
		name string
		runs []*history.Index
		want map[string][]string
	}{
		{"one run", []*history.Index{calm}, map[string][]string{"charge": {"reserve", "reserve(2)"}, "log": {"charge"}, "ship": {"log"}}},
		{"a step that goes on while another waits", []*history.Index{calm, slow, refused}, map[string][]string{"charge": {"reserve", "reserve(2)"}, "log": {"reserve", "reserve(2)"}, "ship": {"charge", "log"}}},
		{"a step that nobody waits for", []*history.Index{calm, early}, map[string][]string{"charge": {"reserve", "reserve(2)"}, "log": {"charge"}, "ship": {"charge"}}},
	} {
		var names []string
		for _, s := range inOrder(steps, c.runs) {
			names = append(names, s.Name)
			if !slices.Equal(s.After, c.want[s.Name]) || s.After == nil {
				t.Errorf("%s: %s comes after %q, expected %q", c.name, s.Name, s.After, c.want[s.Name])
			}
		}
		if want := []string{"reserve", "reserve(2)", "charge", "log", "ship"}; !slices.Equal(names, want) {
			t.Errorf("%s: %v, expected %v", c.name, names, want)
		}
	}
}

// run makes a history of steps that are attempted (NAME) and succeed (+NAME).
func run(t *testing.T, calls string) *history.Index {
	t.Helper()
	var b strings.Builder
	b.WriteString("workflow shop\ncapabilities -\nsaga s1\nstep charge\nstep log\nstep reserve\nstep reserve(2)\nstep ship\n\n0ms saga-accepted s1\n")
	for name := range strings.FieldsSeq(calls) {
		if done, ok := strings.CutPrefix(name, "+"); ok {
			fmt.Fprintf(&b, "1ms call-ended s1 %s#1 200\n", done)
		} else {
			fmt.Fprintf(&b, "1ms call-sent s1 %s#1\n", name)
		}
	}
	h, err := history.ParseText(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return history.NewIndex(h)
}

// TestSound: a run without faults shows every step but those that not every saga takes.
func TestSound(t *testing.T) {
	some := map[string]*workflows.Operation{"one": {}}
	file := &workflows.Workflow{
		Services: map[string]*workflows.Service{"pay": {Optional: true, Operations: some}},
		Steps:    []workflows.Step{{Name: "charge", Do: "pay.charge"}, {Name: "ship", Do: "pay.charge"}},
	}
	f := &flow{file: file}
	h := run(t, "charge +charge").History
	h.Events = append(h.Events, history.Event{Seq: len(h.Events) + 1, Kind: history.SagaStatus, Saga: "s1", Status: saga.Completed})
	if err := f.sound(h); err == nil || err.Error() != "steps: ship: no call of it: expected one, or optional: true" {
		t.Errorf("a step that no run takes: %v", err)
	}
	file.Steps[1].Optional = true
	if err := f.sound(h); err != nil {
		t.Errorf("an optional one: %v", err)
	}
	file.Services["pay"].Optional = false
	file.Services["mail"], file.Services["tax"] = &workflows.Service{Host: "api.mail.example", Operations: some}, &workflows.Service{Operations: some}
	file.Services["tokens"] = &workflows.Service{}
	unknown := run(t, "").History
	unknown.Events = append(unknown.Events, history.Event{Kind: history.SagaUnknown, Saga: "s1", Code: 404})
	taken := run(t, "charge").History // and, as the service said, not done yet
	taken.Events[1].Request = &history.Message{Method: "POST", Target: "/payments?now=1"}
	taken.Events = append(taken.Events, history.Event{Kind: history.CallAnswered, Saga: "s1", Step: "charge", Attempt: 1, Code: 202})
	for h, want := range map[*history.History][]string{
		h:                        {"services.mail: no call reached it: does the client of api.mail.example go through HTTPS_PROXY?", "services.tax: no call reached it: does its address point to ${service.tax}?"},
		run(t, "charge").History: {"nothing of it was told: expected completed; the last call was charge#1", "services.tax: no call reached it: the workflow did not come so far"},
		taken:                    {"the last call was charge#1; POST /payments answered 202 and nothing called back: expected async"},
		unknown:                  {"asked for it, the workflow answered 404: is outcome.request right?", "the workflow called nothing"},
	} {
		err := f.sound(h)
		for _, w := range want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%v\nexpected %q", err, w)
			}
		}
	}
}

// TestUnheard: a 202 of which nothing is told later is named, and no other answer.
func TestUnheard(t *testing.T) {
	const step = "charge"
	sent := history.Event{Kind: history.CallSent, Saga: "s1", Step: step, Attempt: 1, Request: &history.Message{Method: "POST", Target: "/payments"}}
	answered := func(code int, pending bool) history.Event {
		return history.Event{Kind: history.CallAnswered, Saga: "s1", Step: step, Attempt: 1, Code: code, Pending: pending}
	}
	for name, c := range map[string]struct {
		events []history.Event
		want   int
	}{
		"202, twice":      {[]history.Event{sent, answered(202, false), sent, answered(202, false)}, 1},
		"201":             {[]history.Event{sent, answered(201, false)}, 0},
		"it tells later":  {[]history.Event{sent, answered(202, true)}, 0},
		"it called back":  {[]history.Event{sent, answered(202, false), {Kind: history.CallBack, Saga: "s1", Step: step, Attempt: 1}}, 0},
		"without a route": {[]history.Event{answered(202, false)}, 0},
	} {
		if got := unheard(&history.History{Events: c.events}); len(got) != c.want {
			t.Errorf("%s: %q, expected %d", name, got, c.want)
		}
	}
}

// TestKeyless: where no call has a key at the place that the file names, that is said.
func TestKeyless(t *testing.T) {
	file, err := workflows.Parse("workflow.yaml", []byte(`
name: shop
system: {base: "http://127.0.0.1:1"}
start: {request: POST /orders}
outcome: {request: "GET /orders/${saga.id}", status: answer.body, statuses: {DONE: completed}}
services:
  pay: {listen: "127.0.0.1:1", protection: {keyed: {key: request.body.kee}}, operations: {charge: {request: POST /payments, saga: request.body.id}}}
  mail: {listen: "127.0.0.1:2", operations: {send: {request: POST /mails, saga: request.body.id}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	f := &flow{file: file}
	received := func(step, key string) history.Event {
		return history.Event{Kind: history.CallReceived, Saga: "s1", Step: step, Key: key}
	}
	h := &history.History{Events: []history.Event{received("charge", ""), received("send", "")}}
	if got := f.keyless(h); !slices.Equal(got, []string{"pay"}) {
		t.Errorf("without keys are %v, expected pay", got)
	}
	h.Events = append(h.Events, received("charge", "k-1"))
	if got := f.keyless(h); len(got) > 0 {
		t.Errorf("without keys are %v, expected none", got)
	}
}

// TestPlanThatFitsNoWorkflow: its place is said once.
func TestPlanThatFitsNoWorkflow(t *testing.T) {
	file, err := workflows.Parse("workflow.yaml", []byte(`
name: shop
system: {base: "http://127.0.0.1:1"}
start: {request: POST /orders}
outcome: {request: "GET /orders/${saga.id}", status: answer.body, statuses: {DONE: completed}}
services:
  pay: {listen: "127.0.0.1:1", operations: {charge: {request: POST /payments, saga: request.body.id}}}
steps: [{name: charge, do: pay.charge}]
`))
	if err != nil {
		t.Fatal(err)
	}
	own, err := faults.ParsePlanFile("p1.yaml", []byte("faults:\n  - {kind: lose, at: shp#1@request}\n"))
	if err != nil {
		t.Fatal(err)
	}
	x := &session{flow: &flow{file: file}}
	if err := x.fits(own); err == nil || !strings.HasPrefix(err.Error(), "--plan: p1.yaml:2:") || strings.Count(err.Error(), "p1.yaml") != 1 {
		t.Errorf("got %v", err)
	}
}
