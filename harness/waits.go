package harness

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// waits knows until when something may still come by itself in a cell: each
// operation that was attempted may be attempted once more, whatever came of it,
// when its policy's wait is over, the Retry-After that it was answered, the time for
// which its circuit breaker is open or its retry budget holds it; and a deferrable step of a completed saga
// may begin. An operation that was never attempted costs no time. Who has not promised that
// deferrable steps are tried again as their policies say, as no workflow of the user's own has, may
// try one that it has left at any time.
type waits struct {
	freely bool // deferrable steps are tried again at any time
	defs   map[string]saga.Definition
	seen   int // events
	ops    map[saga.Operation]*attempted
	named  map[string]*attempted    // name of an effect → of what it is one
	failed map[string]time.Duration // breaker, budget → when a call under it last failed
	ended  map[string]time.Duration // completed saga → when it said so
	left   map[saga.Operation]bool  // deferrable steps that were reported as failed: nothing more is to come
	back   time.Duration            // when the orchestrator's process last came back
	paused time.Duration            // when it was last stopped; 0: never
	last   time.Duration            // when something last happened
}

// attempted is what is known of an operation.
type attempted struct {
	attempts   int
	last       time.Duration // when something was last seen of it
	retryAfter time.Duration // that the last attempt was answered
	settled    bool          // the orchestrator got to know that it is done, or refused for good
	sent       time.Duration // when the last attempt was first seen
	unread     bool          // its process was stopped since: maybe the answer came too late for it
	asked      bool          // its participant was asked what it holds, since
}

func newWaits(defs []saga.Definition, freely bool) *waits {
	w := &waits{
		freely: freely, named: map[string]*attempted{}, defs: map[string]saga.Definition{}, ops: map[saga.Operation]*attempted{},
		failed: map[string]time.Duration{}, ended: map[string]time.Duration{}, left: map[saga.Operation]bool{},
	}
	for _, d := range defs {
		w.defs[d.ID] = d
	}
	return w
}

// watch takes what was recorded since the last time, and gives the time.
func (w *waits) watch(rec *history.Recorder) (now time.Duration) {
	events, now := rec.Since(w.seen)
	w.seen += len(events)
	for i := range events {
		w.add(&events[i])
	}
	return now
}

func (w *waits) add(e *history.Event) {
	if w.counts(e) {
		w.last = e.At
	}
	switch e.Kind {
	case history.SagaEnded:
		if e.Status == saga.Completed {
			w.ended[e.Saga] = e.At
		}
	case history.SagaStatus:
		for _, st := range e.Steps {
			w.left[saga.Operation{Saga: e.Saga, Step: st.Name, Direction: saga.Action}] = st.Status == saga.StepFailed
		}
	case history.ProcessPaused:
		w.paused = e.At
	case history.ProcessReady, history.ProcessResumed:
		w.back = e.At
	case history.CallRead, history.CallBack:
		w.told(e)
		return
	}
	fault := e.Kind == history.FaultFired || e.Kind == history.FaultHealed
	if _, ok := w.call(e.Operation()); !ok || !fault && !e.Kind.OfCall() {
		return
	}
	op := w.ops[e.Operation()]
	if op == nil {
		op = &attempted{}
		w.ops[e.Operation()] = op
	}
	op.last, op.asked = e.At, false
	if e.Attempt > op.attempts {
		op.attempts, op.sent, op.retryAfter, op.unread = e.Attempt, e.At, 0, false
	}
	switch {
	case e.Kind == history.CallAnswered && e.Attempt == op.attempts:
		op.retryAfter = time.Duration(e.RetryAfterMS) * time.Millisecond
	case e.Kind == history.CallCommitted && e.Ref != "":
		w.named[e.Ref] = op
	case e.Kind == history.CallEnded && e.Code != 0 && !e.Partial && saga.Classify(e.Code) != saga.Transient:
		op.unread = w.paused > op.sent
		op.settled = !op.unread
	}
	if e.Kind == history.CallEnded && (e.Partial || saga.Classify(e.Code) != saga.Done) {
		call, _ := w.call(e.Operation())
		if call.Breaker != nil {
			w.failed[call.Breaker.Name] = e.At
		}
		if call.RetryBudget != nil {
			w.failed[budget+call.RetryBudget.Name] = e.At
		}
	}
}

// counts tells whether something happens by an event. An orchestrator that asks again and again what
// participants hold does nothing by that: only what it asks first, since something came of a step that is not
// settled, may be what the step's next round waits for.
func (w *waits) counts(e *history.Event) bool {
	if e.Kind != history.CallRead || e.Request != nil {
		return true
	}
	op := w.ops[e.Operation()]
	if op == nil || op.settled || op.asked {
		return false
	}
	op.asked = true
	return true
}

