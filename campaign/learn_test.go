package campaign

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/workflows/learn"
)

// stub is what the services of the example shop come to: things that are made, listed and
// removed. It knows idempotency keys.
type stub struct {
	mu    sync.Mutex
	made  []map[string]any
	byKey map[string][]byte
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := r.Header.Get("Idempotency-Key")
	if first, known := s.byKey[key]; known && r.Method != http.MethodGet {
		_, _ = w.Write(first) // who left needs no answer
		return
	}
	answer := s.do(r)
	s.byKey[key] = answer
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodPost {
		w.WriteHeader(http.StatusCreated)
	}
	_, _ = w.Write(answer) // as above
}

func (s *stub) do(r *http.Request) []byte {
	var out any = map[string]any{}
	switch parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/"); {
	case r.Method == http.MethodGet:
		found := []any{}
		for _, m := range s.made {
			if m["order"] == r.URL.Query().Get("order") && (r.URL.Query().Get("sku") == "" || m["sku"] == r.URL.Query().Get("sku")) {
				found = append(found, m)
			}
		}
		out = found
	case len(parts) == 1 && r.Method == http.MethodPost:
		made := map[string]any{}
		if err := json.NewDecoder(r.Body).Decode(&made); err != nil {
			made["error"] = err.Error()
		}
		field := map[string]string{"reservations": "reservationId", "payments": "paymentId", "shipments": "trackingId"}[parts[0]]
		made[field] = fmt.Sprintf("%c-%x-%d", parts[0][0], time.Now().UnixNano(), len(s.made))
		s.made = append(s.made, made)
		out = made
	case len(parts) == 3:
		out = map[string]any{"refundId": fmt.Sprintf("refund-%x", time.Now().UnixNano())}
	}
	b, err := json.Marshal(out)
	if err != nil {
		panic(err) // it was JSON
	}
	return b
}

