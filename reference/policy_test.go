package reference

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/saga"
)

func changePolicies(t *testing.T, e *Executor, text string) {
	t.Helper()
	if _, err := e.ChangePolicies(t.Context(), text, "", By{Source: "http", Author: "test"}); err != nil {
		t.Fatal(err)
	}
}

// decidedBy lists the versions that decided the attempts of an operation, as the store has
// them.
func decidedBy(t *testing.T, e *Executor, id string, r Ref) (versions []int) {
	t.Helper()
	err := e.store.Load(t.Context(), id, decoded(func(en entry) error {
		for _, rec := range en.records {
			if rec.Kind == RecordIntent && rec.ref() == r {
				versions = append(versions, rec.Policy)
			}
		}
		return en.damage
	}))
	if err != nil {
		t.Fatal(err)
	}
	return versions
}

// A step that has begun keeps the version with which it began, also after a restart; the
// next one follows the one in force.
func TestPolicyOfStepThatHasBegun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "saga.db")
	var e *Executor
	var changed atomic.Bool
	p := NewParticipant(t, func(c SeenCall) int {
		if c.Op == "a" && c.Attempt == 1 && changed.CompareAndSwap(false, true) {
			changePolicies(t, e, testparticipant.Policies(2))
		}
		if c.Attempt < 4 {
			return 500
		}
		return 0
	})
	e = OpenTest(t, Options{StoreDSN: file})
	changePolicies(t, e, testparticipant.Policies(4))
	d := p.Define("s", "a compensatable", "b compensatable")
	SubmitTest(t, e, d)
	r := AwaitStatus(t, e, "s", saga.Compensated)
	if got := steps(r); got != "a:compensated/4 b:compensated/2" {
		t.Error(got)
	}
	for step, want := range []string{"[1 1 1 1]", "[2 2]"} {
		if got := fmt.Sprint(decidedBy(t, e, "s", Ref{step, saga.Action})); got != want {
			t.Errorf("step %d: %s, want %s", step, got, want)
		}
	}
	if got := fmt.Sprint(decidedBy(t, e, "s", Ref{0, saga.Compensation})); !strings.HasPrefix(got, "[1") {
		t.Errorf("the compensation: %s, want the version with which its step began", got)
	}
}

func TestPolicyAcrossRestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "saga.db")
	hold := make(chan struct{})
	var first atomic.Bool
	p := NewParticipant(t, func(c SeenCall) int {
		if first.CompareAndSwap(false, true) {
			<-hold
		}
		return 500
	})
	e := OpenTest(t, Options{StoreDSN: file})
	changePolicies(t, e, testparticipant.Policies(5))
	SubmitTest(t, e, p.Define("s", "a compensatable"))
	p.AwaitCall(t, "a", 1)
	changePolicies(t, e, testparticipant.Policies(2))
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	close(hold)
	e = OpenTest(t, Options{StoreDSN: file})
	if version, text, _ := e.Policies(); version != 2 || text != testparticipant.Policies(2) {
		t.Errorf("version %d: %s", version, text)
	}
	AwaitStatus(t, e, "s", saga.Compensating)
	// The attempt that was cut short counts in no budget.
	if got := fmt.Sprint(decidedBy(t, e, "s", Ref{0, saga.Action})); got != "[1 1 1 1 1 1]" {
		t.Error(got)
	}
}

// A definition names a template; one that is not there is refused, with the field.
func TestPolicyThatADefinitionNames(t *testing.T) {
	p := NewParticipant(t, func(c SeenCall) int { return 500 })
	e := OpenTest(t, Options{})
	d := p.Define("s", "a compensatable")
	d.Steps[0].Action.Policy = "once"
	err := e.Submit(t.Context(), d)
	if err == nil || !strings.Contains(err.Error(), `steps[0].action.policy: template "once": there are no policies`) {
		t.Error(err)
	}
	changePolicies(t, e, testparticipant.Policies(3))
	err = e.Submit(t.Context(), d)
	if err == nil || !strings.Contains(err.Error(), `no template is called "once": expected one of all`) {
		t.Error(err)
	}
	once := strings.Replace(testparticipant.Policies(1), "all:", "once:", 1)
	changePolicies(t, e, once[:strings.Index(once, "bindings")])
	d = p.Define("s", "a compensatable") // one that was submitted is the executor's
	d.Steps[0].Action.Policy, d.Steps[0].Compensation = "once", nil
	SubmitTest(t, e, d)
	if got := steps(AwaitStatus(t, e, "s", saga.Compensated)); got != "a:failed/1" {
		t.Error(got)
	}
}

