package reference

import (
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/reference/policies"
	"github.com/sagacheck/sagacheck/reference/store"
	"github.com/sagacheck/sagacheck/saga"
)

// books is a participant that tells what its ledger holds, and whose ledger can be restored from before.
type books struct {
	*testparticipant.Participant
	*holder
}

func newBooks(t *testing.T, script func(SeenCall) int) *books {
	b := &books{NewParticipant(t, script), newHolder(t)}
	b.holds.Store(func(step string) (int, string) {
		b.Mu.Lock()
		defer b.Mu.Unlock()
		if b.Effects["s/"+step] > b.Effects["s/"+step+".undo"] {
			return http.StatusOK, `{"amount": 42.0}`
		}
		return http.StatusNotFound, ""
	})
	return b
}

// undone runs the saga s to its rollback: a was done and undone, b was refused.
func (b *books) undone(t *testing.T, e *Executor) {
	t.Helper()
	SubmitTest(t, e, b.define(b.Participant, "s", "a compensatable", "b compensatable"))
	AwaitStatus(t, e, "s", saga.Compensated)
}

// restore takes the ledger, and the keys that were answered if they are forgotten, back to before the undo.
func (b *books) restore(keys bool) {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	b.Effects["s/a.undo"]--
	if keys {
		b.ForgetKey("s/a/compensation")
	}
}

func (b *books) balance() int {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	return b.Effects["s/a"] - b.Effects["s/a.undo"]
}

// rounds waits until the participant has been asked so often again.
func (b *books) rounds(n int64) {
	for seen := b.asked.Load(); b.asked.Load() < seen+n; {
		time.Sleep(time.Millisecond)
	}
}

const refuseB = "b * 422"

// repairing is how an executor is opened that may repair.
func repairing(file string) Options {
	return Options{StoreDSN: file, ReconcileEvery: 2 * time.Millisecond, ReconcileFor: time.Hour, ReconcileRepair: true}
}

// cameTo waits until the repair of the first difference has come to something.
func cameTo(t *testing.T, e *Executor, want RepairState) Drift {
	t.Helper()
	return awaitDrift(t, e, "s", func(all []Drift) bool { return len(all) > 0 && all[0].Repair.State == want })[0]
}

// What was undone and came back is undone once more, under the compensation's own key, and once: the saga stays
// as it has ended, and the audit says who did it and why.
func TestWhatCameBackIsUndoneOnceMore(t *testing.T) {
	b, e := newBooks(t, Scripted(refuseB)), OpenTest(t, repairing(""))
	b.undone(t, e)
	b.restore(true)
	if d := cameTo(t, e, Repaired); d.What != DriftStill || d.Gone.IsZero() || d.Repair.Attempts != 1 {
		t.Errorf("%+v", d)
	}
	b.rounds(10)
	undos := b.Of("a.undo")
	if len(undos) != 2 || undos[0].Header.Get("Idempotency-Key") != undos[1].Header.Get("Idempotency-Key") || b.balance() != 0 {
		t.Errorf("%d compensations, %d left: %v", len(undos), b.balance(), undos)
	}
	AwaitStatus(t, e, "s", saga.Compensated)
	a, err := e.Audit(t.Context(), AuditQuery{Saga: "s"})
	by := slices.DeleteFunc(a.Entries, func(en AuditEntry) bool { return en.Author != AuditReconcile })
	if err != nil || len(by) != 2 || by[0].What != AuditAttempt || by[0].Attempt != 2 || by[0].Reason == "" || by[1].What != AuditAnswered {
		t.Errorf("%+v, %v", by, err)
	}

	b.restore(true) // a second time
	awaitDrift(t, e, "s", func(all []Drift) bool { return len(all) == 2 && all[1].Repair.State == Repaired })
	if len(b.Of("a.undo")) != 3 || b.balance() != 0 {
		t.Errorf("%d compensations, %d left", len(b.Of("a.undo")), b.balance())
	}
}

