package reference

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/saga"
)

// runAgain is a saga of two steps that is run forward up to three times.
func runAgain(p *Participant, id string) saga.Definition {
	d := p.Define(id, "a compensatable", "b compensatable")
	d.Rounds, d.RoundDelayMS = 3, 20
	for i := range d.Steps {
		d.Steps[i].Action.Retry = testparticipant.Retry(2)
		d.Steps[i].Action.Retry.AttemptTimeoutMS = 100 // which its compensation waits for
	}
	return d
}

func TestRoundsOfASaga(t *testing.T) {
	for name, tt := range map[string]struct {
		script string
		want   saga.Status
		steps  string
		round  int
		left   string
	}{
		"nothing fails":                      {"", saga.Completed, "a:succeeded/1 b:succeeded/1", 1, "a b"},
		"it is run again":                    {"b 1 503, b 2 503", saga.Completed, "a(2):succeeded/1 b(2):succeeded/1", 2, "a(2) b(2)"},
		"it is run the last time":            {"b 1 503, b 2 503, b 3 503, b 4 -1", saga.Completed, "a(3):succeeded/1 b(3):succeeded/1", 3, "a(3) b(3)"},
		"rounds have an end":                 {"b * 503", saga.Compensated, "a(3):compensated/1 b(3):compensated/2", 3, ""},
		"its answers are lost":               {"b * -1", saga.Compensated, "a(3):compensated/1 b(3):compensated/2", 3, ""},
		"a refusal is none to try again":     {"b 1 422", saga.Compensated, "a:compensated/1 b:failed/1", 1, ""},
		"a refusal after an unknown answer":  {"b 1 -1, b 2 422", saga.Compensated, "a:compensated/1 b:compensated/2", 1, ""},
		"a refusal in another round":         {"b 1 503, b 2 503, b 3 422", saga.Compensated, "a(2):compensated/1 b(2):failed/1", 2, ""},
		"who can't be undone needs a person": {"b 1 503, b 2 503, a.undo 1 422", saga.Stuck, "a:failed/1 b:compensated/2", 1, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			p := NewParticipant(t, Scripted(tt.script))
			e := OpenTest(t, Options{})
			SubmitTest(t, e, runAgain(p, "s"))
			r := await(t, e, "s", func(r saga.Report) bool { return r.Status.Ended() || r.Status == saga.Stuck })
			if got := steps(r); r.Status != tt.want || got != tt.steps || r.Round != tt.round {
				t.Errorf("got %s in round %d, %s, want %s in round %d, %s", r.Status, r.Round, got, tt.want, tt.round, tt.steps)
			}
			if got := strings.Join(p.Left("s"), " "); got != tt.left {
				t.Errorf("left %q, want %q", got, tt.left)
			}
			roundsApart(t, p)
			auditedRounds(t, e, tt.round-1)
		})
	}
}

// roundsApart tells whether no two rounds share a key, or overlap, and whether the wait between them is kept.
func roundsApart(t *testing.T, p *Participant) {
	t.Helper()
	p.Mu.Lock()
	defer p.Mu.Unlock()
	now, last := 1, time.Time{}
	for _, c := range p.Calls {
		_, round := saga.RoundOf(c.Header.Get("Saga-Step"))
		if round < now {
			t.Errorf("%s of round %d comes in round %d", c.Op, round, now)
		}
		if round > now && c.Began.Sub(last) < 20*time.Millisecond {
			t.Errorf("round %d begins %v after the one before", round, c.Began.Sub(last))
		}
		step, undo := strings.CutSuffix(c.Op, ".undo")
		dir := saga.Action
		if undo {
			dir = saga.Compensation
		}
		if got, want := c.Header.Get("Idempotency-Key"), fmt.Sprintf("s/%s/%s", saga.InRound(step, round), dir); got != want {
			t.Errorf("%s in round %d has key %s, want %s", c.Op, round, got, want)
		}
		now, last = round, c.Ended
	}
}

func auditedRounds(t *testing.T, e *Executor, want int) {
	t.Helper()
	a, err := e.Audit(t.Context(), AuditQuery{Saga: "s"})
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	for _, one := range a.Entries {
		if one.What == AuditRound && one.Why != "" {
			got++
		}
	}
	if got != want {
		t.Errorf("the audit has %d rounds that began, want %d", got, want)
	}
}

// The budget of the saga bounds all rounds together.
func TestRoundsOfASagaHaveOneBudget(t *testing.T) {
	for name, tt := range map[string]struct {
		budget saga.Budget
		calls  int // of b, which never answers well
		round  int
	}{
		"attempts, spent in a round":      {saga.Budget{Attempts: 5}, 3, 2},
		"attempts, spent with a round":    {saga.Budget{Attempts: 3}, 2, 1},
		"no time is left for another one": {saga.Budget{TimeMS: 10_000}, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			p := NewParticipant(t, Scripted("b * 503"))
			e := OpenTest(t, Options{})
			d := runAgain(p, "s")
			if d.Budget = tt.budget; tt.budget.TimeMS > 0 {
				d.RoundDelayMS = 20_000
			}
			SubmitTest(t, e, d)
			if r := AwaitStatus(t, e, "s", saga.Compensated); r.Round != tt.round {
				t.Errorf("round %d, want %d", r.Round, tt.round)
			}
			if got := len(p.Of("b")); got != tt.calls {
				t.Errorf("%d calls, want %d", got, tt.calls)
			}
		})
	}
}

