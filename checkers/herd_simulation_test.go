package checkers_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// machine releases timers: late by a little each, and in stalls, which let all go
// that came due meanwhile, one after the other.
type machine struct {
	rng    *rand.Rand
	stalls [][2]time.Duration
}

func newMachine(rng *rand.Rand, stalls int, longest time.Duration) *machine {
	m := &machine{rng: rng}
	for range stalls {
		from := time.Duration(rng.Int64N(int64(500 * time.Millisecond)))
		m.stalls = append(m.stalls, [2]time.Duration{from, from + time.Duration(rng.Int64N(int64(longest)))})
	}
	return m
}

func (m *machine) release(due time.Duration) time.Duration {
	due += time.Duration(m.rng.ExpFloat64() * float64(500*time.Microsecond))
	for _, s := range m.stalls {
		if due >= s[0] && due < s[1] {
			due = s[1] + time.Duration(m.rng.Int64N(int64(5*time.Millisecond)))
		}
	}
	return due
}

// simulatedHerd is a cell in which an outage of 350 ms strikes 24 sagas, on a
// machine, whose jitter is drawn by draw: from −1 to 1.
func simulatedHerd(m *machine, shift int, draw func(sagaNo, attempt int) float64) *history.History {
	const sagas, outage = 24, 350 * time.Millisecond
	h := &history.History{}
	h.Header.Orchestrator.Capabilities = []string{"jitter", "exponential-backoff"}
	h.Header.Faults = []history.PlannedFault{{Kind: "outage", Steps: []string{"vote"}, Text: "outage"}}
	policy := saga.RetryPolicy{MaxAttempts: 20, InitialIntervalMS: 40, Multiplier: 2, MaxIntervalMS: 160, Jitter: 0.5, AttemptTimeoutMS: 150}
	fault := 0
	events := []history.Event{{Kind: history.FaultFired, Fault: &fault}}
	for i := range sagas {
		id := fmt.Sprintf("s%d", i)
		h.Header.Definitions = append(h.Header.Definitions, saga.Definition{ID: id, Steps: []saga.Step{{
			Name: "vote", Kind: saga.Compensatable, Action: saga.Call{URL: "http://p", Retry: policy},
		}}})
		at := time.Duration(m.rng.Int64N(int64(30 * time.Millisecond)))
		for n := 1; ; n++ {
			e := history.Event{Saga: id, Step: "vote", Direction: saga.Action, Attempt: n}
			add := func(k history.Kind, after time.Duration, code int) {
				e := e
				e.Kind, e.At, e.Code, e.Certain = k, at+after, code, code != 0
				events = append(events, e)
			}
			add(history.CallSent, 0, 0)
			if at > outage {
				add(history.CallReceived, 200*time.Microsecond, 0)
				add(history.CallAnswered, 300*time.Microsecond, 200)
				add(history.CallEnded, 400*time.Microsecond, 200)
				break
			}
			add(history.CallEnded, 100*time.Microsecond, 0)
			d := float64(policy.Backoff(n + 1 + shift))
			at = m.release(at + 100*time.Microsecond + time.Duration(d*(1+policy.Jitter*draw(i, n))))
		}
	}
	slices.SortStableFunc(events, func(a, b history.Event) int { return cmp.Compare(a.At, b.At) })
	end := events[len(events)-1].At
	events = append(events, history.Event{At: end, Kind: history.Settled}, history.Event{At: end, Kind: history.LedgerRead})
	for i := range events {
		events[i].Seq = i + 1
	}
	h.Events = events
	return h
}

// outcomes counts the verdicts of a checker on simulated herds.
func outcomes(t *testing.T, name string, cells, stalls, shift int, draw func(*rand.Rand) func(int, int) float64) map[checkers.Outcome]int {
	t.Helper()
	got := map[checkers.Outcome]int{}
	for seed := range cells {
		rng := rand.New(rand.NewPCG(uint64(seed), 1))
		m := newMachine(rng, rng.IntN(stalls+1), 80*time.Millisecond)
		got[judge(t, name, simulatedHerd(m, shift, draw(rng))).Outcome]++
	}
	return got
}

func uniform(rng *rand.Rand) func(int, int) float64 {
	return func(int, int) float64 { return 2*rng.Float64() - 1 }
}

func inner(rng *rand.Rand) func(int, int) float64 {
	return func(int, int) float64 { return 0.8 * (2*rng.Float64() - 1) }
}

func none(*rand.Rand) func(int, int) float64 { return func(int, int) float64 { return 0 } }

func shared(rng *rand.Rand) func(int, int) float64 {
	seed := rng.Uint64()
	return func(_, n int) float64 { return 2*rand.New(rand.NewPCG(seed, uint64(n))).Float64() - 1 }
}

// The tests of waits are right about jitter as it should be, on calm machines and
// on such as stall several times a cell, and see what they are there for.
func TestHerdsOnSimulatedMachines(t *testing.T) {
	const cells = 150
	for _, c := range []struct {
		what, property string
		stalls, shift  int
		draw           func(*rand.Rand) func(int, int) float64
		red            float64 // the least share of violations; 0: none at all
	}{
		{"uniform jitter, calm", "thundering-herd", 0, 0, uniform, 0},
		{"uniform jitter, stalls", "thundering-herd", 6, 0, uniform, 0},
		{"narrow jitter, stalls", "thundering-herd", 6, 0, inner, 0},
		{"no jitter, calm", "thundering-herd", 0, 0, none, 0.95},
		{"no jitter, stalls", "thundering-herd", 2, 0, none, 0.5},
		{"shared jitter, calm", "thundering-herd", 0, 0, shared, 0.95},
		{"uniform jitter, calm", "backoff-violation", 0, 0, uniform, 0},
		{"uniform jitter, stalls", "backoff-violation", 6, 0, uniform, 0},
		{"one step ahead, calm", "backoff-violation", 0, 1, uniform, 0.8},
	} {
		got := outcomes(t, c.property, cells, c.stalls, c.shift, c.draw)
		red := float64(got[checkers.Violation]) / cells
		if c.red == 0 && red > 0 || red < c.red {
			t.Errorf("%s, %s: got %v", c.property, c.what, got)
		}
		if c.red == 0 && got[checkers.Pass] == 0 {
			t.Errorf("%s, %s: nothing was measured: %v", c.property, c.what, got)
		}
		t.Logf("%s, %s: %v", c.property, c.what, got)
	}
}
