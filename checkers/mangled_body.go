package checkers

import (
	"bytes"
	"fmt"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/jsonvalue"
)

// MangledBody finds calls whose body is not the one of the saga's definition.
//
// Source: the contract: a body is passed on as it came. Evidence: the body in
// call-received, which participants record where it is not byte for byte the one of
// the definition. Copies that the network made are not the orchestrator's. It cannot
// see what an orchestrator did to a body that no whole request carried. Cost: linear.
type MangledBody struct{}

var _ Checker = MangledBody{}

// The clauses: what the body says, and how it is written.
const (
	sameValue = "same-value"
	sameBytes = "same-bytes"
)

// Doc documents the checker.
func (MangledBody) Doc() Doc {
	return Doc{
		Name:       "mangled-body",
		Definition: "The body of a call is not the one of the saga's definition.",
		Source:     "the contract: a body is passed on as it came. JavaScript numbers: ECMA-262, 6.1.6.1; RFC 8259, section 6",
		Clauses: []Clause{
			{Name: sameValue, Text: "a body that arrives is the same JSON value as the definition's: names, texts, and numbers to the last digit", Sees: []string{history.CallBody}},
			{Name: sameBytes, Text: "a body that is the same value as the definition's is the same byte for byte", Needs: []string{"exact-body"}, Sees: []string{history.CallBody}},
		},
		Evidence:  "the body in call-received, recorded where it is not byte for byte that of the definition. At risk: attempts that arrived whole.",
		Prevented: "Storing a body as the bytes that came, and sending those.",
		Blind:     "Bodies of requests that did not arrive whole.",
		Cost:      "linear",
	}
}

// Check judges a history.
func (c MangledBody) Check(_ *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	for _, s := range ix.Sagas {
		for _, o := range allOpsOf(s) {
			for _, a := range sent(o) {
				checkBody(t, o, a)
			}
		}
	}
	return t.verdict("no call arrived whole")
}

func checkBody(t *tally, o *history.OpRecord, a *history.Attempt) {
	for _, e := range a.Received {
		if e.Copy > 0 {
			continue
		}
		if e.Body == nil {
			t.held(sameValue, 1)
			t.held(sameBytes, 1)
			continue
		}
		got, want := []byte(*e.Body), []byte(o.Call.Body)
		if differs := jsonvalue.Difference(got, want); differs != "" {
			t.violate(sameValue, o.Op, []*history.Event{e}, "broke the body: attempt %d of %s came with another one: %s", a.N, o.Op, differs)
			continue
		}
		t.held(sameValue, 1)
		t.violate(sameBytes, o.Op, []*history.Event{e}, "broke the body: attempt %d of %s came with the same value in other bytes: %s", a.N, o.Op, firstDifference(got, want))
	}
}

// firstDifference quotes two texts from shortly before they differ.
func firstDifference(got, want []byte) string {
	at := 0
	for at < len(got) && at < len(want) && got[at] == want[at] {
		at++
	}
	from := max(at-8, 0)
	return fmt.Sprintf("byte %d: %.32q, expected %.32q", at, bytes.ToValidUTF8(got[min(from, len(got)):], nil), bytes.ToValidUTF8(want[min(from, len(want)):], nil))
}
