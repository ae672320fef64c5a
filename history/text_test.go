package history_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

const sample = `scenario order
real charge=bank
cell c1
profile naive
orchestrator mine 1.2
capabilities pivot idempotency-key
seed 7
settle-ms 500
plan-id p-1
plan "{\"faults\":[]}"
defects new-key
register order=new
fault lose charge#1@response
fault outage saga=s1 steps=charge,ship text="outage of charge and ship"
saga s1 attempts=9 time=700 shows=find:reserve,charge shows=look:charge.undo
step reserve do=w/stock-2piece,w/held:s1+2piece,w/order:s1:>held max=4 jitter=0.5 rounds=2 round-delay=30 read-back=http://127.0.0.1/held
step charge after=- breaker=bank:5:100:1 budget=bank:0.1:20:4 adaptive=bank:95:3:20:2 undo.wait=20
step ship pivot after=reserve,charge do="{\"x\":1}" undo=-
step pay part=pay-1EUR,till+1EUR part=- keeps=till-2EUR,pay+2EUR
step bill parts=-
step note deferrable after=ship do=- undo=note-1EUR,till+1EUR

0ms saga-submitted s1
1ms saga-accepted s1
1.5ms call-sent s1 charge#1 key=other waited=1ms
2ms call-received s1 charge#1 copy=1 key=- saga-id=- step-id=x trace=00-1
2ms call-committed s1 charge#1
2ms call-committed s1 reserve#1 effect=stock-1piece,held+1piece
2ms call-answered s1 charge#1 429 retry-after-ms=1000
2ms fault-fired s1 charge#1 fault=0 detail="12 bytes \"passed\""
3ms call-ended s1 charge#1 200 uncertain passed=2.4ms acked=2.5ms up=12 down=99
3ms call-ended s1 reserve.undo#2 200 partial down=9
3ms call-committed s1 pay.undo(2)#1
4ms process-killed detail=orchestrator
5ms saga-status s1 running steps=reserve:running:1,charge:pending:0
6ms saga-ended s1 completed still=5ms
7ms settled
8ms ledger-read bank held+1piece stock-1piece order=held x=-
`

func TestTextRoundTrip(t *testing.T) {
	h, err := history.ParseText(strings.NewReader(sample))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := history.FormatText(&b, h); err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(sample, "ship pivot after=reserve,charge do=\"{\\\"x\\\":1}\" undo=-", "ship pivot after=reserve,charge do=\"{\\\"x\\\":1}\"", 1)
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
}

func TestTextDefaults(t *testing.T) {
	h, err := history.ParseText(strings.NewReader("saga s1 # the only one\nstep pay\n\n1ms call-sent s1 pay.undo#2\n2ms call-committed s1 pay#1\n3ms call-ended s1 pay#1 0\n"))
	if err != nil {
		t.Fatal(err)
	}
	step := h.Header.Definitions[0].Steps[0]
	done, _ := step.Action.Effect()
	undone, _ := step.Compensation.Effect()
	if !undone.Equal(done.Inverse()) || step.Action.Retry.MaxAttempts != 3 || step.Compensation.Retry.MaxAttempts != 0 {
		t.Errorf("step: got %+v", step)
	}
	e := h.Events[0]
	if e.At != time.Millisecond || e.Key != "s1/pay.undo" || e.SagaID != "s1" || e.StepID != "pay" || e.Direction != saga.Compensation || e.Attempt != 2 {
		t.Errorf("call-sent: got %+v", e)
	}
	if c := h.Events[1]; c.Effect == nil || !c.Effect.Equal(done) {
		t.Errorf("call-committed: got %+v", c)
	}
	if h.Events[2].Certain {
		t.Error("call-ended without an answer: got certain")
	}
}

func TestTextErrors(t *testing.T) {
	head := "saga s1\nstep pay\n"
	for text, want := range map[string]string{
		"":                                            "no events",
		head:                                          "no events",
		"flavour sweet":                               `line 1: "flavour": expected cell,`,
		"real pay":                                    `line 1: real: "pay": expected step=service`,
		"step pay":                                    "line 1: step: expected a saga above it",
		head + "1ms call-sent s2 pay#1":               `line 3: saga: "s2" is not in the header`,
		head + "1ms call-sent s1 play#1":              `line 3: step: saga "s1" has no step "play"`,
		head + "1ms call-sent s1":                     `line 3: step: saga "s1" has no step ""`,
		head + "1ms call-sent s1 pay#0":               "line 3: attempt: 0: expected 1 or more",
		head + "1ms call-snet s1 pay#1":               `line 3: kind: "call-snet" is no kind of event`,
		head + "1 settled":                            `line 3: "1 settled": expected a time`,
		head + "2ms settled\n1ms settled":             `line 4: time: "1ms" is before the event above`,
		head + "2ms settled\nprofile naive":           `line 4: "profile": expected an event`,
		head + "1ms fault-fired fault=0":              "line 3: fault: 0: the header has 0 faults",
		head + "1ms settled wink=1":                   "line 3: settled: wink: expected acked,",
		head + "1ms settled detail=\"a":               "expected a closing quote",
		head + "1ms saga-ended s1 running":            `line 3: status: "running": expected completed`,
		"saga s1\nstep pay do=a-1EUR":                 "line 2: step pay: do: postings of unit",
		"saga s1\nstep pay do=money":                  `line 2: step pay: do: "money": expected account±amountUNIT`,
		"saga s1\nstep pay max=x":                     "line 2: step pay: max:",
		"saga s1\nstep pay breaker=b":                 `line 2: step pay: breaker: "b": expected name:failures`,
		"saga s1\nstep pay after=b\n1ms x":            `line 3: definitions[0]: steps[0].after: no step named "b"`,
		"fault lose charge@response":                  `line 1: fault: bad failure point "charge@response"`,
		head + "1ms ledger-read bank alice":           `line 3: ledger-read: "alice": expected account±amountUNIT`,
		head + "1ms call-committed s1 pay#1 effect=x": `line 3: call-committed: effect: "x": expected`,
	} {
		_, err := history.ParseText(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got error %v, want %q", text, err, want)
		}
	}
}

func TestFormatTextRefusesWhatItCannotCarry(t *testing.T) {
	h := parse(t, sample)
	h.Header.Definitions[0].ID = "s 1"
	if err := history.FormatText(&bytes.Buffer{}, h); err == nil || !strings.Contains(err.Error(), "can't carry") {
		t.Errorf("saga id with a space: got error %v", err)
	}
}

func parse(t testing.TB, text string) *history.History {
	t.Helper()
	h, err := history.ParseText(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// What the form can carry reads back the same; what it can't is an error.
func FuzzParseText(f *testing.F) {
	f.Add(sample)
	f.Add("saga s1\nstep pay\n0ms settled\n")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := history.ParseText(strings.NewReader(text))
		if err != nil {
			return
		}
		var once, twice bytes.Buffer
		if err := history.FormatText(&once, h); err != nil {
			return
		}
		if err := history.FormatText(&twice, parse(t, once.String())); err != nil {
			t.Fatal(err)
		}
		if once.String() != twice.String() {
			t.Errorf("written once:\n%s\ntwice:\n%s", once.String(), twice.String())
		}
	})
}
