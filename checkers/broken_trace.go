package checkers

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// BrokenTrace finds traces that do not tell what happened: an attempt without its span, a
// span below the wrong one, a compensation that does not link to its action.
//
// Source: practice; W3C Trace Context; OpenTelemetry's conventions for HTTP clients.
// Evidence: call-sent with its traceparent, whose span is that of the attempt; telemetry
// events with spans. Cost: linear in attempts and spans.
type BrokenTrace struct{}

var _ Checker = BrokenTrace{}

// The clauses of broken-trace.
const (
	traceSpan       = "span"
	traceParents    = "parent"
	traceLink       = "link"
	traceAfterCrash = "after-crash"
)

// Doc documents the checker.
func (BrokenTrace) Doc() Doc {
	return Doc{
		Name:       "broken-trace",
		Definition: "An attempt has no span, a span is below the wrong one, or a compensation does not link to what it undoes.",
		Source:     "practice; W3C Trace Context; OpenTelemetry's semantic conventions for HTTP clients",
		Clauses: []Clause{
			{Name: traceSpan, Text: "each attempt has the span that its traceparent names"},
			{Name: traceParents, Text: "above it, up to the span of the saga, there is nothing that is about another operation, and nothing is missing"},
			{Name: traceLink, Text: "the span of a compensation, or one above it, links to one of its action", Needs: []string{history.LinkedTraces}, Wants: []Trait{compensations}},
			{Name: traceAfterCrash, Text: "an attempt that was sent before the orchestrator was killed has its span", Needs: []string{history.LastingTraces}, Does: []string{history.Kill}},
		},
		Evidence:  "call-sent and telemetry (spans). Spans are waited for up to 2 s after the cell has settled.",
		Prevented: "Deriving span ids from saga, step and attempt, and exporting again what a kill may have kept.",
		Blind:     "Calls without a valid traceparent (see untraceable-call), and those of traces that are not sampled; what is in a span besides what it is about; times.",
		Cost:      "linear",
		Whole:     true,
		Needs:     []string{history.HasTraces},
	}
}

// Check judges a history.
func (c BrokenTrace) Check(h *history.History, ix *history.Index) Verdict {
	t := newTally(c)
	s := newSignals(h, ix)
	if s.heard[history.HasTraces] == nil {
		for _, k := range t.doc.Clauses {
			t.lacks(k.Name, "%s", unheard(h, "traces"))
		}
		return t.verdict(unheard(h, "traces"))
	}
	late := heardTooSoon(ix, s.heard[history.HasTraces])
	for _, r := range ix.Sagas {
		for _, o := range allOpsOf(r) {
			j := traceJudge{t, s, r, o, late}
			for _, a := range sent(o) {
				j.attempt(a)
			}
			j.link()
		}
	}
	return t.verdict("no attempt carried a traceparent that is sampled")
}

// traceJudge judges the spans of an operation.
type traceJudge struct {
	t    *tally
	s    *signals
	saga *history.SagaRecord
	op   *history.OpRecord
	late bool // spans may have been under way still when it was asked what had arrived
}

// heardTooSoon tells that the machine was so late in a cell that it may be the reason why something had not
// arrived when it was asked what the orchestrator had told.
func heardTooSoon(ix *history.Index, heard *history.Event) bool {
	return ix.Settled != nil && heard.At-ix.Settled.At < wakeups*newTiming(ix).lag
}

// named is the span that an attempt's traceparent names; empty: none, or none that is kept.
func named(a *history.Attempt) string {
	parts := strings.Split(a.Sent.Trace, "-")
	if !validTrace(a.Sent.Trace) || len(parts[3]) != 2 || !strings.ContainsAny(parts[3][1:], "13579bdf") {
		return ""
	}
	return parts[2]
}

func (j traceJudge) attempt(a *history.Attempt) {
	id := named(a)
	if id == "" {
		return
	}
	clause := traceSpan
	if j.s.killedAfter(a) {
		if clause = traceAfterCrash; !j.s.has(history.LastingTraces) {
			j.t.unjudgeable(traceSpan, "the orchestrator was killed afterwards, and its manifest does not say that spans outlive that")
			return
		}
	}
	span := j.s.spans[id]
	if span == nil && j.late {
		j.t.unjudgeable(clause, "%s", tooLateToSay)
		return
	}
	if span == nil {
		j.t.violate(clause, j.op.Op, []*history.Event{a.Sent, j.s.heard[history.HasTraces]}, "broke the trace: attempt %d of %s has no span", a.N, j.op.Op)
		return
	}
	j.t.held(clause, 1)
	j.above(a, span)
}

