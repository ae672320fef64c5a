package policies

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/saga"
)

const full = `templates:
  payments:
    description: calls to the bank
    retry: {max_attempts: 4, initial_interval_ms: 50, multiplier: 2, max_interval_ms: 1000, jitter: 0.5, attempt_timeout_ms: 500, deadline_ms: 5000}
    breaker: {name: bank, failures: 3, open_ms: 500, probes: 1}
    errors:
      - {code: 404, class: transient}
      - {code: 500, class: give-up}
      - {problem: "https://shop.example/sold-out", class: permanent}
      - {header: "X-Retry: no", class: permanent}
    visibility: progress
    sla: {target_ms: 800, worst_ms: 6000}
  mail:
    retry: {max_attempts: 1, initial_interval_ms: 0, multiplier: 1, max_interval_ms: 0, jitter: 0, attempt_timeout_ms: 100}
bindings:
  - template: payments
    participant: bank.example
  - template: mail
    participant: bank.example:8443
  - template: mail
    step: notice
  - template: payments
    saga: order
    step: notice
  - template: mail
    direction: compensation
  - template: mail
    saga: order
flags:
  - {name: hold-participant, participants: [bank.example], reason: it is down, author: ann, expires: 2030-01-02T03:04:05Z}
`

func mustParse(t *testing.T, text string) *File {
	t.Helper()
	f, err := Parse("policies.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The most specific binding wins; what the definition names wins over all.
func TestOf(t *testing.T) {
	f := mustParse(t, full)
	for _, c := range []struct {
		saga, step, url, names string
		dir                    saga.Direction
		want                   string
	}{
		{"trip", "pay", "http://BANK.example/x", "", saga.Action, "payments"},
		{"trip", "pay", "http://bank.example:8443/x", "", saga.Action, "mail"},
		{"trip", "pay", "http://bank.example:8443/x", "payments", saga.Action, "payments"},
		{"trip", "pay", "http://bank.example:8443/x", "gone", saga.Action, "mail"},
		{"trip", "notice", "http://bank.example/x", "", saga.Action, "mail"},
		{"order", "notice", "http://bank.example/x", "", saga.Action, "payments"},
		{"order", "pay", "http://bank.example/x", "", saga.Action, "payments"},
		{"order", "pay", "http://shop.example/x", "", saga.Action, "mail"},
		{"trip", "pay", "http://shop.example/x", "", saga.Action, ""},
		{"trip", "pay", "http://bank.example/x", "", saga.Compensation, "mail"},
	} {
		if got, why := f.Of(c.saga, c.step, c.dir, saga.Call{URL: c.url, Policy: c.names}); got != c.want || (got == "") != (why == "") {
			t.Errorf("%+v: %q, %q", c, got, why)
		}
	}
}

// All mistakes of a file are named at once, with their places.
func TestParseNamesEveryMistake(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"max_attempts: 4", "max_attempts: -1", "policies.yaml:4:27: templates.payments.retry.max_attempts: -1: expected 0"},
		{"max_attempts: 4", "max_attempts: 2000000", "templates.payments.retry.max_attempts: 2000000: expected at most 1000000"},
		{"jitter: 0.5, ", "", "templates.payments.retry.jitter: is missing: expected a number"},
		{"name: bank", "name: ''", "policies.yaml:5:14: templates.payments.breaker: expected a name"},
		{"open_ms: 500", "open_ms: 99999999999", "templates.payments.breaker.open_ms: 99999999999: expected at most"},
		{"code: 404", "code: 204", "templates.payments.errors[0].code: 204: expected 300 to 599"},
		{"class: give-up", "class: permanent", `templates.payments.errors[1].class: "permanent" of 500: permanent says that nothing was done`},
		{"class: give-up", "class: maybe", `templates.payments.errors[1].class: "maybe": expected transient, permanent or give-up`},
		{"X-Retry: no", "X Retry: no", "templates.payments.errors[3].header: \"X Retry: no\": expected a header's name"},
		{"{code: 404, class", "{class", "templates.payments.errors[0]: expected a code, a problem's type or a header"},
		{"visibility: progress", "visibility: loud", `policies.yaml:11:17: templates.payments.visibility: "loud": expected progress or silent`},
		{"worst_ms: 6000", "worst_ms: 60", "templates.payments.sla.worst_ms: 60: expected target_ms (800) to"},
		{"target_ms: 800", "target_ms: 0", "templates.payments.sla.target_ms: 0: expected 1 to"},
		{"  mail:\n", "  Mail:\n", `name "Mail": expected lower-case letters`},
		{"template: payments", "template: payment", `policies.yaml:16:15: bindings[0].template: no template is called "payment": expected one of mail, payments`},
		{"direction: compensation", "direction: back", `bindings[4].direction: "back": expected action or compensation`},
		{"bank.example\n", "Bank.example\n", `bindings[0].participant: "Bank.example": expected host or host:port in lower case`},
		{"bank.example:8443", "bank.example", `policies.yaml:18:5: bindings[1]: template "mail", and in line 16 template "payments" for the same calls`},
		{"bindings:", "binding:", `unknown field "binding"`},
		{"name: hold-participant", "name: hold", `flags[0].name: "hold": expected one of [no-new-sagas hold-compensations`},
		{"name: hold-participant", "name: drain", "flags[0].participants: [\"bank.example\"]: expected some with hold-participant"},
		{"reason: it is down", "reason: ''", `flags[0].reason: "": expected 1 to 1000 bytes`},
		{"2030-01-02T03:04:05Z", "tomorrow", `flags[0].expires: parsing time "tomorrow"`},
		{"author: ann, ", "", "flags[0].author: is missing"},
	} {
		bad := strings.Replace(full, c.old, c.new, 1)
		_, err := Parse("policies.yaml", []byte(bad))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s → %s: %v\nexpected %s", c.old, c.new, err, c.want)
		}
	}
	bad := strings.NewReplacer("jitter: 0.5", "jitter: 7", "visibility: progress", "visibility: loud", "code: 404", "code: x").Replace(full)
	_, err := Parse("p", []byte(bad))
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("expected three mistakes: %v", err)
	}
}

