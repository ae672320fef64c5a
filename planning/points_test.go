package planning

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// parsed is the history of a text.
func parsed(t *testing.T, text string) *history.History {
	t.Helper()
	h, err := history.ParseText(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestPointsOfReads: a question for what was done has failure points of its own, but no
// rule of a business refuses it, and a second copy changes nothing.
func TestPointsOfReads(t *testing.T) {
	h := parsed(t, `workflow shop
capabilities -
saga s1
step charge

0ms saga-accepted s1
1ms call-sent s1 charge#1
1ms call-received s1 charge#1
1ms call-ended s1 charge#1 503
2ms call-read s1 find#1 200
3ms call-read s1 find#2
`)
	d := h.Header.Definitions[0]
	d.Reads = []string{"find"}
	at := map[string][]string{}
	for _, p := range AtPoints(d, []Journey{{Trace: NewTrace(h)}}, Ability{}) {
		if err := p.Fits([]saga.Definition{d}); err != nil {
			t.Error(err)
		}
		f := p.Faults[len(p.Faults)-1]
		at[f.At.String()] = append(at[f.At.String()], f.Kind)
	}
	for _, want := range []string{"find#1@request", "find#1@receive", "find#1@response", "find#2@request"} {
		if len(at[want]) == 0 {
			t.Errorf("nothing is planned at %s: %v", want, at)
		}
	}
	if len(at["find#2@response"]) > 0 {
		t.Error("an answer is struck that never came")
	}
	if slices.Contains(at["find#1@receive"], "reject") || slices.Contains(at["find#1@request"], "duplicate") {
		t.Errorf("a question is refused by a rule, or asked twice: %v", at)
	}
}

// A code that a workflow promises to take for the last word is at risk wherever that call
// is made, once.
func TestPointsOfLastWords(t *testing.T) {
	h := parsed(t, `workflow shop
capabilities -
saga s1
step charge

0ms saga-accepted s1
1ms call-sent s1 charge#1
1ms call-received s1 charge#1
1ms call-ended s1 charge#1 503
2ms call-sent s1 charge#2
2ms call-received s1 charge#2
2ms call-ended s1 charge#2 200
`)
	words := map[string]history.Promise{"charge": {Permanent: []int{402, 422}}}
	var at []string
	for _, p := range AtPoints(h.Header.Definitions[0], []Journey{{Trace: NewTrace(h)}}, Ability{Promises: words}) {
		if f := p.Faults[len(p.Faults)-1]; f.Kind == "answer" && (f.Code == 402 || f.Code == 422) {
			at = append(at, f.String())
		}
	}
	if len(at) != 1 || !strings.Contains(at[0], "charge#1@receive") {
		t.Errorf("%q: expected 402 at charge#1@receive alone: 422 is that of reject", at)
	}
}

// TestPointsOutsideOfRealServices: nothing is planned inside of a real service; in its place
// the wire may answer.
func TestPointsOutsideOfRealServices(t *testing.T) {
	h := parsed(t, `workflow shop
real charge=payments find=payments
capabilities -
saga s1
step charge
step ship

0ms saga-accepted s1
1ms call-sent s1 charge#1
1ms call-received s1 charge#1
1ms call-committed s1 charge#1 ref=p-1
1ms call-answered s1 charge#1 201 ref=p-1 reply="{\"paymentId\":\"p-1\"}"
1ms call-ended s1 charge#1 201
2ms call-read s1 find#1 200
3ms call-sent s1 ship#1
3ms call-received s1 ship#1
3ms call-committed s1 ship#1 ref=s-1
3ms call-answered s1 ship#1 201 ref=s-1 reply="{}"
3ms call-ended s1 ship#1 201
`)
	kinds := map[string][]string{} // by point
	journeys := []Journey{{Trace: NewTrace(h)}}
	for _, p := range AtPoints(h.Header.Definitions[0], journeys, Ability{Process: true}) {
		f := p.Faults[0]
		kinds[f.At.String()] = append(kinds[f.At.String()], f.Kind)
	}
	for at, want := range map[string]bool{"charge#1@receive": false, "find#1@receive": false, "ship#1@receive": true} {
		if !slices.Contains(kinds[at], "unavailable") || slices.Contains(kinds[at], "crash-orchestrator") != want {
			t.Errorf("%s: %v", at, kinds[at])
		}
	}
	if len(kinds["charge#1@commit"]) > 0 || len(kinds["ship#1@commit"]) == 0 || !slices.Contains(kinds["charge#1@response"], "crash-orchestrator") || !slices.Contains(kinds["charge#1@receive"], "reject") {
		t.Errorf("planned %v", kinds)
	}
	for _, p := range Unreadable(journeys) {
		if p.Faults[0].At.Step == "charge" {
			t.Errorf("%v: an answer of a real service can't be garbled", p)
		}
	}
}

// TestNothingRefusesWhatWasDone: what a real service has said that it did, no rule of its
// business refuses when it is asked for again, whatever it answers then.
func TestNothingRefusesWhatWasDone(t *testing.T) {
	h := parsed(t, `workflow shop
real charge=payments
capabilities -
saga s1
step charge

0ms saga-accepted s1
1ms call-sent s1 charge#1
1ms call-received s1 charge#1
1ms call-committed s1 charge#1 ref=p-1
1ms call-answered s1 charge#1 201 ref=p-1 reply="{\"paymentId\":\"p-1\"}"
1ms call-ended s1 charge#1
2ms call-sent s1 charge#2
2ms call-received s1 charge#2
2ms call-answered s1 charge#2 409 reply="{}"
2ms call-ended s1 charge#2 409
`)
	known := map[string]bool{}
	for _, v := range NewTrace(h).Visits {
		known[v.At.String()] = v.Known
	}
	if known["charge#1@receive"] || !known["charge#2@receive"] || known["charge#2@response"] {
		t.Errorf("known are %v", known)
	}
}

// TestAccidentalAttempts: an attempt that no fault explains, and that hardly any journey came
// to, is not planned for.
func TestAccidentalAttempts(t *testing.T) {
	d := saga.Definition{ID: "s1", Steps: []saga.Step{{Name: "charge"}, {Name: "ship"}}}
	visits := func(points ...saga.FailurePoint) (vs []Visit) {
		for i, at := range points {
			vs = append(vs, Visit{At: at, Seq: i + 1})
		}
		return vs
	}
	charge, again, ship, often := point("charge", 1, saga.Response), point("charge", 2, saga.Response), point("ship", 1, saga.Response), point("ship", 2, saga.Response)
	late := Journey{Trace: Trace{Visits: visits(charge, again, ship, often)}}
	usual := Journey{Trace: Trace{Visits: visits(charge, ship, often)}}
	lost := Journey{Plan: faults.Plan{Faults: []faults.Fault{{Kind: "lose", At: charge}}}, Trace: Trace{Visits: visits(charge, again)}}
	planned := func(journeys ...Journey) map[saga.FailurePoint]bool {
		at := map[saga.FailurePoint]bool{}
		for _, p := range AtPoints(d, journeys, Ability{}) {
			at[p.Faults[len(p.Faults)-1].At] = true
		}
		return at
	}
	if at := planned(late, usual, usual); at[again] || !at[often] || !at[charge] {
		t.Errorf("%v: expected ship#2, which is usual, and not charge#2, which is not", at)
	}
	if at := planned(late, usual, usual, lost); !at[again] {
		t.Errorf("%v: expected charge#2, which a lost answer explains", at)
	}
}

// TestRefusedAgain: a call that is sent again after a refusal is refused until it is not.
func TestRefusedAgain(t *testing.T) {
	first, second := point("charge", 1, saga.Receive), point("charge", 2, saga.Receive)
	once := faults.Plan{Faults: []faults.Fault{{Kind: "reject", At: first}}}
	stubborn := Journey{Plan: once, Trace: Trace{Visits: []Visit{{At: first}, {At: second}}}}
	plans := RefusedAgain([]Journey{{Trace: stubborn.Trace}, stubborn}, 2)
	if len(plans) != 1 || len(plans[0].Faults) != 2 || plans[0].Faults[1].At != second || plans[0].Validate() != nil {
		t.Fatalf("%v: expected charge refused twice", plans)
	}
	if more := RefusedAgain([]Journey{{Plan: plans[0], Trace: stubborn.Trace}, stubborn}, 3); len(more) > 0 {
		t.Errorf("%v: nobody sent it a third time", more)
	}
	obedient := Journey{Plan: once, Trace: Trace{Visits: []Visit{{At: first}}}}
	if more := RefusedAgain([]Journey{obedient}, 2); len(more) > 0 {
		t.Errorf("%v: nobody sent it again", more)
	}
}

// TestPointsOfCallbacks: a callback has failure points of its own, on its way in and out, and
// all of its attempts are lost on one way.
func TestPointsOfCallbacks(t *testing.T) {
	h := parsed(t, `workflow shop
capabilities -
saga s1
step charge

0ms saga-accepted s1
1ms call-sent s1 charge#1
1ms call-received s1 charge#1
1ms call-committed s1 charge#1 ref=p-1
1ms call-answered s1 charge#1 202 pending ref=p-1
1ms call-ended s1 charge#1 202
2ms call-back s1 charge#1 503 told=p-1 passed=1ms
9ms call-back s1 charge#2 told=p-1 passed=8ms
9ms call-back s1 charge#3 told=p-1
`)
	d := h.Header.Definitions[0]
	d.Callbacks = []string{"charge"}
	lost := faults.Fault{Kind: "lose", At: saga.FailurePoint{Step: "charge.callback", Direction: saga.Action, Attempt: 1, Phase: saga.Request}}
	j := Journey{Plan: faults.Plan{Faults: []faults.Fault{lost}}, Trace: NewTrace(h)}
	at := map[string][]string{}
	for _, p := range AtPoints(d, []Journey{{Trace: NewTrace(h)}, j}, Ability{Process: true}) {
		if err := p.Fits([]saga.Definition{d}); err != nil {
			t.Error(err)
		}
		f := p.Faults[len(p.Faults)-1]
		at[f.At.String()] = append(at[f.At.String()], f.Kind)
	}
	for point, kinds := range map[string][]string{
		"charge.callback#1@request":  {"reset", "delay", "duplicate"},
		"charge.callback#1@response": {"lose", "crash-orchestrator"},
		"charge.callback#2@request":  {"reset"},
	} {
		for _, kind := range kinds {
			if !slices.Contains(at[point], kind) {
				t.Errorf("no %s at %s: %v", kind, point, at[point])
			}
		}
	}
	for _, never := range []string{"charge.callback#2@response", "charge.callback#3@request", "charge.callback#1@receive"} {
		if len(at[never]) > 0 {
			t.Errorf("%s is struck, which nothing came to", never)
		}
	}
	next := Silenced([]Journey{{Trace: NewTrace(h)}, j}, 2)
	if len(next) != 1 || len(next[0].Faults) != 2 || next[0].Faults[1].At.Attempt != 2 || len(Silenced([]Journey{j}, 1)) != 1 {
		t.Errorf("what follows on a lost callback: %v", next)
	}
}

// TestPointsOfConnections: on an address that several operations share a connection is refused
// behind the answer after which it is the next thing to happen, and nowhere else.
func TestPointsOfConnections(t *testing.T) {
	h := parsed(t, `workflow shop
capabilities -
saga s1
step reserve
step charge after=-
step ship
step mail

0ms saga-accepted s1
1ms call-sent s1 reserve#1
1ms call-sent s1 charge#1
1ms call-received s1 reserve#1
1ms call-received s1 charge#1
2ms call-answered s1 charge#1 200
2ms call-ended s1 charge#1 200
3ms call-answered s1 reserve#1 200
3ms call-ended s1 reserve#1 200
3ms call-back s1 charge#1 200 told=p-1 passed=3ms
4ms call-sent s1 ship#1
4ms call-received s1 ship#1
5ms call-answered s1 ship#1 200
5ms call-ended s1 ship#1 200
6ms call-sent s1 mail#1
6ms call-received s1 mail#1
7ms call-answered s1 mail#1 200
7ms call-ended s1 mail#1 200
`)
	refused := map[string]string{}
	a := Ability{Refusable: map[string]bool{"reserve": true, "charge": true, "ship": true}}
	for _, p := range AtPoints(h.Header.Definitions[0], []Journey{{Trace: NewTrace(h)}}, a) {
		if f := p.Faults[len(p.Faults)-1]; f.At.Phase == saga.Connect {
			refused[f.At.String()] = f.After.String()
			if err := p.Validate(); err != nil {
				t.Error(err)
			}
		}
	}
	if want := map[string]string{"reserve#1@connect": "", "ship#1@connect": "reserve#1@response"}; !maps.Equal(refused, want) {
		t.Errorf("refused: %v, expected %v", refused, want)
	}
}

// TestTogetherKilled: where the process may be killed, it is while several sagas are under way, once.
func TestTogetherKilled(t *testing.T) {
	d := saga.Definition{ID: "s1", Steps: []saga.Step{{Name: "reserve"}, {Name: "charge"}, {Name: "ship"}}}
	kills := func(a Ability) (got []string) {
		for _, p := range Together(d, 3, a) {
			for _, f := range p.Faults {
				if f.Injection(0).Kills() {
					got = append(got, fmt.Sprintf("%v of saga %d", f, f.Saga))
				}
			}
		}
		return got
	}
	if got, want := kills(Ability{Process: true}), []string{"crash-orchestrator charge#1@receive of saga 1"}; !slices.Equal(got, want) {
		t.Errorf("%q: expected %q", got, want)
	}
	if got := kills(Ability{}); len(got) > 0 {
		t.Errorf("planned %q where nothing may be killed", got)
	}
}