// above judges the spans above that of an attempt.
func (j traceJudge) above(a *history.Attempt, span *history.Event) {
	wrong := func(at *history.Event, format string, args ...any) {
		events := []*history.Event{a.Sent, span}
		if at != nil {
			events = append(events, at)
		}
		j.t.violate(traceParents, j.op.Op, events, "broke the trace: "+format, args...)
	}
	chain, whole := j.chain(span)
	for _, e := range chain {
		if why := j.alien(e); why != "" {
			wrong(e, "the span of attempt %d of %s is below, or is, %q, which is about %s", a.N, j.op.Op, e.Signal.Name, why)
			return
		}
	}
	switch {
	case !whole && !j.saga.Status().Ended():
		j.t.unjudgeable(traceParents, "the saga has not ended, and the spans above may be exported when it has")
	case !whole && j.mayBeLost():
		j.t.unjudgeable(traceParents, lostSpans)
	case !whole && j.late:
		j.t.unjudgeable(traceParents, "%s", tooLateToSay)
	case !whole:
		wrong(nil, "what is above the span of attempt %d of %s never arrived", a.N, j.op.Op)
	case len(chain) == 1:
		wrong(nil, "the span of attempt %d of %s is below none: it does not tell which saga it belongs to", a.N, j.op.Op)
	default:
		j.t.held(traceParents, 1)
	}
}

// lostSpans is why spans may be missing above one that has come.
const lostSpans = "the orchestrator was killed, and its manifest does not say that spans outlive that"

// mayBeLost tells whether a kill may have taken spans that had ended and were not exported.
func (j traceJudge) mayBeLost() bool {
	return len(j.s.kills) > 0 && !j.s.has(history.LastingTraces)
}

// chain is a span and those above it; not whole: one of them is missing.
func (j traceJudge) chain(span *history.Event) (all []*history.Event, whole bool) {
	for e := span; e != nil && !slices.Contains(all, e); e = j.s.spans[e.Signal.Parent] {
		all = append(all, e)
		if e.Signal.Parent == "" {
			return all, true
		}
	}
	return all, false
}

// alien says what a span is about that is not the operation; empty: nothing.
func (j traceJudge) alien(e *history.Event) string {
	op := j.op.Op
	switch {
	case e.Saga != "" && e.Saga != op.Saga:
		return "saga " + e.Saga
	case e.Step != "" && (e.Step != op.Step || cmp.Or(e.Direction, op.Direction) != op.Direction):
		return saga.StepRef{Step: e.Step, Direction: e.Direction}.String()
	}
	return ""
}

// link judges whether a compensation links to its action.
func (j traceJudge) link() {
	did := j.saga.Op(j.op.Op.Step, saga.Action)
	if j.op.Op.Direction != saga.Compensation || did == nil {
		return
	}
	targets, whole := map[string]bool{}, true
	for _, span := range j.spansOf(did) {
		chain, all := j.chain(span)
		whole = whole && all
		for _, e := range chain {
			if e == span || e.Step != "" {
				targets[e.Signal.Span] = true
			}
		}
	}
	own := j.spansOf(j.op)
	if len(targets) == 0 || len(own) == 0 {
		return
	}
	for _, span := range own {
		chain, all := j.chain(span)
		whole = whole && all
		for _, e := range chain {
			if slices.ContainsFunc(e.Signal.Links, func(id string) bool { return targets[id] }) {
				j.t.held(traceLink, 1)
				return
			}
		}
	}
	if !whole && !j.saga.Status().Ended() {
		j.t.unjudgeable(traceLink, "the saga has not ended, and the spans above may be exported when it has")
		return
	}
	if !whole && j.mayBeLost() {
		j.t.unjudgeable(traceLink, lostSpans)
		return
	}
	j.t.violate(traceLink, j.op.Op, []*history.Event{firstSent(did), firstSent(j.op), own[0]}, "broke the trace: no span of %s links to what it undoes", j.op.Op)
}

// spansOf are the spans of an operation's attempts that have come.
func (j traceJudge) spansOf(o *history.OpRecord) (all []*history.Event) {
	for _, a := range sent(o) {
		if span := j.s.spans[named(a)]; span != nil {
			all = append(all, span)
		}
	}
	return all
}
