package reference

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/reference/policies"
	"github.com/sagacheck/sagacheck/saga"
)

func setFlag(t *testing.T, e *Executor, name policies.FlagName, lasts time.Duration, participants ...string) {
	t.Helper()
	f := policies.Flag{Name: name, Participants: participants, Reason: "a test", Author: "test", Expires: time.Now().Add(lasts)}
	if err := e.SetFlag(t.Context(), f, By{Source: "http"}); err != nil {
		t.Fatal(err)
	}
}

func clearFlag(t *testing.T, e *Executor, name policies.FlagName) {
	t.Helper()
	if err := e.ClearFlag(t.Context(), name, By{Source: "http", Author: "test", Reason: "over"}); err != nil {
		t.Fatal(err)
	}
}

// awaitHeld waits until the store says that a flag holds something of a saga back.
func awaitHeld(t *testing.T, e *Executor, id string) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for tick := time.NewTicker(2 * time.Millisecond); ; {
		if a, err := e.Audit(t.Context(), AuditQuery{Saga: id}); err == nil && strings.Contains(whats(a), AuditHeld) {
			tick.Stop()
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("nothing is held back")
		}
	}
}

// whats are the entries of an audit in short.
func whats(a Audit) string {
	var all []string
	for _, en := range a.Entries {
		one := en.What
		if en.Step != "" {
			one += " " + en.Step + "." + string(en.Direction) + "#" + strconv.Itoa(en.Attempt)
		}
		all = append(all, one)
	}
	return strings.Join(all, "\n")
}

// What a flag holds back begins when it is taken back, or has expired, also after a
// restart in between.
func TestFlagsHoldAttemptsBack(t *testing.T) {
	for name, c := range map[policies.FlagName]struct {
		calls string // those that are made while the flag is on
		end   saga.Status
	}{
		policies.HoldCompensations: {"a#1 b#1 b#2", saga.Compensated},
		policies.HoldParticipant:   {"", saga.Compensated},
		policies.NoRetries:         {"a#1 b#1", saga.Compensated},
		policies.Drain:             {"", saga.Compensated},
	} {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			p := NewParticipant(t, func(c SeenCall) int {
				if c.Op == "b" && c.Attempt == 1 {
					return 500
				}
				if c.Op == "b" {
					return 422
				}
				return 0
			})
			file := filepath.Join(t.TempDir(), "saga.db")
			e := OpenTest(t, Options{StoreDSN: file})
			var participants []string
			if name == policies.HoldParticipant {
				participants = []string{strings.TrimPrefix(p.URL, "http://")}
			}
			if name == policies.Drain {
				// It keeps sagas out too, so it comes into force in the middle.
				setFlag(t, e, policies.HoldParticipant, time.Hour, strings.TrimPrefix(p.URL, "http://"))
			} else {
				setFlag(t, e, name, time.Hour, participants...)
			}
			SubmitTest(t, e, p.Define("s", "a compensatable", "b compensatable"))
			awaitHeld(t, e, "s")
			if name == policies.Drain {
				setFlag(t, e, name, time.Hour)
				clearFlag(t, e, policies.HoldParticipant)
			}
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			e = OpenTest(t, Options{StoreDSN: file})
			if on := e.Flags(); len(on) != 1 || on[0].Name != name || on[0].Author != "test" {
				t.Errorf("after a restart: %+v", on)
			}
			awaitHeld(t, e, "s")
			if got := made(p); got != c.calls {
				t.Errorf("while it is on: %q, want %q", got, c.calls)
			}
			clearFlag(t, e, name)
			AwaitStatus(t, e, "s", c.end)
		})
	}
}

// made are the calls in short.
func made(p *Participant) string {
	p.Mu.Lock()
	defer p.Mu.Unlock()
	var all []string
	for _, c := range p.Calls {
		all = append(all, c.Op+"#"+strconv.Itoa(c.Attempt))
	}
	return strings.Join(all, " ")
}

func TestFlagExpires(t *testing.T) {
	p := NewParticipant(t, nil)
	e := OpenTest(t, Options{})
	setFlag(t, e, policies.HoldParticipant, 300*time.Millisecond, strings.TrimPrefix(p.URL, "http://"))
	began := time.Now()
	SubmitTest(t, e, p.Define("s", "a compensatable"))
	AwaitStatus(t, e, "s", saga.Completed)
	if lasted := time.Since(began); lasted < 250*time.Millisecond {
		t.Errorf("it held the call back for %v only", lasted)
	}
	if on := e.Flags(); len(on) > 0 {
		t.Error(on)
	}
}

func TestFlagKeepsSagasOut(t *testing.T) {
	p := NewParticipant(t, nil)
	e := OpenTest(t, Options{})
	SubmitTest(t, e, p.Define("before", "a compensatable"))
	setFlag(t, e, policies.NoNewSagas, time.Hour)
	if err := e.Submit(t.Context(), p.Define("s", "a compensatable")); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "no-new-sagas") {
		t.Error(err)
	}
	SubmitTest(t, e, p.Define("before", "a compensatable")) // it was accepted
	AwaitStatus(t, e, "before", saga.Completed)
	clearFlag(t, e, policies.NoNewSagas)
	SubmitTest(t, e, p.Define("s", "a compensatable"))
}

// Flags of a file are on while they stand in it, and a file that says nothing of one that
// was thrown by hand leaves it.
func TestFlagsOfFile(t *testing.T) {
	e := OpenTest(t, Options{})
	setFlag(t, e, policies.NoRetries, time.Hour)
	with := testparticipant.Policies(2) + "flags: [{name: drain, reason: r, author: a, expires: " + time.Now().Add(time.Hour).UTC().Format(time.RFC3339) + "}]\n"
	changePolicies(t, e, with)
	if on := e.Flags(); len(on) != 2 {
		t.Error(on)
	}
	changePolicies(t, e, testparticipant.Policies(2))
	if on := e.Flags(); len(on) != 1 || on[0].Name != policies.NoRetries {
		t.Error(on)
	}
}
