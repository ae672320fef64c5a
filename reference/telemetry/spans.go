package telemetry

import (
	"net/url"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

// Span is a span before it is exported.
type Span struct {
	Trace      [16]byte
	ID, Parent [8]byte // Parent zero: none
	Links      [][8]byte
	Name       string
	Call       bool // an attempt: of kind CLIENT
	Attempt    int  // its number
	Start, End time.Time
	Failed     string // empty: it has not
	Attributes []attribute.KeyValue
	// Again: it is of an earlier life, which may have exported it.
	Again bool
}

// About is the text of an attribute; empty: it has none.
func (s *Span) About(name string) string {
	for _, a := range s.Attributes {
		if string(a.Key) == name {
			return a.Value.AsString()
		}
	}
	return ""
}

// spans makes those of what is over with the records.
func (l *life) spans(s *reference.State, records []reference.Record) (all []Span) {
	trace := s.Trace()
	for _, r := range records {
		if r.Kind == reference.RecordRound { // what follows are other operations
			clear(l.ops)
		}
		if !isOperation(r) {
			continue
		}
		ref := reference.Ref{Step: r.Step, Dir: r.Direction}
		switch o := l.op(ref); r.Kind {
		case reference.RecordIntent:
			o.intended = r.At
			if o.first.IsZero() {
				o.first = r.At
			}
		case reference.RecordOutcome:
			all = append(all, attemptSpan(s, trace, o, r))
			o.intended, o.left, o.last = time.Time{}, time.Time{}, r.At
		case reference.RecordOperator: // the step was skipped, and an attempt may be under way
		default: // it did not leave
			o.intended, o.left = time.Time{}, time.Time{}
			if s.Op(ref).Attempts == 0 {
				o.first = time.Time{}
			}
		}
		if o, st := l.op(ref), s.Op(ref); !o.told && !o.first.IsZero() && isOver(s, ref, st) {
			o.told = true
			all = append(all, operationSpan(s, trace, ref, o))
		}
	}
	return append(all, l.atTheEnd(s, trace)...)
}

// isOver: no further attempt will be made, and none is under way.
func isOver(s *reference.State, ref reference.Ref, o *reference.OpState) bool {
	return !o.Open && (o.Settled() || o.Exhausted && (ref.Dir == saga.Compensation || s.Critical(ref.Step)))
}

// atTheEnd makes the spans of the saga, and of the operations that were not carried
// through: those of which a later attempt may still come have theirs when it has.
func (l *life) atTheEnd(s *reference.State, trace reference.Trace) (all []Span) {
	over := l.status.Over() || l.status == saga.Stuck && s.Quiet()
	if !over && !s.BetweenRounds() {
		return nil
	}
	for step := range s.Def.Steps {
		for _, dir := range []saga.Direction{saga.Action, saga.Compensation} {
			ref := reference.Ref{Step: step, Dir: dir}
			o := l.ops[ref]
			if o == nil || o.told || o.last.IsZero() || s.StepState(step) == saga.StepDeferred && !s.Quiet() {
				continue
			}
			o.told = true
			all = append(all, operationSpan(s, trace, ref, o))
		}
	}
	if over && !l.told {
		l.told = true
		all = append(all, sagaSpan(s, trace, l))
	}
	return all
}

func sagaSpan(s *reference.State, trace reference.Trace, l *life) Span {
	span := Span{
		Trace: trace.ID, ID: trace.Root(), Parent: trace.Parent, Name: "saga " + s.Def.Name, Start: l.accepted, End: l.latest,
		Attributes: []attribute.KeyValue{attribute.String("saga.id", s.Def.ID), attribute.String("saga.name", s.Def.Name), attribute.String("saga.status", string(l.status))},
	}
	if l.status == saga.Stuck {
		span.Failed = "a person is needed"
	}
	return span
}

// about are the attributes of an operation's spans.
func about(s *reference.State, ref reference.Ref) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("saga.id", s.Def.ID), attribute.String("saga.name", s.Def.Name),
		attribute.String("saga.step", s.Def.Steps[ref.Step].Name), attribute.String("saga.direction", string(ref.Dir)),
	}
}

// nameOf is charge, or charge.undo.
func nameOf(s *reference.State, ref reference.Ref) string {
	return saga.StepRef{Step: s.Def.Steps[ref.Step].Name, Direction: ref.Dir}.String()
}

func operationSpan(s *reference.State, trace reference.Trace, ref reference.Ref, o *opLife) Span {
	step, st := s.Def.Steps[ref.Step].Name, s.Op(ref)
	span := Span{
		Trace: trace.ID, ID: trace.Operation(step, ref), Parent: trace.Root(), Name: nameOf(s, ref), Start: o.first, End: o.last,
		Attributes: append(about(s, ref), attribute.Int("saga.attempts", st.Attempts), attribute.String("saga.outcome", string(st.Answer))),
	}
	if ref.Dir == saga.Compensation {
		span.Links = [][8]byte{trace.Operation(step, reference.Ref{Step: ref.Step, Dir: saga.Action})}
	}
	if !st.Done() {
		span.Failed = "not done: the last answer was " + string(st.Answer)
	}
	return span
}

func attemptSpan(s *reference.State, trace reference.Trace, o *opLife, r reference.Record) Span {
	ref := reference.Ref{Step: r.Step, Dir: r.Direction}
	step := s.Def.Steps[ref.Step]
	call := step.Action
	if ref.Dir == saga.Compensation {
		call = *step.Compensation
	}
	span := Span{
		Trace: trace.ID, ID: trace.Attempt(step.Name, ref, r.Attempt), Parent: trace.Operation(step.Name, ref),
		Name: "POST " + nameOf(s, ref), Call: true, Attempt: r.Attempt, Start: o.intended, End: r.At,
		Attributes: append(about(s, ref), attribute.Int("saga.attempt", r.Attempt), attribute.String("saga.outcome", outcomeOf(r)),
			attribute.String("http.request.method", "POST")),
	}
	if o.left.After(span.Start) {
		span.Start = o.left
	}
	if u, err := url.Parse(call.URL); err == nil { // it was checked when the saga was accepted
		span.Attributes = append(span.Attributes, attribute.String("server.address", u.Hostname()))
		if port, err := strconv.Atoi(u.Port()); err == nil {
			span.Attributes = append(span.Attributes, attribute.Int("server.port", port))
		}
	}
	if r.Attempt > 1 {
		span.Attributes = append(span.Attributes, attribute.Int("http.request.resend_count", r.Attempt-1))
	}
	if r.Code != 0 {
		span.Attributes = append(span.Attributes, attribute.Int("http.response.status_code", r.Code))
	}
	switch {
	case r.Interrupted:
		span.Failed = "the executor ended before the answer came"
	case r.Answer != saga.Done && r.Code == 0:
		span.Failed = "no answer"
	case r.Answer != saga.Done:
		span.Failed = "the answer was " + string(r.Answer)
	}
	return span
}