// Nobody repairs who was not asked to, and nothing but what the record proves to be undone.
func TestWhatIsNotRepaired(t *testing.T) {
	o := repairing("")
	o.ReconcileRepair = false
	b, e := newBooks(t, Scripted(refuseB)), OpenTest(t, o)
	b.undone(t, e)
	b.restore(true)
	awaitDrift(t, e, "s", still(1))
	b.rounds(10)
	if n := len(b.Of("a.undo")); n != 1 {
		t.Errorf("%d compensations, although it may not repair", n)
	}

	b, e = newBooks(t, nil), OpenTest(t, repairing(""))
	SubmitTest(t, e, b.define(b.Participant, "s", "a compensatable"))
	AwaitStatus(t, e, "s", saga.Completed)
	b.says(http.StatusNotFound, "")
	awaitDrift(t, e, "s", still(1))
	b.rounds(10)
	if len(b.Calls) != 1 {
		t.Errorf("an action that is missing was followed by %v", b.Calls[1:])
	}
}

// A participant that remembers the key answers that it is done, and does nothing: that is not tried again.
func TestWhatIsAnsweredIsNotRepairedAgain(t *testing.T) {
	b, e := newBooks(t, Scripted(refuseB)), OpenTest(t, repairing(""))
	b.undone(t, e)
	b.restore(false)
	cameTo(t, e, RepairAnswered)
	b.rounds(10)
	if d := cameTo(t, e, RepairAnswered); !d.Gone.IsZero() || len(b.Of("a.undo")) != 2 {
		t.Errorf("%+v after %d compensations", d, len(b.Of("a.undo")))
	}
}

// A refusal ends a repair, and so do some attempts without an answer.
func TestRepairsEnd(t *testing.T) {
	for _, c := range []struct {
		script   string
		state    RepairState
		attempts int
	}{
		{"a.undo 2 422, " + refuseB, RepairRefused, 1},
		{"a.undo 2 503, a.undo 3 503, a.undo 4 503, a.undo 5 503, a.undo 6 503, " + refuseB, RepairUnanswered, mostRepairs},
		{"a.undo 2 503, a.undo 3 -1, " + refuseB, Repaired, 2},
	} {
		b, e := newBooks(t, Scripted(c.script)), OpenTest(t, repairing(""))
		b.undone(t, e)
		b.restore(true)
		awaitDrift(t, e, "s", func(all []Drift) bool {
			return len(all) > 0 && all[0].Repair.State == c.state && all[0].Repair.Attempts == c.attempts
		})
		b.rounds(10)
		if n := len(b.Of("a.undo")); n != 1+c.attempts {
			t.Errorf("%s: %d compensations, want %d", c.script, n, 1+c.attempts)
		}
		AwaitStatus(t, e, "s", saga.Compensated) // whatever came of it
	}
}

// A flag that holds compensations holds repairs.
func TestFlagsHoldRepairs(t *testing.T) {
	b, e := newBooks(t, Scripted(refuseB)), OpenTest(t, repairing(""))
	b.undone(t, e)
	f := policies.Flag{Name: policies.HoldCompensations, Author: "ann", Reason: "r", Expires: time.Now().Add(time.Hour)}
	if err := e.SetFlag(t.Context(), f, By{}); err != nil {
		t.Fatal(err)
	}
	b.restore(true)
	awaitDrift(t, e, "s", still(1))
	b.rounds(10)
	if n := len(b.Of("a.undo")); n != 1 {
		t.Errorf("%d compensations, although a flag holds them", n)
	}
	if err := e.ClearFlag(t.Context(), f.Name, By{Author: "ann", Reason: "r"}); err != nil {
		t.Fatal(err)
	}
	cameTo(t, e, Repaired)
}

