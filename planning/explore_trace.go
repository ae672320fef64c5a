package planning

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/garble"
	"github.com/sagacheck/sagacheck/saga"
)

// Visit is a failure point that a run passed, with the sequence number of the
// event that shows it.
type Visit struct {
	Saga int               `json:"saga,omitempty"` // from 1; 0 means the first
	At   saga.FailurePoint `json:"at"`
	Seq  int               `json:"seq"`
	// Known: (receive) the participant gave its answer without asking the rules of
	// its business: a replay, or a call that came too late.
	Known bool `json:"known,omitempty"`
	// Garbles: (commit) how the answer of a service of the user's own may be garbled,
	// besides a page in its place.
	Garbles []garble.How `json:"garbles,omitempty"`
	// Read: the call only asked what was done.
	Read bool `json:"read,omitempty"`
	// Real: a real service stands behind, into which nobody sees.
	Real bool `json:"real,omitempty"`
	// Since: (request) how long after the attempt before it the attempt left; 0: it is the first.
	Since time.Duration `json:"-"`
}

// Trace is what the history of one plan tells an explorer.
type Trace struct {
	// Visits are the failure points that were passed, in the order of the history.
	Visits []Visit `json:"visits"`
	// Fired tells for each fault of the plan whether it fired.
	Fired []bool `json:"fired"`
	// Last is the sequence number at which the last point fault first fired.
	Last int `json:"last,omitempty"`
	// Outcome is the abstract outcome: what every attempt of every operation
	// came to. Runs of one outcome go on alike.
	Outcome string `json:"outcome"`
}

// NewTrace reads a history.
func NewTrace(h *history.History) Trace {
	ix := history.NewIndex(h)
	t := Trace{Fired: make([]bool, len(h.Header.Faults))}
	for i, f := range h.Header.Faults {
		fired := ix.Fired[i]
		t.Fired[i] = len(fired) > 0
		if t.Fired[i] && !f.At.IsZero() {
			t.Last = max(t.Last, fired[0].Seq)
		}
	}
	for n, s := range ix.Sagas {
		t.Visits = append(t.Visits, submitVisits(n+1, s, ix)...)
		for _, o := range s.Ops {
			said := false // a real service has, that it did it: nothing refuses it from then on
			for k, a := range o.Attempts {
				vs := attemptVisits(n+1, o.Op, a, ix)
				for i := range vs {
					if vs[i].At.Phase == saga.Request && k > 0 {
						vs[i].Since = since(o.Attempts[k-1], a)
					}
					vs[i].Known = vs[i].Known || said && vs[i].At.Phase == saga.Receive
				}
				t.Visits = append(t.Visits, vs...)
				said = said || h.Real(o.Op.Step) && original(a.Committed) != nil
			}
		}
		for _, e := range s.Reads {
			t.Visits = append(t.Visits, readVisits(n+1, e)...)
		}
		for _, e := range s.Callbacks {
			t.Visits = append(t.Visits, callbackVisits(n+1, e)...)
		}
	}
	t.Visits = outside(h, t.Visits)
	slices.SortFunc(t.Visits, func(a, b Visit) int {
		return cmp.Or(cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Saga, b.Saga), comparePoints(a.At, b.At))
	})
	t.Outcome = outcome(ix)
	return t
}

// outside leaves out what happened inside of real services: when one did what it said is
// not known. What is left at receive is that a call had come to the wire's end.
func outside(h *history.History, vs []Visit) []Visit {
	var left []Visit
	for _, v := range vs {
		if v.Real = h.Real(v.At.Step); !v.Real || v.At.Phase != saga.Commit {
			left = append(left, v)
		}
	}
	return left
}

// Missed lists the faults of the plan that did not fire.
func (t Trace) Missed() []int {
	var missed []int
	for i, fired := range t.Fired {
		if !fired {
			missed = append(missed, i)
		}
	}
	return missed
}

// Reached tells whether the run passed a point of its plan at which the fault did not fire. A
// window has no point, and counts as passed.
func (t Trace) Reached(plan faults.Plan) bool {
	return slices.ContainsFunc(t.Missed(), func(i int) bool {
		at := plan.Faults[i].At
		return at.IsZero() || slices.ContainsFunc(t.Visits, func(v Visit) bool { return v.At == at })
	})
}

