package saga

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Direction says whether an operation does a step or undoes it.
type Direction string

// The two directions of a step.
const (
	Action       Direction = "action"
	Compensation Direction = "compensation"
)

// ReadingBack is what stands in the place of a direction in the address of a step's read-back: it is
// no operation.
const ReadingBack Direction = "read-back"

// Operation is one direction of one step of one saga: the unit that must have
// its effect at most once, however often it is attempted.
type Operation struct {
	Saga      string    `json:"saga"`
	Step      string    `json:"step"`
	Direction Direction `json:"direction"`
	// Part is the number of one part of a compensation that is done part by part, from the
	// second on; 0: the first, or the whole.
	Part int `json:"part,omitempty"`
}

// Ref is the operation without its saga.
func (o Operation) Ref() StepRef { return StepRef{Step: o.Step, Direction: o.Direction, Part: o.Part} }

// Inverse is the operation of the same step in the other direction; of a compensation,
// its first part.
func (o Operation) Inverse() Operation {
	o.Part = 0
	if o.Direction == Action {
		o.Direction = Compensation
	} else {
		o.Direction = Action
	}
	return o
}

// String is "saga/step", "saga/step.undo" or "saga/step.undo(2)".
func (o Operation) String() string { return o.Saga + "/" + o.Ref().String() }

// StepRef names one direction of a step without its saga: "charge", "charge.undo", or
// "charge.undo(2)" for the second part of a compensation that is done part by part.
type StepRef struct {
	Step      string
	Direction Direction
	Part      int // as in Operation
}

func (r StepRef) String() string {
	step, back := CutCallback(r.Step)
	s := step
	if r.Direction == Compensation {
		s = Instance(step+".undo", max(r.Part, 1))
	}
	if back {
		s += callbackMark
	}
	return s
}

// callbackMark stands behind the step of which a service tells later.
const callbackMark = ".callback"

// Callback is the step name of the call by which a service tells the orchestrator later
// what became of a step: "charge.callback".
func Callback(step string) string { return step + callbackMark }

// CutCallback is the step that a callback tells of; not ok: the name is that of a step.
func CutCallback(name string) (step string, ok bool) { return strings.CutSuffix(name, callbackMark) }

// Inbound tells whether a step name is that of a call to the orchestrator: the client's own,
// or a callback.
func Inbound(step string) bool {
	_, back := CutCallback(step)
	return back || step == SubmitStep
}

// StepRefPattern matches the text form of a StepRef; CutRef reads it.
const StepRefPattern = `[a-z0-9][a-z0-9-]*(?:\([1-9][0-9]{0,2}\))?(?:\.undo(?:\([1-9][0-9]{0,2}\))?)?(?:\.callback)?`

// CutRef reads the text form of a StepRef. What is none is the name of a step.
func CutRef(text string) StepRef {
	call, back := CutCallback(text)
	step, part, undo := strings.Cut(call, ".undo")
	_, n := CutInstance(part)
	r := StepRef{Step: step, Direction: Action, Part: Part(n)}
	if undo {
		r.Direction = Compensation
	}
	if back {
		r.Step = Callback(step)
	}
	return r
}

// Part is the Part of the n-th part of a compensation.
func Part(n int) int {
	if n == 1 {
		return 0
	}
	return n
}

// Phase is a place in the life of an attempt.
type Phase string

// The phases of an attempt, in order.
const (
	Connect  Phase = "connect"
	Request  Phase = "request"
	Receive  Phase = "receive"
	Commit   Phase = "commit"
	Response Phase = "response"
)

// Phases lists the phases in the order in which an attempt passes them.
var Phases = []Phase{Connect, Request, Receive, Commit, Response}

// SubmitStep is the step name of the client's own call to the orchestrator.
const SubmitStep = "submit"

// SubmitPolicy is how the client submits: it sends the saga again until it is accepted,
// at the same pace all along.
var SubmitPolicy = RetryPolicy{AttemptTimeoutMS: 500, InitialIntervalMS: 20}

// Instance is the name of the n-th time that a step is taken in one saga: "charge",
// "charge(2)".
func Instance(step string, n int) string {
	if n == 1 {
		return step
	}
	return fmt.Sprintf("%s(%d)", step, n)
}

// CutInstance is a step without the number of its instance, and that number.
func CutInstance(name string) (step string, n int) {
	step, number, numbered := strings.Cut(strings.TrimSuffix(name, ")"), "(")
	if n, err := strconv.Atoi(number); numbered && err == nil {
		return step, n
	}
	return step, 1
}

// FailurePoint is an exact place for a fault. Its text form is
// step[.undo][.callback]#attempt@phase, for example "charge.undo#1@receive"; the second part
// of a compensation that is done part by part is "charge.undo(2)".
type FailurePoint struct {
	Step      string
	Direction Direction
	Part      int // as in Operation
	Attempt   int // from 1
	Phase     Phase
}

var failurePoint = regexp.MustCompile(`^(` + StepRefPattern + `)#([1-9][0-9]{0,3})@(connect|request|receive|commit|response)$`)

// ParseFailurePoint reads the text form. The error quotes the input and says
// what was expected.
func ParseFailurePoint(s string) (FailurePoint, error) {
	m := failurePoint.FindStringSubmatch(s)
	if m == nil {
		return FailurePoint{}, fmt.Errorf("bad failure point %q: expected step[.undo][.callback]#attempt@phase, for example charge#2@response, with a phase of connect, request, receive, commit, response", s)
	}
	n, err := strconv.Atoi(m[2])
	if err != nil {
		return FailurePoint{}, fmt.Errorf("bad failure point %q: attempt: %w", s, err)
	}
	return CutRef(m[1]).At(n, Phase(m[3])), nil
}

// At is a point of the operation's n-th attempt.
func (r StepRef) At(attempt int, phase Phase) FailurePoint {
	return FailurePoint{Step: r.Step, Direction: r.Direction, Part: r.Part, Attempt: attempt, Phase: phase}
}

// Ref is the direction of the step that the point lies on.
func (p FailurePoint) Ref() StepRef { return StepRef{p.Step, p.Direction, p.Part} }

// IsZero tells the absent failure point (of a window fault).
func (p FailurePoint) IsZero() bool { return p == FailurePoint{} }

func (p FailurePoint) String() string {
	if p.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s#%d@%s", p.Ref(), p.Attempt, p.Phase)
}

// MarshalText writes the text form, so that JSON and YAML carry it.
func (p FailurePoint) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the text form; the empty text is the zero point.
func (p *FailurePoint) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*p = FailurePoint{}
		return nil
	}
	q, err := ParseFailurePoint(string(b))
	if err != nil {
		return err
	}
	*p = q
	return nil
}
