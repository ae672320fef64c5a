package faults

import (
	"net/http"
	"slices"
	"time"

	"github.com/sagacheck/sagacheck/internal/garble"
	"github.com/sagacheck/sagacheck/saga"
)

// Injection is what a fault does to an attempt that meets it, as data: who carries it
// out knows no kinds. The zero Injection lets the attempt pass.
type Injection struct {
	Refused bool    // the connection is refused
	Cut     bool    // the connection is reset as soon as the request has arrived
	Bends   []Bend  // what happens to the bytes of the request and of the answer
	Copied  bool    // the network delivers the request a second time
	Answer  *Answer // it is given in the participant's place
	// Decides: the answer is a rule of the business. It is given only to a request
	// that is new to the participant and would have its effect; any other answer is
	// given in front of it.
	Decides bool
	Asked   bool // an operator asks for the saga's rollback
	// Acts are what operators ask for, one after the other: so many Consoles at once, each so
	// many Times; Later: that and the rollback are asked for after that time, and not while the attempt is held. What was paused is
	// Resumed after a time.
	Acts            []saga.Act
	Consoles, Times int
	Later, Resumed  time.Duration
	// Waits: from then on the policies say that a step waits so long before each further
	// attempt; 0: they are not changed.
	Waits time.Duration
	// Flag of the orchestrator is on for a time (For); empty: none. FlagSteps are the steps
	// whose participants it is about.
	Flag      string
	FlagSteps []string
	// Drifts is what becomes of what the action did, after a time (For), behind everybody's
	// back: DriftRemoved or DriftAmount; empty: nothing.
	Drifts string
	// Redefined: a saga of the same name is submitted by the next version of the definition.
	Redefined bool
	Victim    Victim // who is away from then on
	InWait    bool   // not before the attempt has ended: in the wait for the next one
	AtEnd     bool   // and not before the client has heard that the saga has ended
	// For is how long: until the victim is back, the port opens again, or the second
	// copy leaves.
	For time.Duration
	// Forgets: by the end of that time the service of the step has forgotten the keys
	// that it had answered.
	Forgets bool
}

// Answer is what is answered in the participant's place.
type Answer struct {
	Code   int
	Title  string // of a problem (RFC 9457)
	Detail string
	// RetryAfterS is the Retry-After in seconds, 0: none; RetryAfterDate: it is sent as
	// an HTTP date.
	RetryAfterS    int
	RetryAfterDate bool
	Hangup         bool // the connection breaks instead
	// Garble is how the participant's own answer is garbled; empty: it is not, the fields
	// above say all. Code is that of answers of which nothing is the participant's.
	Garble garble.How
}

// Victim is who is away for a while.
type Victim string

// The victims; the empty one is nobody.
const (
	ServiceDown   Victim = "service"         // the service of the step: its addresses reset every connection
	ProcessKilled Victim = "process, killed" // the orchestrator (SIGKILL); it is started again
	ProcessPaused Victim = "process, paused" // the orchestrator (SIGSTOP); it is continued
	StoreCutOff   Victim = "store"           // the orchestrator's
)

// Bend is what happens to the bytes of a request or of an answer.
type Bend struct {
	Answer bool // of the answer, else of the request
	How    How
	N      int // in the unit of How
}

// How bytes are bent.
type How string

// The ways.
const (
	Swallowed How = "swallowed"  // they disappear, and the connection stays open
	Late      How = "late"       // N ms
	Trickling How = "trickling"  // N kilobytes a second
	Ended     How = "ended"      // the connection ends after N bytes
	BrokenOff How = "broken off" // the connection ends within the body
	Stalled   How = "stalled"    // the rest of the body disappears, and the connection stays open
	Reset     How = "torn down"  // the connection is reset (TCP RST)
)

// statusLine is what of an answer says its status, at the least.
const statusLine = len("HTTP/1.1 200")

// SaysStatus tells whether an answer that ends too early has its status, which may be taken as it is.
func (b Bend) SaysStatus() bool { return b.Answer && b.How == Ended && b.N >= statusLine }

// bend is the injection of a kind that acts where the fault's phase says.
func bend(f Fault, how How, n int) Injection {
	return Injection{Bends: []Bend{{Answer: f.At.Phase == saga.Response, How: how, N: n}}}
}

// Injection is what the fault does to the attempt that meets it; nth counts from 0 those
// that have met a window before.
func (f Fault) Injection(nth int) Injection {
	return KindOf(f).Injection(f, nth)
}

// KindOf is the kind of a valid fault.
func KindOf(f Fault) Kind {
	k, err := KindByName(f.Kind)
	if err != nil {
		panic(err)
	}
	return k
}

// halves tells whether the head of the answer comes, and not all of its body.
func (e Injection) halves() bool {
	return slices.ContainsFunc(e.Bends, func(b Bend) bool { return b.How == BrokenOff || b.How == Stalled })
}

// Passes tells whether the attempt is let through.
func (e Injection) Passes() bool {
	return !e.Refused && !e.Cut && len(e.Bends) == 0 && !e.Copied && e.Answer == nil && !e.Asked && len(e.Acts) == 0 && !e.Redefined && e.Victim == ""
}

// bare tells whether the answer has a head only.
func (e Injection) bare() bool {
	return e.Answer != nil && (e.Answer.Code == http.StatusNoContent || e.Answer.Garble == garble.Empty)
}

// Rolls tells whether somebody asks for the saga's rollback.
func (e Injection) Rolls() bool { return e.Asked || slices.Contains(e.Acts, saga.ActRollback) }

// OnProcess tells whether it is the orchestrator's process that suffers.
func (e Injection) OnProcess() bool { return e.Victim == ProcessKilled || e.Victim == ProcessPaused }

// Refuses tells whether the answer is a refusal for good: nothing was done.
func (e Injection) Refuses() bool {
	return e.Answer != nil && !e.Answer.Hangup && saga.Classify(e.Answer.Code) == saga.Permanent
}