func comparePoints(a, b saga.FailurePoint) int {
	return cmp.Or(
		cmp.Compare(a.Step, b.Step), cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Part, b.Part), cmp.Compare(a.Attempt, b.Attempt),
		cmp.Compare(slices.Index(saga.Phases, a.Phase), slices.Index(saga.Phases, b.Phase)),
	)
}

// number is a saga's number as a fault carries it: the first has none.
func number(n int) int {
	if n == 1 {
		return 0
	}
	return n
}

// attemptVisits are the points that one attempt passed. Copies that the network
// made pass none of their own.
func attemptVisits(n int, op saga.Operation, a *history.Attempt, ix *history.Index) []Visit {
	var vs []Visit
	pass := func(p saga.Phase, e *history.Event) {
		if e != nil {
			vs = append(vs, Visit{Saga: number(n), At: op.Ref().At(a.N, p), Seq: e.Seq})
		}
	}
	if _, round := saga.RoundOf(op.Step); round == 1 || !ix.Saga(op.Saga).Definition.HasRounds() { // else the address is that of the first round
		pass(saga.Connect, a.Sent)
	}
	if !cutBefore(a, ix) {
		pass(saga.Request, a.Sent)
	}
	pass(saga.Receive, original(a.Received))
	if answer := original(a.Answered); answer != nil && len(vs) > 0 && answer.FromMemory() {
		vs[len(vs)-1].Known = true
	}
	pass(saga.Commit, original(a.Committed))
	if did := original(a.Committed); did != nil {
		vs[len(vs)-1].Garbles = garbles(a, did)
	}
	pass(saga.Response, original(a.Answered))
	return vs
}

// since is how long after one attempt another one left; 0: it is not known.
func since(before, a *history.Attempt) time.Duration {
	if before.Sent == nil || a.Sent == nil {
		return 0
	}
	return a.Sent.At - before.Sent.At
}

// readVisits are the points that a question passed: the history has its end alone. One that was asked
// between the rounds of a step is no attempt at anything, and no fault can meet it.
func readVisits(n int, e *history.Event) (vs []Visit) {
	if e.Attempt == 0 {
		return nil
	}
	at := saga.FailurePoint{Step: e.Step, Direction: saga.Action, Attempt: e.Attempt}
	for _, at.Phase = range []saga.Phase{saga.Request, saga.Receive, saga.Response} {
		vs = append(vs, Visit{Saga: number(n), At: at, Seq: e.Seq, Read: true})
		if e.Code == 0 {
			break
		}
	}
	return vs
}

// callbackVisits are the points that a callback passed: the history has its end alone. Copies
// that the network made pass none of their own.
func callbackVisits(n int, e *history.Event) (vs []Visit) {
	if e.Copy > 0 || e.Passed == 0 {
		return nil
	}
	at := saga.FailurePoint{Step: saga.Callback(e.Step), Direction: e.Direction, Part: e.Part, Attempt: e.Attempt}
	for _, at.Phase = range []saga.Phase{saga.Request, saga.Response} {
		vs = append(vs, Visit{Saga: number(n), At: at, Seq: e.Seq})
		if e.Code == 0 {
			break
		}
	}
	return vs
}

// original is the event of the attempt itself, not of a copy.
func original(events []*history.Event) *history.Event {
	for _, e := range events {
		if e.Copy == 0 {
			return e
		}
	}
	return nil
}

// cutBefore tells that the attempt's connection was cut before a fault at
// request could act: by a window, or since the service had crashed. Nothing of it
// went on, and no fault at a point of its own is the reason.
func cutBefore(a *history.Attempt, ix *history.Index) bool {
	if a.Sent == nil || a.Ended == nil || a.Ended.Up > 0 || len(a.Received) > 0 {
		return false
	}
	for i, f := range ix.History.Header.Faults {
		if f.At.Phase != saga.Request || f.At.Attempt != a.N || f.At.Ref() != a.Sent.Operation().Ref() {
			continue
		}
		if len(ix.Fired[i]) > 0 && f.Saga == a.Sent.Saga {
			return false
		}
	}
	return true
}

