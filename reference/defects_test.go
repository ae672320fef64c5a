package reference_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/defects"
	"github.com/sagacheck/sagacheck/saga"
)

// laid are the rules with some defects; "" is none.
func laid(t testing.TB, names ...string) *reference.Rules {
	t.Helper()
	names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == "" })
	r, err := defects.Rules(names...)
	if err != nil {
		t.Fatal(err)
	}
	if r == nil {
		r = reference.DefaultRules()
	}
	return r
}

// opOf is the action or the compensation of a saga of one step.
func opOf(c saga.Call, dir saga.Direction) reference.Op {
	d := saga.Definition{ID: "s", Steps: []saga.Step{{Name: "a", Kind: saga.Compensatable, Action: c, Compensation: &c}}}
	return reference.Op{Saga: &d, Ref: reference.Ref{Dir: dir}}
}

// later tells whether the saga ends within a time in which it surely would.
func (s scene) later() bool {
	for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if s.over() {
			return true
		}
	}
	return false
}

func TestDefectsShow(t *testing.T) {
	for name, tt := range symptoms {
		play := func(t *testing.T, names ...string) scene {
			s := scene{p: reference.NewParticipant(t, reference.Scripted(tt.script))}
			d := s.p.Define("s", tt.define...)
			if d.Steps[0].Compensation != nil {
				d.Steps[0].Compensation.Body = []byte(`{"undo":"a"}`)
			}
			file := filepath.Join(t.TempDir(), "sagas.db")
			if tt.crash != 0 && !reference.CrashAfter(t, file, d, tt.crash, laid(t, names...)) {
				t.Fatal("no crash")
			}
			s.e = reference.OpenTest(t, reference.Options{StoreDSN: file, Rules: laid(t, names...)})
			if tt.crash == 0 {
				reference.SubmitTest(t, s.e, d)
			}
			return s
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(t, name)
			for end := time.Now().Add(10 * time.Second); !tt.shows(s); time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("does not show:", s)
				}
			}
			s = play(t)
			patience := 10 * time.Second
			if tt.open {
				patience = time.Second
			}
			for end := time.Now().Add(patience); time.Now().Before(end) && !s.over(); time.Sleep(time.Millisecond) {
			}
			if tt.shows(s) {
				t.Error("shows without the defect too:", s)
			}
		})
	}
}

// The symptoms that need a setting of their own.
var shownElsewhere = []string{
	"rerun-on-resubmit", "requeue-slow-calls", "ignore-deadline", "ignore-retry-after", "no-jitter", "shared-jitter",
	"breaker-ignored", "breaker-per-saga", "half-open-floods", "breaker-opens-early", "breaker-adds-up", "refusals-open-breaker", "no-attempt-timeout", "head-timeout", "json-only", "skip-compensation-on-operator",
	"stop-on-store-error", "store-errors-ignored", "accept-in-memory",
	"start-after-turn", "ignore-operator", "rollback-dropped-in-wait", "second-saga-on-resubmit",
	"no-backoff", "compensation-storm", "coarse-timer", "backoff-one-step-behind",
	// see defects_promises_test.go
	"backoff-overflow", "double-waits", "unbounded-compensation", "deadline-without-undo", "stuck-at-pivot",
	"retry-after-turn", "refuse-operator", "reencode-bodies", "garble-registers", "drop-writes",
	// see defects/lies_test.go
	"counters-from-zero", "retries-count-twice", "undone-counts-as-done", "no-link-to-action", "retries-stand-alone", "spans-die-with-process",
	"silent-undo", "silent-undo-after-restart", "no-line-of-retries", "no-line-at-the-end",
	// found by run, see CI_DEFECTS in the Makefile
	"retry-budget-ignored", "retry-budget-per-saga", "retry-budget-full-after-restart", "saga-budget-ignored", "saga-budget-per-step",
	"adaptive-without-ceiling", "adaptive-without-floor", "adaptive-without-wait",
	"policy-at-once", "policy-of-first-step", "retries-not-held", "compensations-not-held", "audit-of-first-attempts", "audit-without-flags",
	"rollback-by-each-console", "undo-again-on-resume", "acts-untold-after-restart", "reasons-dropped",
	"drift-of-ended-not-looked", "drift-of-amounts", "drift-in-spite-of-undo", "drift-of-undone", "drift-on-the-way-back",
	"repair-twice", "repair-again-after-restart", "repair-of-what-is-missing", "repair-under-new-key", "repair-in-words",
	"newest-version", "undo-by-newest-version", "newest-version-after-restart", "order-of-newest-version", "oldest-version-stays",
	"fallback-without-undo", "fallback-before-undo", "fallback-in-any-case", "fallback-too-early", "fallback-ignored", "fallback-forgotten", "fallback-after-turn",
	"round-unasked", "round-asked-early", "round-in-any-case", "rounds-multiply", "not-there-is-done",
	"saga-rounds-endless", "saga-round-early", "saga-round-refused", "saga-round-same-keys", "saga-round-budget", "saga-round-at-once", "saga-round-at-once-after-restart", "saga-round-time",
	"outlasted-is-used-up", "used-up-pivot-turns-after-restart", "retried-undo-is-done-after-restart", "tired-retriable-is-done", "tired-deferrable-is-dropped",
	"waits-end-with-process", "carried-on-once", "cut-off-long-ago-is-used-up", "second-saga-after-restart",
	"pause-forgotten-after-restart", "pause-holds-actions-only", "end-leaves-compensations", "retry-waits-on",
}

