package results

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// line puts one event into words.
func (t *teller) line(e *history.Event) Line {
	l := Line{Seq: e.Seq, At: seenAt(e), Kind: e.Kind, From: t.runner()}
	switch e.Kind {
	case history.SagaSubmitted, history.SagaOperator, history.SagaOperated:
		l.From, l.To = client, t.runner()
	case history.SagaAccepted, history.SagaRefused, history.SagaStatus, history.SagaUnknown, history.SagaEnded:
		l.To = client
	case history.CallSent, history.CallStray:
		l.To = wire
	case history.CallReceived:
		l.From, l.To = wire, t.party(e.Step)
	case history.CallCommitted:
		l.From = t.party(e.Step)
	case history.CallAnswered:
		l.From, l.To = t.party(e.Step), wire
	case history.Drifted:
		l.From = t.party(e.Step)
	case history.DriftTold, history.DriftRead:
		l.To = client
	case history.CallRead, history.CallUnmatched:
		l.To = t.party(e.Step)
	case history.CallEnded:
		l.From, l.To, l.Lost = wire, t.runner(), e.Code == 0
	case history.CallBack:
		l.From, l.To, l.Lost = t.party(e.Step), t.runner(), e.Passed == 0
	case history.FaultArmed, history.FaultFired, history.FaultHealed:
		l.From = t.faultPlace(e)
	case history.ProcessKilled, history.ProcessPaused, history.ProcessResumed, history.ProcessStarted, history.ProcessReady, history.ProcessGone:
		l.From = cmp.Or(e.Participant, e.Step, t.runner())
	case history.Settled:
		l.From = client
	case history.LedgerRead:
		l.From = cmp.Or(e.Participant, "ledger")
	}
	switch {
	case t.proves[e.Seq]:
		l.Mark = MarkWitness
	case e.Kind == history.FaultFired:
		l.Mark = MarkFault
	}
	l.Text = t.text(e)
	l.Call = t.call(e)
	if e.Effect != nil {
		l.Effect = e.Effect.String()
	}
	if e.Saga != "" && len(t.sagas) > 1 {
		l.Text = e.Saga + ": " + l.Text
	}
	return l
}

// call is the attempt that an event belongs to.
func (t *teller) call(e *history.Event) *Call {
	switch e.Kind {
	case history.CallSent, history.CallReceived, history.CallCommitted, history.CallAnswered, history.CallEnded:
		return &Call{
			Saga: e.Saga, Attempt: fmt.Sprintf("%s#%d", e.Operation().Ref(), e.Attempt), Copy: e.Copy,
			Party: t.party(e.Step), Key: e.Key, Code: e.Code, Partial: e.Partial,
		}
	}
	return nil
}

// faultPlace is where a fault happens: receive and commit are at the
// participant, the rest is on the wire.
func (t *teller) faultPlace(e *history.Event) string {
	if e.Fault == nil || *e.Fault < 0 || *e.Fault >= len(t.h.Header.Faults) {
		return wire
	}
	f := t.h.Header.Faults[*e.Fault]
	atParticipant := f.At.Phase == saga.Receive || f.At.Phase == saga.Commit
	switch {
	case strings.HasSuffix(f.Kind, "-"+orchestrator):
		return t.runner()
	case atParticipant && f.At.Step != saga.SubmitStep:
		return t.party(f.At.Step)
	}
	return wire
}