// told notes what the orchestrator got to know by asking, or without.
func (w *waits) told(e *history.Event) {
	if e.Partial || saga.Classify(e.Code) != saga.Done {
		return
	}
	for _, name := range e.Told {
		if op := w.named[name]; op != nil {
			op.settled = true
		}
	}
	call, _ := w.call(e.Operation())
	if op := w.ops[e.Operation()]; op != nil && (e.Kind == history.CallBack || call.Retry.Rounds > 1) {
		op.settled = true
	}
}

func (w *waits) call(op saga.Operation) (saga.Call, bool) {
	return w.defs[op.Saga].Call(op.Ref())
}

// open lists what is still to come after a time, and until when at the latest, in
// the order in which it is due.
func (w *waits) open(now time.Duration) []due {
	var open []due
	for op, a := range w.ops {
		if call, ok := w.call(op); ok {
			at := w.next(call, a)
			if d := w.defs[op.Saga]; d.HasRounds() { // the next may be the first of another round
				at = max(at, max(a.last, w.back)+slack(2*d.RoundDelay()))
			}
			open = append(open, due{op, at})
		}
	}
	for id, at := range w.ended {
		for _, s := range w.defs[id].Steps {
			op := saga.Operation{Saga: id, Step: s.Name, Direction: saga.Action}
			a := w.ops[op]
			switch {
			case s.Kind != saga.Deferrable:
			case a != nil && a.settled:
			case w.freely && !w.left[op] && (a == nil || !a.unread):
				open = append(open, due{op, whenever})
			case a == nil:
				open = append(open, due{op, at + late(s.Action.Retry, patience)})
			default:
				open = append(open, due{op, overdue(max(a.last, w.back), w.next(s.Action, a))})
			}
		}
	}
	open = slices.DeleteFunc(open, func(d due) bool { return d.at <= now })
	slices.SortFunc(open, func(a, b due) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.op.String(), b.op.String()))
	})
	return open
}

// whenever is when that comes of which nobody knows when it does.
const whenever time.Duration = math.MaxInt64

// patience is an attempt whose wait is as long as a policy's can be.
const patience = 64

// next is until when the next attempt of an operation may come. Attempts that were
// refused left no trace, and an orchestrator may have counted one more than we: the
// wait may be that of the attempt after. That is the longer one, but where a round ends.
func (w *waits) next(call saga.Call, a *attempted) time.Duration {
	at := max(a.last, w.back) + max(late(call.Retry, a.attempts+1), late(call.Retry, a.attempts+2), slack(a.retryAfter))
	if b := call.Breaker; b != nil {
		if failed, ok := w.failed[b.Name]; ok {
			at = max(at, failed+slack(b.Open()))
		}
	}
	if b := call.RetryBudget; b != nil {
		if failed, ok := w.failed[budget+b.Name]; ok {
			at = max(at, failed) + slack(w.hold(*b))
		}
	}
	return at
}

// hold is how long a retry may wait for its token at the most: until each other operation
// that has not settled has taken one, and one more for what a restart forgot.
func (w *waits) hold(b saga.RetryBudget) time.Duration {
	n := 1
	for op, a := range w.ops {
		if call, ok := w.call(op); ok && !a.settled && call.RetryBudget != nil && call.RetryBudget.Name == b.Name {
			n++
		}
	}
	return time.Duration(float64(n) / b.MinPerSecond * float64(time.Second))
}

// budget is before the names of retry budgets, which breakers may have too.
const budget = "budget "

// overdue is when a deferrable step that has not been done must have been attempted
// again, if its next attempt was due at a time: as long again, and as late as timers
// of busy machines are. Before that nobody can call it forgotten.
func overdue(last, due time.Duration) time.Duration { return due + max(due-last, time.Second) }

// late is how long the wait before attempt n may be.
func late(p saga.RetryPolicy, n int) time.Duration {
	_, hi := p.Band(n)
	return slack(hi)
}

// slack is a wait whose timer is late.
func slack(d time.Duration) time.Duration { return d + d/10 }

// due is an attempt that may come until a time.
type due struct {
	op saga.Operation
	at time.Duration
}

// unwaited says which waits a cell did not see the end of.
func unwaited(open []due, now time.Duration) string {
	if len(open) == 0 {
		return ""
	}
	latest := map[saga.StepRef]time.Duration{}
	for _, d := range open {
		ref := d.op.Ref()
		latest[ref] = max(latest[ref], d.at-now)
	}
	var parts []string
	for _, ref := range slices.SortedFunc(maps.Keys(latest), func(a, b saga.StepRef) int { return cmp.Compare(a.String(), b.String()) }) {
		if latest[ref] >= whenever-now {
			parts = append(parts, fmt.Sprintf("%s, which may be attempted at any time", ref))
			continue
		}
		parts = append(parts, fmt.Sprintf("%s, which may be attempted for %v more", ref, latest[ref].Round(time.Millisecond)))
	}
	return "not waited for: " + strings.Join(parts, "; ")
}