// An end of the executor in the middle of a repair leaves an attempt whose outcome is unknown, and the next one
// repairs; meanwhile no second call is made beside the first.
func TestRepairsOverARestart(t *testing.T) {
	hold, came := make(chan struct{}), make(chan struct{}, 10)
	b := newBooks(t, func(c SeenCall) int {
		if c.Op == "a.undo" && c.Attempt == 2 {
			came <- struct{}{}
			<-hold
			return 503
		}
		return Scripted(refuseB)(c)
	})
	file := t.TempDir() + "/saga.db"
	e := OpenTest(t, repairing(file))
	b.undone(t, e)
	b.restore(true)
	<-came
	for range 10 {
		e.askAll()
	}
	if n := len(b.Of("a.undo")); n != 2 {
		t.Errorf("%d compensations while one is under way", n)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	close(hold)
	e = OpenTest(t, repairing(file))
	if d := cameTo(t, e, Repaired); d.Repair.Attempts != 2 || len(b.Of("a.undo")) != 3 || b.balance() != 0 {
		t.Errorf("%+v after %d compensations, %d left", d, len(b.Of("a.undo")), b.balance())
	}
}

// vault is a participant that gives out one thing a saga, and takes it back; its books are restored from before at
// any moment, with the keys that it had then.
type vault struct {
	*httptest.Server
	mu      sync.Mutex
	held    map[string]bool // by saga
	undone  map[string]bool // keys of compensations that were answered
	under   map[string]int  // compensations that are being answered, by saga
	rng     *rand.Rand
	mistake string
}

func newVault(t *testing.T, seed uint64) *vault {
	v := &vault{held: map[string]bool{}, undone: map[string]bool{}, under: map[string]int{}, rng: rand.New(rand.NewPCG(seed, 0))}
	v.Server = httptest.NewServer(v)
	t.Cleanup(v.Server.Close)
	return v
}

func (v *vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, key := r.Header.Get("Saga-Id"), r.Header.Get("Idempotency-Key")
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case r.URL.Path == "/refuse":
		w.WriteHeader(http.StatusUnprocessableEntity)
	case r.Method == http.MethodGet && !v.held[id]:
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodGet:
		_, _ = io.WriteString(w, `{}`)
	case r.URL.Path == "/take":
		v.held[id] = true
	default:
		v.giveBack(w, id, key)
	}
}

// giveBack answers a compensation, at times without an answer, before or after its effect.
func (v *vault) giveBack(w http.ResponseWriter, id, key string) {
	if v.under[id]++; v.under[id] > 1 {
		v.mistake = "two compensations of " + id + " at once"
	}
	trouble := v.rng.IntN(4)
	v.mu.Unlock()
	time.Sleep(4 * time.Millisecond) // longer than two rounds of questions
	v.mu.Lock()
	v.under[id]--
	if trouble == 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if !v.undone[key] {
		if !v.held[id] {
			v.mistake = "what " + id + " took was given back twice"
		}
		v.held[id], v.undone[key] = false, true
	}
	if trouble == 1 {
		panic(http.ErrAbortHandler)
	}
}

// restore takes the books back to before the compensation of a saga, as often as they have it.
func (v *vault) restore(id string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.undone[id+"/a/compensation"] {
		v.held[id] = true
		delete(v.undone, id+"/a/compensation")
	}
}

// left are the sagas of which something is there.
func (v *vault) left() (ids []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for id, there := range v.held {
		if there {
			ids = append(ids, id)
		}
	}
	return ids
}

