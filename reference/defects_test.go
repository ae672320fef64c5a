package reference

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

// Each switch is documented, and asked for at exactly one place.
func TestEachDefectHasOnePlace(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]int{}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\.on\("([^"]+)"\)`).FindAllStringSubmatch(string(b), -1) {
			places[m[1]]++
		}
	}
	real := 0
	for _, d := range Defects() {
		if places[d.Name] != 1 {
			t.Errorf("%s is asked for at %d places", d.Name, places[d.Name])
		}
		delete(places, d.Name)
		if d.Description == "" || d.Needs == "" || d.Equivalent != (d.Anomaly == "") {
			t.Errorf("%s is not documented: %+v", d.Name, d)
		}
		if !d.Equivalent {
			real++
		}
	}
	if len(places) > 0 {
		t.Errorf("asked for, but not in the list: %v", places)
	}
	if real < 40 || len(Defects())-real < 5 {
		t.Errorf("%d defects, %d equivalent switches", real, len(Defects())-real)
	}
}

func TestUnknownDefect(t *testing.T) {
	_, err := Open(t.Context(), Options{StoreDSN: filepath.Join(t.TempDir(), "s.db"), Defects: []string{"tpyo"}})
	if err == nil || !strings.Contains(err.Error(), `"tpyo"`) || !strings.Contains(err.Error(), "no-key") {
		t.Error(err)
	}
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
		play := func(t *testing.T, defects ...string) scene {
			s := scene{p: newParticipant(t, scripted(tt.script))}
			d := s.p.define("s", tt.define...)
			if d.Steps[0].Compensation != nil {
				d.Steps[0].Compensation.Body = []byte(`{"undo":"a"}`)
			}
			file := filepath.Join(t.TempDir(), "sagas.db")
			if tt.crash != 0 && !crashAfter(t, file, d, tt.crash, defects...) {
				t.Fatal("no crash")
			}
			s.e = openTest(t, Options{StoreDSN: file, Defects: defects})
			if tt.crash == 0 {
				submit(t, s.e, d)
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
	"start-after-turn", "ignore-operator", "second-saga-on-resubmit",
	"no-backoff", "compensation-storm", "coarse-timer", "backoff-one-step-behind",
	// see defects_promises_test.go
	"backoff-overflow", "double-waits", "unbounded-compensation", "deadline-without-undo", "stuck-at-pivot",
	"retry-after-turn", "refuse-operator", "reencode-bodies", "garble-registers", "drop-writes",
}

func TestEveryDefectIsShown(t *testing.T) {
	for _, d := range Defects() {
		_, here := symptoms[d.Name]
		if n := slices.Contains(shownElsewhere, d.Name); !d.Equivalent && here == n {
			t.Errorf("%s: in the table %v, elsewhere %v", d.Name, here, n)
		}
	}
}

func TestDefectsOfWaiting(t *testing.T) {
	p := saga.RetryPolicy{InitialIntervalMS: 100, Multiplier: 2, MaxIntervalMS: 100, Jitter: 0.5, DeadlineMS: 10}
	of := func(name string) *operation {
		return &operation{run: &run{e: &Executor{defects: defects{name: true}}}, call: saga.Call{Retry: p}}
	}
	same := func(name string) bool {
		waits := map[time.Duration]bool{}
		for range 5 {
			waits[of(name).wait(2)] = true
		}
		return len(waits) == 1
	}
	now := time.Now()
	undo := of("compensation-storm")
	undo.ref.Dir = saga.Compensation
	at := of("no-backoff")
	at.ref.Dir = saga.Action
	if undo.wait(2) != 0 || at.wait(2) != 0 || of("").wait(2) < 50*time.Millisecond {
		t.Error("no wait")
	}
	if w := of("coarse-timer").wait(2); w != time.Second {
		t.Error("fine", w)
	}
	if o := of("backoff-one-step-behind"); o.wait(2) != 0 || o.wait(3) == 0 {
		t.Error("not behind", o.wait(2), o.wait(3))
	}
	if !same("no-jitter") || !same("shared-jitter") || same("") || of("no-jitter").wait(2) != 100*time.Millisecond {
		t.Error("jitter")
	}
	if o := of("ignore-retry-after"); !o.nextDue(1, now, now.Add(time.Hour)).Before(now.Add(time.Second)) {
		t.Error("Retry-After")
	}
	for range 1000 {
		if w := of("narrow-jitter").wait(2); w < 60*time.Millisecond || w > 140*time.Millisecond {
			t.Fatal(w)
		}
	}
	l := Limits{Policy: p}
	if !l.tooLate(now, now.Add(time.Second)) {
		t.Error("no deadline")
	}
	l.defects = defects{"ignore-deadline": true}
	if l.tooLate(now, now.Add(time.Second)) {
		t.Error("deadline")
	}
}

func TestDefectsOfBreakers(t *testing.T) {
	def := &saga.Breaker{Name: "b", Failures: 1, OpenMS: 1, Probes: 1}
	bs := breakers{defects: defects{"breaker-ignored": true}}
	if bs.get(def, "s1") != nil {
		t.Error("not ignored")
	}
	bs = breakers{defects: defects{"breaker-per-saga": true}, byName: map[string]*breaker{}}
	if bs.get(def, "s1") == bs.get(def, "s2") {
		t.Error("shared")
	}
	b := newBreaker(*def, defects{"half-open-floods": true})
	done, _ := b.acquire()
	done(failed)
	if err := b.await(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if _, ok := b.acquire(); !ok {
			t.Error("probe", i, "refused")
		}
	}
}

func TestRequeueSlowCalls(t *testing.T) {
	hang := make(chan struct{})
	p := newParticipant(t, func(c call) int {
		if c.attempt == 1 {
			<-hang
		}
		return 0
	})
	d := p.define("s", "a compensatable")
	e := openTest(t, Options{Defects: []string{"requeue-slow-calls"}})
	submit(t, e, d)
	p.awaitCall(t, "a", 2)
	close(hang)
	awaitStatus(t, e, "s", saga.Completed)
	if n := (scene{p, e}).effects("a"); n != 2 {
		t.Error(n, "effects")
	}
}

func TestDefectsOfRequests(t *testing.T) {
	p := newParticipant(t, nil)
	e := openTest(t, Options{Defects: []string{"rerun-on-resubmit", "skip-compensation-on-operator"}})
	d := p.define("s", "a compensatable")
	submit(t, e, d)
	awaitStatus(t, e, "s", saga.Completed)
	submit(t, e, d)
	p.awaitCall(t, "a", 2)

	release := make(chan struct{})
	p = newParticipant(t, func(c call) int {
		if c.op == "b" {
			<-release
		}
		return 0
	})
	submit(t, e, p.define("s2", "a compensatable", "b compensatable"))
	p.awaitCall(t, "b", 1)
	if err := e.Compensate(t.Context(), "s2"); err != nil {
		t.Fatal(err)
	}
	close(release)
	awaitStatus(t, e, "s2", saga.Compensated)
	if left := p.left("s2"); !slices.Contains(left, "a") {
		t.Error("left:", left)
	}
}

// heldAt is a participant that leaves the calls of one operation without an answer
// until it is released.
func heldAt(t *testing.T, op string) (p *participant, release func()) {
	t.Helper()
	hold := make(chan struct{})
	return newParticipant(t, func(c call) int {
		if c.op == op {
			<-hold
		}
		return 0
	}), func() { close(hold) }
}

func TestDefectsOfTurning(t *testing.T) {
	for name, end := range map[string]saga.Status{"start-after-turn": saga.Compensated, "ignore-operator": saga.Completed} {
		p, release := heldAt(t, "a")
		e := openTest(t, Options{Defects: []string{name}})
		submit(t, e, p.define("s", "a compensatable", "b compensatable"))
		p.awaitCall(t, "a", 1)
		if err := e.Compensate(t.Context(), "s"); err != nil {
			t.Fatal(err)
		}
		release()
		awaitStatus(t, e, "s", end)
		if n := (scene{p, e}).count("b"); n != 1 {
			t.Errorf("%s: %d calls of the step behind", name, n)
		}
	}
}

func TestDefectOfASecondSaga(t *testing.T) {
	p := newParticipant(t, nil)
	e := openTest(t, Options{Defects: []string{"second-saga-on-resubmit"}})
	d := p.define("s", "a compensatable")
	submit(t, e, d)
	awaitStatus(t, e, "s", saga.Completed)
	submit(t, e, d)
	p.awaitCall(t, "a", 2)
	if a := p.of("a"); a[0].header.Get("Saga-Id") == a[1].header.Get("Saga-Id") {
		t.Error("one id:", a[0].header.Get("Saga-Id"))
	}
}

func TestDefectsOfTheStore(t *testing.T) {
	for _, name := range []string{"stop-on-store-error", "store-errors-ignored"} {
		p := newParticipant(t, nil)
		file := filepath.Join(t.TempDir(), "sagas.db")
		s, err := openSQLite(t.Context(), Options{StoreDSN: file})
		if err != nil {
			t.Fatal(err)
		}
		e, err := open(t.Context(), &flakyStore{store: s}, Options{Defects: []string{name}})
		if err != nil {
			t.Fatal(err)
		}
		submitted := make(chan error, 1)
		go func() { submitted <- e.Submit(t.Context(), p.define("s", "a compensatable", "b compensatable")) }()
		if name == "store-errors-ignored" {
			awaitStatus(t, e, "s", saga.Completed)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-submitted; (name == "stop-on-store-error") != errors.Is(err, ErrClosed) {
			t.Error(name, err)
		}
		e = openTest(t, Options{StoreDSN: file, Defects: []string{name}})
		if _, err := e.Status("s"); !errors.Is(err, ErrNotFound) {
			t.Error(name, err)
		}
	}
}

func TestAcceptInMemory(t *testing.T) {
	hang := make(chan struct{})
	p := newParticipant(t, func(call) int { <-hang; return 0 })
	file := filepath.Join(t.TempDir(), "sagas.db")
	e, err := Open(t.Context(), Options{StoreDSN: file, Defects: []string{"accept-in-memory"}})
	if err != nil {
		t.Fatal(err)
	}
	submit(t, e, p.define("s", "a compensatable"))
	p.awaitCall(t, "a", 1)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	close(hang)
	e = openTest(t, Options{StoreDSN: file})
	if r, err := e.Status("s"); !errors.Is(err, ErrNotFound) {
		t.Error(r, err)
	}
}

// Equivalent switches, one by one and all together, break nothing.
func TestEquivalentSwitches(t *testing.T) {
	var all []string
	for _, d := range Defects() {
		if d.Equivalent {
			all = append(all, d.Name)
		}
	}
	for _, names := range append([][]string{all}, split(all)...) {
		t.Run(fmt.Sprint(names), func(t *testing.T) {
			t.Parallel()
			for script, want := range map[string]saga.Status{"a 1 503, b 1 -1": saga.Completed, "c 1 422, b.undo 1 -1": saga.Compensated} {
				p := newParticipant(t, scripted(script))
				e := openTest(t, Options{Defects: names})
				submit(t, e, p.define("s", "a compensatable -", "b compensatable -", "n deferrable -", "c compensatable a,b"))
				awaitStatus(t, e, "s", want)
				if want == saga.Compensated && len(p.left("s")) > 1 { // n has nothing to undo
					t.Error("left:", p.left("s"))
				}
				for op, n := range p.effects {
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