// toldShop are options by which the example shop is learnt; told are the addresses of its
// services in its environment.
func toldShop(t *testing.T, o LearnOptions, told map[string]string) LearnOptions {
	t.Helper()
	dir := buildShop(t)
	if err := os.WriteFile(filepath.Join(dir, "start.sh"), []byte("exec \"${0%/*}/shop\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o.Out, o.Command = filepath.Join(dir, "learnt.yaml"), []string{"sh", filepath.Join(dir, "start.sh")}
	o.Services = map[string]string{}
	for _, name := range []string{"inventory", "payments", "shipping"} {
		s := httptest.NewServer(&stub{byKey: map[string][]byte{}})
		t.Cleanup(s.Close)
		o.Services[name] = s.URL
	}
	o.Env = map[string]string{"DATABASE": "${dir}/shop.db", "HTTP_TIMEOUT_MS": "250", "RETRY_MS": "20"}
	for k, v := range told {
		o.Env[k] = v
	}
	o.Ready, o.Quiet = "/healthz", 300*time.Millisecond
	o.Start = `POST http://127.0.0.1:PORT/orders {"customer": "ada", "items": [{"sku": "cup", "quantity": 2}, {"sku": "pot", "quantity": 1}], "amount": 4200, "address": "1 Main St"}`
	o.Outcome = "GET http://127.0.0.1:PORT/orders/${id}"
	return o
}

// learnShop learns the example shop by such options.
func learnShop(t *testing.T, o LearnOptions) (*Learnt, string) {
	t.Helper()
	var said strings.Builder
	done, err := Learn(t.Context(), Host{Output: &said}, o)
	if err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	text, err := os.ReadFile(done.File)
	if err != nil {
		t.Fatal(err)
	}
	return done, string(text)
}

// learntRuns tells whether a draft runs and is green, without a line by hand, in a part of the plans.
func learntRuns(t *testing.T, done *Learnt, text string, part results.Shard) {
	t.Helper()
	if len(done.Missing) > 0 {
		t.Errorf("needed by hand: %v\n%s", done.Missing, text)
	}
	o := RunOptions{Settings: Defaults(), Curated: true, Shard: part}
	o.Workflow, o.Out, o.Settle = done.File, t.TempDir(), 8*time.Second
	ran, err := Run(t.Context(), Host{}, o)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if ran.Run.Summary.Exit != results.ExitPass || ran.Run.Totals.FaultsFired == 0 {
		t.Errorf("%s: %v\n%s", ran.Run.Summary.Outcome, slices.Concat(ran.Run.Summary.Reasons, brokenIn(ran.Run)), text)
	}
}

// TestLearnHosts: the same where the shop has hosts in its configuration, with and without
// TLS: their calls come through the forward proxy.
func TestLearnHosts(t *testing.T) {
	t.Parallel()
	o := DefaultLearn()
	o.Hosts = map[string]string{"inventory": "api.stock.example", "payments": "api.pay.example", "shipping": "api.post.example"}
	done, text := learnShop(t, toldShop(t, o, map[string]string{
		"INVENTORY_URL": "https://api.stock.example", "PAYMENTS_URL": "https://api.pay.example", "SHIPPING_URL": "http://api.post.example",
	}))
	for _, host := range o.Hosts {
		if !strings.Contains(text, "host: "+host+" #") {
			t.Errorf("host %s is not in\n%s", host, text)
		}
	}
	learntRuns(t, done, text, results.Shard{I: 1, N: 3}) // the services are the same: TestLearn has them all
}

func TestLearnHostsRefuses(t *testing.T) {
	for want, hosts := range map[string]map[string]string{
		`"shiping": expected one of the services: payments, shipping`: {"shiping": "a.example"},
		`payments="https://a.example": expected a host's name`:        {"payments": "https://a.example"},
		`"a.example" is that of payments and of shipping`:             {"payments": "a.example", "shipping": "a.example"},
	} {
		o := DefaultLearn()
		o.Out, o.Hosts, o.Command = filepath.Join(t.TempDir(), "w.yaml"), hosts, []string{"./shop"}
		o.Services = map[string]string{"payments": "http://127.0.0.1:1", "shipping": "http://127.0.0.1:2"}
		if _, err := Learn(t.Context(), Host{}, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, expected %q", hosts, err, want)
		}
	}
}

// TestLearn: what learn writes of the example shop runs as it stands, and is green.
func TestLearn(t *testing.T) {
	t.Parallel()
	done, text := learnShop(t, toldShop(t, DefaultLearn(), map[string]string{
		"INVENTORY_URL": "inventory", "PAYMENTS_URL": "payments", "SHIPPING_URL": "shipping",
	}))
	if want := "crashable: true # it was killed in the middle of a start, and came to its end"; !strings.Contains(text, want) {
		t.Errorf("%q is not in\n%s", want, text)
	}
	learntRuns(t, done, text, results.Shard{})
}

// TestLearnTellsWhatTheOutcomeAnswered: of a workflow that was never told where it stands no file
// is written.
func TestLearnTellsWhatTheOutcomeAnswered(t *testing.T) {
	t.Parallel()
	o := toldShop(t, DefaultLearn(), map[string]string{
		"INVENTORY_URL": "inventory", "PAYMENTS_URL": "payments", "SHIPPING_URL": "shipping",
	})
	o.Outcome = "GET http://127.0.0.1:PORT/order/${id}" // where the shop has nothing
	if _, err := Learn(t.Context(), Host{}, o); err == nil || !strings.Contains(err.Error(), "--outcome: GET /order/") || !strings.Contains(err.Error(), "answered 404") {
		t.Errorf("%v, expected what --outcome was answered", err)
	}
	if _, err := os.Stat(o.Out); err == nil {
		t.Error("a file was written")
	}
}

// TestLearnForgetful: a service that keeps its orders in memory does not go on with them when it
// was killed, and the draft has runs not kill it.
func TestLearnForgetful(t *testing.T) {
	o := DefaultLearn()
	o.Limit = 2 * time.Second
	o = toldShop(t, o, map[string]string{
		"INVENTORY_URL": "inventory", "PAYMENTS_URL": "payments", "SHIPPING_URL": "shipping", "DATABASE": ":memory:",
	})
	t.Chdir(filepath.Dir(o.Out))
	o.Out, o.Command = "learnt.yaml", []string{"sh", "start.sh"} // as a user has it: python3 orders.py
	_, text := learnShop(t, o)
	if want := "# TODO: lint: undo-refused: "; !strings.Contains(text, want) { // a refused refund is the last word here
		t.Errorf("%q is not in\n%s", want, text)
	}
	if want := "crashable: false # it was killed in the middle of a start, and did not go on"; !strings.Contains(text, want) {
		t.Errorf("%q is not in\n%s", want, text)
	}
}

// TestLearnCommand: a word that names a file of the folder in which learn is called stands for
// that, as seen from the file that is written.
func TestLearnCommand(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "app", "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"orders.py", ".shop", "sub/orders.py"} {
		if err := os.WriteFile(filepath.Join(dir, "app", name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(dir, "app"))
	given := []string{"python3", "orders.py", "./shop", ".shop", "sub/orders.py", "sub", "--db=orders.db", "/bin/sh"}
	for out, want := range map[string][]string{
		"w.yaml":          given,
		"../w.yaml":       {"python3", "./app/orders.py", "./app/shop", "./app/.shop", "./app/sub/orders.py", "sub", "--db=orders.db", "/bin/sh"},
		"../other/w.yaml": {"python3", "../app/orders.py", "../app/shop", "../app/.shop", "../app/sub/orders.py", "sub", "--db=orders.db", "/bin/sh"},
	} {
		o, s := LearnOptions{Out: out, Command: given}, learn.Setup{}
		if err := o.command(&s); err != nil || !slices.Equal(s.Command, want) {
			t.Errorf("%s: %q, %v; want %q", out, s.Command, err, want)
		}
	}
}

// TestLearnRefusesUnknownNames: a name that nobody knows would be told to the command as nothing,
// and a port at which nobody speaks to it would be waited for in vain.
func TestLearnRefusesUnknownNames(t *testing.T) {
	const ports = `expected ${port.http} (the port of --start), ${service.payments}, ${dir}, ${port.NAME} (another free port) or ${self}`
	for name, tt := range map[string]struct {
		command []string
		env     map[string]string
		want    string // empty: it is fine
	}{
		"capitals":        {[]string{"shop", "--port", "${port.PORT}"}, nil, `the command: "${port.PORT}": ` + ports},
		"no port":         {[]string{"shop", "--port=${PORT}"}, nil, `the command: "${PORT}": ` + ports},
		"no such sort":    {[]string{"shop", "${ports.http}"}, nil, `the command: "${ports.http}": ` + ports},
		"no such service": {[]string{"shop"}, map[string]string{"PAY": "${service.pay}/v1"}, `--env PAY: "${service.pay}": ` + ports},
		"no proxy":        {[]string{"shop"}, map[string]string{"PROXY": "${proxy}"}, `--env PROXY: "${proxy}": ` + ports},
		"another port":    {[]string{"shop", "--port", "${port.foo}"}, nil, `the command: "${port.foo}": at that port nobody speaks to it: expected ${port.http}, the port of --start (where it is meant to have two: --env 'PORT=${port.http}'`},
		"its port":        {[]string{"shop", "--port", "${port.http}", "--admin", "${port.admin}"}, nil, ""},
		"two, one told":   {[]string{"shop", "--admin", "${port.admin}"}, map[string]string{"PORT": "${port.http}"}, ""},
		"all others":      {[]string{"shop", "--db=${dir}/a.db", "${self}"}, map[string]string{"PAY": "payments", "BASE": "${service.payments}/v1"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := DefaultLearn()
			o.Out, o.Command, o.Env = filepath.Join(t.TempDir(), "w.yaml"), tt.command, tt.env
			o.Services = map[string]string{"payments": "http://127.0.0.1:1"}
			o.Start, o.Outcome = "POST http://127.0.0.1:PORT/orders {}", "GET http://127.0.0.1:PORT/orders/${id}"
			switch _, err := o.setup(); {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want)):
				t.Errorf("%v, expected %s", err, tt.want)
			}
		})
	}
}

// TestLearnWaits: a command that does not listen is not waited for longer than is said, and the
// error says by what it could have known its port.
func TestLearnWaits(t *testing.T) {
	o := DefaultLearn()
	if got := o.readyLimit(); got != time.Minute {
		t.Errorf("it is waited for %v", got)
	}
	o.Limit = 3 * time.Minute
	s := learn.Setup{Base: "http://127.0.0.1:${port.http}", Env: map[string]string{"PORT": "${port.http}"}}
	told := "; its port is in the variable PORT, and is ${port.http} in its arguments: --port '${port.http}'"
	if got, want := o.waits(s), "the command runs; waiting until something listens at http://127.0.0.1:${port.http}, for 3m0s at the most (--limit)"+told; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	err := o.unready(s, fmt.Errorf("not ready: %w", orchestrators.ErrNotListening))
	if want := "http://127.0.0.1:${port.http} was to be open" + told + "; where it only takes longer than 3m0s: --limit"; !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%v\nwant %s", err, want)
	}
	if other := errors.New("it died"); !errors.Is(o.unready(s, other), other) {
		t.Error("another error is told as one of ports")
	}
}

// A body may go over several lines, as one writes it in a shell.
func TestStartOverSeveralLines(t *testing.T) {
	got, err := readAddress("--start", "POST http://127.0.0.1:PORT/orders {\"a\": 1,\n  \"b\": 2}")
	if want := (address{"POST /orders", "http://127.0.0.1:PORT", "{\"a\": 1,\n  \"b\": 2}"}); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}