// What an error means is the template's to say: give up, and undo what may have been done.
func TestPolicyClasses(t *testing.T) {
	p := NewParticipant(t, func(c SeenCall) int {
		if c.Op == "b" {
			return 500
		}
		if c.Attempt == 1 && c.Op == "a" {
			return 404
		}
		return 0
	})
	e := OpenTest(t, Options{})
	changePolicies(t, e, strings.Replace(testparticipant.Policies(3), "    retry:", `    errors:
      - {code: 404, class: transient}
      - {code: 500, class: give-up}
    retry:`, 1))
	SubmitTest(t, e, p.Define("s", "a compensatable", "b compensatable"))
	if got := steps(AwaitStatus(t, e, "s", saga.Compensated)); got != "a:compensated/2 b:compensated/1" {
		t.Error(got)
	}
}

// The type of a problem is read only where a template asks for it.
func TestPolicyClassOfProblem(t *testing.T) {
	calls := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
		w.WriteHeader(409)
		_, _ = w.Write([]byte(`{"type": "https://shop.example/sold-out"}`))
	}))
	defer s.Close()
	e := OpenTest(t, Options{})
	changePolicies(t, e, strings.Replace(testparticipant.Policies(3), "    retry:", `    errors: [{problem: "https://shop.example/sold-out", class: permanent}]
    retry:`, 1))
	SubmitTest(t, e, saga.Definition{ID: "s", Steps: []saga.Step{{Name: "a", Kind: saga.Compensatable, Action: saga.Call{URL: s.URL, Retry: retry(5)}}}})
	if got := steps(AwaitStatus(t, e, "s", saga.Compensated)); got != "a:failed/1" || calls != 1 {
		t.Error(got, calls)
	}
}

// A file comes into force when it changes, and does not bring back what was replaced since.
func TestPolicyFile(t *testing.T) {
	dir := t.TempDir()
	file, store := filepath.Join(dir, "policies.yaml"), filepath.Join(dir, "saga.db")
	write(t, file, testparticipant.Policies(2))
	e := OpenTest(t, Options{StoreDSN: store, PolicyFile: file})
	awaitVersion(t, e, 1)
	write(t, file, "templates: {")
	changePolicies(t, e, testparticipant.Policies(7))
	write(t, file, testparticipant.Policies(3))
	awaitVersion(t, e, 3)
	changePolicies(t, e, testparticipant.Policies(8))
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = OpenTest(t, Options{StoreDSN: store, PolicyFile: file})
	if err := e.takeFile(file, testparticipant.Policies(3)); err != nil {
		t.Fatal(err)
	}
	if version, text, _ := e.Policies(); version != 4 || text != testparticipant.Policies(8) {
		t.Errorf("version %d: %s", version, text)
	}
}

// Who asked for a change and gave up may be told so while it is still carried out: the
// race detector looks on.
func TestPoliciesGivenUp(t *testing.T) {
	e := OpenTest(t, Options{})
	for i := range 100 {
		ctx, giveUp := context.WithCancel(t.Context())
		go giveUp()
		version, err := e.ChangePolicies(ctx, testparticipant.Policies(i+1), "", By{Source: "test"})
		if (err == nil) != (version > 0) || err != nil && !errors.Is(err, context.Canceled) {
			t.Fatalf("version %d, %v", version, err)
		}
	}
}

func awaitVersion(t *testing.T, e *Executor, want int) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		if version, _, _ := e.Policies(); version == want {
			tick.Stop()
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("version %d never came into force", want)
		}
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