func TestEveryDefectIsShown(t *testing.T) {
	for _, d := range defects.All() {
		_, here := symptoms[d.Name]
		if n := slices.Contains(shownElsewhere, d.Name); !d.Equivalent && here == n {
			t.Errorf("%s: in the table %v, elsewhere %v", d.Name, here, n)
		}
	}
}

func TestRequeueSlowCalls(t *testing.T) {
	hang := make(chan struct{})
	p := reference.NewParticipant(t, func(c reference.SeenCall) int {
		if c.Attempt == 1 {
			<-hang
		}
		return 0
	})
	d := p.Define("s", "a compensatable")
	e := reference.OpenTest(t, reference.Options{Rules: laid(t, "requeue-slow-calls")})
	reference.SubmitTest(t, e, d)
	p.AwaitCall(t, "a", 2)
	close(hang)
	reference.AwaitStatus(t, e, "s", saga.Completed)
	if n := (scene{p, e}).effects("a"); n != 2 {
		t.Error(n, "effects")
	}
}

func TestDefectsOfRequests(t *testing.T) {
	p := reference.NewParticipant(t, nil)
	e := reference.OpenTest(t, reference.Options{Rules: laid(t, "rerun-on-resubmit", "skip-compensation-on-operator")})
	d := p.Define("s", "a compensatable")
	reference.SubmitTest(t, e, d)
	reference.AwaitStatus(t, e, "s", saga.Completed)
	reference.SubmitTest(t, e, d)
	p.AwaitCall(t, "a", 2)

	release := make(chan struct{})
	p = reference.NewParticipant(t, func(c reference.SeenCall) int {
		if c.Op == "b" {
			<-release
		}
		return 0
	})
	reference.SubmitTest(t, e, p.Define("s2", "a compensatable", "b compensatable"))
	p.AwaitCall(t, "b", 1)
	if err := e.Compensate(t.Context(), "s2"); err != nil {
		t.Fatal(err)
	}
	close(release)
	reference.AwaitStatus(t, e, "s2", saga.Compensated)
	if left := p.Left("s2"); !slices.Contains(left, "a") {
		t.Error("left:", left)
	}
}

// heldAt is a participant that leaves the calls of one operation without an answer
// until it is released.
func heldAt(t *testing.T, op string) (p *reference.Participant, release func()) {
	t.Helper()
	hold := make(chan struct{})
	return reference.NewParticipant(t, func(c reference.SeenCall) int {
		if c.Op == op {
			<-hold
		}
		return 0
	}), func() { close(hold) }
}