// However often books are restored and the executor ends in the middle of it, nothing is given back twice, no two
// calls are made at once, and in the end nothing is left but what a person is told of: books that were restored once more
// while a repair was answered.
func TestRepairsNeverCreditTwice(t *testing.T) {
	const sagas, lives = 8, 10
	v, rng, file := newVault(t, 1), rand.New(rand.NewPCG(2, 0)), t.TempDir()+"/saga.db"
	e := OpenTest(t, repairing(file))
	for i := range sagas {
		p := &testparticipant.Participant{Server: v.Server}
		d := p.Define(fmt.Sprintf("s%d", i), "a compensatable", "b compensatable")
		d.Steps[0].Action.URL, d.Steps[0].Compensation.URL, d.Steps[1].Action.URL, d.Steps[0].ReadBack = v.URL+"/take", v.URL+"/back", v.URL+"/refuse", v.URL+"/held"
		d.Steps[0].Action.Body = nil
		SubmitTest(t, e, d)
		AwaitStatus(t, e, d.ID, saga.Compensated)
	}
	for range lives {
		for range 2 * sagas {
			v.restore(fmt.Sprintf("s%d", rng.IntN(sagas)))
			time.Sleep(time.Duration(rng.IntN(3)) * time.Millisecond)
		}
		if err := e.Close(); err != nil { // calls under way are cut short
			t.Fatal(err)
		}
		e = OpenTest(t, repairing(file))
	}
	over := func(id string) bool { // a person has to look
		all, err := e.Drifts(t.Context(), id)
		if err != nil || len(all) == 0 {
			return false
		}
		last, attempts := all[len(all)-1], 0
		for _, d := range all {
			attempts += d.Repair.Attempts
		}
		return last.Gone.IsZero() && (last.Repair.State == RepairAnswered || last.Repair.State != RepairUnderWay && attempts == mostRepairs)
	}
	for deadline := time.Now().Add(20 * time.Second); slices.ContainsFunc(v.left(), func(id string) bool { return !over(id) }); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			told, err := e.Drifts(t.Context(), "")
			t.Fatalf("left: %v; told: %+v, %v", v.left(), told, err)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.mistake != "" {
		t.Error(v.mistake)
	}
	for i := range sagas {
		AwaitStatus(t, e, fmt.Sprintf("s%d", i), saga.Compensated)
	}
}

// atIntent is an observer that does something in the middle of what follows when the intent of a repair is durable.
type atIntent struct {
	*told
	do     func()
	leaves func(n int) // what an attempt that leaves meets
}

func (o *atIntent) Recorded(s *State, records []Record, replayed bool) {
	o.told.Recorded(s, records, replayed)
	for _, r := range records {
		if o.do != nil && !replayed && r.Kind == RecordRepair && r.Answer == "" {
			o.do()
		}
	}
}

func (o *atIntent) Leaves(op Op, n int) {
	if o.leaves != nil && op.Dir == saga.Compensation {
		o.leaves(n)
	}
}

// Whoever sees the intent of a repair that has not left yet does not take it for one that an earlier life left behind:
// a second call would be made beside it.
func TestTheIntentOfARepairIsKnownBeforeItIsSeen(t *testing.T) {
	watch := &atIntent{told: newTold()}
	o := repairing("")
	o.Observer = watch
	b, e := newBooks(t, Scripted(refuseB)), OpenTest(t, o)
	b.undone(t, e)
	over := make(chan bool, mostRepairs)
	watch.do = func() {
		f, err := e.find(t.Context(), "s")
		if err != nil {
			t.Error(err)
			return
		}
		e.reconciler.mu.Lock() // nothing can be marked as under way from here on
		go func() {
			defer e.reconciler.mu.Unlock()
			seen := false
			for end := time.Now().Add(50 * time.Millisecond); !seen && time.Now().Before(end); time.Sleep(time.Millisecond) {
				if f.view.mu.TryLock() {
					seen = f.view.s.Repairing(0) && !e.reconciler.repairing[repairOf{"s", 0}]
					f.view.mu.Unlock()
				}
			}
			over <- seen
		}()
	}
	b.restore(true)
	if <-over {
		t.Error("an intent was seen that nobody knew to be under way in this life")
	}
	cameTo(t, e, Repaired)
}

// Two readings at once are one: a participant whose readings lag is asked again later, before anything is done.
func TestReadingsAtOnceDoNotRepair(t *testing.T) {
	b := newBooks(t, Scripted(refuseB))
	var lagging sync.WaitGroup // both are asked before one is answered
	lagging.Add(2)
	var n atomic.Int64
	b.holds.Store(func(string) (int, string) {
		b.Mu.Lock()
		undone := b.Effects["s/a.undo"] > 0
		b.Mu.Unlock()
		if !undone {
			return http.StatusInternalServerError, ""
		}
		if n.Add(1) > 2 {
			return http.StatusNotFound, ""
		}
		lagging.Done()
		lagging.Wait()
		return http.StatusOK, `{"amount": 42.0}`
	})
	o := repairing("")
	o.ReconcileEvery = 200 * time.Millisecond
	e := OpenTest(t, o)
	b.undone(t, e)
	awaitDrift(t, e, "s", func(all []Drift) bool { return len(all) > 0 && !all[0].Gone.IsZero() })
	if n := len(b.Of("a.undo")); n != 1 {
		t.Errorf("%d compensations, though what was told only lagged", n)
	}
}

