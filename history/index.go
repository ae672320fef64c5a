package history

import (
	"slices"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/internal/garble"
	"github.com/sagacheck/sagacheck/saga"
)

// Index answers questions about a history by saga, operation and attempt. It
// holds pointers into the history's events and costs one pass to build.
type Index struct {
	History   *History
	Sagas     []*SagaRecord // in the order of the header's definitions
	Strays    []*Event      // calls that belong to no operation
	Fired     map[int][]*Event
	Changes   []*Event // policies-changed, flag-set and flag-cleared, in order
	Audited   []*Event // in order; AuditRead is nil if the audit was not read
	AuditRead *Event
	Drifts    []*Event // drifted and drift-told, in order; DriftRead is nil if nobody asked
	DriftRead *Event
	Settled   *Event // nil: the history has no settle event
	// Unrest is when the last fault struck or healed, or the orchestrator was there again (the fault of a kill may
	// heal with its attempt, long before), before the settle event if there is one: the end of a cell heals, too.
	Unrest  time.Duration
	Ledgers []*Event
	Signals []*Event // Telemetry, in order
	// Lag is how late the machine was: the longest that an attempt without a fault
	// took from the wire to its participant, or what the harness measured of itself.
	Lag    time.Duration
	bySaga map[string]*SagaRecord
}

// SagaRecord is all that concerns one saga.
type SagaRecord struct {
	ID         string
	Definition saga.Definition
	Submitted  []*Event
	Accepted   []*Event
	Refused    []*Event
	Reports    []*Event // SagaStatus and SagaUnknown, in order
	Ended      *Event   // the first report of a good end; nil: never
	Ends       []*Event // all of them: a second one is the orchestrator's, who changes its mind
	Operator   []*Event // an operator asked for compensation
	Operated   []*Event // all that operators asked for, with who did, in order
	Ops        map[saga.StepRef]*OpRecord
	Reads      []*Event // CallRead, in order
	Callbacks  []*Event // CallBack, in order
	Calls      []*Event // all events of its calls, in order
	// Repairs are the attempts of compensations behind a drift of what they had undone, which were sent when the saga had
	// ended, of an orchestrator that repairs: Ops and Calls are without them.
	Repairs map[saga.StepRef]*OpRecord
	// Freed is what let a step begin that was taken in the place of another one, by its name, in a
	// record from which checkers took that one out.
	Freed map[string]*Event
}

// OpRecord is all attempts of one operation.
type OpRecord struct {
	Op       saga.Operation
	Call     saga.Call
	Attempts []*Attempt // ascending by N
	Effects  []*Event   // CallCommitted, in order
	Found    []*Event   // CallRead and CallBack that told of an effect of this operation, in order

	read     sync.Once
	asked    saga.Effect
	askedErr error
}

// Asked is the effect that the operation asks for, by its definition. Its body is
// read once: reading it is most of the work of some checkers.
func (o *OpRecord) Asked() (saga.Effect, error) {
	o.read.Do(func() { o.asked, o.askedErr = o.Call.Effect() })
	return o.asked, o.askedErr
}

// Attempt is one delivery of an operation, with the copies that the network made.
type Attempt struct {
	N         int
	Sent      *Event
	Received  []*Event
	Committed []*Event
	Answered  []*Event
	// Ended is when and how the orchestrator learnt what became of it: its call-ended, or, of a
	// call that is answered later, the callback that it took. Until then it knows nothing.
	Ended    *Event
	arrived  *Event // the call-ended of a call that is answered later
	severed  bool   // the orchestrator was killed before it was answered
	doubtful bool   // the wire may have seen it too late to tell whether it timed out
}

// NewIndex builds the index.
func NewIndex(h *History) *Index {
	ix := &Index{History: h, Fired: map[int][]*Event{}, bySaga: map[string]*SagaRecord{}}
	for _, d := range h.Header.Definitions {
		s := &SagaRecord{ID: d.ID, Definition: d, Ops: map[saga.StepRef]*OpRecord{}, Repairs: map[saga.StepRef]*OpRecord{}}
		ix.Sagas = append(ix.Sagas, s)
		ix.bySaga[d.ID] = s
	}
	for i := range h.Events {
		ix.add(&h.Events[i])
	}
	ix.rest()
	ix.await()
	ix.doubt()
	ix.sever()
	return ix
}

// Saga finds a saga's record by its id; nil if the header has no such saga.
func (ix *Index) Saga(id string) *SagaRecord { return ix.bySaga[id] }