func TestDefectsOfTurning(t *testing.T) {
	for name, end := range map[string]saga.Status{"start-after-turn": saga.Compensated, "ignore-operator": saga.Completed} {
		p, release := heldAt(t, "a")
		e := reference.OpenTest(t, reference.Options{Rules: laid(t, name)})
		reference.SubmitTest(t, e, p.Define("s", "a compensatable", "b compensatable"))
		p.AwaitCall(t, "a", 1)
		if err := e.Compensate(t.Context(), "s"); err != nil {
			t.Fatal(err)
		}
		release()
		reference.AwaitStatus(t, e, "s", end)
		if n := (scene{p, e}).count("b"); n != 1 {
			t.Errorf("%s: %d calls of the step behind", name, n)
		}
	}
}

func TestDefectOfASecondSaga(t *testing.T) {
	p := reference.NewParticipant(t, nil)
	e := reference.OpenTest(t, reference.Options{Rules: laid(t, "second-saga-on-resubmit")})
	d := p.Define("s", "a compensatable")
	reference.SubmitTest(t, e, d)
	reference.AwaitStatus(t, e, "s", saga.Completed)
	reference.SubmitTest(t, e, d)
	p.AwaitCall(t, "a", 2)
	if a := p.Of("a"); a[0].Header.Get("Saga-Id") == a[1].Header.Get("Saga-Id") {
		t.Error("one id:", a[0].Header.Get("Saga-Id"))
	}
}

