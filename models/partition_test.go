package models_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/models"
)

func index(t testing.TB, text string) *history.Index {
	t.Helper()
	h, err := history.ParseText(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return history.NewIndex(h)
}

// judged finds a partition by its name and judges it.
func judged(t testing.TB, text, name string) models.Result {
	t.Helper()
	for _, p := range models.Partitions(index(t, text)) {
		if p.String() == name {
			return p.Check(models.DefaultLimits())
		}
	}
	t.Fatalf("no partition %s", name)
	return models.Result{}
}

const onePayment = `profile fenced
register shop/order=new
saga s1
step charge do=bank/alice-42EUR,bank/shop+42EUR,shop/order:new>paid
0ms saga-submitted s1
1ms saga-accepted s1
`

func TestPartitions(t *testing.T) {
	for _, c := range []struct {
		name, partition, events string
		want                    porcupine.CheckResult
		says                    string
		witness                 []int
	}{
		{"account ok", `account "bank/alice EUR"`, `
2ms call-committed s1 charge#1
9ms ledger-read bank bank/alice-42EUR bank/shop+42EUR
9ms ledger-read shop shop/order=paid`, porcupine.Ok, "", nil},
		{"account off", `account "bank/alice EUR"`, `
2ms call-committed s1 charge#1
3ms call-committed s1 charge.undo#1
4ms call-committed s1 charge#2
9ms ledger-read bank bank/alice-84EUR bank/shop+42EUR`, porcupine.Illegal, "sum to -42 EUR, but it was read as -84", []int{5, 6}},
		{"money from nowhere", `account "bank/bob EUR"`, `
9ms ledger-read bank bank/bob+1EUR`, porcupine.Illegal, "sum to 0 EUR, but it was read as 1", []int{3}},
		{"account not listed is at 0", `account "bank/alice EUR"`, `
2ms call-committed s1 charge#1
9ms ledger-read bank bank/shop+42EUR`, porcupine.Illegal, "read as 0", []int{3, 4}},
		{"no ledger", `account "bank/alice EUR"`, `
2ms call-committed s1 charge#1
9ms ledger-read shop shop/order=paid`, porcupine.Unknown, "no ledger that was read lists", nil},
		{"register ok", `register "shop/order"`, `
2ms call-committed s1 charge#1
3ms call-committed s1 charge.undo#1
9ms ledger-read shop shop/order=new`, porcupine.Ok, "", nil},
		{"register skips", `register "shop/order"`, `
2ms call-committed s1 charge#1
3ms call-committed s1 charge.undo#1 effect=shop/order:shipped>new
9ms ledger-read shop shop/order=new`, porcupine.Illegal, `found register "shop/order" to be "shipped", but it was left as "paid"`, []int{3, 4}},
		{"register read wrong", `register "shop/order"`, `
2ms call-committed s1 charge#1
9ms ledger-read shop shop/order=new`, porcupine.Illegal, `left as "paid", but it was read as "new"`, []int{3, 4}},
		{"two that overlap both saw the first value", `register "shop/order"`, `
2ms call-received s1 charge#1
2ms call-received s1 charge#2
3ms call-committed s1 charge#1
3ms call-committed s1 charge#2
4ms call-answered s1 charge#1 200
4ms call-answered s1 charge#2 200
9ms ledger-read shop shop/order=paid`, porcupine.Illegal, "no order of the 2 operations", []int{3, 4, 5, 6, 7, 8}},
		{"late arrival is placed where the participant saw it", `register "shop/order"`, `
2ms call-sent s1 charge#1
3ms call-ended s1 charge#1
4ms call-committed s1 charge.undo#1 effect=shop/order:new>new
5ms call-received s1 charge#1
6ms call-committed s1 charge#1
9ms ledger-read shop shop/order=paid`, porcupine.Ok, "", nil},
		{"unknown outcome explains the ledger", `register "shop/order"`, `
2ms call-received s1 charge#1
9ms ledger-read shop shop/order=paid`, porcupine.Ok, "", nil},
		{"unknown outcome need not have happened", `register "shop/order"`, `
2ms call-received s1 charge#1
9ms ledger-read shop shop/order=new`, porcupine.Ok, "", nil},
		{"unknown outcome explains nothing", `register "shop/order"`, `
2ms call-received s1 charge#1
9ms ledger-read shop shop/order=gone`, porcupine.Illegal, `read as "gone"`, nil},
		{"repeated key", `endpoint "s1/charge"`, `
2ms call-received s1 charge#1
3ms call-committed s1 charge#1
4ms call-received s1 charge#2
5ms call-answered s1 charge#2 200
9ms ledger-read bank`, porcupine.Ok, "", nil},
		{"second effect of a key", `endpoint "s1/charge"`, `
2ms call-received s1 charge#1
3ms call-committed s1 charge#1
4ms call-received s1 charge#2
5ms call-committed s1 charge#2
9ms ledger-read bank`, porcupine.Illegal, `second effect under the key "s1/charge"`, []int{3, 4, 5, 6}},
		{"new key, new effect", `endpoint "s1/charge"`, `
2ms call-received s1 charge#1
3ms call-committed s1 charge#1
4ms call-received s1 charge#2 key=other
5ms call-committed s1 charge#2
9ms ledger-read bank`, porcupine.Ok, "", nil},
		{"acknowledged, never done", `endpoint "s1/charge"`, `
2ms call-received s1 charge#1
3ms call-answered s1 charge#1 200
9ms ledger-read bank`, porcupine.Illegal, "acknowledged with 200 but never had an effect", []int{3, 4}},
		{"another answer", `endpoint "s1/charge"`, `
2ms call-received s1 charge#1
2ms call-committed s1 charge#1
3ms call-answered s1 charge#1 200
4ms call-received s1 charge#2
5ms call-answered s1 charge#2 201
9ms ledger-read bank`, porcupine.Illegal, "acknowledged with 201, before with 200", []int{3, 4, 5, 6, 7}},
		{"faults may refuse", `endpoint "s1/charge"`, `
2ms call-received s1 charge#1
2ms call-committed s1 charge#1
3ms call-answered s1 charge#1 500
4ms call-received s1 charge#2
5ms call-answered s1 charge#2 422
6ms call-received s1 charge#3
7ms call-answered s1 charge#3 200
9ms ledger-read bank`, porcupine.Ok, "", nil},
		{"null compensation", `endpoint "s1/charge"`, `
2ms call-received s1 charge.undo#1
3ms call-answered s1 charge.undo#1 200
4ms call-received s1 charge#1
5ms call-answered s1 charge#1 410
9ms ledger-read bank`, porcupine.Ok, "", nil},
		{"empty compensation", `endpoint "s1/charge"`, `
2ms call-received s1 charge.undo#1
3ms call-committed s1 charge.undo#1
9ms ledger-read bank`, porcupine.Illegal, "although its action had none", []int{3, 4}},
		{"late action", `endpoint "s1/charge"`, `
2ms call-received s1 charge.undo#1
3ms call-answered s1 charge.undo#1 200
4ms call-received s1 charge#1
5ms call-committed s1 charge#1
9ms ledger-read bank`, porcupine.Illegal, "after the compensation had been accepted", []int{3, 4, 5, 6}},
		{"lifecycle ok", `lifecycle "s1"`, `
2ms saga-status s1 running
3ms saga-status s1 stuck
3ms saga-status s1 running
3ms saga-status s1 compensating
4ms saga-status s1 compensated
4ms saga-ended s1 compensated
9ms ledger-read bank`, porcupine.Ok, "", nil},
		{"end changes", `lifecycle "s1"`, `
2ms saga-status s1 running
3ms saga-status s1 completed
3ms saga-ended s1 completed
4ms saga-status s1 running
9ms ledger-read bank`, porcupine.Illegal, "was reported running after it had ended completed", []int{5, 6}},
		{"operator", `lifecycle "s1"`, `
3ms saga-status s1 completed
3ms saga-operator s1 202
4ms saga-status s1 compensating
5ms saga-status s1 compensated
9ms ledger-read bank`, porcupine.Ok, "", nil},
		{"no way forward", `lifecycle "s1"`, `
3ms saga-status s1 compensating
4ms saga-status s1 completed
9ms ledger-read bank`, porcupine.Illegal, "completed after it had begun to compensate", []int{3, 4}},
		{"forgotten", `lifecycle "s1"`, `
3ms saga-unknown s1
9ms ledger-read bank`, porcupine.Illegal, "unknown to the orchestrator, which had accepted it", []int{2, 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := judged(t, onePayment+strings.TrimPrefix(c.events, "\n")+"\n", c.partition)
			if said := r.Broken + r.Reason; r.Verdict != c.want || !strings.Contains(said, c.says) {
				t.Fatalf("got %s %q, want %s with %q", r.Verdict, said, c.want, c.says)
			}
			if c.witness != nil && !slices.Equal(r.Events, c.witness) {
				t.Errorf("witness %v, want %v", r.Events, c.witness)
			}
		})
	}
}

// A 404 that overlaps the submission is no broken promise.
func TestUnknownWhileSubmitting(t *testing.T) {
	r := judged(t, `saga s1
step charge
0ms saga-submitted s1
1ms saga-unknown s1
2ms saga-accepted s1
3ms saga-status s1 running
9ms ledger-read bank
`, `lifecycle "s1"`)
	if r.Verdict != porcupine.Ok {
		t.Errorf("got %s: %s", r.Verdict, r.Broken)
	}
}

// unknownCalls is a history of n received calls without an outcome, and a ledger
// that they cannot explain.
func unknownCalls(n int) string {
	var b strings.Builder
	b.WriteString("saga s1\n")
	for i := range n {
		fmt.Fprintf(&b, "step s%d after=- do=bank/a-%dEUR,bank/b+%dEUR\n", i, 2<<i, 2<<i)
	}
	for i := range n {
		fmt.Fprintf(&b, "1ms call-received s1 s%d#1\n", i)
	}
	b.WriteString("9ms ledger-read bank bank/a-7EUR bank/b+7EUR\n")
	return b.String()
}

func TestUnknownOutcomesAreCapped(t *testing.T) {
	if r := judged(t, unknownCalls(10), `account "bank/a EUR"`); r.Verdict != porcupine.Illegal {
		t.Errorf("10 unknown: got %s %s, want illegal", r.Verdict, r.Reason)
	}
	r := judged(t, unknownCalls(11), `account "bank/a EUR"`)
	if want := "11 operations of unknown outcome, more than the 10 that are searched"; r.Verdict != porcupine.Unknown || r.Reason != want {
		t.Errorf("11 unknown: got %s %q, want %q", r.Verdict, r.Reason, want)
	}
}

func TestTimeLimit(t *testing.T) {
	lim := models.Limits{Time: 50 * time.Millisecond, Unknown: 30, Concurrent: 100}
	for _, p := range models.Partitions(index(t, unknownCalls(24))) {
		start := time.Now()
		r := p.Check(lim)
		if took := time.Since(start); p.Kind == models.AccountKind && (r.Verdict != porcupine.Unknown || took > 5*time.Second) {
			t.Errorf("%v: got %s after %v, want no answer soon after %v", p, r.Verdict, took, lim.Time)
		}
	}
}

func TestConcurrencyLimit(t *testing.T) {
	lim := models.Limits{Time: time.Second, Unknown: 10, Concurrent: 1}
	text := onePayment + `2ms call-received s1 charge#1
2ms call-received s1 charge.undo#1
3ms call-committed s1 charge#1
3ms call-committed s1 charge.undo#1
9ms ledger-read bank
`
	for _, p := range models.Partitions(index(t, text)) {
		if r := p.Check(lim); p.Kind == models.EndpointKind && !strings.Contains(r.Reason, "2 operations overlap") {
			t.Errorf("got %s %q", r.Verdict, r.Reason)
		}
	}
}

func TestVisualize(t *testing.T) {
	text := onePayment + `2ms call-received s1 charge#1
3ms call-committed s1 charge#1
4ms call-received s1 charge#2
5ms call-committed s1 charge#2
9ms ledger-read bank bank/alice-84EUR bank/shop+84EUR
`
	ix := index(t, text)
	for property, want := range map[string]string{
		"not-linearizable": "endpoint \\\"s1/charge\\\": s1/charge#2 key \\\"s1/charge\\\": no answer, effect",
		"double-credit":    "s1/charge#1: -42 EUR",
	} {
		var b strings.Builder
		if err := models.Visualize(ix.History, ix, property, &b); err != nil {
			t.Fatal(err)
		}
		if html := b.String(); !strings.Contains(html, want) || !strings.Contains(html, "<html") {
			t.Errorf("%s: no %q in the picture:\n%s", property, want, html[max(0, len(html)-2000):])
		}
	}
	if err := models.Visualize(ix.History, ix, "retry-budget", &strings.Builder{}); !errors.Is(err, models.ErrNothingToDraw) {
		t.Errorf("got %v, want ErrNothingToDraw", err)
	}
}
