package checkers_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/models"
	"github.com/sagacheck/sagacheck/saga"
	"pgregory.net/rapid"
)

// Where a model and a linear checker speak of the same anomaly they agree, on
// legal runs and on runs with planted faults of the services:
//
//   - an idempotent endpoint against duplicate-effect, duplicate-compensation,
//     empty-compensation, and with fenced participants hanging-action, step by
//     step, where the deliveries of a step do not overlap and attempts share
//     their key;
//   - the lifecycle of a saga against false-status (a status that changes after
//     the end) and lost-saga;
//   - accounts against double-credit's reading of the ledgers, where all sagas
//     completed with just the effects that they define;
//   - registers against a walk along the writes, where they do not overlap.
//
// Where deliveries overlap the models know real time only and are milder; there
// the claim is that a right participant is never called wrong.

// script writes a history event by event.
type script struct{ h history.History }

func newScript(profile string, sagas ...saga.Definition) *script {
	return &script{history.History{Header: history.Header{Version: history.Version, Profile: profile, Definitions: sagas, Registers: map[string]string{}}}}
}

func (s *script) add(e history.Event) {
	e.Seq = len(s.h.Events) + 1
	e.At = time.Duration(e.Seq) * time.Millisecond
	s.h.Events = append(s.h.Events, e)
}

func (s *script) call(kind history.Kind, op saga.Operation, attempt int) history.Event {
	return history.Event{Kind: kind, Saga: op.Saga, Step: op.Step, Direction: op.Direction, Attempt: attempt}
}

// close reads one ledger for each participant of the balances.
func (s *script) close(balances map[string]int64, registers map[string]string) {
	s.add(history.Event{Kind: history.Settled})
	s.add(history.Event{Kind: history.LedgerRead, Participant: "bank", Balances: balances, Registers: registers})
}

// illegal names the partitions of a kind that have no linearization; an unknown
// one fails the test.
func illegal(t *rapid.T, h *history.History, kinds ...models.Kind) map[string]bool {
	found := map[string]bool{}
	for _, p := range models.Partitions(history.NewIndex(h)) {
		if !slices.Contains(kinds, p.Kind) {
			continue
		}
		switch r := p.Check(models.DefaultLimits()); r.Verdict {
		case porcupine.Illegal:
			found[p.Name] = true
		case porcupine.Unknown:
			t.Fatalf("%v: unknown: %s", p, r.Reason)
		}
	}
	return found
}

// violated names what the witnesses of the checkers point at.
func violated(t *rapid.T, h *history.History, names []string, at func(checkers.Witness) string) map[string]bool {
	found := map[string]bool{}
	for _, name := range names {
		c, ok := checkers.ByName(name)
		if !ok {
			t.Fatalf("no checker %q", name)
		}
		for _, w := range c.Check(h, history.NewIndex(h)).Witnesses {
			found[at(w)] = true
		}
	}
	return found
}

func mustAgree(t *rapid.T, h *history.History, model, linear map[string]bool) {
	if maps.Equal(model, linear) {
		return
	}
	var b strings.Builder
	for _, e := range h.Events {
		fmt.Fprintf(&b, "%3d %s %s %s %s#%d %d %s\n", e.Seq, e.Kind, e.Saga, e.Step, e.Direction, e.Attempt, e.Code, e.Status)
	}
	t.Fatalf("illegal under the model: %v, violated: %v, in\n%s", model, linear, b.String())
}

// both counts how often the sides of an agreement were seen.
func both(t *testing.T, legal, broken int) {
	t.Helper()
	if legal < 10 || broken < 10 {
		t.Errorf("the generator is one-sided: %d legal, %d broken", legal, broken)
	}
}

func payment(account string) *saga.Effect {
	return &saga.Effect{Postings: []saga.Posting{{Account: account, Amount: -42, Unit: "EUR"}, {Account: "shop", Amount: 42, Unit: "EUR"}}}
}

func paymentSaga(id string, steps ...string) saga.Definition {
	d := saga.Definition{ID: id, Name: "pay"}
	for _, name := range steps {
		e := payment(id + "-" + name)
		d.Steps = append(d.Steps, saga.Step{
			Name: name, Kind: saga.Compensatable,
			Action: saga.Call{Body: e.Body()}, Compensation: &saga.Call{Body: e.Inverse().Body()},
		})
	}
	return d
}

// arrival is one delivery to a simulated participant, decided at its place in
// the order. early and late stretch it over its neighbours.
type arrival struct {
	op          saga.Operation
	attempt     int
	effect      bool
	code        int // 0: no answer
	early, late int
}

// participant simulates one protected step.
type participant struct {
	fenced, did, undid, tombstone bool
	wrong                         bool // it has misbehaved
}