func (t *teller) text(e *history.Event) string {
	switch e.Kind {
	case history.SagaSubmitted:
		return detail(t.submitText(e), e)
	case history.SagaAccepted:
		if e.Detail != "" { // it gave no good answer
			return detail("has taken the saga", e)
		}
		return fmt.Sprintf("accepts the saga (%d)", cmp.Or(e.Code, 202))
	case history.SagaRefused:
		return detail(fmt.Sprintf("does not accept the saga (%s)", codeText(e.Code)), e)
	case history.SagaStatus:
		return detail("reports "+e.Status.Said(e.Word), e)
	case history.SagaUnknown:
		return "does not know the saga (404)"
	case history.SagaEnded:
		return detail(fmt.Sprintf("reports %s: the saga has ended", e.Status.Said(e.Word)), e)
	case history.SagaOperator:
		return detail("an operator asks for compensation"+signed(e), e)
	case history.SagaOperated:
		return detail(fmt.Sprintf("an operator asks to %s%s", e.What, signed(e)), e)
	case history.CallSent, history.CallReceived, history.CallCommitted, history.CallAnswered, history.CallEnded, history.CallStray:
		s := callText(e)
		if t.h.Real(e.Step) {
			s = strings.Replace(s, " takes effect", " takes effect, as the service says,", 1)
		}
		return detail(s, e)
	case history.Drifted:
		return fmt.Sprintf("what %s did is changed behind everybody's back: %s", e.Step, e.Effect)
	case history.DriftTold:
		return fmt.Sprintf("says that what the participant holds of %s is not what it wrote down (%s)", e.Step, e.What)
	case history.DriftRead:
		return "has said all that it knows of drift"
	case history.CallRead:
		if e.Request == nil {
			return fmt.Sprintf("asks what is there of %s, and gets %s", e.Step, codeText(e.Code))
		}
		half := ""
		if e.Partial {
			half = ", and not all of it"
		}
		return fmt.Sprintf("%s asks what is there, and gets %s%s%s", requestText(e.Request), codeText(e.Code), half, foundText(e))
	case history.CallBack:
		return callbackText(e)
	case history.CallUnmatched:
		return detail(requestText(e.Request)+" is unknown to the workflow's file", e)
	case history.FaultArmed: // its detail is the fault once more
		return t.faultText(e)
	case history.FaultFired, history.FaultHealed:
		return detail(t.faultText(e), e)
	case history.ProcessGone:
		return detail("went away, which no plan asked for", e)
	case history.LedgerRead:
		return "ledger: " + ledgerText(e)
	case history.InvariantChecked:
		return detail(fmt.Sprintf("invariant %s: %v", e.Invariant, e.Holds), e)
	case history.Settled:
		return cmp.Or(strings.TrimPrefix(": "+e.Detail, ": "), "nothing is pending any more")
	}
	return detail(strings.ReplaceAll(string(e.Kind), "-", " "), e)
}

func detail(text string, e *history.Event) string {
	if e.Detail == "" {
		return text
	}
	return text + " (" + e.Detail + ")"
}

func (t *teller) submitText(e *history.Event) string {
	d, ok := t.h.Definition(e.Saga)
	if !ok {
		return "submits saga " + e.Saga
	}
	var steps []string
	for _, s := range d.Steps {
		steps = append(steps, s.Name)
	}
	return fmt.Sprintf("submits saga %s: %s (%s)", e.Saga, d.Name, strings.Join(steps, ", "))
}

// attemptText is the failure point without its phase: "charge.undo#2".
func attemptText(e *history.Event) string {
	s := fmt.Sprintf("%s#%d", e.Operation().Ref(), e.Attempt)
	if e.Copy > 0 {
		s += fmt.Sprintf(" (copy %d, made by the network)", e.Copy)
	}
	return s
}

func callText(e *history.Event) string {
	switch e.Kind {
	case history.CallSent:
		s := attemptText(e) + " leaves"
		if e.Request != nil {
			s = fmt.Sprintf("%s leaves: %s", attemptText(e), requestText(e.Request))
		}
		if e.Key == "" {
			return s + ", without a key"
		}
		return s + ", key " + e.Key
	case history.CallReceived:
		return attemptText(e) + " arrives"
	case history.CallCommitted:
		s := attemptText(e) + " takes effect: " + effectText(e.Effect)
		if e.Ref != "" {
			s = fmt.Sprintf("%s takes effect as %s: %s", attemptText(e), e.Ref, effectText(e.Effect))
		}
		if e.Of != "" {
			s += ", undoing " + e.Of
		}
		return s
	case history.CallAnswered:
		s := fmt.Sprintf("%s is answered %d", attemptText(e), e.Code)
		if e.Pending {
			s += " (it tells later)"
		}
		if e.Garbled != "" {
			s += " (garbled: " + e.Garbled + ")"
		}
		if e.Reply != nil && e.Reply.Body != "{}" {
			s += " " + short(e.Reply.Body)
		}
		return s
	case history.CallEnded:
		if e.Code == 0 {
			return attemptText(e) + ": no answer arrives, the outcome is unknown"
		}
		if e.Partial {
			return fmt.Sprintf("%s: a %d arrives, and not all of it", attemptText(e), e.Code)
		}
		return fmt.Sprintf("%s: %d arrives", attemptText(e), e.Code)
	}
	return "a call that belongs to no operation"
}

