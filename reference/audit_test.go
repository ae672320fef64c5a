package reference

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/reference/policies"
	"github.com/sagacheck/sagacheck/saga"
)

// Of any attempt the audit says why it was made, and which version decided it.
func TestAuditOfSaga(t *testing.T) {
	file := filepath.Join(t.TempDir(), "saga.db")
	hold := make(chan struct{})
	p := NewParticipant(t, func(c SeenCall) int {
		switch {
		case c.Op == "a" && c.Attempt == 1:
			return 503
		case c.Op == "b" && c.Attempt == 1:
			<-hold
			return 0
		case c.Op == "b":
			return 422
		}
		return 0
	})
	e := OpenTest(t, Options{StoreDSN: file})
	changePolicies(t, e, testparticipant.Policies(4))
	SubmitTest(t, e, p.Define("s", "a compensatable", "b compensatable"))
	p.AwaitCall(t, "b", 1)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	close(hold)
	e = OpenTest(t, Options{StoreDSN: file})
	AwaitStatus(t, e, "s", saga.Compensated)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	a, err := ReadAudit(t.Context(), file, AuditQuery{Saga: "s"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, en := range a.Entries {
		if en.What == AuditAttempt {
			got = append(got, fmt.Sprintf("%s.%s#%d v%d %s: %s", en.Step, en.Direction, en.Attempt, en.Version, en.Template, en.Why))
		}
	}
	want := `a.action#1 v1 all: the steps before it let it start
a.action#2 v1 all: attempt 1 was answered 503 Service Unavailable, so that its outcome is unknown: template all of version 1 (bindings[0]: every call, action) allows 4 attempts
b.action#1 v1 all: the steps before it let it start
b.action#2 v1 all: attempt 1 was cut short by an end of the executor, so that its outcome is unknown: template all of version 1 (bindings[0]: every call, action) allows 4 attempts
b.compensation#1 v1 : the saga is on its way back, and the step has had an effect, or may have
a.compensation#1 v1 : the saga is on its way back, and the step has had an effect, or may have`
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	if _, err := ReadAudit(t.Context(), file, AuditQuery{Saga: "nobody"}); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

// By time the audit holds all sagas, and what governs them with who asked for it.
func TestAuditByTime(t *testing.T) {
	p := NewParticipant(t, nil)
	e := OpenTest(t, Options{})
	SubmitTest(t, e, p.Define("old", "a compensatable"))
	AwaitStatus(t, e, "old", saga.Completed)
	since := time.Now()
	changePolicies(t, e, testparticipant.Policies(4))
	setFlag(t, e, policies.NoNewSagas, time.Hour)
	clearFlag(t, e, policies.NoNewSagas)
	SubmitTest(t, e, p.Define("new", "a compensatable"))
	AwaitStatus(t, e, "new", saga.Completed)
	a, err := e.Audit(t.Context(), AuditQuery{Since: since})
	if err != nil {
		t.Fatal(err)
	}
	want := "policies-changed\nflag-on\nflag-off\nsaga-accepted\nattempt a.action#1\nanswered a.action#1"
	if got := whats(a); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, en := range a.Entries[:3] {
		if en.Author != "test" || en.Source != "http" {
			t.Errorf("%+v: nobody did it", en)
		}
	}
	if a, err := e.Audit(t.Context(), AuditQuery{Until: since}); err != nil || strings.Contains(whats(a), AuditPolicies) || !strings.Contains(whats(a), AuditAccepted) {
		t.Error(whats(a), err)
	}
}

// What governs all sagas is in the store, with what it decided.
func testControl(t *testing.T, dsn string) {
	p := NewParticipant(t, Scripted("a 1 503"))
	e := OpenTest(t, Options{StoreDSN: dsn})
	changePolicies(t, e, testparticipant.Policies(4))
	SubmitTest(t, e, p.Define("s", "a compensatable"))
	AwaitStatus(t, e, "s", saga.Completed)
	changePolicies(t, e, testparticipant.Policies(5))
	setFlag(t, e, policies.Drain, time.Hour)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = OpenTest(t, Options{StoreDSN: dsn})
	if version, text, _ := e.Policies(); version != 2 || text != testparticipant.Policies(5) || len(e.Flags()) != 1 {
		t.Errorf("version %d, flags %v", version, e.Flags())
	}
	if got := fmt.Sprint(decidedBy(t, e, "s", Ref{0, saga.Action})); got != "[1 1]" {
		t.Error(got)
	}
	a, err := e.Audit(t.Context(), AuditQuery{Since: time.Now().Add(-time.Hour)})
	want := "policies-changed\nsaga-accepted\nattempt a.action#1\nanswered a.action#1\nattempt a.action#2\nanswered a.action#2\npolicies-changed\nflag-on"
	if got := whats(a); err != nil || got != want {
		t.Errorf("%v, got\n%s", err, got)
	}
}

func TestControlInSQLite(t *testing.T) { testControl(t, filepath.Join(t.TempDir(), "saga.db")) }

// 1,000 sagas are under way while the policies change again and again: no attempt is
// decided by a version that was not in force when its step began.
func TestPoliciesChangeUnderLoad(t *testing.T) {
	const sagas = 1000
	var seen sync.Map
	p := &Participant{Server: httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, again := seen.LoadOrStore(r.Header.Get("Idempotency-Key"), true); !again {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))}
	defer p.Close()
	e := OpenTest(t, Options{StoreDSN: filepath.Join(t.TempDir(), "saga.db") + "?synchronous=off"})
	changePolicies(t, e, testparticipant.Policies(10))
	for i := range sagas {
		SubmitTest(t, e, p.Define(strconv.Itoa(i), "a compensatable", "b compensatable"))
		if i%50 == 0 {
			changePolicies(t, e, testparticipant.Policies(11+i))
		}
	}
	for i := range sagas {
		AwaitStatus(t, e, strconv.Itoa(i), saga.Completed)
	}
	var since []time.Time // when each version came into force
	if err := e.changes(t.Context(), func(r Record) { since = append(since, r.At) }); err != nil {
		t.Fatal(err)
	}
	followed := map[int]bool{}
	for i := range sagas {
		a, err := e.Audit(t.Context(), AuditQuery{Saga: strconv.Itoa(i)})
		if err != nil {
			t.Fatal(err)
		}
		with := map[string]int{}
		for _, en := range a.Entries {
			if en.What != AuditAttempt {
				continue
			}
			if first, begun := with[en.Step]; begun && first != en.Version {
				t.Errorf("saga %d: %s#%d by version %d: its step began with %d", i, en.Step, en.Attempt, en.Version, first)
			}
			with[en.Step] = en.Version
			followed[en.Version] = true
			if en.Version < 1 || en.At.Before(since[en.Version-1]) {
				t.Errorf("saga %d: %s#%d at %v by version %d, which came at %v", i, en.Step, en.Attempt, en.At, en.Version, since)
			}
			if en.Attempt > 1 && !strings.HasPrefix(en.Why, fmt.Sprintf("attempt %d ", en.Attempt-1)) {
				t.Errorf("saga %d: %s#%d: %q", i, en.Step, en.Attempt, en.Why)
			}
		}
		if len(with) != 2 {
			t.Errorf("saga %d: %s", i, whats(a))
		}
	}
	if len(followed) < 10 {
		t.Errorf("only versions %v were followed", followed)
	}
}
