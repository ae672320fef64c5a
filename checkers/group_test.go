package checkers_test

import (
	"slices"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
)

func findings(t *testing.T, text string) [][]string {
	t.Helper()
	var all [][]string
	for _, f := range checkers.Group(checkers.Judge(parse(t, text), checkers.All())) {
		t.Logf("%s %s at %d: %v", f.Saga, f.Step, f.At, f.Properties)
		all = append(all, f.Properties)
	}
	return all
}

// A store that is lost at a kill breaks many properties, and is one finding that is
// named after what happened.
func TestOneCauseIsOneFinding(t *testing.T) {
	for _, c := range []struct {
		what, text, first string
		least             int // properties that the cause breaks
	}{
		{"a store is lost", `
profile fenced
fault crash-orchestrator ship#1@receive
saga s1
step charge
step ship
0ms saga-accepted s1
1ms call-sent s1 charge#1
1ms call-received s1 charge#1
1ms call-committed s1 charge#1
1ms call-answered s1 charge#1 200
2ms call-ended s1 charge#1 200
3ms call-sent s1 ship#1
3ms call-received s1 ship#1
3ms fault-fired s1 ship#1 fault=0
4ms call-ended s1 ship#1 0
4ms process-killed fault=0
5ms process-started fault=0
6ms process-ready fault=0
9ms saga-unknown s1 404
900ms settled detail="saga s1: unknown to the orchestrator"
901ms ledger-read bank till-1EUR charge+1EUR
`, "lost-saga", 3},
		{"another key after a lost answer", `
profile keyed
fault lose charge#1@response
saga s1
step charge do=bank/till-1EUR,bank/charge+1EUR
0ms saga-accepted s1
1ms call-sent s1 charge#1 key=a
1ms call-received s1 charge#1 key=a
1ms call-committed s1 charge#1
1ms call-answered s1 charge#1 200
2ms fault-fired s1 charge#1 fault=0
3ms call-ended s1 charge#1 0
14ms call-sent s1 charge#2 key=b
14ms call-received s1 charge#2 key=b
14ms call-committed s1 charge#2
14ms call-answered s1 charge#2 200
15ms call-ended s1 charge#2 200
16ms saga-status s1 completed
16ms saga-ended s1 completed
20ms settled
20ms ledger-read bank bank/till-2EUR bank/charge+2EUR
`, "key-misuse", 3},
		{"a rollback that is reported and not done", `
profile fenced
fault reject ship#1@receive
saga s1
step charge
step ship
0ms saga-accepted s1
1ms call-sent s1 charge#1
1ms call-received s1 charge#1
1ms call-committed s1 charge#1
1ms call-answered s1 charge#1 200
2ms call-ended s1 charge#1 200
3ms call-sent s1 ship#1
3ms call-received s1 ship#1
3ms fault-fired s1 ship#1 fault=0
3ms call-answered s1 ship#1 422
4ms call-ended s1 ship#1 422
9ms saga-status s1 compensated steps=charge:compensated:1,ship:failed:1
9ms saga-ended s1 compensated
20ms settled
20ms ledger-read bank till-1EUR charge+1EUR
`, "lost-compensation", 4},
	} {
		got := findings(t, c.text)
		if len(got) != 1 || got[0][0] != c.first || len(got[0]) < c.least {
			t.Errorf("%s: got %v, want one finding, named %s, of %d properties or more", c.what, got, c.first, c.least)
		}
	}
}

// Two sagas that went wrong in two ways are two findings, and so are two steps of one
// saga; headers that are missing everywhere belong to neither.
func TestTwoCausesAreTwoFindings(t *testing.T) {
	got := findings(t, `
profile naive
fault lose charge#1@response
saga s1
step charge
saga s2
step ship
0ms saga-accepted s1
0ms saga-accepted s2
1ms call-sent s1 charge#1 saga-id=-
1ms call-received s1 charge#1
1ms call-committed s1 charge#1
1ms call-answered s1 charge#1 200
2ms fault-fired s1 charge#1 fault=0
3ms call-ended s1 charge#1 0
14ms call-sent s1 charge#2 saga-id=-
14ms call-received s1 charge#2
14ms call-committed s1 charge#2
14ms call-answered s1 charge#2 200
15ms call-ended s1 charge#2 200
16ms saga-ended s1 completed
17ms saga-ended s2 completed
20ms settled
20ms ledger-read bank till-2EUR charge+2EUR ship+0EUR
`)
	want := []string{"duplicate-effect", "partial-success", "untraceable-call"}
	var first []string
	for _, f := range got {
		first = append(first, f[0])
	}
	if !slices.Equal(first, want) {
		t.Errorf("got %v, want findings named %v", got, want)
	}
}

// Who changes each body on its way does not hide what else it does, which has a plan and replays of its own.
func TestMangledBodiesHideNothing(t *testing.T) {
	got := findings(t, `
profile naive
fault lose charge#1@response
saga s1
step charge do="{\"postings\":[{\"account\":\"till\",\"amount\":-1,\"unit\":\"EUR\"},{\"account\":\"charge\",\"amount\":1,\"unit\":\"EUR\"}],\"note\":{\"n\":9007199254740993}}"
0ms saga-accepted s1
1ms call-sent s1 charge#1
1ms call-received s1 charge#1 body="{\"postings\":[{\"account\":\"till\",\"amount\":-1,\"unit\":\"EUR\"},{\"account\":\"charge\",\"amount\":1,\"unit\":\"EUR\"}],\"note\":{\"n\":9007199254740992}}"
1ms call-committed s1 charge#1
1ms call-answered s1 charge#1 200
2ms fault-fired s1 charge#1 fault=0
3ms call-ended s1 charge#1 0
14ms call-sent s1 charge#2
14ms call-received s1 charge#2 body="{\"postings\":[{\"account\":\"till\",\"amount\":-1,\"unit\":\"EUR\"},{\"account\":\"charge\",\"amount\":1,\"unit\":\"EUR\"}],\"note\":{\"n\":9007199254740992}}"
14ms call-committed s1 charge#2
14ms call-answered s1 charge#2 200
15ms call-ended s1 charge#2 200
16ms saga-ended s1 completed
20ms settled
20ms ledger-read bank till-2EUR charge+2EUR
`)
	for _, want := range []string{"mangled-body", "duplicate-effect"} {
		if !slices.ContainsFunc(got, func(f []string) bool { return f[0] == want }) {
			t.Errorf("got %v, want a finding named %s", got, want)
		}
	}
}

// Each property has its place in the order in which findings are named.
func TestEachPropertyTells(t *testing.T) {
	v := func(name string) checkers.Verdict {
		return checkers.Verdict{Property: name, Outcome: checkers.Violation, Witnesses: []checkers.Witness{{Saga: name, Step: "a", Events: []int{1}, At: 1}}}
	}
	for _, c := range checkers.All() {
		name := c.Doc().Name
		got := checkers.Group([]checkers.Verdict{v("of-ones-own"), v(name)})
		if c.Doc().Advice {
			if len(got) != 1 || got[0].Properties[0] != "of-ones-own" {
				t.Errorf("%s is advice: got %v", name, got)
			}
		} else if len(got) != 1 || got[0].Properties[0] != name {
			t.Errorf("%s: got %v, want it before a property that the catalogue does not know", name, got)
		}
	}
}