// foundText is what an answer told of, where it came and was no refusal.
func foundText(e *history.Event) string {
	switch {
	case saga.Classify(e.Code) != saga.Done:
		return ""
	case len(e.Told) == 0:
		return ": finds nothing"
	}
	return ": finds " + strings.Join(e.Told, ", ")
}

// callbackText is a callback and what came of it.
func callbackText(e *history.Event) string {
	declines := ""
	if e.Declined {
		declines = ", and declines"
	}
	s := fmt.Sprintf("%s calls back%s: %s", attemptText(&history.Event{Step: saga.Callback(e.Step), Direction: e.Direction, Part: e.Part, Attempt: e.Attempt, Copy: e.Copy}), declines, requestText(e.Request))
	switch {
	case e.Passed == 0:
		return s + ", and it never arrives"
	case e.Code == 0:
		return s + ", and no answer comes"
	}
	return s + ", and gets " + codeText(e.Code)
}

// requestText is a request as its sender would say it.
func requestText(m *history.Message) string {
	if m == nil {
		return "a call"
	}
	s := m.Method + " " + m.Target
	if m.Body != "" {
		s += " " + short(m.Body)
	}
	return s
}

// mostOfBody is how much of a body a story tells.
const mostOfBody = 160

func short(body string) string {
	body = strings.TrimSpace(body)
	if rs := []rune(body); len(rs) > mostOfBody {
		return string(rs[:mostOfBody-1]) + "…"
	}
	return body
}

// runner is what runs the saga: the user's own workflow by its name, or an orchestrator.
func (t *teller) runner() string { return cmp.Or(t.h.Header.Workflow, orchestrator) }

// party is who does a step: the service that the workflow calls, or else the step itself.
func (t *teller) party(step string) string { return cmp.Or(t.services[step], step, wire) }

func effectText(e *saga.Effect) string {
	if e == nil {
		return "nothing"
	}
	return e.String()
}

func (t *teller) faultText(e *history.Event) string {
	name := "a fault"
	if e.Fault != nil && *e.Fault >= 0 && *e.Fault < len(t.h.Header.Faults) {
		name = t.h.Header.Faults[*e.Fault].Text
	}
	switch e.Kind {
	case history.FaultHealed:
		return "fault over: " + name
	case history.FaultArmed:
		return "fault armed: " + name
	}
	return "fault: " + name
}

// ledgerText lists what is not zero or empty.
func ledgerText(e *history.Event) string {
	var parts []string
	for _, account := range slices.Sorted(maps.Keys(e.Balances)) {
		if v := e.Balances[account]; v != 0 {
			parts = append(parts, fmt.Sprintf("%s %+d", account, v))
		}
	}
	for _, register := range slices.Sorted(maps.Keys(e.Registers)) {
		if v := e.Registers[register]; v != "" {
			parts = append(parts, register+" = "+v)
		}
	}
	if len(parts) == 0 {
		return "all accounts flat"
	}
	return strings.Join(parts, ", ")
}

func codeText(code int) string {
	if code == 0 {
		return "no answer"
	}
	return fmt.Sprint(code)
}

// signed is which operator asked for something, and what was answered.
func signed(e *history.Event) string {
	if e.By == "" {
		return ""
	}
	of := ""
	if e.Step != "" {
		of = " " + e.Step
	}
	return fmt.Sprintf("%s (%s): %s", of, e.By, codeText(e.Code))
}