// A restart forgets neither the round, nor what was attempted before, nor the wait.
func TestRoundsOfASagaOverARestart(t *testing.T) {
	for name, tt := range map[string]struct {
		delayMS, calls int // of b before the restart
		most           int // in all
	}{
		"between rounds":        {400, 2, 5},
		"in the second round":   {0, 3, 5},
		"in its undo":           {0, 4, 5},
		"in the third, spent":   {0, 5, 5},
		"in the first of three": {0, 1, 5},
	} {
		t.Run(name, func(t *testing.T) {
			p := NewParticipant(t, Scripted("b * 503"))
			o := Options{StoreDSN: t.TempDir() + "/saga.db"}
			e := OpenTest(t, o)
			d := runAgain(p, "s")
			d.RoundDelayMS, d.Budget.Attempts = tt.delayMS, 8
			SubmitTest(t, e, d)
			p.AwaitCall(t, "b", tt.calls)
			if tt.delayMS > 0 {
				p.AwaitCall(t, "a.undo", 1)
				await(t, e, "s", func(r saga.Report) bool { return r.Steps[0].Status == saga.StepCompensated })
				if r, _ := e.Status("s"); r.Status != saga.Compensating {
					t.Errorf("between rounds it is %s", r.Status)
				}
				if waits, err := e.Waits("s"); err != nil || len(waits) != 1 || waits[0].Step != "a(2)" || waits[0].From.IsZero() {
					t.Errorf("waits for %+v, %v", waits, err)
				}
			}
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			e = OpenTest(t, o)
			AwaitStatus(t, e, "s", saga.Compensated)
			if got := len(p.Of("b")); got < tt.most || got > tt.most+1 { // one may be cut short, and is spared
				t.Errorf("%d calls, want %d", got, tt.most)
			}
			if left := p.Left("s"); len(left) > 0 {
				t.Errorf("left %q", left)
			}
			if tt.delayMS > 0 {
				undone, next := p.Of("a.undo")[0].Ended, p.Of("a")[1].Began
				if wait := next.Sub(undone); wait < 400*time.Millisecond || wait > 5*time.Second {
					t.Errorf("the second round began %v after the first", wait)
				}
			}
		})
	}
}

// Operators are obeyed between rounds.
func TestOperatorsBetweenRounds(t *testing.T) {
	for name, tt := range map[string]struct {
		acts []saga.Act
		want saga.Status
	}{
		"rollback":            {[]saga.Act{saga.ActRollback}, saga.Compensated},
		"pause and end":       {[]saga.Act{saga.ActPause, saga.ActEnd}, saga.EndedByHand},
		"pause and roll back": {[]saga.Act{saga.ActPause, saga.ActRollback}, saga.Compensated},
		"pause and resume":    {[]saga.Act{saga.ActPause, saga.ActResume}, saga.Completed},
	} {
		t.Run(name, func(t *testing.T) {
			p := NewParticipant(t, Scripted("b 1 503, b 2 503"))
			e := OpenTest(t, Options{})
			d := runAgain(p, "s")
			d.RoundDelayMS = 300
			SubmitTest(t, e, d)
			await(t, e, "s", func(r saga.Report) bool { return r.Steps[0].Status == saga.StepCompensated })
			for _, act := range tt.acts {
				for i := range 2 {
					changed, err := e.Operate(t.Context(), "s", Asked{Act: act, By: By{Author: "ann", Reason: "to see"}})
					if again := i > 0; act != saga.ActEnd && (err != nil || changed == again) {
						t.Errorf("%s: changed %v, %v", act, changed, err)
					}
				}
			}
			AwaitStatus(t, e, "s", tt.want)
			if again := len(p.Of("a")) > 1; again != (tt.want == saga.Completed) {
				t.Errorf("run again: %v", again)
			}
		})
	}
}

// A round that begins so late that the budget lets no action of it begin is the last one: nothing of it is done, and it needs no undo.
func TestARoundThatBeginsTooLate(t *testing.T) {
	p := NewParticipant(t, Scripted("b * 503"))
	e := OpenTest(t, Options{})
	e.rules.Draw = func(int) float64 { return 1 } // half as long again
	d := runAgain(p, "s")
	d.RoundDelayMS, d.Budget.TimeMS = 400, 700 // a round lasts for 100 ms and more, and the wait for 600
	SubmitTest(t, e, d)
	r := await(t, e, "s", func(r saga.Report) bool { return r.Status.Ended() })
	if got := steps(r); r.Status != saga.Compensated || r.Round != 2 || got != "a(2):failed/0 b(2):pending/0" {
		t.Errorf("got %s in round %d, %s", r.Status, r.Round, got)
	}
	if at := e.now(); at.Sub(p.Calls[0].Began) > 3*time.Second {
		t.Errorf("it took %v", at.Sub(p.Calls[0].Began))
	}
}

// The same where a template has the budget: what it says may change, so that each round is begun, and none of it is done.
func TestRoundsThatATemplateLeavesNoTimeFor(t *testing.T) {
	p := NewParticipant(t, Scripted("b * 503"))
	e := OpenTest(t, Options{})
	e.rules.Draw = func(int) float64 { return 1 }
	changePolicies(t, e, `{"templates": {"brief": {"retry": {"max_attempts": 2, "initial_interval_ms": 1, "multiplier": 1,
		"max_interval_ms": 1, "jitter": 0, "attempt_timeout_ms": 100}, "budget": {"time_ms": 700}}}, "bindings": [{"template": "brief", "direction": "action"}]}`)
	d := runAgain(p, "s")
	d.RoundDelayMS = 400
	SubmitTest(t, e, d)
	r := await(t, e, "s", func(r saga.Report) bool { return r.Status.Ended() })
	if got := steps(r); r.Status != saga.Compensated || r.Round != 3 || got != "a(3):failed/0 b(3):pending/0" {
		t.Errorf("got %s in round %d, %s", r.Status, r.Round, got)
	}
}
