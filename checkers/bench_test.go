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
	h := &history.History{}
	h.Header.Orchestrator.Capabilities = []string{"pivot", "deferrable", "permanent-errors", "idempotency-key", "max-attempts", "deadline", "exponential-backoff", "jitter", "breaker", "dag", "step-status", "trace-context"}
	h.Header.Faults = []history.PlannedFault{{Kind: "lose", Text: "lose charge#1@response"}}
	g := &generator{h: h}
	for i := 0; len(h.Events) < n; i++ {
		g.saga(fmt.Sprintf("s%d", i), i%3 == 0)
	}
	g.add(history.Event{Kind: history.Settled})
	balances := map[string]int64{}
	for _, e := range h.Events {
		if e.Effect != nil {
			for _, p := range e.Effect.Postings {
				balances[p.Account+" "+p.Unit] += p.Amount
			}
		}
	}
	g.add(history.Event{Kind: history.LedgerRead, Participant: "bank", Balances: balances})
	return h
}

type generator struct {
	h   *history.History
	now time.Duration
}

func (g *generator) add(e history.Event) {
	g.now += 100 * time.Microsecond
	e.Seq, e.At = len(g.h.Events)+1, g.now
	g.h.Events = append(g.h.Events, e)
}

func (g *generator) saga(id string, rollback bool) {
	d := saga.Definition{ID: id, Name: "bench"}
	policy := saga.RetryPolicy{MaxAttempts: 4, InitialIntervalMS: 1, Multiplier: 2, MaxIntervalMS: 100, Jitter: 0.5, AttemptTimeoutMS: 200}
	names := []string{"reserve", "charge", "ship", "notify"}
	kinds := []saga.Kind{saga.Compensatable, saga.Compensatable, saga.Pivot, saga.Deferrable}
	for i, name := range names {
		e := saga.Effect{Postings: []saga.Posting{{Account: "till", Amount: -1, Unit: "EUR"}, {Account: name, Amount: 1, Unit: "EUR"}}}
		s := saga.Step{Name: name, Kind: kinds[i], Action: saga.Call{URL: "http://p", Body: e.Body(), Retry: policy}}
		if kinds[i] == saga.Compensatable {
			s.Compensation = &saga.Call{URL: "http://p", Body: e.Inverse().Body(), Retry: policy}
		}
		d.Steps = append(d.Steps, s)
	}
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
	headers := func(e *history.Event) {
		e.Key, e.SagaID, e.StepID, e.Trace = d.ID+"/"+step+"/"+string(dir), d.ID, step, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	}
	at(history.CallSent, headers)
	at(history.CallReceived, headers)
	if effect {
		c, _ := d.Call(saga.StepRef{Step: step, Direction: dir})
		ef, _ := c.Effect()
		at(history.CallCommitted, func(e *history.Event) { e.Effect = &ef })
	}
	at(history.CallAnswered, func(e *history.Event) { e.Code = max(code, 200) })
	if code == 0 {
		fault := 0
		at(history.FaultFired, func(e *history.Event) { e.Fault = &fault })
	}
	at(history.CallEnded, func(e *history.Event) { e.Code, e.Certain = code, code != 0 })
}

// BenchmarkCheckers reports each checker's events/s; with two sizes, the growth
// is to be seen as linear.
func BenchmarkCheckers(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		h := synthetic(n)
		b.Run(fmt.Sprintf("index/%d", n), func(b *testing.B) {
			for b.Loop() {
				history.NewIndex(h)
			}
			reportEvents(b, h)
		})
		ix := history.NewIndex(h)
		for _, c := range checkers.All() {
			b.Run(fmt.Sprintf("%s/%d", c.Doc().Name, n), func(b *testing.B) {
				for b.Loop() {
					c.Check(h, ix)
				}
				reportEvents(b, h)
			})
		}
		b.Run(fmt.Sprintf("judge-all/%d", n), func(b *testing.B) {
			for b.Loop() {
				checkers.Judge(h, checkers.All())
			}
			reportEvents(b, h)
		})
	}
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