func (ix *Index) add(e *Event) {
	switch e.Kind {
	case FaultFired:
		if e.Fault != nil {
			ix.Fired[*e.Fault] = append(ix.Fired[*e.Fault], e)
		}
	case Settled:
		ix.Settled = e
	case PoliciesChanged, FlagSet, FlagCleared:
		ix.Changes = append(ix.Changes, e)
	case Audited:
		ix.Audited = append(ix.Audited, e)
	case AuditRead:
		ix.AuditRead = e
	case Drifted, DriftTold:
		ix.Drifts = append(ix.Drifts, e)
	case DriftRead:
		ix.DriftRead = e
	case LedgerRead:
		ix.Ledgers = append(ix.Ledgers, e)
	case Telemetry:
		ix.Signals = append(ix.Signals, e)
	case CallStray:
		ix.Strays = append(ix.Strays, e)
	default:
		if s := ix.bySaga[e.Saga]; s != nil && !ix.repairs(s, e) {
			s.add(e)
		}
	}
}

// add takes an event of the saga.
func (s *SagaRecord) add(e *Event) {
	switch e.Kind {
	case SagaSubmitted:
		s.Submitted = append(s.Submitted, e)
	case SagaAccepted:
		s.Accepted = append(s.Accepted, e)
	case SagaRefused:
		s.Refused = append(s.Refused, e)
	case SagaStatus, SagaUnknown:
		s.Reports = append(s.Reports, e)
	case SagaEnded:
		if s.Ended == nil {
			s.Ended = e
		}
		s.Ends = append(s.Ends, e)
	case SagaOperator:
		s.Operator = append(s.Operator, e)
		if e.What != "" {
			s.Operated = append(s.Operated, e)
		}
	case SagaOperated:
		s.Operated = append(s.Operated, e)
	case CallSent, CallReceived, CallCommitted, CallAnswered, CallEnded:
		s.Calls = append(s.Calls, e)
		s.op(e).add(e)
	case CallRead:
		s.Reads = append(s.Reads, e)
		if saga.Classify(e.Code) == saga.Done || e.Code == 0 && e.Passed > 0 { // not all of it came, and it may have been enough
			s.found(e)
		}
	case CallBack:
		s.Callbacks = append(s.Callbacks, e)
		if e.Passed > 0 {
			s.found(e)
		}
	}
}

func (s *SagaRecord) op(e *Event) *OpRecord {
	return s.among(s.Ops, e)
}

// among is the record of an event's operation among some.
func (s *SagaRecord) among(ops map[saga.StepRef]*OpRecord, e *Event) *OpRecord {
	ref := e.Operation().Ref()
	o := ops[ref]
	if o == nil {
		call, _ := s.Definition.Call(ref)
		o = &OpRecord{Op: e.Operation(), Call: call}
		ops[ref] = o
	}
	return o
}

// found notes of which operations a read-back or a callback told: each may be known to be done.
func (s *SagaRecord) found(e *Event) {
	if o := s.Ops[e.Operation().Ref()]; o != nil && e.Kind == CallRead && o.Call.Retry.Rounds > 1 {
		o.Found = append(o.Found, e)
		return
	}
	for _, o := range s.Ops {
		if asked, did := e.service(), o.service(); asked != "" && did != "" && asked != did {
			continue // two services may use the same names
		}
		if slices.ContainsFunc(o.Effects, func(c *Event) bool { return slices.Contains(e.Told, c.Ref) }) {
			o.Found = append(o.Found, e)
		}
	}
}

// service is that of a call to one of the user's own; empty: it is not known.
func (e *Event) service() string {
	if e.Request == nil {
		return ""
	}
	return e.Request.Service
}

func (o *OpRecord) service() string {
	for _, a := range o.Attempts {
		if a.Sent != nil {
			return a.Sent.service()
		}
	}
	return ""
}

func (o *OpRecord) add(e *Event) {
	a := o.attempt(e.Attempt)
	switch e.Kind {
	case CallSent:
		a.Sent = e
	case CallReceived:
		a.Received = append(a.Received, e)
	case CallCommitted:
		a.Committed = append(a.Committed, e)
		o.Effects = append(o.Effects, e)
	case CallAnswered:
		a.Answered = append(a.Answered, e)
	case CallEnded:
		a.Ended = e
	}
}

func (o *OpRecord) attempt(n int) *Attempt {
	i, found := slices.BinarySearchFunc(o.Attempts, n, func(a *Attempt, n int) int { return a.N - n })
	if !found {
		o.Attempts = slices.Insert(o.Attempts, i, &Attempt{N: n})
	}
	return o.Attempts[i]
}

// Op is the record of one direction of a step, of a compensation that is done part by part
// its first part; nil if it was never attempted.
func (s *SagaRecord) Op(step string, d saga.Direction) *OpRecord {
	return s.Ops[saga.StepRef{Step: step, Direction: d}]
}

