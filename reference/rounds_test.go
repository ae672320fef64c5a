package reference

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/saga"
)

// inRounds is a saga whose first step is attempted in three rounds of two.
func (h *holder) inRounds(p *testparticipant.Participant, id string) saga.Definition {
	d := h.define(p, id, "a compensatable", "b compensatable")
	d.Steps[0].Action.Retry = testparticipant.Retry(2)
	d.Steps[0].Action.Retry.Rounds, d.Steps[0].Action.Retry.RoundDelayMS = 3, 20
	d.Steps[0].Action.Retry.AttemptTimeoutMS = 300 // which the compensation waits for
	return d
}

func TestRounds(t *testing.T) {
	for name, tt := range map[string]struct {
		script string
		code   int // what is told of what is there
		want   saga.Status
		steps  string
		asked  int64
		left   string
	}{
		"what is there is done":              {"a * -1", 200, saga.Completed, "a:succeeded/2 b:succeeded/1", 1, "a b"},
		"what is not there is tried again":   {"a 1 503, a 2 503, a 3 503", 404, saga.Completed, "a:succeeded/4 b:succeeded/1", 1, "a b"},
		"rounds have an end":                 {"a * 503", 404, saga.Compensated, "a:compensated/6 b:pending/0", 2, ""},
		"who can't say is not called":        {"a * 503", 503, saga.Compensated, "a:compensated/2 b:pending/0", 2, ""},
		"nobody will ever say":               {"a * 503", 410, saga.Compensated, "a:compensated/2 b:pending/0", 1, ""},
		"a refusal ends rounds":              {"a 1 503, a 2 422", 404, saga.Compensated, "a:compensated/2 b:pending/0", 0, ""},
		"what was found is undone with them": {"a * -1, b 1 422", 200, saga.Compensated, "a:compensated/2 b:failed/1", 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p, h := NewParticipant(t, Scripted(tt.script)), newHolder(t)
			h.says(tt.code, `{}`)
			e := OpenTest(t, Options{})
			SubmitTest(t, e, h.inRounds(p, "s"))
			if got := steps(AwaitStatus(t, e, "s", tt.want)); got != tt.steps {
				t.Errorf("got %s, want %s", got, tt.steps)
			}
			if got := h.asked.Load(); got != tt.asked {
				t.Errorf("asked %d times, want %d", got, tt.asked)
			}
			if got := strings.Join(p.Left("s"), " "); got != tt.left {
				t.Errorf("left %q, want %q", got, tt.left)
			}
			for _, c := range p.Of("a") {
				if c.Header.Get("Idempotency-Key") != "s/a/action" {
					t.Errorf("attempt %d has key %s", c.Attempt, c.Header.Get("Idempotency-Key"))
				}
			}
			audited(t, e, tt.asked)
		})
	}
}

// audited tells whether each question is in the audit, with a reason.
func audited(t *testing.T, e *Executor, want int64) {
	t.Helper()
	a, err := e.Audit(t.Context(), AuditQuery{Saga: "s"})
	if err != nil {
		t.Fatal(err)
	}
	var got int64
	for _, one := range a.Entries {
		if one.What == AuditReadBack && one.Why != "" && one.Step == "a" {
			got++
		}
	}
	if got != want {
		t.Errorf("the audit has %d questions, want %d", got, want)
	}
}

// The wait between rounds is not over because the executor has ended, and who can't say costs a round, also
// where an attempt was cut short and is spared.
func TestRoundsOverARestart(t *testing.T) {
	for name, cut := range map[string]bool{"between rounds": false, "in the last attempt of a round": true} {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			p, h := NewParticipant(t, func(c SeenCall) int {
				if c.Op == "a" && c.Attempt == 2 && cut {
					<-release
				}
				return map[bool]int{true: 503}[c.Op == "a"]
			}), newHolder(t)
			h.says(http.StatusServiceUnavailable, "")
			o := Options{StoreDSN: t.TempDir() + "/saga.db"}
			e := OpenTest(t, o)
			d := h.inRounds(p, "s")
			d.Steps[0].Action.Retry.Rounds, d.Steps[0].Action.Retry.RoundDelayMS = 2, 300
			SubmitTest(t, e, d)
			p.AwaitCall(t, "a", 2)
			await(t, e, "s", func(saga.Report) bool {
				waits, err := e.Waits("s")
				return err == nil && (cut || len(waits) == 1 && waits[0].Attempt == 3)
			})
			err := e.Close()
			close(release)
			if err != nil || h.asked.Load() > 0 {
				t.Fatalf("asked %d times before the wait between rounds was over: %v", h.asked.Load(), err)
			}
			e = OpenTest(t, o)
			if got := steps(AwaitStatus(t, e, "s", saga.Compensated)); got != "a:compensated/2 b:pending/0" {
				t.Error(got)
			}
			if got := h.asked.Load(); got != 1 {
				t.Errorf("asked %d times", got)
			}
		})
	}
}