// decide is what the participant does; careless, it applies whatever arrives.
func (p *participant) decide(a *arrival, careless bool) {
	undo := a.op.Direction == saga.Compensation
	replay := !undo && p.did || undo && p.undid
	refused := !undo && p.fenced && p.tombstone
	null := undo && !p.did
	a.effect = !replay && !refused && !null
	if careless && !a.effect {
		a.effect, refused, p.wrong = true, false, true
	}
	switch {
	case refused:
		a.code = 410
	case a.code == 0 && !a.effect:
		a.code = 200 // nothing was lost on the way of a mere acknowledgement
	}
	p.did = p.did || a.effect && !undo
	p.undid = p.undid || a.effect && undo
	p.tombstone = p.tombstone || undo
}

// endpointRun draws the deliveries of one step and what its participant did.
func endpointRun(t *rapid.T, op saga.Operation, fenced, overlap bool) ([]arrival, bool) {
	p := &participant{fenced: fenced}
	attempts := map[saga.Direction]int{}
	var all []arrival
	for range rapid.IntRange(1, 6).Draw(t, "deliveries") {
		a := arrival{op: op, code: rapid.SampledFrom([]int{200, 200, 500, 0}).Draw(t, "code")}
		if rapid.Bool().Draw(t, "undo") {
			a.op = op.Inverse()
		}
		attempts[a.op.Direction]++
		a.attempt = attempts[a.op.Direction]
		if overlap {
			a.early, a.late = rapid.IntRange(0, 3).Draw(t, "early"), rapid.IntRange(0, 3).Draw(t, "late")
		}
		p.decide(&a, rapid.IntRange(0, 5).Draw(t, "careless") == 0)
		all = append(all, a)
	}
	return all, p.wrong
}

// write records the deliveries; the place of a decision is a multiple of 8.
func (s *script) write(all []arrival) {
	events := map[int][]history.Event{}
	for i, a := range all {
		at := 8 * (i + 4)
		in := s.call(history.CallReceived, a.op, a.attempt)
		in.Key = a.op.String()
		events[at-8*a.early-3] = append(events[at-8*a.early-3], in)
		if a.effect {
			did := s.call(history.CallCommitted, a.op, a.attempt)
			did.Effect = payment(a.op.Saga + "-" + a.op.Step)
			events[at] = append(events[at], did)
		}
		if a.code != 0 {
			out := s.call(history.CallAnswered, a.op, a.attempt)
			out.Code = a.code
			events[at+8*a.late+3] = append(events[at+8*a.late+3], out)
		}
	}
	for _, at := range slices.Sorted(maps.Keys(events)) {
		for _, e := range events[at] {
			s.add(e)
		}
	}
}

func TestEndpointAgreesWithLinearCheckers(t *testing.T) {
	legal, broken := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		linear := []string{"duplicate-effect", "duplicate-compensation", "empty-compensation"}
		profile := rapid.SampledFrom([]string{"keyed", "fenced"}).Draw(t, "profile")
		if profile == "fenced" {
			linear = append(linear, "hanging-action")
		}
		s := newScript(profile, paymentSaga("s1", "charge", "ship"), paymentSaga("s2", "charge"))
		for _, d := range s.h.Header.Definitions {
			for _, step := range d.Steps {
				run, _ := endpointRun(t, saga.Operation{Saga: d.ID, Step: step.Name, Direction: saga.Action}, profile == "fenced", false)
				s.write(run)
			}
		}
		s.close(nil, nil)
		model := illegal(t, &s.h, models.EndpointKind)
		mustAgree(t, &s.h, model, violated(t, &s.h, linear, func(w checkers.Witness) string {
			return w.Saga + "/" + strings.TrimSuffix(w.Step, ".undo")
		}))
		broken += len(model)
		legal += 3 - len(model)
	})
	both(t, legal, broken)
}

func TestOverlappingEndpointIsNeverCalledWrong(t *testing.T) {
	legal, broken := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		s := newScript("fenced", paymentSaga("s1", "charge"))
		run, wrong := endpointRun(t, saga.Operation{Saga: "s1", Step: "charge", Direction: saga.Action}, true, true)
		s.write(run)
		s.close(nil, nil)
		model := illegal(t, &s.h, models.EndpointKind)
		if len(model) > 0 && !wrong {
			mustAgree(t, &s.h, model, nil)
		}
		broken += len(model)
		legal += 1 - len(model)
	})
	both(t, legal, broken)
}

