package sagatest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/sagatest"
)

// till is a service of payments as a team has it: it charges orders, and refunds them.
type till struct {
	manners
	mu      sync.Mutex
	known   map[string]string // key → its answer
	refunds int
	charged map[string]int  // order → charges that stand
	over    map[string]bool // orders that were refunded: a charge that comes later is refused
	charges []time.Time
}

// manners are what may be wrong with one.
type manners struct {
	careless bool // it minds no keys
	mute     bool // it gives no names
	panics   bool // at a key that it knows
	fails    bool // there, too
}

func newTill(m manners) *till {
	return &till{manners: m, known: map[string]string{}, charged: map[string]int{}, over: map[string]bool{}}
}

func (p *till) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var body struct{ Order string }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	key := r.Header.Get("Idempotency-Key")
	answer, before := p.known[key]
	switch {
	case before && p.panics:
		panic("a key twice")
	case before && p.fails:
		http.Error(w, "a key twice", http.StatusInternalServerError)
		return
	case before && !p.careless:
	case r.URL.Path != "/refunds" && p.over[body.Order]:
		http.Error(w, "it was refunded", http.StatusUnprocessableEntity)
		return
	case r.URL.Path != "/refunds":
		p.charges = append(p.charges, time.Now())
		p.charged[body.Order]++
		answer = fmt.Sprintf(`{"charge":"c-%d"}`, len(p.charges))
	default:
		p.over[body.Order] = true
		if p.charged[body.Order] > 0 {
			p.refunds++
		}
		answer = fmt.Sprintf(`{"refund":"r-%d"}`, p.refunds)
	}
	p.known[key] = answer
	if p.mute {
		answer = "{}"
	}
	fmt.Fprint(w, answer)
}

// times is how often it has charged.
func (p *till) times() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.charges)
}

// paying is the saga of order_test.go on a till of its own in each plan.
func paying(m manners) sagatest.Saga {
	s := orders(true)
	s.Steps[0].Answer, s.Steps[0].UndoAnswer = map[string]string{"charge": "${new.id}"}, map[string]string{"refund": "${new.id}"}
	s.Services = map[string]func(testing.TB) http.Handler{"payments": func(testing.TB) http.Handler { return newTill(m) }}
	return s
}

// A service that minds keys is in order, and what it remembers of one plan is gone in the next.
func TestOwnService(t *testing.T) { sagatest.Explore(t, paying(manners{})) }

// Where all services are the user's own, and the saga is killed, all the same is found.
func TestOwnServicesAlone(t *testing.T) {
	of := func(m manners) sagatest.Saga {
		s := transfers(false)
		for i := range s.Steps {
			s.Steps[i].Answer, s.Steps[i].UndoAnswer = map[string]string{"charge": "${new.id}"}, map[string]string{"refund": "${new.id}"}
		}
		made := func(testing.TB) http.Handler { return newTill(m) }
		s.Services = map[string]func(testing.TB) http.Handler{"a-bank": made, "B-bank": made}
		return s
	}
	t.Run("right", func(t *testing.T) { sagatest.Explore(t, of(manners{})) })
	t.Run("careless", func(t *testing.T) {
		expect(t, explored(t, of(manners{careless: true}), ""), "duplicate-effect: broke exactly once: saga-1/deposit had 2 effects", "crash-orchestrator_")
	})
}

// One that minds none: whoever tries again pays twice.
func TestCarelessServiceIsFound(t *testing.T) {
	expect(t, explored(t, paying(manners{careless: true}), ""),
		"--- FAIL: TestCarelessServiceIsFound/lose_charge#1@response",
		"duplicate-effect: broke exactly once: saga-1/charge had 2 effects",
		"payments         charge#2 takes effect, as the service says, as c-2",
	)
}

// A handler that panics is trouble, never the saga's.
func TestPanicOfServiceIsTold(t *testing.T) {
	expect(t, explored(t, paying(manners{panics: true}), ""),
		"service payments gave no whole answer to POST /charges, and no fault of the plan is the reason: it panicked: a key twice", "sagatest/served_test.go")
}

// Where answers give no name nobody knows whether a repeat was done twice: that is not green, and
// is told with what to do about it.
func TestNamelessServiceIsTold(t *testing.T) {
	expect(t, explored(t, paying(manners{mute: true}), ""),
		"sagatest: inconclusive: charge, charge.undo: your service did it again, and gave no name for what it did: whether that was done twice is not known: "+
			"expected a name in the place of ${new.id} in Answer (UndoAnswer), or in the header Effect-Id")
}

// What a service did that failed by itself nobody knows either.
func TestFailingServiceIsTold(t *testing.T) {
	expect(t, explored(t, paying(manners{fails: true}), ""),
		"sagatest: inconclusive: charge, charge.undo: your service failed by itself (5xx): whether it did it is not known")
}

