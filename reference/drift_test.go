package reference

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/saga"
)

// holder tells what it holds of each step of any saga: a body, or a code.
type holder struct {
	*httptest.Server
	holds atomic.Value // func(step string) (code int, body string)
	asked atomic.Int64
	keys  chan string // of the first questions
}

func newHolder(t *testing.T) *holder {
	h := &holder{keys: make(chan string, 100)}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.asked.Add(1)
		select {
		case h.keys <- r.Method + " " + r.Header.Get("Idempotency-Key"):
		default:
		}
		code, body := h.holds.Load().(func(string) (int, string))(path.Base(r.URL.Path))
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(h.Server.Close)
	return h
}

func (h *holder) says(code int, body string) {
	h.holds.Store(func(string) (int, string) { return code, body })
}

// define is a saga whose steps do what their bodies say, and can be read back.
func (h *holder) define(p *testparticipant.Participant, id string, steps ...string) saga.Definition {
	d := p.Define(id, steps...)
	for i := range d.Steps {
		d.Steps[i].Action.Body = json.RawMessage(`{"amount": 42.0, "for": "ann"}`)
		d.Steps[i].ReadBack = h.URL + "/" + d.Steps[i].Name
	}
	return d
}

// awaitDrift waits until the differences of a saga fit.
func awaitDrift(t *testing.T, e *Executor, id string, fits func([]Drift) bool) []Drift {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(15 * time.Second); ; {
		all, err := e.Drifts(t.Context(), id)
		if err == nil && fits(all) {
			return all
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("the drifts of %s do not fit: %+v, %v", id, all, err)
		}
	}
}

// still tells whether so many of some differences are not over.
func still(want int) func([]Drift) bool {
	return func(all []Drift) bool {
		n := 0
		for _, d := range all {
			if d.Gone.IsZero() {
				n++
			}
		}
		return n == want && len(all) > 0
	}
}

// What is gone after the end of a saga is noticed, logged once, in the audit, known after a restart, and over when it
// is back.
func TestDriftOfAnEndedSaga(t *testing.T) {
	p, h, log := NewParticipant(t, nil), newHolder(t), &testparticipant.Log{}
	h.says(http.StatusOK, `{"amount": 42.0}`)
	o := Options{
		StoreDSN: t.TempDir() + "/saga.db", Logger: slog.New(slog.NewJSONHandler(log, nil)),
		ReconcileEvery: 5 * time.Millisecond, ReconcileFor: time.Hour,
	}
	e := OpenTest(t, o)
	SubmitTest(t, e, h.define(p, "s", "a compensatable"))
	AwaitStatus(t, e, "s", saga.Completed)
	if got := <-h.keys; got != "GET s/a/action" {
		t.Errorf("it asked %q", got)
	}
	for seen := h.asked.Load(); h.asked.Load() < seen+5; { // all is well
		time.Sleep(time.Millisecond)
	}
	if all, err := e.Drifts(t.Context(), "s"); err != nil || len(all) > 0 {
		t.Fatal(all, err)
	}

	h.says(http.StatusNotFound, "")
	awaitDrift(t, e, "s", still(1))
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = OpenTest(t, o)
	all := awaitDrift(t, e, "", still(1))
	if d := all[0]; d.Saga != "s" || d.Step != "a" || d.What != DriftMissing {
		t.Errorf("%+v", d)
	}
	if r, err := e.Status("s"); err != nil || r.Status != saga.Completed {
		t.Error(r, err)
	}
	for seen := h.asked.Load(); h.asked.Load() < seen+5; { // told once, however often it is seen
		time.Sleep(time.Millisecond)
	}
	h.says(http.StatusOK, `{"amount": 42.0}`)
	if all := awaitDrift(t, e, "s", still(0)); len(all) != 1 {
		t.Errorf("%+v", all)
	}
	audit, err := e.Audit(t.Context(), AuditQuery{Saga: "s"})
	var what []string
	for _, en := range audit.Entries {
		if strings.HasPrefix(en.What, AuditDrift) {
			what = append(what, en.What+" "+en.Step+": "+en.Why)
		}
	}
	if got := strings.Join(what, "; "); err != nil || got != "drift a: the action is done, and the participant holds nothing of it; drift-gone a: the participant holds what is written down again, or the step was undone" {
		t.Error(got, err)
	}
	if n := strings.Count(log.String(), "does not hold what is written down"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, log)
	}
	if all, err := e.Drifts(t.Context(), ""); err != nil || len(all) > 0 {
		t.Error(all, err)
	}
}

