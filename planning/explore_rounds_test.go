package planning

import (
	"slices"
	"testing"
)

// foundHistory is of a step whose participant was asked after a round what it holds.
const foundHistory = `
saga s1
step charge read-back=http://127.0.0.1/r max=2 rounds=2 round-delay=20 timeout=10

0ms saga-accepted s1
1ms call-sent s1 charge#1
1ms call-received s1 charge#1
1ms call-committed s1 charge#1
11ms call-ended s1 charge#1 0
21ms call-sent s1 charge#2
21ms call-received s1 charge#2
31ms call-ended s1 charge#2 0
60ms call-read s1 charge#0 200
70ms saga-ended s1 completed

71ms settled
71ms ledger-read bank till+0EUR charge+0EUR
`

// TestAQuestionBetweenRoundsIsNoPoint: it is no attempt, and a fault that was planned at it never fired.
func TestAQuestionBetweenRoundsIsNoPoint(t *testing.T) {
	visits := NewTrace(parsed(t, foundHistory)).Visits
	if len(visits) == 0 {
		t.Fatal("nothing was visited")
	}
	if i := slices.IndexFunc(visits, func(v Visit) bool { return v.At.Step == "charge" && v.At.Attempt == 0 }); i >= 0 {
		t.Errorf("the question is a point of failure: %v", visits[i].At)
	}
}