// A name may be given behind the handler, by what is in its books.
func TestNameBehindService(t *testing.T) {
	s := paying(manners{})
	s.Services["payments"] = func(testing.TB) http.Handler {
		p := newTill(manners{mute: true})
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			p.ServeHTTP(w, r)
			p.mu.Lock()
			defer p.mu.Unlock()
			w.Header().Set(sagatest.EffectID, fmt.Sprintf("%d charges, %d refunds", len(p.charges), p.refunds))
		})
	}
	sagatest.Explore(t, s)
}

// Which of two calls a service did first that works on both at once nobody knows: that is told.
func TestSlowServiceIsTold(t *testing.T) {
	s := paying(manners{careless: true})
	s.Services["payments"] = func(testing.TB) http.Handler {
		p := newTill(manners{careless: true})
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			p.ServeHTTP(w, r)
			if r.URL.Path != "/refunds" && p.times() > 1 {
				time.Sleep(10 * time.Second) // its code has given up, and undoes it
			}
		})
	}
	expect(t, explored(t, s, ""), "left out: whether charge was done before its undo, where your service worked on both at once")
}

// under is a plan of one fault at the charge.
func under(t *testing.T, kind, phase string, delayMS int) faults.Plan {
	t.Helper()
	at, err := saga.ParseFailurePoint("charge#1@" + phase)
	if err != nil {
		t.Fatal(err)
	}
	return faults.Plan{Faults: []faults.Fault{{Kind: kind, At: at, DelayMS: delayMS}}}
}

// Faults strike in front of the service: what is lost on its way never reaches it, and what it
// answered was done, whether that came back or not.
func TestFaultsInFrontOfService(t *testing.T) {
	for name, c := range map[string]struct {
		plan     faults.Plan
		charges  int // that the service took
		attempts int
		last     time.Duration // after which the last of them came, at the least
	}{
		"none":    {charges: 1, attempts: 1},
		"lost":    {plan: under(t, "lose", "request", 0), charges: 1, attempts: 2, last: 2 * time.Second},
		"reset":   {plan: under(t, "reset", "request", 0), charges: 1, attempts: 2},
		"unheard": {plan: under(t, "lose", "response", 0), charges: 2, attempts: 2},
		"refused": {plan: under(t, "unavailable", "receive", 0), charges: 1, attempts: 2},
		"twice":   {plan: under(t, "duplicate", "request", 0), charges: 2, attempts: 1},
		"late":    {plan: under(t, "delay", "request", 9000), charges: 2, attempts: 2, last: 9 * time.Second},
		"slow":    {plan: under(t, "delay", "response", 9000), charges: 2, attempts: 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := paying(manners{careless: true})
			made := s.Services["payments"]
			var p *till
			var began time.Time
			s.Services["payments"] = func(t testing.TB) http.Handler {
				h := made(t)
				p, _ = h.(*till)
				began = time.Now()
				return h
			}
			h, err := sagatest.Run(t, s, c.plan)
			if err != nil {
				t.Fatal(err)
			}
			o := history.NewIndex(h).Sagas[0].Op("charge", saga.Action)
			if len(p.charges) != c.charges || len(o.Effects) != c.charges || len(o.Attempts) != c.attempts {
				t.Errorf("%d charges, %d effects, %d attempts: expected %d, as many, and %d", len(p.charges), len(o.Effects), len(o.Attempts), c.charges, c.attempts)
			}
			if last := p.charges[len(p.charges)-1].Sub(began); last < c.last {
				t.Errorf("the last charge came after %s, expected %s", last, c.last)
			}
			if !h.Real("charge") || h.Real("reserve") {
				t.Errorf("real are %v", h.Header.Real)
			}
		})
	}
}

// A service sees the request that was sent, and the code its answer; a question that belongs to
// no step goes through.
func TestServiceSeesTheRequest(t *testing.T) {
	var seen []string
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /charges/{order}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		seen = append(seen, r.PathValue("order"), r.Host, r.URL.Query().Get("dry run"), strings.Join(r.Header["X-Twice"], "+"), r.Header.Get("User-Agent"), string(body), fmt.Sprint(r.ContentLength))
		w.Header().Set("Location", "/charges/7")
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusCreated)
		w.Header().Set("Location", "/too-late")
		_, _ = io.WriteString(w, "it is ")
		_, _ = io.WriteString(w, "done")
	})
	mux.HandleFunc("GET /charges/{order}", func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, "asked")
		w.WriteHeader(http.StatusNoContent)
	})
	s := sagatest.Saga{
		Steps:    []sagatest.Step{{Name: "charge", Do: "PUT http://Payments:8080/charges/{order}", Kind: saga.Pivot}},
		Services: map[string]func(testing.TB) http.Handler{"payments:8080": func(testing.TB) http.Handler { return mux }},
		Start: func(ctx context.Context, client *http.Client, _ sagatest.Input) error {
			r, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://payments:8080/charges/a%2Fb?dry%20run=no", io.MultiReader(strings.NewReader("as it "), strings.NewReader("comes")))
			if err != nil {
				return err
			}
			r.Header["X-Twice"] = []string{"1", "2"}
			answer, err := client.Do(r)
			if err != nil {
				return err
			}
			body, err := io.ReadAll(answer.Body)
			seen = append(seen, answer.Status, answer.Header.Get("Location"), answer.Header.Get("Content-Type"), string(body))
			asked, again := client.Get("http://payments:8080/charges/a")
			if again == nil {
				seen = append(seen, asked.Status)
			}
			return errors.Join(err, again)
		},
	}
	if _, err := sagatest.Run(t, s, faults.Plan{}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"a/b", "payments:8080", "no", "1+2", "Go-http-client/1.1", "as it comes", "11",
		"201 Created", "/charges/7", "text/plain", "it is done", "asked", "204 No Content",
	}
	if !slices.Equal(seen, want) {
		t.Errorf("%q\nexpected %q", seen, want)
	}
}