// However often a difference comes and goes, a step is repaired some times in all.
func TestRepairsOfAStepAreBounded(t *testing.T) {
	b, e := newBooks(t, Scripted(refuseB)), OpenTest(t, repairing(""))
	b.undone(t, e)
	for i := range mostRepairs {
		b.restore(true)
		awaitDrift(t, e, "s", func(all []Drift) bool { return len(all) == i+1 && all[i].Repair.State == Repaired })
	}
	b.restore(true)
	awaitDrift(t, e, "s", func(all []Drift) bool { return len(all) == mostRepairs+1 })
	b.rounds(50)
	if n := len(b.Of("a.undo")); n != 1+mostRepairs {
		t.Errorf("%d compensations, want %d", n, 1+mostRepairs)
	}
}

// A repair waits as any attempt does: as long as its policy and a Retry-After say, and for its retry budget.
func TestRepairsWait(t *testing.T) {
	t.Run("policy", func(t *testing.T) {
		b, e := newBooks(t, Scripted("a.undo 2 503, "+refuseB)), OpenTest(t, repairing(""))
		d := b.define(b.Participant, "s", "a compensatable", "b compensatable")
		d.Steps[0].Compensation.Retry = saga.RetryPolicy{InitialIntervalMS: 400, Multiplier: 1, MaxIntervalMS: 400, AttemptTimeoutMS: 2000}
		SubmitTest(t, e, d)
		AwaitStatus(t, e, "s", saga.Compensated)
		b.restore(true)
		cameTo(t, e, Repaired)
		if undos := b.Of("a.undo"); len(undos) != 3 || undos[2].Began.Sub(undos[1].Ended) < 400*time.Millisecond {
			t.Errorf("%v", undos)
		}
	})
	t.Run("Retry-After", func(t *testing.T) {
		ask := make(chan string, 1)
		b, e := newBooks(t, Scripted(refuseB)), OpenTest(t, repairing(""))
		var asked time.Time
		h := retryAfterHandler(ask, b.Participant)
		b.Participant.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if len(ask) > 0 {
				asked = time.Now()
			}
			h.ServeHTTP(w, r)
		})
		b.undone(t, e)
		ask <- "1"
		b.restore(true)
		cameTo(t, e, Repaired)
		if undos := b.Of("a.undo"); len(undos) != 2 || undos[1].Began.Sub(asked) < time.Second {
			t.Errorf("asked to wait at %v: %v", asked, undos)
		}
	})
	t.Run("retry budget", func(t *testing.T) {
		b, e := newBooks(t, Scripted("a.undo 2 503, a.undo 3 503, "+refuseB)), OpenTest(t, repairing(""))
		d := b.define(b.Participant, "s", "a compensatable", "b compensatable")
		d.Steps[0].Compensation.RetryBudget = &saga.RetryBudget{Name: "few", MinPerSecond: 0.01, Burst: 1}
		SubmitTest(t, e, d)
		AwaitStatus(t, e, "s", saga.Compensated)
		b.restore(true)
		cameTo(t, e, RepairUnanswered)
		b.rounds(50)
		if n := len(b.Of("a.undo")); n != 2 {
			t.Errorf("%d compensations: one token is enough for one repair", n)
		}
	})
}

