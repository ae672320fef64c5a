package simulation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
)

var (
	charge = saga.Operation{Saga: "s-1", Step: "charge", Direction: saga.Action}
	at     = func(p saga.Phase) saga.FailurePoint {
		return saga.FailurePoint{Step: "charge", Direction: saga.Action, Attempt: 1, Phase: p}
	}
)

// cellOf is a cell whose calls are all of one operation.
func cellOf(process Process, fs ...faults.Fault) *Cell {
	c := New(Setup{
		Plan: faults.Plan{Faults: fs}, Sagas: []string{"s-1"}, Service: func(string) string { return "bank" },
		Rec: history.NewRecorder(history.Header{}), Process: process,
	})
	c.World = participants.NewWorld(participants.Fenced, nil, c.Rec, c.Hook, nil)
	c.Route = func(*http.Request, []byte) (Called, error) { return Called{Op: charge, Handle: c.World.Handle}, nil }
	c.Begin()
	return c
}

// call calls once, with a second's patience, and tells what came of it.
func call(ctx context.Context, p *Port) string {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	body := saga.Effect{Postings: []saga.Posting{{Account: "bank/a", Amount: -1, Unit: "EUR"}, {Account: "bank/b", Amount: 1, Unit: "EUR"}}}.Body()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://bank/charges", bytes.NewReader(body))
	if err != nil {
		return err.Error()
	}
	r.Header.Set("Idempotency-Key", "k")
	answer, err := (&http.Client{Transport: p}).Do(r)
	if err != nil {
		return reason(err)
	}
	defer answer.Body.Close()
	if _, err = io.ReadAll(answer.Body); err != nil {
		return fmt.Sprintf("%d, then %s", answer.StatusCode, reason(err))
	}
	return fmt.Sprint(answer.StatusCode)
}

func reason(err error) string {
	for _, known := range []error{syscall.ECONNREFUSED, syscall.ECONNRESET, io.ErrUnexpectedEOF, context.DeadlineExceeded, errOver} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return err.Error()
}

// short is a history as the kinds of its events, without those that are always there.
func short(c *Cell) string {
	events, _ := c.Rec.Since(0)
	var kinds []string
	for _, e := range events {
		if e.Kind != history.FaultArmed {
			kinds = append(kinds, strings.TrimPrefix(string(e.Kind), "call-"))
		}
	}
	return strings.Join(kinds, " ")
}