func TestDefectsOfTheStore(t *testing.T) {
	for _, name := range []string{"stop-on-store-error", "store-errors-ignored"} {
		p := reference.NewParticipant(t, nil)
		file := filepath.Join(t.TempDir(), "sagas.db")
		e := reference.OpenFlaky(t, file, laid(t, name))
		submitted := make(chan error, 1)
		go func() { submitted <- e.Submit(t.Context(), p.Define("s", "a compensatable", "b compensatable")) }()
		if name == "store-errors-ignored" {
			reference.AwaitStatus(t, e, "s", saga.Completed)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-submitted; (name == "stop-on-store-error") != errors.Is(err, reference.ErrClosed) {
			t.Error(name, err)
		}
		e = reference.OpenTest(t, reference.Options{StoreDSN: file, Rules: laid(t, name)})
		if _, err := e.Status("s"); !errors.Is(err, reference.ErrNotFound) {
			t.Error(name, err)
		}
	}
}

func TestAcceptInMemory(t *testing.T) {
	hang := make(chan struct{})
	p := reference.NewParticipant(t, func(reference.SeenCall) int { <-hang; return 0 })
	file := filepath.Join(t.TempDir(), "sagas.db")
	e, err := reference.Open(t.Context(), reference.Options{StoreDSN: file, Rules: laid(t, "accept-in-memory")})
	if err != nil {
		t.Fatal(err)
	}
	reference.SubmitTest(t, e, p.Define("s", "a compensatable"))
	p.AwaitCall(t, "a", 1)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	close(hang)
	e = reference.OpenTest(t, reference.Options{StoreDSN: file})
	if r, err := e.Status("s"); !errors.Is(err, reference.ErrNotFound) {
		t.Error(r, err)
	}
}

// Equivalent switches, one by one and all together, break nothing.
func TestEquivalentSwitches(t *testing.T) {
	var all []string
	for _, d := range defects.All() {
		if d.Equivalent {
			all = append(all, d.Name)
		}
	}
	for _, names := range append([][]string{all}, split(all)...) {
		t.Run(fmt.Sprint(names), func(t *testing.T) {
			t.Parallel()
			for script, want := range map[string]saga.Status{"a 1 503, b 1 -1": saga.Completed, "c 1 422, b.undo 1 -1": saga.Compensated} {
				p := reference.NewParticipant(t, reference.Scripted(script))
				e := reference.OpenTest(t, reference.Options{Rules: laid(t, names...)})
				reference.SubmitTest(t, e, p.Define("s", "a compensatable -", "b compensatable -", "n deferrable -", "c compensatable a,b"))
				reference.AwaitStatus(t, e, "s", want)
				if want == saga.Compensated && len(p.Left("s")) > 1 { // n has nothing to undo
					t.Error("left:", p.Left("s"))
				}
				for op, n := range p.Effects {
					if n > 1 {
						t.Error(op, n, "effects")
					}
				}
			}
		})
	}
}

func split(names []string) [][]string {
	var one [][]string
	for _, n := range names {
		one = append(one, []string{n})
	}
	return one
}

func TestDefectsOfWaiting(t *testing.T) {
	p := saga.RetryPolicy{InitialIntervalMS: 100, Multiplier: 2, MaxIntervalMS: 100, Jitter: 0.5, DeadlineMS: 10}
	action, undo := opOf(saga.Call{Retry: p}, saga.Action), opOf(saga.Call{Retry: p}, saga.Compensation)
	wait := func(name string, n int) time.Duration { return laid(t, name).Wait(action, n) }
	same := func(name string) bool {
		waits := map[time.Duration]bool{}
		for range 5 {
			waits[wait(name, 2)] = true
		}
		return len(waits) == 1
	}
	if laid(t, "compensation-storm").Wait(undo, 2) != 0 || wait("no-backoff", 2) != 0 || wait("", 2) < 50*time.Millisecond {
		t.Error("no wait")
	}
	if w := wait("coarse-timer", 2); w != time.Second {
		t.Error("fine", w)
	}
	if wait("backoff-one-step-behind", 2) != 0 || wait("backoff-one-step-behind", 3) == 0 {
		t.Error("not behind")
	}
	if !same("no-jitter") || !same("shared-jitter") || same("") || wait("no-jitter", 2) != 100*time.Millisecond {
		t.Error("jitter")
	}
	now := time.Now()
	if at, _ := laid(t, "ignore-retry-after").RetryAfter("10", now); !at.IsZero() {
		t.Error("Retry-After", at)
	}
	for range 1000 {
		if w := wait("narrow-jitter", 2); w < 60*time.Millisecond || w > 140*time.Millisecond {
			t.Fatal(w)
		}
	}
	deadline := func(name string) int {
		r := laid(t, name)
		return r.Limits(reference.NewState(*action.Saga, r), action.Ref).Policy.DeadlineMS
	}
	if deadline("") != 10 || deadline("ignore-deadline") != 0 {
		t.Error("deadline")
	}
}

func TestDefectsOfBreakers(t *testing.T) {
	one := opOf(saga.Call{Breaker: &saga.Breaker{Name: "b", Failures: 1, OpenMS: 1, Probes: 1}}, saga.Action)
	if laid(t, "breaker-ignored").Breaker(one) != nil || laid(t, "").Breaker(one) == nil {
		t.Error("not ignored")
	}
	another := *one.Saga
	another.ID = "s2"
	other := one
	other.Saga = &another
	if r := laid(t, "breaker-per-saga"); r.Breaker(one).Name == r.Breaker(other).Name {
		t.Error("shared")
	}
	b := reference.NewTestBreaker(laid(t, "half-open-floods"), one)
	done, _ := b.Acquire()
	done(reference.CallFailed)
	if err := b.Await(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if _, ok := b.Acquire(); !ok {
			t.Error("probe", i, "refused")
		}
	}
}

func TestDefectsOfBreakersThatOpenEarly(t *testing.T) {
	three := opOf(saga.Call{Breaker: &saga.Breaker{Name: "b", Failures: 3, OpenMS: 60_000, Probes: 1}}, saga.Action)
	opens := func(name string, answers ...saga.Answer) bool {
		r := laid(t, name)
		b := reference.NewTestBreaker(r, three)
		for _, a := range answers {
			done, ok := b.Acquire()
			if !ok {
				return true
			}
			done(r.Passage(a, true))
		}
		_, ok := b.Acquire()
		return !ok
	}
	for _, tt := range []struct {
		name    string
		answers []saga.Answer
	}{
		{"breaker-opens-early", []saga.Answer{saga.Transient, saga.Transient}},
		{"breaker-adds-up", []saga.Answer{saga.Transient, saga.Transient, saga.Done, saga.Transient}},
		{"refusals-open-breaker", []saga.Answer{saga.Permanent, saga.Permanent, saga.Transient}},
	} {
		if opens("", tt.answers...) || !opens(tt.name, tt.answers...) {
			t.Errorf("%s: without it %v, with it %v", tt.name, opens("", tt.answers...), opens(tt.name, tt.answers...))
		}
	}
}