// A participant that was restored is not called for all sagas at once.
func TestFewRepairsAtOnce(t *testing.T) {
	var mu sync.Mutex
	var restored atomic.Bool
	under, most := 0, 0
	count := func(by int) {
		mu.Lock()
		defer mu.Unlock()
		under += by
		most = max(most, under)
	}
	b := newBooks(t, func(c SeenCall) int {
		if c.Op == "a.undo" && c.Attempt > 1 {
			count(1)
			time.Sleep(20 * time.Millisecond) // as long as an answer takes
			count(-1)
		}
		return Scripted(refuseB)(c)
	})
	b.holds.Store(func(string) (int, string) {
		if restored.Load() {
			return http.StatusOK, `{"amount": 42.0}`
		}
		return http.StatusNotFound, ""
	})
	e := OpenTest(t, repairing(""))
	const sagas = 4 * repairsAtOnce
	for i := range sagas {
		SubmitTest(t, e, b.define(b.Participant, fmt.Sprintf("s%d", i), "a compensatable", "b compensatable"))
	}
	for i := range sagas {
		AwaitStatus(t, e, fmt.Sprintf("s%d", i), saga.Compensated)
	}
	restored.Store(true)
	for i := range sagas {
		awaitDrift(t, e, fmt.Sprintf("s%d", i), func(all []Drift) bool { return len(all) > 0 && all[len(all)-1].Repair.State == RepairAnswered })
	}
	mu.Lock()
	defer mu.Unlock()
	if most > repairsAtOnce {
		t.Errorf("%d repairs at once, want at most %d", most, repairsAtOnce)
	}
}

// A panic in a repair ends the work on its saga, not the executor.
func TestAPanicInARepairIsItsSagas(t *testing.T) {
	watch := &atIntent{told: newTold(), leaves: func(n int) {
		if n > 1 {
			panic("planned")
		}
	}}
	o := repairing("")
	o.Observer = watch
	b, e := newBooks(t, Scripted(refuseB)), OpenTest(t, o)
	b.undone(t, e)
	b.restore(true)
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(time.Millisecond) {
		watch.mu.Lock()
		broken := slices.Contains(watch.broken, "s")
		watch.mu.Unlock()
		if broken {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the saga is not in quarantine")
		}
	}
}

// A saga has ended when it ended, whatever is found of it and repaired after that.
func TestRepairsMoveNoEnd(t *testing.T) {
	b, e := newBooks(t, Scripted(refuseB)), OpenTest(t, repairing(""))
	b.undone(t, e)
	b.rounds(2)
	after := time.Now().Add(time.Millisecond) // the store counts whole ones
	b.restore(true)
	cameTo(t, e, Repaired)
	if ids, err := e.store.Since(t.Context(), after, 10); err != nil || len(ids) > 0 {
		t.Errorf("%v ended after the end of s, %v", ids, err)
	}
}

// What came of a repair is written down as soon as the store takes it: a refusal is not forgotten and asked for again.
func TestWhatCameOfARepairOutlastsStoreTrouble(t *testing.T) {
	inner, err := store.Open(t.Context(), store.Options{DSN: t.TempDir() + "/saga.db"})
	if err != nil {
		t.Fatal(err)
	}
	s, log := &brokenStore{Store: inner}, &testparticipant.Log{}
	b := newBooks(t, func(c SeenCall) int {
		if c.Op == "a.undo" && c.Attempt == 2 {
			s.broken.Store(true)
			return http.StatusUnprocessableEntity
		}
		return Scripted(refuseB)(c)
	})
	o := repairing("")
	o.Logger = slog.New(slog.NewTextHandler(log, nil))
	e, err := open(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	b.undone(t, e)
	b.restore(true)
	// Which of the two is up to whether the saga has left memory when the answer comes.
	trouble := regexp.MustCompile("can't be written down yet|can't write to the store")
	for end := time.Now().Add(15 * time.Second); !trouble.MatchString(log.String()); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(log)
		}
	}
	s.broken.Store(false)
	cameTo(t, e, RepairRefused)
	b.rounds(10)
	if n := len(b.Of("a.undo")); n != 2 {
		t.Errorf("%d compensations, although the second was refused", n)
	}
}
