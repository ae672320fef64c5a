package checkers_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/checkers"
)

// leftBehind is a saga that was cancelled: its refund named what is not there, and the
// charge stands.
const leftBehind = `workflow shop
capabilities -
saga s1
step charge
step ship

0ms saga-accepted s1
1ms call-sent s1 charge#1 request="{}"
1ms call-received s1 charge#1
1ms call-committed s1 charge#1 ref=p-1
1ms call-answered s1 charge#1 200 garbled=HOW reply="{}"
2ms call-ended s1 charge#1 200
70ms call-sent s1 charge.undo#1 request="{}"
70ms call-received s1 charge.undo#1
70ms call-answered s1 charge.undo#1 404 detail="it names an effect that is not there"
70ms call-ended s1 charge.undo#1 404
80ms saga-ended s1 compensated
85ms invariant-checked s1 invariant=one when=settled detail=x
90ms settled
90ms ledger-read bank charge+1EUR
`

// TestMisled: a page in the place of an answer tells nobody that nothing was done. Who was
// told what is not true can't know better, and is not judged by it.
func TestMisled(t *testing.T) {
	blamed := []string{"broken-invariant", "double-credit", "false-status", "lost-compensation", "partial-success", "wrong-reference"}
	for how, want := range map[string][]string{
		"html": blamed, "empty": blamed, "error-inside": nil, "id": nil, "amount": nil, "number": nil, "text": nil,
	} {
		var got []string
		for _, v := range checkers.Judge(parse(t, strings.Replace(leftBehind, "HOW", how, 1)), checkers.All()) {
			if v.Outcome == checkers.Violation && slices.Contains(blamed, v.Property) {
				got = append(got, v.Property)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, expected %q", how, got, want)
		}
	}
}

// TestMisledAmount: a refund of the amount that an answer told of is not held against
// anybody.
func TestMisledAmount(t *testing.T) {
	short := readFile(t, "testdata/inexact-compensation/violation-amount.txt")
	if v := judge(t, "inexact-compensation", parse(t, short)); v.Outcome != checkers.Violation {
		t.Fatalf("%+v", v)
	}
	lines := strings.Split(short, "\n")
	for i, line := range lines {
		if strings.Contains(line, "call-answered") && !strings.Contains(line, ".undo") {
			lines[i] += " garbled=amount"
		}
	}
	if v := judge(t, "inexact-compensation", parse(t, strings.Join(lines, "\n"))); v.Outcome == checkers.Violation {
		t.Errorf("%+v", v)
	}
}
