package campaign

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/internal/tinyorch"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/saga"
)

// bounded is progress that may not say more than all.
type bounded struct {
	t           *testing.T
	what        string
	mu          sync.Mutex
	total, done int
	over        bool
}

func (b *bounded) SetTotal(total int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.total = total
}

func (b *bounded) Done(results.State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done++; b.done > b.total {
		b.t.Errorf("%d of %d %s", b.done, b.total, b.what)
	}
}

func (b *bounded) Finish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
}

// Each finding is replayed as often as was asked for, which is a part of its own in the progress; none
// of the parts says more than all.
func TestFindingsAreReplayed(t *testing.T) {
	o := lostAnswer(t)
	o.Participants, o.Gate.Replays = "naive", 3
	var parts []*bounded
	host := Host{Progress: func(what string, total int) Progress {
		b := &bounded{t: t, what: what, total: total}
		parts = append(parts, b)
		return b
	}}
	done, err := Run(t.Context(), host, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(parts) != 2 || parts[1].what != "findings replayed" {
		t.Fatalf("%d parts", len(parts))
	}
	for _, p := range parts {
		if p.done != p.total || p.total != 1 || !p.over {
			t.Errorf("%d of %d %s, over: %v", p.done, p.total, p.what, p.over)
		}
	}
	found := done.Run.Gate.Findings
	if len(found) != 1 || found[0].Standing != results.Fresh || *found[0].Reproduced != (results.Rate{Hits: 3, Tries: 3}) || found[0].Flaky() {
		t.Errorf("got %+v", found)
	}
	if f := done.Run.Failures[0]; f.Reproduced == nil || f.Reproduced.Tries != 3 {
		t.Errorf("the failure has %+v", f.Reproduced)
	}
}

// What is known ends no run early, nor does anything where the baseline is updated; what is new, or was
// to be mended by now, does.
func TestWhatIsKnownEndsNoRun(t *testing.T) {
	crash := faults.Plan{Faults: []faults.Fault{{Kind: "crash-orchestrator"}}}
	r := harness.Result{Cell: harness.Cell{Scenario: "order", Plan: crash}, Duration: time.Second}
	broken := []checkers.Verdict{{Property: "stuck-saga", Outcome: checkers.Violation}}
	entry := results.Known{
		Property: "stuck-saga", Scenario: "order", Participants: "naive", Plan: crash.String(),
		Reason: "it has no store", Owner: "payments", Expires: "2026-11-30",
	}
	for name, c := range map[string]struct {
		change func(*results.Known)
		update bool
		ends   bool
	}{
		"known":            {func(*results.Known) {}, false, false},
		"of another place": {func(k *results.Known) { k.Scenario = "booking" }, false, true},
		"expired":          {func(k *results.Known) { k.Expires = "2026-11-28" }, false, true},
		"updated":          {func(k *results.Known) { k.Scenario = "booking" }, true, false},
	} {
		k := entry
		c.change(&k)
		b := results.NewBaseline("known.yaml")
		b.Findings = []results.Known{k}
		x := &session{
			s: Settings{MaxFailures: 1}, profile: "naive", alike: newAlike(1, time.Second),
			gate: &gate{Gate: Gate{Update: c.update}, known: b, now: time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)},
		}
		ctx := x.begin(t.Context())
		slowly := x.fail(r, broken)
		if ended := ctx.Err() != nil; ended != c.ends || (x.alike.skip(r.Cell) != "") != c.ends || !slowly {
			t.Errorf("%s: the run ends: %v, alike cells: %q, slowly: %v", name, ended, x.alike.skip(r.Cell), slowly)
		}
		x.stop(nil)
	}
}

// A failure whose smaller case never came back has its own rate, and not that of the smaller one.
func TestTheRateOfAFailureIsItsOwn(t *testing.T) {
	plan := faults.Plan{Faults: []faults.Fault{{Kind: "lose"}, {Kind: "reset"}}}
	g := &failure{property: "stuck-saga", scenario: "order", plan: plan, rate: results.Rate{Hits: 10, Tries: 10}, smallestRate: results.Rate{Tries: 10}}
	g.smallest.Plan = plan
	x := &session{profile: "naive", gate: &gate{}}
	played := x.again(t.Context(), &failures{}, []*failure{g})
	if got := played.Rates[x.keyOf(g, plan)]; got != g.rate {
		t.Errorf("got %+v", got)
	}
}

// What doesn't come back stands for itself alone: a cell without a fault that broke once, by an accident, neither hides
// what each lost answer breaks nor lets it through, and that is replayed as well.
func TestAnAccidentExplainsNothingElse(t *testing.T) {
	tiny := tinyorch.New(tinyorch.Bugs{FreshKey: true})
	t.Cleanup(tiny.Close)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			callFirst(t, r, "-0001-1")
		}
		tiny.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	o := lostAnswer(t)
	o.Plan, o.Curated, o.Orchestrator, o.Participants = "", true, s.URL, "keyed"
	o.Gate.Replays, o.Gate.FailOn = 3, []string{"violation", "not-flaky"}
	done, err := Run(t.Context(), Host{}, o)
	if err != nil {
		t.Fatal(err)
	}
	rates := map[string]results.Rate{}
	for _, j := range done.Run.Gate.Findings {
		if j.Reproduced != nil {
			rates[j.Plan] = *j.Reproduced
		}
	}
	if rates["no fault"] != (results.Rate{Tries: 3}) || rates["lose top-up#1@response"] != (results.Rate{Hits: 3, Tries: 3}) || done.Run.Summary.Exit != results.ExitViolation {
		t.Errorf("the rates are %v, and the run is %+v", rates, done.Run.Summary)
	}
}

// callFirst calls the first step of the saga with that end of its name, before anybody is given the request that starts it.
func callFirst(t *testing.T, r *http.Request, name string) {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	var d saga.Definition
	if err = errors.Join(err, json.Unmarshal(body, &d)); err != nil {
		t.Error(err)
	}
	if !strings.HasSuffix(d.ID, name) {
		return
	}
	call, err := http.NewRequestWithContext(r.Context(), http.MethodPost, d.Steps[0].Action.URL, bytes.NewReader(d.Steps[0].Action.Body))
	if err != nil {
		t.Error(err)
		return
	}
	call.Header = http.Header{"Idempotency-Key": {"accident"}, "Saga-Id": {d.ID}, "Saga-Step": {d.Steps[0].Name}, "Content-Type": {"application/json"}}
	answer, err := http.DefaultClient.Do(call)
	if err != nil {
		t.Error(err)
		return
	}
	if err := answer.Body.Close(); err != nil {
		t.Error(err)
	}
}

// A finding that comes back each time after the whole settle is replayed few times; with a test's short settle, and
// the system that forgets its sagas.
func TestSlowFindingsAreReplayedLess(t *testing.T) {
	o := RunOptions{Settings: Defaults(), Plan: filepath.Join("testdata", "killed.yaml")}
	o.Scenarios, o.Properties, o.Defects, o.Settle, o.Out = []string{"order"}, []string{"stuck-saga"}, []string{"no-recovery"}, 2*time.Second, t.TempDir()
	o.Gate.Replays = DefaultReplays
	done, err := Run(t.Context(), Host{}, o)
	if err != nil {
		t.Fatal(err)
	}
	found := done.Run.Gate.Findings
	if len(found) != 1 || found[0].Reproduced == nil || *found[0].Reproduced != (results.Rate{Hits: slowReplays, Tries: slowReplays}) {
		t.Errorf("got %+v", found)
	}
}
