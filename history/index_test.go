package history_test

import (
	"fmt"
	"testing"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

func TestIndex(t *testing.T) {
	h := parse(t, sample)
	ix := history.NewIndex(h)
	s := ix.Saga("s1")
	if s == nil || len(s.Submitted) != 1 || len(s.Accepted) != 1 || s.Ended == nil || s.Status() != saga.Running {
		t.Fatalf("saga s1: got %+v", s)
	}
	charge := s.Op("charge", saga.Action)
	if len(charge.Attempts) != 1 || len(charge.Effects) != 1 || charge.Attempts[0].Received[0].Copy != 1 {
		t.Errorf("charge: got %+v", charge)
	}
	if s.Op("ship", saga.Action) != nil || s.Op("reserve", saga.Compensation).Attempts[0].N != 2 {
		t.Error("operations by step are wrong")
	}
	if len(ix.Fired[0]) != 1 || len(ix.Fired[1]) != 0 || ix.Settled == nil || len(ix.Ledgers) != 1 || ix.Saga("s2") != nil {
		t.Errorf("index: got %+v", ix)
	}
}

// What the wire cannot tell is unknown, never a proof.
func TestLearnt(t *testing.T) {
	for line, want := range map[string]saga.Answer{
		"1ms call-sent s1 pay#1":                saga.Answer(""),
		"1ms call-ended s1 pay#1 200":           saga.Done,
		"1ms call-ended s1 pay#1 200 uncertain": saga.Answer(""),
		"1ms call-ended s1 pay#1 422":           saga.Permanent,
		"1ms call-ended s1 pay#1 422 uncertain": saga.Answer(""),
		"1ms call-ended s1 pay#1 503 uncertain": saga.Transient,
		"1ms call-ended s1 pay#1 200 partial":   saga.Answer(""),
		"1ms call-ended s1 pay#1 422 partial":   saga.Answer(""),
		"1ms call-ended s1 pay#1 503 partial":   saga.Transient,
		"1ms call-ended s1 pay#1 0":             saga.Transient,
		"1ms call-ended s1 pay#1 0 down=12":     saga.Answer(""),
	} {
		h := parse(t, "saga s1\nstep pay\n"+line+"\n")
		op := history.NewIndex(h).Saga("s1").Op("pay", saga.Action)
		if got := op.Attempts[0].Learnt(); got != want {
			t.Errorf("%s: learnt %q, want %q", line, got, want)
		}
		if got := op.Learnt(want); got != op.Attempts[0] {
			t.Errorf("%s: first attempt that learnt %q not found", line, want)
		}
	}
	var none *history.OpRecord
	if none.Learnt(saga.Done) != nil {
		t.Error("an operation never attempted has learnt something")
	}
}

// What a fault did may not be seen where the machine was late; where the answer itself came
// late, or another attempt is in doubt, it is not the machine that hides it.
func TestBlurred(t *testing.T) {
	const saga = "saga s1\nstep pay timeout=100\nstep ship\n1ms call-sent s1 ship#1\n%s call-received s1 ship#1\n50ms call-sent s1 pay#1\n%s call-ended s1 pay#1 422\n%s"
	const fired = "160ms fault-fired s1 pay#1 fault=0\n"
	for _, c := range []struct {
		received, ended, fired string
		want                   bool
	}{
		{"1ms", "60ms", fired, false},
		{"40ms", "60ms", fired, true},
		{"40ms", "60ms", "", false},
		{"1ms", "155ms", fired, false},
	} {
		h := parse(t, "fault reject pay#1@receive\n"+fmt.Sprintf(saga, c.received, c.ended, c.fired))
		if got := history.NewIndex(h).Blurred(); got != c.want {
			t.Errorf("received %s, ended %s, %q: blurred %t", c.received, c.ended, c.fired, got)
		}
	}
}

// A fault of a wait that was over when it struck has missed it: the machine's doing where that was late for as long.
func TestBlurredWait(t *testing.T) {
	const saga = "fault crash-orchestrator pay#1@response text=\"crash-orchestrator waiting pay#1@response\"\nsaga s1\nstep pay\n1ms call-sent s1 pay#1\n2ms call-ended s1 pay#1 503\n%s%s settled lag-ms=15\n"
	const struck, next = "%s fault-fired fault=0\n", "22ms call-sent s1 pay#2\n"
	for events, want := range map[string]bool{
		fmt.Sprintf(struck, "10ms") + next: false,
		next + fmt.Sprintf(struck, "30ms"): true,
		next + fmt.Sprintf(struck, "60ms"): false,
	} {
		if got := history.NewIndex(parse(t, fmt.Sprintf(saga, events, "90ms"))).Blurred(); got != want {
			t.Errorf("%sblurred %t", events, got)
		}
	}
}

// An answer that came in good time by the wire's clock may have been late by the
// orchestrator's, if the wire was late itself.
func TestLearntOnABusyMachine(t *testing.T) {
	for lag, want := range map[string]saga.Answer{"1": saga.Done, "40": ""} {
		h := parse(t, "saga s1\nstep pay timeout=100\nstep ship\n1ms call-sent s1 ship#1\n"+lag+"ms call-received s1 ship#1\n50ms call-sent s1 pay#1\n60ms call-ended s1 pay#1 200\n")
		if got := history.NewIndex(h).Saga("s1").Op("pay", saga.Action).Attempts[0].Learnt(); got != want {
			t.Errorf("lag of %s ms: learnt %q, want %q", lag, got, want)
		}
	}
}