// What is told of an action is compared with its body, as far as it is told.
func TestWhatDiffers(t *testing.T) {
	body := `{"amount": 42.0, "for": "ann", "rows": [{"a": 1, "b": 9007199254740993}]}`
	for told, want := range map[string]bool{
		`{}`:               false,
		body:               false,
		`{"for":"ann"}`:    false,
		`{"for":"bob"}`:    true,
		`{"amount": 21.0}`: true,
		`{"rows": [{"b": 9007199254740993, "a": 1}]}`: false,
		`{"rows": [{"b": 9007199254740992, "a": 1}]}`: true,
		`{"rows": []}`:      true,
		`{"more": 1}`:       true,
		`[]`:                true,
		`"ann"`:             true,
		`null`:              true,
		`{"amount": null}`:  true,
		`{"amount": 42}`:    false, // a number is its value
		`{"amount": 4.2e1}`: false,
	} {
		if got := differs(json.RawMessage(body), json.RawMessage(told)); got != want {
			t.Errorf("%s: differs %v, want %v", told, got, want)
		}
	}
}

// A body may be any JSON value.
func TestBodiesThatAreNoObjects(t *testing.T) {
	for _, c := range []struct {
		body, told string
		want       bool
	}{{`[1, 2]`, `[1,2]`, false}, {`[1,2]`, `[2,1]`, true}, {`"hello"`, `"hello"`, false}, {`12`, `12.0`, false}, {`null`, `null`, false}, {`12`, `{}`, true}, {``, `{}`, false}, {``, `{"a":1}`, true}} {
		if got := differs(json.RawMessage(c.body), json.RawMessage(c.told)); got != c.want {
			t.Errorf("%s told as %s: differs %v, want %v", c.body, c.told, got, c.want)
		}
	}
}

// Only 200 and 404 say what is held.
func TestWhoSaysNothingHasNotDrifted(t *testing.T) {
	p, h := NewParticipant(t, nil), newHolder(t)
	for _, answer := range []struct {
		code int
		body string
	}{{503, ""}, {401, ""}, {200, "<html>"}, {200, ""}, {302, ""}, {204, ""}} {
		h.says(answer.code, answer.body)
		e := OpenTest(t, Options{ReconcileEvery: time.Millisecond, ReconcileFor: time.Hour})
		SubmitTest(t, e, h.define(p, "s", "a compensatable"))
		AwaitStatus(t, e, "s", saga.Completed)
		for seen := h.asked.Load(); h.asked.Load() < seen+5; {
			time.Sleep(time.Millisecond)
		}
		if all, err := e.Drifts(t.Context(), "s"); err != nil || len(all) > 0 {
			t.Errorf("answered %d %q: %+v, %v", answer.code, answer.body, all, err)
		}
	}
}

// Of what has been undone nothing is to be there.
func TestDriftOfWhatWasUndone(t *testing.T) {
	p, h := NewParticipant(t, Scripted("b * 422")), newHolder(t)
	h.holds.Store(func(step string) (int, string) {
		if step == "a" && len(p.Of("a.undo")) == 0 {
			return http.StatusOK, `{}`
		}
		return http.StatusNotFound, ""
	})
	e := OpenTest(t, Options{ReconcileEvery: time.Millisecond, ReconcileFor: time.Hour})
	SubmitTest(t, e, h.define(p, "s", "a compensatable", "b compensatable"))
	AwaitStatus(t, e, "s", saga.Compensated)
	for seen := h.asked.Load(); h.asked.Load() < seen+5; {
		time.Sleep(time.Millisecond)
	}
	if all, err := e.Drifts(t.Context(), "s"); err != nil || len(all) > 0 {
		t.Fatal(all, err)
	}
	h.says(http.StatusOK, `{}`) // a late arrival
	if all := awaitDrift(t, e, "s", still(1)); all[0].What != DriftStill || all[0].Step != "a" {
		t.Errorf("%+v", all)
	}
}

// Nobody knows what came of an action that was undone: it may arrive later.
func TestDriftOfWhatNobodyKnewOf(t *testing.T) {
	p, h := NewParticipant(t, Scripted("a * 503")), newHolder(t)
	h.says(http.StatusNotFound, "")
	e := OpenTest(t, Options{ReconcileEvery: time.Millisecond, ReconcileFor: time.Hour})
	d := h.define(p, "s", "a compensatable")
	d.Steps[0].Action.Retry.MaxAttempts = 1
	SubmitTest(t, e, d)
	AwaitStatus(t, e, "s", saga.Compensated)
	h.says(http.StatusOK, `{}`)
	if all := awaitDrift(t, e, "s", still(1)); all[0].What != DriftStill {
		t.Errorf("%+v", all)
	}
}