func TestFaultsAreMet(t *testing.T) {
	const timeout = "context deadline exceeded"
	for _, c := range []struct {
		fault         faults.Fault
		got, happened string
	}{
		{faults.Fault{Kind: "lose", At: at(saga.Request)}, timeout, "sent fault-fired ended fault-healed"},
		{faults.Fault{Kind: "lose", At: at(saga.Response)}, timeout, "sent received committed answered fault-fired ended fault-healed"},
		{faults.Fault{Kind: "reset", At: at(saga.Request)}, "connection reset by peer", "sent fault-fired ended fault-healed"},
		{faults.Fault{Kind: "reset", At: at(saga.Response)}, "connection reset by peer", "sent received committed answered fault-fired ended fault-healed"},
		{faults.Fault{Kind: "truncate", At: at(saga.Request), Bytes: 9}, "unexpected EOF", "sent fault-fired ended fault-healed"},
		{faults.Fault{Kind: "truncate", At: at(saga.Response), Bytes: 9}, "unexpected EOF", "sent received committed answered fault-fired ended fault-healed"},
		{faults.Fault{Kind: "break-body", At: at(saga.Response)}, "200, then unexpected EOF", "sent received committed answered fault-fired ended fault-healed"},
		{faults.Fault{Kind: "stall-body", At: at(saga.Response)}, "200, then " + timeout, "sent received committed answered fault-fired ended fault-healed"},
		{faults.Fault{Kind: "delay", At: at(saga.Request), DelayMS: 500}, "200", "sent fault-fired received committed answered ended fault-healed"},
		// A late arrival: the caller has given up, the effect comes all the same.
		{faults.Fault{Kind: "delay", At: at(saga.Request), DelayMS: 1500}, timeout, "sent fault-fired ended received committed answered fault-healed"},
		{faults.Fault{Kind: "delay", At: at(saga.Response), DelayMS: 1500}, timeout, "sent received committed answered fault-fired ended fault-healed"},
		{faults.Fault{Kind: "duplicate", At: at(saga.Request), DelayMS: 10}, "200", "sent received committed answered ended fault-fired received answered fault-healed"},
		{faults.Fault{Kind: "reject", At: at(saga.Receive)}, "422", "sent received fault-fired fault-healed answered ended"},
		{faults.Fault{Kind: "error", At: at(saga.Commit)}, "500", "sent received committed fault-fired fault-healed answered ended"},
		{faults.Fault{Kind: "crash-participant", At: at(saga.Receive), DelayMS: 5}, "connection reset by peer", "sent received fault-fired fault-healed answered ended fault-healed"},
		{faults.Fault{Kind: "refuse", At: at(saga.Connect), DelayMS: 5}, "connection refused", "fault-fired fault-healed"},
		{faults.Fault{Kind: "outage", Steps: []string{"charge"}, ForMS: 50}, "connection reset by peer", "sent fault-fired ended fault-healed"},
		{faults.Fault{Kind: "latency", Steps: []string{"charge"}, ForMS: 50, DelayMS: 20}, "200", "sent fault-fired received committed answered ended fault-healed"},
		{faults.Fault{Kind: "error-rate", Steps: []string{"charge"}, ForMS: 50, Calls: []bool{true}}, "500", "sent received fault-fired answered ended fault-healed"},
	} {
		t.Run(c.fault.String(), func(t *testing.T) {
			if err := (faults.Plan{Faults: []faults.Fault{c.fault}}).Validate(); err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				cell := cellOf(nil, c.fault)
				if got := call(t.Context(), cell.Port()); got != c.got {
					t.Errorf("the caller got %q: expected %q", got, c.got)
				}
				time.Sleep(time.Minute)
				if got := short(cell); got != c.happened {
					t.Errorf("the history has %q: expected %q", got, c.happened)
				}
				if err := cell.Over(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// The port opens again: one refusal, and those that follow at once.
func TestRefusalEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cell := cellOf(nil, faults.Fault{Kind: "refuse", At: at(saga.Connect), DelayMS: 5})
		var got []string
		for range 3 {
			got = append(got, call(t.Context(), cell.Port()))
			time.Sleep(4 * time.Millisecond)
		}
		if want := []string{"connection refused", "connection refused", "200"}; !slices.Equal(got, want) {
			t.Errorf("got %v: expected %v", got, want)
		}
		if err := cell.Over(); err != nil {
			t.Error(err)
		}
	})
}

// dying is a process that notes what became of it.
type dying struct {
	port   *Port
	starts atomic.Int64
}

func (d *dying) Kill()  { d.port.Kill() }
func (d *dying) Start() { d.starts.Add(1) }

// A call of a killed process never returns: its code does nothing any more. It is told so
// when the cell is over, and so is each call that it makes then.
func TestKilledCallsNeverReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		process := &dying{}
		cell := cellOf(process, faults.Fault{Kind: "crash-orchestrator", At: at(saga.Commit), DelayMS: 5})
		process.port = cell.Port()
		var got []string
		var returned atomic.Int64
		var work sync.WaitGroup
		work.Go(func() {
			for range 2 {
				got = append(got, call(context.Background(), process.port))
				returned.Add(1)
			}
		})
		time.Sleep(time.Hour)
		if n := returned.Load(); n > 0 {
			t.Errorf("%d calls have returned: expected none", n)
		}
		if n := process.starts.Load(); n != 1 {
			t.Errorf("it was started %d times: expected once", n)
		}
		if n := cell.Pending(); n != 0 {
			t.Errorf("%d calls are pending: expected none, since nothing follows on those of the dead", n)
		}
		if err := cell.Over(); err != nil {
			t.Error(err)
		}
		work.Wait()
		if want := []string{errOver.Error(), errOver.Error()}; !slices.Equal(got, want) {
			t.Errorf("got %v: expected %v", got, want)
		}
	})
}

// Who is killed while he waits has ended his attempt, and has not begun the next one: a third of the wait before is over.
func TestKilledInAWait(t *testing.T) {
	for attempt, want := range map[int]time.Duration{1: 10 * time.Millisecond, 2: 30 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			process := &dying{}
			point := at(saga.Response)
			point.Attempt = attempt
			cell := cellOf(process, faults.Fault{Kind: "crash-orchestrator", As: faults.Waiting, At: point, DelayMS: 5})
			process.port = cell.Port()
			var work sync.WaitGroup
			work.Go(func() {
				for range 3 {
					_ = call(context.Background(), process.port)
					time.Sleep(90 * time.Millisecond)
				}
			})
			time.Sleep(time.Hour)
			var ended, killed time.Duration
			events, _ := cell.Rec.Since(0)
			for _, e := range events {
				switch {
				case e.Kind == history.CallEnded && killed == 0:
					ended = e.At
				case e.Kind == history.CallEnded && e.Attempt <= attempt:
					t.Errorf("attempt %d ended after the kill", e.Attempt)
				case e.Kind == history.ProcessKilled:
					killed = e.At
				}
			}
			if killed-ended != want {
				t.Errorf("killed %v after attempt %d had ended: expected %v", killed-ended, attempt, want)
			}
			if err := cell.Over(); err != nil {
				t.Error(err)
			}
			work.Wait()
		})
	}
}

// A goroutine that goes on calling when its cell is over is ended, else its bubble never is.
func TestEndlessCallersAreEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cell := cellOf(nil)
		var work sync.WaitGroup
		work.Go(func() {
			for {
				call(context.Background(), cell.Port())
				time.Sleep(time.Second)
			}
		})
		time.Sleep(10 * time.Second)
		if err := cell.Over(); err != nil {
			t.Error(err)
		}
		work.Wait()
	})
}

