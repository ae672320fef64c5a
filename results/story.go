package results

import (
	"cmp"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// maxLines is how long a story may be: what a person reads at one go.
const maxLines = 60

// Story is a witness and what happened around it, in the order of events; a question stands where it
// was answered.
type Story struct {
	Lines []Line `json:"lines"`
	// Runner is the name of the user's own workflow, by which it appears as a party; empty: it is
	// an orchestrator.
	Runner  string `json:"runner,omitempty"`
	LeftOut int    `json:"left_out,omitempty"` // lines of lesser weight, dropped for length
}

// Line is one event in words: who did what to whom.
type Line struct {
	Seq  int           `json:"seq"`
	At   time.Duration `json:"at_ns"`
	Kind history.Kind  `json:"kind"`
	From string        `json:"from"`
	To   string        `json:"to,omitempty"` // empty: something that happened at From
	Text string        `json:"text"`
	Mark Mark          `json:"mark,omitempty"`
	Lost bool          `json:"lost,omitempty"` // it never arrived at To
	// Call is the attempt that it is an event of; nil: of none. Effect is what took effect, in words.
	Call   *Call  `json:"call,omitempty"`
	Effect string `json:"effect,omitempty"`
}

// Call is an attempt, for those who draw: a line of its own tells one event of it.
type Call struct {
	Saga    string `json:"saga"`
	Attempt string `json:"attempt"` // for example charge.undo#2
	Copy    int    `json:"copy,omitempty"`
	Party   string `json:"party"`             // the participant that is called
	Key     string `json:"key,omitempty"`     // call-sent: its idempotency key
	Code    int    `json:"code,omitempty"`    // of an answer; 0: there was none
	Partial bool   `json:"partial,omitempty"` // of an answer: its status arrived, and not all of it
}

// Mark says why a line matters.
type Mark string

// The marks of a line.
const (
	MarkFault   Mark = "fault"
	MarkWitness Mark = "witness" // one of the events that prove the violation
)

// The parties of a story besides the participants, which are named as their step.
const (
	client       = "client"
	orchestrator = "orchestrator"
	wire         = "wire"
)

// Tell makes the story of a witness: its events, the faults that fired, the life
// of the saga as the client saw it, and every event of the attempts that the
// witness or a fault concerns; of other attempts only how they ended. A witness
// without events gives the story of the whole cell.
func Tell(h *history.History, w checkers.Witness) Story {
	t := newTeller(h, w)
	s := Story{Runner: h.Header.Workflow}
	weights := make([]int, 0, maxLines)
	for _, e := range inOrder(h) {
		weight := t.weight(e)
		if weight == 0 {
			continue
		}
		s.Lines = append(s.Lines, t.line(e))
		weights = append(weights, weight)
	}
	s.shorten(weights)
	return s
}

// Timeline is all that happened in a cell, in words, in the order of events; without what the
// orchestrator says of itself for others.
func Timeline(h *history.History, w checkers.Witness) []Line {
	t := newTeller(h, w)
	var lines []Line
	for _, e := range inOrder(h) {
		switch e.Kind {
		case history.Telemetry, history.AuditRead, history.DriftRead:
		default:
			lines = append(lines, t.line(e))
		}
	}
	return lines
}

// shorten drops the lines of least weight, the latest first, until the story is
// short enough.
func (s *Story) shorten(weights []int) {
	for _, w := range []int{1, 2, 3, 4} {
		for i := len(s.Lines) - 1; i >= 0 && len(s.Lines) > maxLines; i-- {
			if weights[i] == w {
				s.Lines, weights = slices.Delete(s.Lines, i, i+1), slices.Delete(weights, i, i+1)
				s.LeftOut++
			}
		}
	}
	if s.Lines == nil {
		s.Lines = []Line{}
	}
}

// attemptKey names one attempt.
type attemptKey struct {
	op saga.Operation
	n  int
}

func keyOf(e *history.Event) attemptKey { return attemptKey{e.Operation(), e.Attempt} }

type teller struct {
	h        *history.History
	witness  checkers.Witness
	proves   map[int]bool
	sagas    map[string]bool     // whose life is told
	attempts map[attemptKey]bool // told in full
	status   map[string]saga.Status
	services map[string]string // of the steps of a workflow of the user's own
}

func newTeller(h *history.History, w checkers.Witness) *teller {
	t := &teller{
		h: h, witness: w, proves: map[int]bool{}, sagas: map[string]bool{},
		attempts: map[attemptKey]bool{}, status: map[string]saga.Status{}, services: map[string]string{},
	}
	for i := range h.Events {
		if e := &h.Events[i]; e.Request != nil && e.Step != "" {
			t.services[e.Step] = e.Request.Service
		}
	}
	if w.Saga != "" {
		t.sagas[w.Saga] = true
	}
	for _, seq := range w.Events {
		t.proves[seq] = true
		if seq < 1 || seq > len(h.Events) {
			continue
		}
		e := &h.Events[seq-1]
		if e.Saga != "" {
			t.sagas[e.Saga] = true
		}
		if e.Attempt > 0 {
			t.attempts[keyOf(e)] = true
		}
	}
	if len(t.sagas) == 0 {
		for _, d := range h.Header.Definitions {
			t.sagas[d.ID] = true
		}
	}
	for i := range h.Events {
		if e := &h.Events[i]; e.Kind == history.FaultFired && e.Attempt > 0 {
			t.attempts[keyOf(e)] = true
		}
	}
	return t
}

// weight is how much an event belongs to the story: 0 not at all, 5 always.
func (t *teller) weight(e *history.Event) int {
	if t.proves[e.Seq] {
		return 5
	}
	switch e.Kind {
	case history.ProcessKilled, history.ProcessPaused, history.ProcessResumed, history.ProcessStarted, history.ProcessGone:
		return 5 // or what lives again would be drawn as dead
	case history.FaultFired:
		return 4
	case history.FaultHealed:
		return t.healed(e)
	case history.ProcessReady:
		return 2
	case history.SagaSubmitted, history.SagaAccepted, history.SagaRefused, history.SagaUnknown, history.SagaEnded, history.SagaOperator, history.SagaOperated:
		return t.ofSaga(e, 4)
	case history.SagaStatus:
		if t.status[e.Saga] == e.Status || e.Status.Ended() {
			return 0 // steps moved, or saga-ended tells it
		}
		t.status[e.Saga] = e.Status
		return t.ofSaga(e, 3)
	case history.CallSent, history.CallReceived, history.CallCommitted, history.CallAnswered, history.CallEnded:
		return t.ofCall(e)
	case history.CallRead, history.CallBack, history.DriftTold:
		return t.ofSaga(e, 3)
	case history.CallUnmatched, history.Drifted:
		return 4
	case history.Settled:
		if e.Detail != "" {
			return 3
		}
	}
	return 0
}

// healed tells the end of a window, or of a pause; other faults are over with
// their attempt.
func (t *teller) healed(e *history.Event) int {
	if e.Fault != nil && *e.Fault < len(t.h.Header.Faults) && t.h.Header.Faults[*e.Fault].At.IsZero() {
		return 3
	}
	return 0
}

func (t *teller) ofSaga(e *history.Event, weight int) int {
	if t.sagas[e.Saga] {
		return weight
	}
	return 0
}

func (t *teller) ofCall(e *history.Event) int {
	switch {
	case t.attempts[keyOf(e)] || (e.Saga == t.witness.Saga && e.Step == StepName(t.witness.Step)):
		if e.Kind == history.CallReceived {
			return 2
		}
		return 3
	case e.Kind == history.CallEnded:
		return t.ofSaga(e, 1)
	}
	return 0
}

// Parties are those who appear, in the order in which a diagram draws them.
func (s Story) Parties() []string {
	fixed := []string{client, cmp.Or(s.Runner, orchestrator), wire}
	seen := map[string]bool{}
	var others []string
	for _, l := range s.Lines {
		for _, p := range []string{l.From, l.To} {
			if p != "" && !seen[p] && !slices.Contains(fixed, p) {
				others = append(others, p)
			}
			seen[p] = true
		}
	}
	fixed = slices.DeleteFunc(fixed, func(p string) bool { return !seen[p] })
	return append(fixed, others...)
}