// A participant is a host as an address has it, with its port or without.
func TestParticipants(t *testing.T) {
	for participant, ok := range map[string]bool{
		"bank.example": true, "bank.example:8443": true, "my_bank": true, "b-1": true, "127.0.0.1:99": true, "::1": true, "[::1]:80": true, "[::1]": true, "bücher.example": true,
		"": false, "Bank.example": false, "<b>": false, "a b": false, "a/b": false, "*.example": false, "ann@bank": false, "bank:": false, "bank:http": false, "bank:0": false,
		"bank:65536": false, ":80": false, "a:b:c": false, "[bank]": false, "http://bank": false, "bank?": false, "bank\n": false, "%41": false,
	} {
		f := Flag{Name: HoldParticipant, Participants: []string{participant}, Reason: "x", Author: "ann", Expires: time.Now()}
		if err := f.Validate(); (err == nil) != ok {
			t.Errorf("%q: %v", participant, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Parse("x", b)
		if (file == nil) == (err == nil) {
			t.Errorf("%v, %v", file, err)
		}
	})
}

func TestMeaning(t *testing.T) {
	p := mustParse(t, full).Templates["payments"]
	for _, c := range []struct {
		code    int
		header  string
		problem string
		want    saga.Answer
		giveUp  bool
	}{
		{404, "", "", saga.Transient, false},
		{500, "", "", saga.Transient, true},
		{503, "", "", saga.Transient, false},
		{503, "no", "", saga.Permanent, false},
		{503, "yes", "", saga.Transient, false},
		{409, "", "https://shop.example/sold-out", saga.Permanent, false},
		{422, "", "", saga.Permanent, false},
		{200, "no", "", saga.Done, false},
		{0, "", "", saga.Transient, false},
	} {
		h := http.Header{}
		if c.header != "" {
			h.Set("X-Retry", c.header)
		}
		if got, giveUp := p.Meaning(c.code, h, c.problem); got != c.want || giveUp != c.giveUp {
			t.Errorf("%+v: %s, %v", c, got, giveUp)
		}
	}
	if got, _ := (*Template)(nil).Meaning(404, nil, ""); got != saga.Permanent {
		t.Error(got)
	}
}

func TestDiff(t *testing.T) {
	old := mustParse(t, full)
	now := mustParse(t, strings.NewReplacer("max_attempts: 4", "max_attempts: 6", "    visibility: progress\n", "", "    step: notice\n  - template: payments", "    step: receipt\n  - template: payments").Replace(full))
	var got []string
	for _, d := range Diff(old, now) {
		got = append(got, d.String())
	}
	want := `- bindings of step notice, action: "mail"
+ bindings of step receipt, action: "mail"
~ templates.payments.retry.max_attempts: 4 → 6
- templates.payments.visibility: "progress"`
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	if d := Diff(old, old); len(d) > 0 {
		t.Error(d)
	}
}

func TestEnvelopeOfCall(t *testing.T) {
	s := Surroundings{Latency: 20 * time.Millisecond, Failures: 0.5}
	p := saga.RetryPolicy{MaxAttempts: 3, InitialIntervalMS: 100, Multiplier: 2, MaxIntervalMS: 1000, Jitter: 0.5, AttemptTimeoutMS: 500}
	e := s.OfCall(saga.Call{Retry: p})
	// 3 time-outs, waits of 150 and 300 ms at the longest; on the average 260 ms an attempt.
	if e.Shortest != 20*time.Millisecond || e.Longest != 1950*time.Millisecond || e.Expected != 260*time.Millisecond*7/4+100*time.Millisecond/2+200*time.Millisecond/4 {
		t.Error(e)
	}
	p.MaxAttempts = 0
	if e := s.OfCall(saga.Call{Retry: p}); e.Longest != Unbounded || e.Expected > 2*time.Second {
		t.Error(e)
	}
	p.DeadlineMS = 1000
	if e := s.OfCall(saga.Call{Retry: p, Breaker: &saga.Breaker{OpenMS: 300}}); e.Longest != 1800*time.Millisecond {
		t.Error(e)
	}
}

func TestUnkept(t *testing.T) {
	s := Surroundings{Latency: 20 * time.Millisecond, Failures: 0.01}
	for _, c := range []struct{ old, new, want string }{
		{"", "", ""},
		{"worst_ms: 6000", "worst_ms: 5000", "sla.worst_ms is 5000, and the longest is 6s"},
		{"target_ms: 800", "target_ms: 20", "sla.target_ms is 20, and 26ms is to be expected"},
		{", deadline_ms: 5000", "", "a Retry-After may lengthen each wait"},
	} {
		f := mustParse(t, strings.Replace(full, c.old, c.new, 1))
		why := strings.Join(s.Unkept(f.Templates["payments"]), "; ")
		if c.want == "" && why != "" || !strings.Contains(why, c.want) {
			t.Errorf("%s: %q", c.new, why)
		}
	}
}

// A saga takes as long as its longest way.
func TestEnvelopeOfSaga(t *testing.T) {
	once := func(ms int) saga.Call {
		return saga.Call{URL: "http://x", Retry: saga.RetryPolicy{MaxAttempts: 1, Multiplier: 1, AttemptTimeoutMS: ms}}
	}
	undo := once(1000)
	d := saga.Definition{Steps: []saga.Step{
		{Name: "a", Action: once(100)},
		{Name: "b", Action: once(200), After: []string{"a"}, Compensation: &undo},
		{Name: "c", Action: once(700), After: []string{"a"}},
		{Name: "d", Action: once(10), After: []string{"b", "c"}},
	}}
	e := Surroundings{}.OfSaga(&File{}, d)
	if e.Forward.Longest != 810*time.Millisecond || e.Back.Longest != 1810*time.Millisecond || len(e.Steps) != 4 {
		t.Errorf("%+v", e)
	}
}

func TestFlags(t *testing.T) {
	f := mustParse(t, full).Flags[0]
	if !f.On(time.Date(2030, 1, 2, 3, 4, 4, 0, time.UTC)) || f.On(time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)) {
		t.Error("it does not end when it expires")
	}
	for _, c := range []struct {
		name    FlagName
		dir     saga.Direction
		url     string
		n       int
		holds   bool
		refuses bool
	}{
		{HoldParticipant, saga.Action, "http://bank.example:81/x", 1, true, false},
		{HoldParticipant, saga.Action, "http://shop.example/x", 1, false, false},
		{HoldCompensations, saga.Action, "http://bank.example/x", 1, false, false},
		{HoldCompensations, saga.Compensation, "http://bank.example/x", 1, true, false},
		{NoRetries, saga.Action, "http://bank.example/x", 1, false, false},
		{NoRetries, saga.Compensation, "http://bank.example/x", 2, true, false},
		{Drain, saga.Action, "http://bank.example/x", 1, true, true},
		{NoNewSagas, saga.Action, "http://bank.example/x", 2, false, true},
	} {
		f.Name = c.name
		if f.Holds(c.dir, c.url, c.n) != c.holds || f.Refuses() != c.refuses {
			t.Errorf("%+v: holds %v, refuses %v", c, f.Holds(c.dir, c.url, c.n), f.Refuses())
		}
	}
}