// Undos are the compensation of a step, or its parts, as far as they were attempted.
func (s *SagaRecord) Undos(step string) []*OpRecord {
	defined, _ := s.Definition.Step(step)
	var all []*OpRecord
	for n := range len(defined.Parts) + 1 {
		if o := s.Ops[saga.StepRef{Step: step, Direction: saga.Compensation, Part: saga.Part(n + 1)}]; o != nil {
			all = append(all, o)
		}
	}
	return all
}

// Status is the last reported state; empty if there was no report.
func (s *SagaRecord) Status() saga.Status {
	for _, r := range slices.Backward(s.Reports) {
		if r.Kind == SagaStatus {
			return r.Status
		}
	}
	return ""
}

// Severed tells that the orchestrator was killed while the attempt was under way, and
// before it was answered: nobody is there to learn the answer.
func (a *Attempt) Severed() bool { return a.severed }

// Learnt is what the orchestrator surely learnt from the attempt: done,
// permanent, transient (nothing of an answer reached it, or a transient one); the
// empty answer means that this can't be told from the wire. An answer of which
// something reached it may have been whole, or enough, in its eyes.
func (a *Attempt) Learnt() saga.Answer {
	switch {
	case a.Ended == nil, a.Ended.Code == 0 && a.Ended.Down > 0, a.ToldDone():
		return ""
	case saga.Classify(a.Ended.Code) == saga.Transient:
		return saga.Transient
	case !a.Ended.Certain, a.doubtful, a.garbled():
		return ""
	}
	return saga.Classify(a.Ended.Code)
}

// ToldDone tells that the service refused the attempt since it was done before: a client that
// knows the service takes that for a success, another one for a failure.
func (a *Attempt) ToldDone() bool {
	return a.Ended != nil && slices.ContainsFunc(a.Answered, func(e *Event) bool {
		return e.Copy == 0 && e.Detail == DoneBefore && e.Code == a.Ended.Code && saga.Classify(e.Code) != saga.Done
	})
}

// garbled tells that the answer is a success that a service of the user's own never gave, or
// that says that it is none: in other words, and without the id that a workflow waits for, it may be taken for a failure.
func (a *Attempt) garbled() bool {
	if a.Sent == nil || a.Sent.Request == nil {
		return false
	}
	for _, e := range a.Answered {
		if e.Copy == 0 && e.Detail == NotDone {
			return true
		}
		if e.Copy == 0 && (e.Reply == nil || e.Garbled != "") && e.Detail == "" && saga.Classify(e.Code) == saga.Done {
			return true
		}
	}
	return false
}

// Misled tells whether an answer of the operation said something that was not true: who
// believed it can't have known better.
func (o *OpRecord) Misled() bool {
	if o == nil {
		return false
	}
	for _, a := range o.Attempts {
		for _, e := range a.Answered {
			if e.Copy == 0 && garble.How(e.Garbled).Misleads() && !a.lost() {
				return true
			}
		}
	}
	return false
}

// lost tells that nothing of an answer reached the orchestrator.
func (a *Attempt) lost() bool { return a.Ended != nil && a.Ended.Code == 0 && a.Ended.Down == 0 }

// LearntAt is when what the attempt proves begins: when the orchestrator's side had
// acknowledged the last byte of its answer, or when its connection was over where
// that is not known. The attempt must have ended.
func (a *Attempt) LearntAt() time.Duration {
	if a.Ended.Acked > 0 {
		return a.Ended.Acked
	}
	return a.Ended.At
}

// AnsweredAt is the earliest time at which the orchestrator can have learnt what the
// attempt was answered: when the first byte of the answer was passed on to it, or,
// where that is not known, when the participant answered. Not ok: it was not
// answered.
func (a *Attempt) AnsweredAt() (at time.Duration, ok bool) {
	if a.Ended != nil && a.Ended.Passed > 0 {
		return a.Ended.Passed, true
	}
	for _, e := range a.Answered {
		if e.Copy == 0 {
			return e.At, true
		}
	}
	return 0, false
}

// InTime tells whether the wire surely saw all of the attempt before it timed out,
// by the orchestrator's clock.
func (a *Attempt) InTime() bool { return !a.doubtful }

// Learnt is the first attempt from which the orchestrator surely learnt that
// answer; nil if there is none.
func (o *OpRecord) Learnt(answer saga.Answer) *Attempt {
	if o == nil {
		return nil
	}
	for _, a := range o.Attempts {
		if a.Learnt() == answer {
			return a
		}
	}
	return nil
}
