package alerts_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/telemetry"
	"github.com/sagacheck/sagacheck/saga"
)

// Executors are watched here while their participants are in trouble. What Prometheus
// reads every 15 seconds is read every tick, and its time is that of ticks: a minute has
// four of them. So a slow machine makes ticks longer, and not the trouble.
const (
	tick   = 20 * time.Millisecond
	minute = 4 // ticks
)

// watched is an executor with its participants, tick by tick.
type watched struct {
	*reference.Executor
	metrics http.Handler
	at      int                 // ticks so far
	samples map[string][]string // by series; "_" where there was none

	mu     sync.Mutex
	url    string
	answer func(op string, first bool) int // 0: 200; −1: it is done and no answer comes
	seen   map[string]bool                 // operations of sagas that were called
}

func watch(t *testing.T) *watched {
	t.Helper()
	tele, err := telemetry.New(telemetry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := &watched{metrics: tele, samples: map[string][]string{}, seen: map[string]bool{}, answer: fine}
	served := httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(served.Close)
	w.url = served.URL
	if w.Executor, err = reference.Open(t.Context(), reference.Options{StoreDSN: filepath.Join(t.TempDir(), "s.db"), Observer: tele}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

func fine(string, bool) int { return 0 }

func (w *watched) serve(rw http.ResponseWriter, r *http.Request) {
	op := strings.TrimPrefix(r.URL.Path, "/")
	call := r.Header.Get("Saga-Id") + " " + op
	w.mu.Lock()
	first := !w.seen[call]
	w.seen[call] = true
	code := w.answer(op, first)
	w.mu.Unlock()
	switch code {
	case 0:
	case -1:
		panic(http.ErrAbortHandler)
	default:
		rw.WriteHeader(code)
	}
}

func (w *watched) becomes(answer func(op string, first bool) int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = answer
}

// order is a saga whose steps can be undone, but for the last. Compensations go on until
// they are done.
func (w *watched) order(id string) saga.Definition {
	d := saga.Definition{ID: id, Name: "order"}
	call := func(name string, most int) saga.Call {
		return saga.Call{
			URL:     w.url + "/" + name,
			Retry:   saga.RetryPolicy{MaxAttempts: most, InitialIntervalMS: 5, Multiplier: 2, MaxIntervalMS: 40, AttemptTimeoutMS: 1000},
			Breaker: &saga.Breaker{Name: name, Failures: 5, OpenMS: 100, Probes: 1},
		}
	}
	for _, name := range []string{"reserve", "charge"} {
		undo := call(name+"-undo", 0)
		undo.Breaker = nil
		d.Steps = append(d.Steps, saga.Step{Name: name, Kind: saga.Compensatable, Action: call(name, 6), Compensation: &undo})
	}
	d.Steps = append(d.Steps, saga.Step{Name: "ship", Kind: saga.Pivot, Action: call("ship", 0)})
	return d
}

// goOn lets ticks pass, with a saga in each.
func (w *watched) goOn(t *testing.T, ticks int) {
	t.Helper()
	for next := time.Now(); ticks > 0; ticks-- {
		if err := w.Submit(t.Context(), w.order("s"+strconv.Itoa(w.at))); err != nil {
			t.Fatal(err)
		}
		next = next.Add(tick)
		time.Sleep(time.Until(next))
		w.scrape(t)
	}
}

// scrape reads the metrics as Prometheus does.
func (w *watched) scrape(t *testing.T) {
	t.Helper()
	rec := httptest.NewRecorder()
	w.metrics.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(rec.Body)
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range families {
		for _, m := range f.GetMetric() {
			if m.Histogram != nil {
				continue // no rule looks at one
			}
			labels := []string{`job="sagas"`, `instance="a:8080"`}
			for _, pair := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", pair.GetName(), pair.GetValue()))
			}
			series := name + "{" + strings.Join(labels, ",") + "}"
			for len(w.samples[series]) < w.at {
				w.samples[series] = append(w.samples[series], "_")
			}
			value := m.GetCounter().GetValue() + m.GetGauge().GetValue()
			w.samples[series] = append(w.samples[series], strconv.FormatFloat(value, 'g', -1, 64))
		}
	}
	w.at++
}

// firing are the minutes at which each alert of a file of rules fires, by promtool.
func (w *watched) firing(t *testing.T, rules string) map[string][]int {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "rule_files: [%q]\nevaluation_interval: 15s\ntests:\n  - interval: 15s\n    input_series:\n", rules)
	for _, series := range slices.Sorted(maps.Keys(w.samples)) {
		fmt.Fprintf(&b, "      - series: '%s'\n        values: '%s'\n", series, strings.Join(w.samples[series], " "))
	}
	b.WriteString("    alert_rule_test:\n")
	for _, r := range shipped(t) {
		for m := range w.at / minute {
			fmt.Fprintf(&b, "      - {eval_time: %dm, alertname: %s}\n", m, r.Alert)
		}
	}
	out, err := promtool(t, "test", "rules", write(t, t.TempDir(), "live.yaml", b.String()))
	fires := map[string][]int{}
	for _, m := range firedWrongly.FindAllStringSubmatch(out, -1) {
		d, err := time.ParseDuration(m[2])
		if err != nil {
			t.Fatal(err)
		}
		fires[m[1]] = append(fires[m[1]], int(d/time.Minute))
	}
	if (err == nil) != (len(fires) == 0) {
		t.Fatalf("promtool: %v\n%s", err, out)
	}
	return fires
}

func asTheyAre(map[string]any) {}

// endStuck is what a person does in the end: each saga that is stuck is ended by hand.
func (w *watched) endStuck(t *testing.T) {
	t.Helper()
	for i := range w.at {
		id := "s" + strconv.Itoa(i)
		r, err := w.Status(id)
		if err != nil {
			t.Fatal(err)
		}
		if r.Status != saga.Stuck {
			continue
		}
		if _, err := w.Operate(t.Context(), id, reference.Asked{Act: saga.ActEnd, By: reference.By{Author: "ann", Reason: "settled by telephone"}}); err != nil {
			t.Fatal(err)
		}
	}
}

// hiccups are troubles that go away by themselves, drawn with a seed.
func hiccups(seed uint64) (name string, trouble func(op string, first bool) int) {
	die := rand.New(rand.NewPCG(seed, 6))
	switch seed % 4 {
	case 0:
		lost := false
		return "one answer is lost", func(op string, _ bool) int {
			if lost || op != "charge" {
				return 0
			}
			lost = true
			return -1
		}
	case 1:
		share := 0.1 + 0.3*die.Float64()
		return "some first attempts fail", func(_ string, first bool) int {
			if first && die.Float64() < share {
				return 503
			}
			return 0
		}
	case 2:
		share := 0.05 + 0.15*die.Float64()
		return "some answers are lost", func(_ string, first bool) int {
			if first && die.Float64() < share {
				return -1
			}
			return 0
		}
	}
	return "a card now and then is refused", func(op string, _ bool) int {
		if op == "charge" && die.Float64() < 0.2 {
			return 402
		}
		return 0
	}
}

// Nobody is called for what goes away by itself.
func TestHiccupsCallNobody(t *testing.T) {
	for seed := range uint64(20) {
		name, trouble := hiccups(seed)
		t.Run(fmt.Sprintf("%d %s", seed, name), func(t *testing.T) {
			t.Parallel()
			w := watch(t)
			w.goOn(t, 2*minute)
			w.becomes(trouble)
			w.goOn(t, 15*minute)
			w.becomes(fine)
			w.goOn(t, 3*minute)
			fires := w.firing(t, changed(t, asTheyAre))
			if many := seed%4 == 1; many && len(fires["SagaRetriesUp"]) == 0 {
				t.Error("nothing says that calls are made again: nothing was tried")
			}
			delete(fires, "SagaRetriesUp")
			if len(fires) > 0 {
				t.Errorf("fires, and nobody is needed: %v", fires)
			}
		})
	}
}

// A rule that takes each hiccup for a fault is found.
func TestHiccupsFindAlertFatigue(t *testing.T) {
	_, trouble := hiccups(1)
	w := watch(t)
	w.becomes(trouble)
	w.goOn(t, 8*minute)
	fires := w.firing(t, changed(t, func(r map[string]any) {
		if r["alert"] == "SagaOutcomesUnknown" {
			r["expr"] = `increase(saga_step_attempts_total{outcome="transient"}[5m]) > 0`
		}
	}))
	if len(fires["SagaOutcomesUnknown"]) == 0 {
		t.Errorf("only these fire: %v", fires)
	}
}

// What does not go away calls a person while it lasts, each by its name, and is over some
// time after it.
func TestFaultsCallAPerson(t *testing.T) {
	outage := func(op string, _ bool) int {
		if strings.HasPrefix(op, "charge") {
			return 503
		}
		return 0
	}
	refused := func(op string, _ bool) int {
		switch op {
		case "charge":
			return 402
		case "reserve-undo":
			return 422
		}
		return 0
	}
	for name, tt := range map[string]struct {
		trouble func(op string, first bool) int
		alert   string
		within  int // minutes after the trouble began: the rule's own window and wait, and what a saga needs
		over    int // minutes after it ended: the rule's own window
	}{
		"outage, outcomes":    {outage, "SagaOutcomesUnknown", 15, 11},
		"outage, breaker":     {outage, "SagaBreakerOpen", 8, 6},
		"refused undo":        {refused, "SagaRollbackFails", 2, 16},
		"refused undo, one":   {refused, "SagaStuck", 7, 1},
		"refused undo, three": {refused, "SagaStuckGrowing", 3, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := watch(t)
			w.goOn(t, 3*minute)
			w.becomes(tt.trouble)
			w.goOn(t, 15*minute)
			w.becomes(fine)
			w.goOn(t, minute) // those under way end
			w.endStuck(t)
			w.goOn(t, (tt.over+3)*minute)
			fires := w.firing(t, changed(t, asTheyAre))
			ms := fires[tt.alert]
			if len(ms) == 0 || ms[0] < 3 || ms[0] > 3+tt.within {
				t.Fatalf("fires at minutes %v, want first within %d minutes after 3; all: %v", ms, tt.within, fires)
			}
			if last := ms[len(ms)-1]; last > 3+15+1+tt.over {
				t.Errorf("fires at minutes %v, want last within %d minutes after 19", ms, tt.over)
			}
		})
	}
}