// closed is a body that notes that it was closed.
type closed struct {
	io.Reader
	yes bool
}

func (c *closed) Close() error {
	c.yes = true
	return nil
}

// A call whose context has ended is no attempt, as with the Transport of net/http: it sends
// nothing, and closes its body.
func TestEndedContextSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cell := cellOf(nil)
		why := errors.New("the saga turns back")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(why)
		body := &closed{Reader: strings.NewReader("{}")}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://bank/charges", body)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cell.Port().RoundTrip(r); !errors.Is(err, why) {
			t.Errorf("it got %v: expected the cause of its context", err)
		}
		if got := short(cell); got != "" || !body.yes {
			t.Errorf("the history has %q, and the body was closed: %t: expected no event, and true", got, body.yes)
		}
		if err := cell.Over(); err != nil {
			t.Error(err)
		}
	})
}

// Calls that no operation has, or whose context has ended, and that are made again without a
// pause, do not stop the clock.
func TestCallsWithoutPauseEnd(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	none := func(*http.Request, []byte) (Called, error) { return Called{}, errors.New("no such operation") }
	stub := func(*http.Request, []byte) (Called, error) {
		return Called{Answer: &participants.Answer{Code: http.StatusOK}}, nil
	}
	for _, c := range []struct {
		name  string
		ctx   context.Context
		route func(*http.Request, []byte) (Called, error)
		want  string
	}{
		{"unmatched", context.Background(), none, "no such operation"},
		{"stub", context.Background(), stub, "10000 calls"},
		{"ended", ended, stub, "10000 calls"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cell := cellOf(nil)
				cell.Route = c.route
				port := cell.Port()
				var work sync.WaitGroup
				work.Go(func() {
					for n := 0; n < 100*mostCalls; n++ { // for ever, but for this test
						call(c.ctx, port)
					}
					t.Error("nothing ended it")
				})
				cell.Settle(10*time.Second, time.Minute, time.Minute, func() string { return "running" })
				if err := cell.Over(); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("the cell says %.200v: expected %q", err, c.want)
				}
				work.Wait()
			})
		})
	}
}

// Code that calls again and again without a pause is cut off, and told so.
func TestCallsWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cell := cellOf(nil)
		port := cell.Port()
		for range mostCalls {
			call(t.Context(), port)
		}
		if got := call(t.Context(), port); got != errOver.Error() {
			t.Errorf("one more call got %q: expected %q", got, errOver)
		}
		if err := cell.Over(); err == nil || !strings.Contains(err.Error(), "10000 calls") {
			t.Errorf("the cell says %v: expected how many calls there were", err)
		}
	})
}

// A cell settles when all is silent, or tells what is pending.
func TestSettle(t *testing.T) {
	for _, c := range []struct{ pending, want string }{{"", ""}, {"saga s-1: running", "saga s-1: running"}} {
		synctest.Test(t, func(t *testing.T) {
			cell := cellOf(nil, faults.Fault{Kind: "delay", At: at(saga.Request), DelayMS: 1500})
			call(t.Context(), cell.Port())
			cell.Settle(10*time.Second, time.Minute, time.Minute, func() string { return c.pending })
			events, _ := cell.Rec.Since(0)
			if last := events[len(events)-1]; last.Kind != history.Settled || last.Detail != c.want {
				t.Errorf("the last event is %s %q: expected settled %q", last.Kind, last.Detail, c.want)
			}
			if err := cell.Over(); err != nil {
				t.Error(err)
			}
		})
	}
}

// What can't be done in memory is named, kind by kind.
func TestImpossible(t *testing.T) {
	able := map[string]bool{}
	for _, k := range faults.Kinds() {
		d := k.Doc()
		f := faults.Fault{Kind: d.Name}
		if d.Window() {
			f.Steps, f.ForMS = []string{"charge"}, 50
		} else {
			f.At = at(d.Phases[0])
		}
		f = k.Usual(f, saga.RetryPolicy{AttemptTimeoutMS: 100})[0]
		able[d.Name] = Impossible(faults.Plan{Faults: []faults.Fault{f}}, Ability{Kills: true}) == ""
		if able[d.Name] && (d.Store || d.Operator || d.Governs || d.Operates || d.Drifts) {
			t.Errorf("%s passes for possible", d.Name)
		}
	}
	if !able["crash-orchestrator"] || able["pause-orchestrator"] || !able["lose"] {
		t.Errorf("possible are %v", able)
	}
	kill := faults.Plan{Faults: []faults.Fault{{Kind: "crash-orchestrator", At: at(saga.Commit)}}}
	submit := faults.Plan{Faults: []faults.Fault{{Kind: "lose", At: saga.FailurePoint{Step: saga.SubmitStep, Direction: saga.Action, Attempt: 1, Phase: saga.Response}}}}
	if Impossible(kill, Ability{}) == "" || Impossible(submit, Ability{Kills: true}) == "" {
		t.Error("a kill without a store, or a fault at the submission, passes for possible")
	}
}