// That nobody knows any more of one step says nothing of another.
func TestForgottenStepsHideNoOthers(t *testing.T) {
	p, h := NewParticipant(t, nil), newHolder(t)
	h.holds.Store(func(step string) (int, string) {
		if step == "a" {
			return http.StatusGone, ""
		}
		return http.StatusNotFound, ""
	})
	e := OpenTest(t, Options{ReconcileEvery: time.Millisecond, ReconcileFor: time.Hour})
	SubmitTest(t, e, h.define(p, "s", "a compensatable", "b compensatable"))
	if all := awaitDrift(t, e, "s", still(1)); all[0].Step != "b" {
		t.Errorf("%+v", all)
	}
}

// Participants that are slow to tell what they hold take a few places only: calls have theirs.
func TestQuestionsAtOnce(t *testing.T) {
	var most, now atomic.Int64
	p := NewParticipant(t, nil)
	let := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for seen := most.Load(); n > seen && !most.CompareAndSwap(seen, n); seen = most.Load() {
		}
		<-let
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(slow.Close)
	e := OpenTest(t, Options{ReconcileEvery: time.Millisecond, ReconcileFor: time.Hour})
	for i := range 3 * readBacksAtOnce {
		d := p.Define(fmt.Sprintf("s%d", i), "a compensatable")
		d.Steps[0].ReadBack = slow.URL
		SubmitTest(t, e, d)
		AwaitStatus(t, e, d.ID, saga.Completed)
	}
	for most.Load() < readBacksAtOnce {
		time.Sleep(time.Millisecond)
	}
	close(let)
	awaitDrift(t, e, "", still(3*readBacksAtOnce)) // all are asked in the end
	if n := most.Load(); n > readBacksAtOnce {
		t.Errorf("%d questions at once, want %d", n, readBacksAtOnce)
	}
}

// An answer to a question that was asked before the step went on tells nothing.
func TestAnswersThatComeTooLate(t *testing.T) {
	d := saga.Definition{ID: "s", Steps: []saga.Step{{Name: "a", Kind: saga.Compensatable, ReadBack: "http://x/", Compensation: &saga.Call{URL: "http://x/"}}}}
	s, now := newState(d, nil), time.Now()
	take := func(rs ...Record) {
		t.Helper()
		for _, r := range rs {
			if err := s.apply(r); err != nil {
				t.Fatal(err)
			}
		}
	}
	attempt := func(dir saga.Direction) []Record {
		return []Record{{Kind: RecordIntent, Direction: dir, Attempt: 1}, {Kind: RecordOutcome, Direction: dir, Attempt: 1, Answer: saga.Done}}
	}
	take(attempt(saga.Action)...)
	asked := holding{tries: s.tries(0)}
	if r, news := s.reconciled(asked, now); !news || r.Drift.What != DriftMissing {
		t.Errorf("%+v, %v", r, news)
	}
	take(attempt(saga.Compensation)[0])
	if r, news := s.reconciled(asked, now); news {
		t.Errorf("while the compensation is under way: %+v", r)
	}
	take(attempt(saga.Compensation)[1])
	asked.there = true
	if r, news := s.reconciled(asked, now); news {
		t.Errorf("of a question from before the compensation: %+v", r)
	}
	asked.tries = s.tries(0)
	if r, news := s.reconciled(asked, now); !news || r.Drift.What != DriftStill {
		t.Errorf("%+v, %v", r, news)
	}
}

// Who has forgotten is not asked again; where nobody wants to know, nobody is asked.
func TestWhoIsNotAsked(t *testing.T) {
	p, h := NewParticipant(t, nil), newHolder(t)
	h.says(http.StatusGone, "")
	e := OpenTest(t, Options{ReconcileEvery: 2 * time.Millisecond, ReconcileFor: time.Hour})
	SubmitTest(t, e, h.define(p, "s", "a compensatable"))
	AwaitStatus(t, e, "s", saga.Completed)
	watched := func() int {
		e.reconciler.mu.Lock()
		defer e.reconciler.mu.Unlock()
		return len(e.reconciler.watched)
	}
	for watched() > 0 {
		time.Sleep(time.Millisecond)
	}
	off := OpenTest(t, Options{})
	seen := h.asked.Load()
	SubmitTest(t, off, h.define(p, "s2", "a compensatable"))
	AwaitStatus(t, off, "s2", saga.Completed)
	if got := h.asked.Load(); got != seen {
		t.Errorf("%d questions, although it is to ask nobody", got-seen)
	}
	bad := h.define(p, "s3", "a compensatable")
	bad.Steps[0].ReadBack = "http://elsewhere.example/"
	if err := off.Submit(t.Context(), bad); err == nil || !strings.Contains(err.Error(), "steps[0].read_back") {
		t.Error(err)
	}
}
