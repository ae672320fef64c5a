package reference

import (
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/reference/definitions"
	"github.com/sagacheck/sagacheck/saga"
)

// Calls go to this machine, unless told otherwise.
func TestTargets(t *testing.T) {
	p := NewParticipant(t, nil)
	some := []string{"bank.example", "*.shop.example", "10.0.0.0/8", "hotel.example:8443"}
	for u, want := range map[string][2]bool{ // with none, with some
		"http://127.0.0.1:1/":          {true, true},
		"http://localhost/":            {true, true},
		"http://[::1]/":                {true, true},
		"http://[::ffff:10.0.0.1]/":    {false, true},
		"http://169.254.169.254/x":     {false, false},
		"http://10.1.2.3/":             {false, true},
		"http://Bank.example/":         {false, true},
		"http://x.bank.example/":       {false, false},
		"http://x.shop.example/":       {false, true},
		"http://hotel.example/":        {false, false},
		"https://hotel.example:8443/":  {false, true},
		"http://localhost.evil.test/":  {false, false},
		"http://127.0.0.1.evil.test/x": {false, false},
	} {
		for i, list := range [][]string{nil, some} {
			tg, err := newTargets(list)
			if err != nil {
				t.Fatal(err)
			}
			d := p.Define("s", "a compensatable")
			d.Steps[0].Compensation.URL = u
			var invalid *definitions.InvalidError
			if err := tg.allow(d); (err == nil) != want[i] || err != nil && (!errors.As(err, &invalid) || invalid.Field != "steps[0].compensation.url") {
				t.Errorf("%s with %q: %v", u, list, err)
			}
		}
	}
	for _, bad := range []string{"", "http://x", "a/b", "a b"} {
		if _, err := newTargets([]string{bad}); err == nil {
			t.Errorf("%q is a target", bad)
		}
	}
	// A name of this machine that leads elsewhere is stopped when it is called.
	if err := (targets{}).control("localhost:80")("tcp", "10.1.2.3:80", nil); !errors.Is(err, errTarget) {
		t.Error(err)
	}
}

// Secrets are in no answer and in no log.
func TestSecrets(t *testing.T) {
	log := &testparticipant.Log{}
	e := OpenTest(t, Options{Logger: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	p := NewParticipant(t, nil)
	for _, u := range []string{"http://user:geheim@127.0.0.1/a", "http://user:geheim@%zz/", "http://user:geheim@"} {
		d := p.Define("s", "a compensatable")
		d.Steps[0].Action.URL = u
		if err := e.Submit(t.Context(), d); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Error(err)
		}
	}
	d := p.Define("s", "a compensatable")
	d.Steps[0].Action.URL = "http://127.0.0.1:1/?key=geheim"
	d.Steps[0].Action.Body = json.RawMessage(`"geheim"`)
	SubmitTest(t, e, d)
	AwaitStatus(t, e, "s", saga.Compensated)
	if err := e.Close(); err != nil { // the end is known before its line is written
		t.Fatal(err)
	}
	if strings.Contains(log.String(), "geheim") {
		t.Error(log)
	}
	for _, event := range []string{"saga accepted", `"msg":"attempt","saga":"s","step":"a","direction":"action","attempt":3`, "on its way back", "saga compensated"} {
		if n := strings.Count(log.String(), event); n != 1 {
			t.Errorf("%q: %d times in\n%s", event, n, log)
		}
	}
}

// A client's trace goes on in the calls, also after a restart.
func TestTraceOfTheClient(t *testing.T) {
	const client = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
	hold := make(chan struct{})
	p := NewParticipant(t, func(c SeenCall) int {
		if c.Op == "b" {
			<-hold
		}
		return 0
	})
	file := filepath.Join(t.TempDir(), "sagas.db")
	e := OpenTest(t, Options{StoreDSN: file})
	if err := e.SubmitTraced(t.Context(), p.Define("s", "a compensatable", "b compensatable", "c pivot"), client); err != nil {
		t.Fatal(err)
	}
	if err := e.SubmitTraced(t.Context(), p.Define("t", "z compensatable"), strings.Repeat("x", 10_000)); err != nil || e.traceOf("t") != "" {
		t.Fatal(err, len(e.traceOf("t")), "bytes are kept of what is no trace")
	}
	p.AwaitCall(t, "b", 1)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	close(hold)
	e = OpenTest(t, Options{StoreDSN: file})
	AwaitStatus(t, e, "s", saga.Completed)
	for _, op := range []string{"a", "b", "c"} {
		for _, c := range p.Of(op) {
			if got := c.Header.Get("Traceparent"); got[:36] != client[:36] || got[36:52] == client[36:52] || got[52:] != client[52:] {
				t.Error(op, got)
			}
		}
	}
	for _, bad := range []string{"", "00-x", strings.ToUpper(client), "00-" + strings.Repeat("0", 32) + client[35:]} {
		if got := traceFrom("s", bad).parent("a", Ref{0, saga.Action}, 1); len(got) != 55 || strings.HasPrefix(got, client[:20]) {
			t.Error(bad, got)
		}
	}
}

// Breakers that disagree are refused, and what a breaker knows survives a restart.
func TestBreakersOfSeveralSagas(t *testing.T) {
	p := NewParticipant(t, Scripted("a 1 503, a 2 503"))
	file := filepath.Join(t.TempDir(), "sagas.db")
	e := OpenTest(t, Options{StoreDSN: file})
	with := func(id string, b saga.Breaker) saga.Definition {
		d := p.Define(id, "a compensatable")
		d.Steps[0].Action.Breaker = &b
		return d
	}
	first := saga.Breaker{Name: "bank", Failures: 2, OpenMS: 3_600_000, Probes: 1}
	other := first
	other.Probes = 2
	SubmitTest(t, e, with("first", first))
	var disagree *DisagreeError
	if err := e.Submit(t.Context(), with("second", other)); !errors.As(err, &disagree) || disagree.Saga != "first" {
		t.Error(err)
	}
	d := with("both", first)
	d.Steps[0].Compensation.Breaker = &other
	if err := e.Submit(t.Context(), d); err == nil {
		t.Error("accepted")
	}
	p.AwaitCall(t, "a", 2)
	for e.breakers.get(&first).cb.IsClosed() {
		time.Sleep(time.Millisecond)
	}
	await(t, e, "first", func(r saga.Report) bool { return r.Steps[0].Attempts == 2 })
	e.Drain(t.Context())
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = OpenTest(t, Options{StoreDSN: file})
	b := e.breakers.get(&first)
	if !b.cb.IsOpen() || b.remaining() > time.Hour || b.remaining() < 50*time.Minute {
		t.Error(b.cb.State(), b.remaining())
	}
	if err := e.Submit(t.Context(), with("third", other)); !errors.As(err, &disagree) {
		t.Error(err)
	}
	if n := len(p.Of("a")); n != 2 {
		t.Error(n, "calls through the open circuit")
	}
}
