package checkers

import (
	"regexp"
	"strings"

	"github.com/sagacheck/sagacheck/history"
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
		Clauses: []Clause{
			{Name: "saga-id", Text: "each attempt names its saga (Saga-Id)", Sees: []string{history.SagaHeaders}},
			{Name: "step", Text: "each attempt names its step (Saga-Step)", Sees: []string{history.SagaHeaders}},
			{Name: "trace-context", Text: "each attempt carries a trace context (traceparent)", Needs: []string{"trace-context"}},
			{Name: "own-address", Text: "each call comes to the address of an operation"},
		},
		Evidence:  "the headers in call-sent, and call-stray",
		Prevented: "Sending the saga's id and a trace context with each call.",
		Blind:     "Whether traces arrive anywhere, and whether each saga has one of its own: W3C Trace Context leaves open what belongs to a trace, and the calls of several sagas may.",
		Cost:      "linear",
		Whole:     true,
	}
}

// Check judges a history.
func (c UntraceableCall) Check(_ *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	for _, s := range ix.Sagas {
		for _, o := range allOpsOf(s) {
			judgeHeaders(t, o)
		}
	}
	for _, e := range ix.Strays {
		if e.Copy == 0 { // a second copy is the network's own
			t.violate("own-address", e.Operation(), []*history.Event{e}, "broke correlation: a call belongs to no operation of the cell: %s", e.Detail)
		}
	}
	return t.verdict("no call was sent")
}

// headers are what is asked for of each call, by clause.
var headers = []struct {
	clause string
	wrong  func(e *history.Event) string
}{
	{"saga-id", wrongSaga},
	{"step", wrongStep},
	{"trace-context", wrongTrace},
}

// judgeHeaders judges each attempt of an operation; the first that is wrong in a way
// stands for the others.
func judgeHeaders(t *tally, o *history.OpRecord) {
	as := sent(o)
	t.held("own-address", len(as))
	for _, header := range headers {
		for _, a := range as {
			if why := header.wrong(a.Sent); why != "" {
				t.violate(header.clause, o.Op, []*history.Event{a.Sent}, "broke correlation: attempt %d of %s %s", a.N, o.Op, why)
				break
			}
			t.held(header.clause, 1)
		}
	}
}

// traceParent is version 00 of W3C Trace Context, or a later one that begins so.
var traceParent = regexp.MustCompile(`^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$`)

func wrongSaga(e *history.Event) string {
	switch {
	case e.SagaID == "":
		return "has no Saga-Id"
	case e.SagaID != e.Saga:
		return "came with the Saga-Id of another saga: " + e.SagaID
	}
	return ""
}

func wrongStep(e *history.Event) string {
	switch ref := e.Operation().Ref(); {
	case e.StepID == "":
		return "has no Saga-Step"
	case e.StepID != e.Step && e.StepID != ref.String():
		return "came with the Saga-Step of another step: " + e.StepID
	}
	return ""
}

func wrongTrace(e *history.Event) string {
	switch {
	case e.Trace == "":
		return "has no traceparent"
	case !validTrace(e.Trace):
		return "has a malformed traceparent: " + e.Trace
	}
	return ""
}

func validTrace(s string) bool {
	m := traceParent.FindStringSubmatch(s)
	return m != nil && m[1] != "ff" && strings.Trim(m[2], "0") != "" && strings.Trim(m[3], "0") != ""
}