// A template may say rounds for what nobody can be asked about: there are none.
func TestRoundsOfATemplate(t *testing.T) {
	p := NewParticipant(t, Scripted("a * 503"))
	e := OpenTest(t, Options{})
	changePolicies(t, e, `
templates:
  all: {retry: {max_attempts: 2, initial_interval_ms: 1, multiplier: 1, max_interval_ms: 1, jitter: 0, attempt_timeout_ms: 2000, rounds: 3}}
bindings: [{template: all, saga: test, direction: action}]
`)
	SubmitTest(t, e, p.Define("s", "a compensatable"))
	if got := steps(AwaitStatus(t, e, "s", saga.Compensated)); got != "a:compensated/2" {
		t.Error(got)
	}
}

// The floor under the waits is no wait between rounds, and a policy without waits has it all the same.
func TestWaitBetweenRounds(t *testing.T) {
	p := saga.RetryPolicy{MaxAttempts: 2, Multiplier: 1, AttemptTimeoutMS: 10, Rounds: 9, RoundDelayMS: 50}
	for n, want := range map[int]time.Duration{2: 0, 3: 50 * time.Millisecond, 4: 0, 13: 50 * time.Millisecond} {
		if got := waitWithin(p, n, 0); got != want {
			t.Errorf("wait before attempt %d: %v, want %v", n, got, want)
		}
	}
}

// A question ends with the waiting for the next attempt: an operator who pauses a saga has it given up, and
// it is asked anew when the saga goes on. One that nobody got an answer to costs no round.
func TestQuestionIsGivenUp(t *testing.T) {
	asked, givenUp, answer := make(chan struct{}, 9), make(chan struct{}), make(chan struct{})
	p, h := NewParticipant(t, func(c SeenCall) int {
		if c.Op == "b" { // beside it, so that the saga does not rest
			<-answer
		}
		return map[bool]int{true: 503}[c.Op == "a" && c.Attempt < 3]
	}), newHolder(t)
	h.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		switch h.asked.Add(1) {
		case 1:
			select {
			case <-r.Context().Done():
				close(givenUp)
			case <-answer:
			}
		case 2:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
	e := OpenTest(t, Options{})
	d := h.inRounds(p, "s")
	d.Steps[1].After = []string{}
	SubmitTest(t, e, d)
	<-asked
	p.AwaitCall(t, "b", 1)
	for _, act := range []saga.Act{saga.ActPause, saga.ActResume} {
		if _, err := e.Operate(t.Context(), "s", Asked{Act: act, By: By{Author: "ann", Reason: "a look"}}); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-givenUp:
	case <-time.After(readBackPatience / 2):
		t.Error("the question is still under way")
	}
	close(answer)
	if got := steps(AwaitStatus(t, e, "s", saga.Completed)); got != "a:succeeded/3 b:succeeded/1" {
		t.Error(got)
	}
	audited(t, e, 2)
}

// An answer that comes when its operation has been given up is nobody's: another one has taken its place,
// whose attempt may be under way.
func TestAnswerForAnOperationGivenUp(t *testing.T) {
	p, h := NewParticipant(t, Scripted("")), newHolder(t)
	e := OpenTest(t, Options{})
	r := newRun(e, newState(h.inRounds(p, "s"), nil), 0)
	defer r.stop()
	var records []Record
	now := time.Now()
	for n := range 2 {
		r.take(&records, Record{Kind: RecordIntent, Attempt: n + 1, At: now, Direction: saga.Action})
		r.take(&records, Record{Kind: RecordOutcome, Attempt: n + 1, At: now, Direction: saga.Action, Answer: saga.Transient})
	}
	ref := Ref{Dir: saga.Action}
	before, after := newOperation(r, ref), newOperation(r, ref)
	r.under[ref] = after
	told := Record{Kind: RecordReadBack, Attempt: 2, At: now, Direction: saga.Action, Answer: saga.Done}
	for _, of := range []struct {
		op   *operation
		want int
	}{{before, 0}, {after, 1}} {
		if got, _ := r.digest([]message{{fact: &told, of: of.op}}); len(got) != of.want || r.state.Op(ref).Done() != (of.want == 1) {
			t.Errorf("%d records, done: %v; want %d", len(got), r.state.Op(ref).Done(), of.want)
		}
	}
}
