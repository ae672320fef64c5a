package checkers_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// synthetic makes a healthy history of about n events: sagas of four steps with
// lost answers, copies and rollbacks, in which every linear checker has work.
func synthetic(n int) *history.History {
	h := &history.History{Events: make([]history.Event, 0, n+64)}
	h.Header.Orchestrator.Capabilities = []string{"pivot", "deferrable", "deferred-policy", "permanent-errors", "idempotency-key", "max-attempts", "deadline", "exponential-backoff", "jitter", "breaker", "dag", "step-status", "trace-context"}
	h.Header.Registers = map[string]string{"door": "open"}
	h.Header.Faults = []history.PlannedFault{{Kind: "lose", Text: "lose charge#1@response"}}
	g := newGenerator(h)
	for i := 0; len(h.Events) < n; i++ {
		g.saga(fmt.Sprintf("s%d", i), i%3 == 0)
	}
	g.add(history.Event{Kind: history.Settled})
	balances := map[string]int64{}
	for i := range h.Events {
		if e := h.Events[i].Effect; e != nil {
			for _, p := range e.Postings {
				balances[p.Account+" "+p.Unit] += p.Amount
			}
		}
	}
	g.add(history.Event{Kind: history.LedgerRead, Participant: "bank", Balances: balances, Registers: map[string]string{"door": "open"}})
	return h
}

// generator makes sagas that share their steps and effects, so that ten million
// events fit into memory.
type generator struct {
	h       *history.History
	now     time.Duration
	steps   []saga.Step
	effects map[saga.StepRef]*saga.Effect
}

func newGenerator(h *history.History) *generator {
	g := &generator{h: h, effects: map[saga.StepRef]*saga.Effect{}}
	policy := saga.RetryPolicy{MaxAttempts: 4, InitialIntervalMS: 1, Multiplier: 2, MaxIntervalMS: 100, Jitter: 0.5, AttemptTimeoutMS: 200}
	kinds := []saga.Kind{saga.Compensatable, saga.Compensatable, saga.Pivot, saga.Deferrable}
	for i, name := range []string{"reserve", "charge", "ship", "notify"} {
		e := saga.Effect{Postings: []saga.Posting{{Account: "till", Amount: -1, Unit: "EUR"}, {Account: name, Amount: 1, Unit: "EUR"}}}
		undo := e.Inverse()
		if name == "ship" { // all sagas pass by one register
			e.Writes = []saga.Write{{Register: "door", From: "open", To: "open"}}
		}
		s := saga.Step{Name: name, Kind: kinds[i], Action: saga.Call{URL: "http://p", Body: e.Body(), Retry: policy}}
		if kinds[i] == saga.Compensatable {
			s.Compensation = &saga.Call{URL: "http://p", Body: undo.Body(), Retry: policy}
		}
		if name == "charge" {
			s.Action.Breaker = &saga.Breaker{Name: "bank", Failures: 3, OpenMS: 60, Probes: 1}
		}
		g.steps = append(g.steps, s)
		g.effects[saga.StepRef{Step: name, Direction: saga.Action}] = &e
		g.effects[saga.StepRef{Step: name, Direction: saga.Compensation}] = &undo
	}
	return g
}

func (g *generator) add(e history.Event) {
	g.now += 100 * time.Microsecond
	e.Seq, e.At = len(g.h.Events)+1, g.now
	g.h.Events = append(g.h.Events, e)
}

func (g *generator) saga(id string, rollback bool) {
	d := saga.Definition{ID: id, Name: "bench", Steps: g.steps}
	g.h.Header.Definitions = append(g.h.Header.Definitions, d)
	g.add(history.Event{Kind: history.SagaSubmitted, Saga: id})
	g.add(history.Event{Kind: history.SagaAccepted, Saga: id, Code: 202})
	g.add(history.Event{Kind: history.SagaStatus, Saga: id, Status: saga.Running})
	g.call(d, "reserve", saga.Action, 1, 200, true)
	g.call(d, "charge", saga.Action, 1, 0, true)
	g.now += time.Millisecond
	g.call(d, "charge", saga.Action, 2, 200, false)
	if !rollback {
		g.call(d, "ship", saga.Action, 1, 200, true)
		g.call(d, "notify", saga.Action, 1, 200, true)
		g.add(history.Event{Kind: history.SagaEnded, Saga: id, Status: saga.Completed})
		return
	}
	g.call(d, "ship", saga.Action, 1, 422, false)
	g.call(d, "charge", saga.Compensation, 1, 200, true)
	g.call(d, "reserve", saga.Compensation, 1, 200, true)
	g.add(history.Event{Kind: history.SagaEnded, Saga: id, Status: saga.Compensated})
}

func (g *generator) call(d saga.Definition, step string, dir saga.Direction, n, code int, effect bool) {
	e := history.Event{Saga: d.ID, Step: step, Direction: dir, Attempt: n}
	at := func(k history.Kind, fill func(*history.Event)) {
		e := e
		e.Kind = k
		fill(&e)
		g.add(e)
	}
	key := d.ID + "/" + step + "/" + string(dir)
	headers := func(e *history.Event) {
		e.Key, e.SagaID, e.StepID, e.Trace = key, d.ID, step, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	}
	at(history.CallSent, headers)
	at(history.CallReceived, headers)
	if effect {
		at(history.CallCommitted, func(e *history.Event) { e.Effect = g.effects[saga.StepRef{Step: step, Direction: dir}] })
	}
	at(history.CallAnswered, func(e *history.Event) { e.Code = max(code, 200) })
	if code == 0 {
		fault := 0
		at(history.FaultFired, func(e *history.Event) { e.Fault = &fault })
	}
	at(history.CallEnded, func(e *history.Event) { e.Code, e.Certain = code, code != 0 })
}

// BenchmarkCheckers reports the events/s of each checker, and of all of them. The history of the second is ten times as
// long, so that the growth is to be seen as linear. The bodies of calls are read once for all checkers, which has a
// line of its own.
func BenchmarkCheckers(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { benchmarkAll(b, synthetic(n), n == 100_000) })
	}
}

func benchmarkAll(b *testing.B, h *history.History, each bool) {
	b.Run("index", func(b *testing.B) {
		for b.Loop() {
			history.NewIndex(h)
		}
		reportEvents(b, h)
	})
	ix := history.NewIndex(h)
	b.Run("bodies", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			ix = history.NewIndex(h)
			b.StartTimer()
			for _, s := range ix.Sagas {
				for _, o := range s.Ops {
					_, _ = o.Asked()
				}
			}
		}
		reportEvents(b, h)
	})
	if each {
		for _, c := range checkers.All() {
			b.Run(c.Doc().Name, func(b *testing.B) {
				for b.Loop() {
					c.Check(h, ix)
				}
				reportEvents(b, h)
			})
		}
	}
	b.Run("judge-all", func(b *testing.B) {
		for b.Loop() {
			checkers.Judge(h, checkers.All())
		}
		reportEvents(b, h)
	})
}

func reportEvents(b *testing.B, h *history.History) {
	b.ReportMetric(float64(len(h.Events))*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(0, "ns/op")
}

// What the benchmark judges is healthy: nothing is red in it.
func TestSyntheticIsHealthy(t *testing.T) {
	for _, v := range checkers.Judge(synthetic(2000), checkers.All()) {
		if v.Outcome == checkers.Violation || v.Outcome == checkers.Inconclusive {
			t.Errorf("%s: %s", v.Property, render(v))
		}
	}
}