func TestLifecycleAgreesWithFalseStatusAndLostSaga(t *testing.T) {
	legal, broken := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		d := saga.Definition{ID: "s1", Name: "empty", Steps: []saga.Step{{Name: "nop", Kind: saga.Compensatable}}}
		s := newScript("fenced", d)
		s.add(history.Event{Kind: history.SagaSubmitted, Saga: "s1"})
		if rapid.Bool().Draw(t, "asked early") {
			s.add(history.Event{Kind: history.SagaUnknown, Saga: "s1", Code: 404})
		}
		s.add(history.Event{Kind: history.SagaAccepted, Saga: "s1", Code: 202})
		path := rapid.SampledFrom([][]saga.Status{
			{saga.Running, saga.Completed},
			{saga.Running, saga.Compensating, saga.Compensated},
			{saga.Running, saga.Stuck, saga.Running}, // one that ended by itself was not stuck
			{saga.Compensated},
			{saga.Running},
		}).Draw(t, "path")
		ended := false
		report := func(st saga.Status) {
			s.add(history.Event{Kind: history.SagaStatus, Saga: "s1", Status: st})
			if st.Ended() && !ended {
				ended = true
				s.add(history.Event{Kind: history.SagaEnded, Saga: "s1", Status: st})
			}
		}
		for _, st := range path {
			report(st)
		}
		if last := path[len(path)-1]; ended && rapid.Bool().Draw(t, "changes") {
			report(rapid.SampledFrom([]saga.Status{last, saga.Running, saga.Compensating, saga.Completed, saga.Compensated, saga.Stuck}).Draw(t, "change"))
		}
		if rapid.IntRange(0, 3).Draw(t, "forgotten") == 0 {
			s.add(history.Event{Kind: history.SagaUnknown, Saga: "s1", Code: 404})
		}
		s.close(nil, nil)
		model := illegal(t, &s.h, models.LifecycleKind)
		mustAgree(t, &s.h, model, violated(t, &s.h, []string{"false-status", "lost-saga"}, func(w checkers.Witness) string { return w.Saga }))
		broken += len(model)
		legal += 1 - len(model)
	})
	both(t, legal, broken)
}

func TestAccountsAgreeWithDoubleCredit(t *testing.T) {
	legal, broken := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		s := newScript("fenced", paymentSaga("s1", "charge"), paymentSaga("s2", "charge"))
		balances := map[string]int64{}
		for _, d := range s.h.Header.Definitions {
			op := saga.Operation{Saga: d.ID, Step: "charge", Direction: saga.Action}
			s.write([]arrival{{op: op, attempt: 1, effect: true}, {op: op, attempt: 2, code: 200}})
			s.add(history.Event{Kind: history.SagaEnded, Saga: d.ID, Status: saga.Completed})
			for _, p := range payment(d.ID + "-charge").Postings {
				balances[p.Account+" "+p.Unit] += p.Amount
			}
		}
		if rapid.Bool().Draw(t, "ledger is off") {
			accounts := slices.Sorted(maps.Keys(balances))
			by := int64(rapid.IntRange(-2, 2).Draw(t, "by"))
			i := rapid.IntRange(0, len(accounts)-1).Draw(t, "account")
			balances[accounts[i]] += by
			balances[accounts[(i+1)%len(accounts)]] -= by
		}
		s.close(balances, nil)
		broke := func(found map[string]bool) map[string]bool { return map[string]bool{"the books": len(found) > 0} }
		model := illegal(t, &s.h, models.AccountKind)
		mustAgree(t, &s.h, broke(model), broke(violated(t, &s.h, []string{"double-credit"}, func(checkers.Witness) string { return "books" })))
		broken += min(len(model), 1)
		legal += 1 - min(len(model), 1)
	})
	both(t, legal, broken)
}

func TestRegistersAgreeWithAWalk(t *testing.T) {
	legal, broken := 0, 0
	values := rapid.SampledFrom([]string{"", "new", "paid"})
	rapid.Check(t, func(t *rapid.T) {
		s := newScript("naive", paymentSaga("s1", "charge"))
		s.h.Header.Registers["order"] = "new"
		at, whole := "new", true
		for i := range rapid.IntRange(1, 5).Draw(t, "writes") {
			w := saga.Write{Register: "order", From: at, To: values.Draw(t, "to")}
			if rapid.IntRange(0, 7).Draw(t, "torn") == 0 {
				w.From = values.Draw(t, "from")
			}
			whole = whole && w.From == at
			at = w.To
			e := s.call(history.CallCommitted, saga.Operation{Saga: "s1", Step: "charge", Direction: saga.Action}, i+1)
			e.Effect = &saga.Effect{Writes: []saga.Write{w}}
			s.add(e)
		}
		last := at
		if rapid.IntRange(0, 7).Draw(t, "read wrong") == 0 {
			last = values.Draw(t, "last")
		}
		s.close(nil, map[string]string{"order": last})
		model := illegal(t, &s.h, models.RegisterKind)
		walk := map[string]bool{}
		if !whole || last != at {
			walk["order"] = true
		}
		mustAgree(t, &s.h, model, walk)
		broken += len(model)
		legal += 1 - len(model)
	})
	both(t, legal, broken)
}
