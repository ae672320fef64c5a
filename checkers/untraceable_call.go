package checkers

import (
	"regexp"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// UntraceableCall finds calls that can't be traced to their saga and step: a
// header Saga-Id, Saga-Step or traceparent is missing or malformed, names
// another operation than the one whose address it came to, or the address
// belongs to no operation at all.
//
// Source: the contract's correlation headers; W3C Trace Context. Evidence: the
// headers in call-sent; call-stray. traceparent is asked for only if the
// orchestrator has the capability trace-context. It cannot see whether spans
// reach a collector. Cost: linear.
type UntraceableCall struct{}

var _ Checker = UntraceableCall{}

// Doc documents the checker.
func (UntraceableCall) Doc() Doc {
	return Doc{
		Name:       "untraceable-call",
		Definition: "A call carries no saga id, step or trace context, or one that does not match its operation, or it belongs to no operation.",
		Source:     "the contract's correlation headers; W3C Trace Context",
		Clauses:    []Clause{{Name: whole, Text: "TODO"}},
		Evidence:   "the headers in call-sent, and call-stray; traceparent only with the capability trace-context. At risk: attempts sent, and strays.",
		Blind:      "Whether traces arrive anywhere.",
		Cost:       "linear",
	}
}

// Check judges a history.
func (c UntraceableCall) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	traced := slices.Contains(h.Header.Orchestrator.Capabilities, "trace-context")
	for _, s := range ix.Sagas {
		for _, o := range opsOf(s) {
			as := sent(o)
			t.held(whole, len(as))
			for _, a := range as {
				if why := untraceable(a.Sent, traced); why != "" {
					t.violate(whole, o.Op, []*history.Event{a.Sent}, "broke correlation: attempt %d of %s %s", a.N, o.Op, why)
					break
				}
			}
		}
	}
	for _, e := range ix.Strays {
		t.held(whole, 1)
		t.violate(whole, e.Operation(), []*history.Event{e}, "broke correlation: a call belongs to no operation of the cell: %s", e.Detail)
	}
	return t.verdict("no call was sent")
}

// traceParent is version 00 of W3C Trace Context, or a later one that begins so.
var traceParent = regexp.MustCompile(`^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$`)

// untraceable says what is wrong with the headers of a call; empty: nothing.
func untraceable(e *history.Event, traced bool) string {
	switch ref := (saga.StepRef{Step: e.Step, Direction: e.Direction}); {
	case e.SagaID == "":
		return "has no Saga-Id"
	case e.SagaID != e.Saga:
		return "came with the Saga-Id of another saga: " + e.SagaID
	case e.StepID == "":
		return "has no Saga-Step"
	case e.StepID != e.Step && e.StepID != ref.String():
		return "came with the Saga-Step of another step: " + e.StepID
	case traced && e.Trace == "":
		return "has no traceparent"
	case traced && !validTrace(e.Trace):
		return "has a malformed traceparent: " + e.Trace
	}
	return ""
}

func validTrace(s string) bool {
	m := traceParent.FindStringSubmatch(s)
	return m != nil && m[1] != "ff" && strings.Trim(m[2], "0") != "" && strings.Trim(m[3], "0") != ""
}