// A service that never answers, or whose goroutine ends, is trouble as well.
func TestTroubleOfServiceIsTold(t *testing.T) {
	for want, handle := range map[string]func(r *http.Request){
		"service payments gave no whole answer to POST /charges, and no fault of the plan is the reason: there was none after 30s": func(r *http.Request) { <-r.Context().Done() },
		"its goroutine was ended": func(*http.Request) { runtime.Goexit() },
	} {
		s := orders(true)
		s.Services = map[string]func(testing.TB) http.Handler{"payments": func(testing.TB) http.Handler {
			return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { handle(r) })
		}}
		if _, err := sagatest.Run(t, s, faults.Plan{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nexpected %q", err, want)
		}
	}
}

// In a file it is a service with upstream, with all that the file says of what that answers.
func TestServiceOfFile(t *testing.T) {
	text := strings.Replace(transferFile, "host: api.bank.example\n", "host: api.bank.example\n    upstream: http://127.0.0.1:9001\n    pass: [GET /rates]\n", 1)
	text = strings.Replace(text, "request: POST /withdrawals\n", "request: POST /withdrawals\n        done: answer.body.status == \"booked\"\n        answer: {body: {id: \"${new.id}\"}}\n", 1)
	file := written(t, "transfer.yaml", text)
	statuses := []string{"declined", "booked"}
	s := sagatest.Saga{
		Workflow: file, Status: ends,
		Services: map[string]func(testing.TB) http.Handler{"api.bank.example": func(testing.TB) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					fmt.Fprint(w, "1.08")
					return
				}
				w.Header().Set("Content-Type", "application/json")
				fmt.Fprintf(w, `{"id": 7, "status": %q}`, statuses[0])
				statuses = statuses[1:]
			})
		}},
		Start: func(ctx context.Context, client *http.Client, in sagatest.Input) error {
			for range 2 {
				answer, err := client.Post("http://api.bank.example/withdrawals", "application/json", bytes.NewReader([]byte(`{}`)))
				if err != nil {
					return err
				}
				answer.Body.Close()
			}
			answer, err := client.Get("http://api.bank.example/rates")
			if err != nil {
				return err
			}
			if rate, _ := io.ReadAll(answer.Body); string(rate) != "1.08" {
				t.Errorf("the rate is %q", rate)
			}
			return order{client: client, id: in.ID}.call(ctx, "http://ledger/notes", 1)
		},
	}
	h, err := sagatest.Run(t, s, faults.Plan{})
	if err != nil {
		t.Fatal(err)
	}
	o := history.NewIndex(h).Sagas[0].Op("withdraw", saga.Action)
	if len(o.Attempts) != 2 || len(o.Effects) != 1 || o.Effects[0].Ref != "7" || o.Effects[0].Attempt != 2 || o.Attempts[0].Answered[0].Detail != history.NotDone {
		t.Errorf("%d attempts, effects %+v: expected that only the second was done", len(o.Attempts), o.Effects)
	}
}

// What is said wrongly of services is said at once.
func TestMistakesWithServices(t *testing.T) {
	files := map[string]string{"without": transferFile, "with": strings.Replace(transferFile, "host: api.bank.example\n", "host: api.bank.example\n    upstream: http://127.0.0.1:9001\n", 1)}
	for want, c := range map[string]struct {
		host, file string
		nothing    bool
	}{
		`no step is at the host "prices" of Services: expected one of payments, shipping, stock`:                                                             {host: "prices"},
		`the host "payments" of Services: its function made no handler`:                                                                                      {host: "payments", nothing: true},
		`the host "api.bank.example" of Services: expected an upstream in services.bank of the file`:                                                         {host: "api.bank.example", file: "without"},
		`services.bank.upstream: a real service is reached through a socket: expected a handler of yours in its place, in Services under "api.bank.example"`: {host: "ledger", file: "with"},
	} {
		t.Run(c.host+c.file, func(t *testing.T) {
			s := orders(true)
			s.Services = map[string]func(testing.TB) http.Handler{c.host: func(testing.TB) http.Handler {
				if c.nothing {
					return nil
				}
				return http.NotFoundHandler()
			}}
			if c.file != "" {
				s.Steps, s.Workflow = nil, written(t, "transfer.yaml", files[c.file])
			}
			expect(t, explored(t, s, ""), want)
		})
	}
}