// submitVisits are the points that the client's own calls passed: each try is an
// attempt, but for those that found the address closed.
func submitVisits(n int, s *history.SagaRecord, ix *history.Index) []Visit {
	var vs []Visit
	attempt := 0
	for i, sent := range s.Submitted {
		end := submitEnd(s, i)
		if end != nil && end.Code == 0 && strings.Contains(end.Detail, "connection refused") {
			continue
		}
		attempt++
		at := saga.FailurePoint{Step: saga.SubmitStep, Direction: saga.Action, Attempt: attempt}
		pass := func(p saga.Phase, seq int) {
			at.Phase = p
			vs = append(vs, Visit{Saga: number(n), At: at, Seq: seq})
		}
		pass(saga.Connect, sent.Seq)
		pass(saga.Request, sent.Seq)
		at.Phase = saga.Response
		if fired := firedAt(ix, s.ID, at); fired != nil {
			pass(saga.Response, fired.Seq)
		} else if end != nil && (end.Kind == history.SagaAccepted || end.Code != 0) {
			pass(saga.Response, end.Seq)
		}
	}
	return vs
}

// submitEnd is what the i-th try came to.
func submitEnd(s *history.SagaRecord, i int) *history.Event {
	from := s.Submitted[i].Seq
	var first *history.Event
	for _, e := range slices.Concat(s.Accepted, s.Refused) {
		if e.Seq > from && (first == nil || e.Seq < first.Seq) {
			first = e
		}
	}
	return first
}

// firedAt is the event of a planned fault that fired at a point.
func firedAt(ix *history.Index, id string, at saga.FailurePoint) *history.Event {
	for i, f := range ix.History.Header.Faults {
		if f.At == at && f.Saga == id && len(ix.Fired[i]) > 0 {
			return ix.Fired[i][0]
		}
	}
	return nil
}

// outcome is the abstract outcome of a run. For each saga: what became of every
// attempt (how far it came, what the orchestrator learnt, whether it had an
// effect, and whether that came late or twice), in the order of the steps, and
// the end. Times and the order of side-by-side calls are left out. Faults that
// leave no mark on an attempt, but on the orchestrator, are named.
func outcome(ix *history.Index) string {
	var b strings.Builder
	for _, s := range ix.Sagas {
		fmt.Fprintf(&b, "[submit×%d operator×%d", len(s.Submitted), len(s.Operator))
		for _, step := range s.Definition.Steps {
			for _, o := range append([]*history.OpRecord{s.Op(step.Name, saga.Action)}, s.Undos(step.Name)...) {
				if o != nil {
					fmt.Fprintf(&b, " %s:", o.Op.Ref())
					for _, a := range o.Attempts {
						b.WriteString(attemptOutcome(a, ix) + ",")
					}
				}
			}
		}
		end := s.Status()
		fmt.Fprintf(&b, " →%s]", end)
	}
	for i, f := range ix.History.Header.Faults {
		k, err := faults.KindByName(f.Kind)
		if err == nil && len(ix.Fired[i]) > 0 && (k.Doc().Process || k.Doc().Window() || slices.Contains(k.Doc().Phases, saga.Connect)) {
			fmt.Fprintf(&b, "!%s", f.Text)
		}
	}
	return b.String()
}

// attemptOutcome is one letter a fact: q request, r receive, c commit, a answer
// left; then the answer.
func attemptOutcome(a *history.Attempt, ix *history.Index) string {
	s := ""
	mark := func(is bool, letter string) {
		if is {
			s += letter
		}
	}
	mark(!cutBefore(a, ix), "q")
	mark(original(a.Received) != nil, "r")
	mark(original(a.Committed) != nil, "c")
	mark(original(a.Answered) != nil, "a")
	mark(len(a.Received) > 1 || original(a.Received) == nil && len(a.Received) > 0, "2")
	mark(len(a.Committed) > 1, "C")
	if a.Ended != nil {
		mark(slices.ContainsFunc(a.Committed, func(e *history.Event) bool { return e.Seq > a.Ended.Seq }), "L")
		mark(len(a.Received) > 0 && a.Received[len(a.Received)-1].Seq > a.Ended.Seq, "l")
	}
	switch {
	case a.Ended == nil:
		return s + "=open"
	case a.Ended.Partial:
		return s + "=half " + string(saga.Classify(a.Ended.Code))
	case a.Ended.Code == 0 && a.Ended.Down > 0:
		return s + "=cut"
	}
	if answer := original(a.Answered); answer != nil {
		s += answer.Garbled
	}
	return s + "=" + string(saga.Classify(a.Ended.Code))
}
